#include "download_ways.h"

#include "pub.h"

#include <stdio.h>
#include <string.h>

/* -- what is on the token ---------------------------------------------------------------------------------
 */

static enum err view_slot(struct ukey *u, enum ukey_slot slot, struct view *v, struct fault *f)
{
    struct ukey_pub pub = {0};
    struct fault why;
    *v = (struct view){0};
    TRY(u->ops->read_cert(u, slot, v->der, sizeof v->der, &v->n, f));
    enum err e = u->ops->get_pub(u, slot, &pub, f);
    if (e != OK && e != ERR_NOT_FOUND && e != ERR_UNIMPLEMENTED && e != ERR_PRECONDITION)
        return e;
    v->untold = e == ERR_UNIMPLEMENTED;
    v->empty = !v->n && e != OK && e != ERR_PRECONDITION; /* that is a key of another kind */
    if (e == OK && pub.made_inside)
        v->pub = pub;
    fault_clear(&why);
    if (v->n && pub_of_cert(v->der, v->n, &pub, &why) == OK) {
        v->issued = !cert_self_made(v->der, v->n);
        if (!v->issued && v->untold) { /* some tokens make one with every key: it tells which */
            v->pub = pub;
            v->untold = false;
        }
    }
    fault_clear(f);
    return OK;
}

enum err download_look(struct ukey *u, struct look *out, struct fault *f)
{
    TRY(u->ops->info(u, &out->info, f));
    for (size_t i = 0; i < SLOTS; i++)
        TRY(view_slot(u, (enum ukey_slot)i, &out->at[i], f));
    return OK;
}

static bool is_token(const struct personalise_record *r, const struct ukey_info *i)
{
    return r->has_serial == i->has_serial && (!r->has_serial || r->serial == i->serial) &&
           (!r->has_guid || (i->has_guid && memcmp(r->guid, i->guid, UKEY_GUID) == 0));
}

/* -- the ways to go on ------------------------------------------------------------------------------------
 */

static void add(struct ways *w, enum ukey_slot slot, enum personalise_step from, const struct ukey_pub *pub,
                bool guess)
{
    if (w->n < WAYS)
        w->at[w->n++] = (struct way){slot, from, pub ? *pub : (struct ukey_pub){0}, guess};
}

static bool allowed(const struct download_plan *p, size_t slot)
{
    return !p->slot_given || p->slot == (enum ukey_slot)slot;
}

/* The key that was remembered, if it may still be in its slot. */
static bool remembered(const struct download_memory *m, const struct look *l, size_t slot)
{
    const struct view *v = &l->at[slot];
    return m->there && m->slot == (enum ukey_slot)slot && is_token(&m->key, &l->info) && !v->issued &&
           (!v->pub.alg || !m->key.pub.alg || pub_same(&v->pub, &m->key.pub));
}

/* Without a key in the memory, one was about to be made in this slot, which was empty. */
static void add_remembered(struct ways *w, const struct download_memory *m, const struct view *v)
{
    const struct ukey_pub *pub = m->key.pub.alg ? &m->key.pub : &v->pub;
    if (pub->alg)
        add(w, m->slot, PERSONALISE_KEY_GENERATED, pub, false);
    else if (v->empty)
        add(w, m->slot, PERSONALISE_IDENTIFIED, NULL, false);
}

/* The order has its certificate: only its key will do. */
static void ways_of_certificate(const struct download_plan *p, const struct download_memory *m,
                                const struct look *l, const struct ukey_pub *want, struct ways *out)
{
    for (size_t i = 0; i < SLOTS; i++)
        if (allowed(p, i) && l->at[i].n == p->cert_n && memcmp(l->at[i].der, p->cert, p->cert_n) == 0)
            add(out, (enum ukey_slot)i, PERSONALISE_CERTIFICATE_WRITTEN, want, false);
    for (size_t i = 0; i < SLOTS; i++) {
        const struct view *v = &l->at[i];
        bool known =
            v->pub.alg ? pub_same(&v->pub, want) : remembered(m, l, i) && pub_same(&m->key.pub, want);
        if (allowed(p, i) && known && !v->issued)
            add(out, (enum ukey_slot)i, PERSONALISE_KEY_GENERATED, want, false);
    }
    for (size_t i = 0; i < SLOTS; i++)
        if (allowed(p, i) && l->at[i].untold && !l->at[i].issued)
            add(out, (enum ukey_slot)i, PERSONALISE_KEY_GENERATED, want, true);
}

/* A slot for a new key. Where the token does not tell whether there is one, only who says --slot may. */
static bool is_free(const struct download_plan *p, const struct view *v)
{
    return v->empty && (!v->untold || p->slot_given);
}

/* The key of before; else a new one; else one that was made on this UKEY and has no certificate: perhaps it
 * is the key of before, of which nothing is remembered here. */
static void ways_to_a_key(const struct download_plan *p, const struct download_memory *m,
                          const struct look *l, struct ways *out)
{
    for (size_t i = 0; i < SLOTS; i++)
        if (allowed(p, i) && remembered(m, l, i))
            add_remembered(out, m, &l->at[i]);
    for (size_t i = 0; i < SLOTS; i++)
        if (allowed(p, i) && is_free(p, &l->at[i]) && !remembered(m, l, i))
            add(out, (enum ukey_slot)i, PERSONALISE_IDENTIFIED, NULL, false);
    for (size_t i = 0; i < SLOTS; i++)
        if (allowed(p, i) && l->at[i].pub.alg && !l->at[i].issued && !remembered(m, l, i))
            add(out, (enum ukey_slot)i, PERSONALISE_KEY_GENERATED, &l->at[i].pub, false);
}

struct ukey_info download_token(const struct personalise_record *r)
{
    struct ukey_info i = {.has_serial = r->has_serial, .serial = r->serial, .has_guid = r->has_guid};
    memcpy(i.guid, r->guid, UKEY_GUID);
    return i;
}

/* A key was made on another UKEY, and perhaps asked for: one made here would be refused, and the memory of
 * the right one gone. Who says --slot means this UKEY. */
static enum err begun_here(const struct download_plan *p, const struct download_memory *m,
                           const struct look *l, struct fault *f)
{
    char number[MEDIUM_NUMBER_SIZE];
    if (!m->there || !m->key.pub.alg || p->slot_given || is_token(&m->key, &l->info))
        return OK;
    struct ukey_info begun = download_token(&m->key);
    TRY(personalise_medium_number(&begun, number, f));
    return fail_in_both(
        f, ERR_PRECONDITION,
        "this download was begun with UKEY %s; insert that one (--slot a|b goes on with this)",
        "该订单已使用UKEY %s 开始下载，请插入该UKEY（如改用当前UKEY，请指定 --slot a|b）", number);
}

static enum err no_way(const struct download_plan *p, const struct look *l, struct fault *f)
{
    for (size_t i = 0; i < SLOTS; i++)
        if (allowed(p, i) && l->at[i].empty && l->at[i].untold)
            return fail_both(
                f, ERR_PRECONDITION,
                "this UKEY does not tell whether there is a key in its slots without certificate; "
                "--slot a|b makes a new one there, in place of what there may be",
                "此UKEY无法告知没有证书的密钥槽中是否已有密钥；请用 --slot a|b 指定密钥槽，"
                "将在其中生成新密钥，原有密钥（如有）会被替换");
    return fail_both(f, ERR_PRECONDITION,
                     "the UKEY has no free slot: what is there is in use, and is not replaced",
                     "UKEY中没有空闲的密钥槽，已有证书和密钥不会被覆盖");
}

enum err download_ways(const struct download_plan *p, const struct download_memory *m, const struct look *l,
                       struct ways *out, struct fault *f)
{
    struct ukey_pub want;
    *out = (struct ways){0};
    if (p->cert_n) {
        TRY(pub_of_cert(p->cert, p->cert_n, &want, f));
        ways_of_certificate(p, m, l, &want, out);
        return out->n ? OK
                      : fail_both(f, ERR_PRECONDITION,
                                  "the order's certificate is for a key that is not on this UKEY",
                                  "该订单的证书对应的密钥不在此UKEY中，请插入原UKEY");
    }
    TRY(begun_here(p, m, l, f));
    ways_to_a_key(p, m, l, out);
    return out->n ? OK : no_way(p, l, f);
}
