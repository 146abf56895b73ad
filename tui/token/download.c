#include "download.h"

#include "piv.h"
#include "pub.h"

#include "base/str.h"

#include <stdio.h>
#include <string.h>

enum {
    SLOTS = 2,
    WAYS = 4 * SLOTS,
};

static enum err say(struct fault *f, enum err code, const char *en, const char *zh)
{
    enum err e = fail(f, code, "%s", en);
    if (f)
        snprintf(f->text_zh, sizeof f->text_zh, "%s", zh);
    return e;
}

/* -- memory -----------------------------------------------------------------------------------------------
 */

void download_memory_write(const struct download_memory *m, char out[static DOWNLOAD_LINE])
{
    uint8_t detail[PERSONALISE_DETAIL_MAX];
    size_t n = personalise_detail(&m->key, detail);
    snprintf(out, DOWNLOAD_LINE, "%c ", m->slot == UKEY_SIGN_A ? 'a' : 'b');
    hex_encode(detail, n, out + 2);
}

bool download_memory_read(struct download_memory *m, const char *line)
{
    uint8_t detail[PERSONALISE_DETAIL_MAX];
    *m = (struct download_memory){0};
    if ((line[0] != 'a' && line[0] != 'b') || line[1] != ' ')
        return false;
    size_t n = strspn(line + 2, "0123456789abcdef") / 2;
    if (!n || n > sizeof detail || !hex_decode(line + 2, detail, n) ||
        !personalise_detail_read(&m->key, detail, n))
        return false;
    m->slot = line[0] == 'a' ? UKEY_SIGN_A : UKEY_SIGN_B;
    m->there = true;
    return true;
}

/* -- what is on the token ---------------------------------------------------------------------------------
 */

struct view {
    bool issued;         /* a certificate that somebody issued */
    bool empty;          /* neither certificate nor key, as far as the token tells */
    bool untold;         /* whether there is a key, and which */
    struct ukey_pub pub; /* of a key that was made inside; alg 0: none is known */
    uint8_t der[UKEY_CERT_MAX];
    size_t n;
};

struct look {
    struct ukey_info info;
    struct view at[SLOTS];
};

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

static bool is_token(const struct personalise_record *r, const struct ukey_info *i)
{
    return r->has_serial == i->has_serial && (!r->has_serial || r->serial == i->serial) &&
           (!r->has_guid || (i->has_guid && memcmp(r->guid, i->guid, UKEY_GUID) == 0));
}

/* -- the ways to go on ------------------------------------------------------------------------------------
 */

struct way {
    enum ukey_slot slot;
    enum personalise_step from;
    struct ukey_pub pub;
    bool guess; /* whether the key is this one, a signature will tell */
};

struct ways {
    struct way at[WAYS];
    size_t n;
};

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

static struct ukey_info token_of(const struct personalise_record *r)
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
    struct ukey_info begun = token_of(&m->key);
    TRY(personalise_medium_number(&begun, number, f));
    enum err e =
        fail(f, ERR_PRECONDITION,
             "this download was begun with UKEY %s; insert that one (--slot a|b goes on with this)", number);
    snprintf(f->text_zh, sizeof f->text_zh,
             "该订单已使用UKEY %s 开始下载，请插入该UKEY（如改用当前UKEY，请指定 --slot a|b）", number);
    return e;
}

static enum err no_way(const struct download_plan *p, const struct look *l, struct fault *f)
{
    for (size_t i = 0; i < SLOTS; i++)
        if (allowed(p, i) && l->at[i].empty && l->at[i].untold)
            return say(f, ERR_PRECONDITION,
                       "this UKEY does not tell whether there is a key in its slots without certificate; "
                       "--slot a|b makes a new one there, in place of what there may be",
                       "此UKEY无法告知没有证书的密钥槽中是否已有密钥；请用 --slot a|b 指定密钥槽，"
                       "将在其中生成新密钥，原有密钥（如有）会被替换");
    return say(f, ERR_PRECONDITION, "the UKEY has no free slot: what is there is in use, and is not replaced",
               "UKEY中没有空闲的密钥槽，已有证书和密钥不会被覆盖");
}

static enum err find_ways(const struct download_plan *p, const struct download_memory *m,
                          const struct look *l, struct ways *out, struct fault *f)
{
    struct ukey_pub want;
    *out = (struct ways){0};
    if (p->cert_n) {
        TRY(pub_of_cert(p->cert, p->cert_n, &want, f));
        ways_of_certificate(p, m, l, &want, out);
        return out->n
                   ? OK
                   : say(f, ERR_PRECONDITION, "the order's certificate is for a key that is not on this UKEY",
                         "该订单的证书对应的密钥不在此UKEY中，请插入原UKEY");
    }
    TRY(begun_here(p, m, l, f));
    ways_to_a_key(p, m, l, out);
    return out->n ? OK : no_way(p, l, f);
}

/* -- before anything is made ------------------------------------------------------------------------------
 */

static struct ukey_admin_key admin_of(const struct download_plan *p, const struct ukey_info *i)
{
    struct ukey_admin_key k = p->admin ? *p->admin : piv_factory_admin(i->admin_alg);
    return k;
}

static enum err try_admin(struct ukey *u, const struct download_plan *p, struct ukey_info *i, struct fault *f)
{
    struct ukey_admin_key k = admin_of(p, i);
    enum ukey_admin_alg algs[2] = {k.alg ? k.alg : i->admin_alg, (enum ukey_admin_alg)0};
    if (!algs[0]) {
        algs[0] = UKEY_3DES;
        algs[1] = UKEY_AES192;
    }
    enum err e = ERR_CARD_REFUSED;
    for (size_t n = 0; n < 2 && algs[n] && e != OK; n++) {
        k.alg = algs[n];
        e = u->ops->admin_auth(u, &k, f);
        if (e != OK && e != ERR_CARD_REFUSED && e != ERR_NOT_FOUND && e != ERR_UNIMPLEMENTED)
            break;
    }
    if (e == OK)
        i->admin_alg = k.alg;
    wipe(&k, sizeof k);
    if (e != ERR_CARD_REFUSED && e != ERR_NOT_FOUND && e != ERR_UNIMPLEMENTED)
        return e;
    return say(f, ERR_PRECONDITION,
               p->admin ? "this is not the UKEY's management key"
                        : "the UKEY's management key is not the factory's; give it (--management-key-fd)",
               p->admin ? "UKEY管理密钥不正确" : "UKEY管理密钥不是出厂值，请通过 --management-key-fd 提供");
}

struct run {
    const struct download_plan *plan;
    const struct download_memory *before;
    struct look look;
    struct ways ways;
    struct personalise_secrets secrets;
    /* of the way that is tried */
    enum ukey_slot slot;
    struct personalise_record *record;
    enum err refused;  /* what the desk said of its key */
    bool made_already; /* the order's request is for another key than one that was tried */
    char medium[MEDIUM_NUMBER_SIZE];
};

static enum err look_around(struct ukey *u, struct run *r, struct fault *f)
{
    TRY(u->ops->select(u, f));
    TRY(u->ops->info(u, &r->look.info, f));
    for (size_t i = 0; i < SLOTS; i++)
        TRY(view_slot(u, (enum ukey_slot)i, &r->look.at[i], f));
    TRY(find_ways(r->plan, r->before, &r->look, &r->ways, f));
    TRY(r->plan->pin(r->plan->arg, u, r->secrets.pin, f));
    if (r->ways.at[0].from < PERSONALISE_CERTIFICATE_WRITTEN) /* else nothing will be written */
        TRY(try_admin(u, r->plan, &r->look.info, f));
    r->secrets.admin = admin_of(r->plan, &r->look.info);
    return OK;
}

/* -- the saga ----------------------------------------------------------------------------------------------
 */

static enum err remember(struct run *r, const struct personalise_record *rec, struct fault *f)
{
    struct download_memory m = {true, r->slot, *rec};
    return r->plan->remember(r->plan->arg, &m, f);
}

static enum err journal(void *arg, const struct personalise_record *rec, struct fault *f)
{
    struct run *r = arg;
    bool matters = rec->step == PERSONALISE_ADMIN_AUTHENTICATED /* a key is about to be made */
                   || rec->step == PERSONALISE_KEY_GENERATED;
    return matters ? remember(r, rec, f) : OK;
}

static enum err issue(void *arg, const uint8_t *csr, size_t n, uint8_t cert[UKEY_CERT_MAX], size_t *cert_n,
                      struct fault *f)
{
    struct run *r = arg;
    struct ukey_info i = token_of(r->record);
    TRY(personalise_medium_number(&i, r->medium, f));
    enum err e = r->plan->issue(r->plan->arg, r->medium, csr, n, cert, cert_n, f);
    r->refused = e == ERR_PRECONDITION || e == ERR_KEY_USED ? e : OK;
    return e;
}

static void progress(void *arg, enum personalise_step next)
{
    const struct run *r = arg;
    if (r->plan->progress)
        r->plan->progress(r->plan->arg, next);
}

static enum err go(struct channel *ch, struct run *r, const struct way *way, struct fault *f)
{
    const struct ukey_info *i = &r->look.info;
    struct personalise_record rec = {.step = way->from,
                                     .has_serial = i->has_serial,
                                     .serial = i->serial,
                                     .has_guid = i->has_guid,
                                     .pub = way->pub};
    memcpy(rec.guid, i->guid, UKEY_GUID);
    if (way->from >= PERSONALISE_ISSUED) {
        memcpy(rec.cert, r->plan->cert, r->plan->cert_n);
        rec.cert_n = r->plan->cert_n;
    }
    struct personalise_plan saga = {.slot = way->slot,
                                    .alg = UKEY_SM2,
                                    .otherwise = UKEY_P256,
                                    .common_name = r->plan->common_name,
                                    .proof_text = "certdesk download",
                                    .old = r->secrets,
                                    .fresh = r->secrets,
                                    .as_it_is = true,
                                    .arg = r,
                                    .journal = journal,
                                    .issue = issue,
                                    .progress = progress};
    r->slot = way->slot;
    r->record = &rec;
    r->refused = OK;
    enum err e = way->from == PERSONALISE_KEY_GENERATED && !way->guess ? remember(r, &rec, f) : OK;
    if (e == OK)
        e = personalise_run(ch, &saga, &rec, f);
    wipe(&saga.old, sizeof saga.old);
    wipe(&saga.fresh, sizeof saga.fresh);
    return e;
}

/* Another key may be the right one: the desk said that this is not, or the token did. */
static bool another_may_do(const struct run *r, const struct way *way, enum err e)
{
    return r->refused == e || (way->guess && e == ERR_CARD_DOUBTFUL);
}

/* The desk has another key's request: a key that is new cannot be the one, and what was remembered may. */
static void other_key(struct run *r)
{
    struct fault unasked;
    fault_clear(&unasked);
    r->made_already = true;
    if (r->before->there && r->before->key.pub.alg)
        (void)r->plan->remember(r->plan->arg, r->before, &unasked);
}

static enum err go_on(struct channel *ch, struct run *r, struct download_result *out, struct fault *f)
{
    enum err e = OK;
    for (size_t i = 0; i < r->ways.n; i++) {
        const struct way *way = &r->ways.at[i];
        if (r->made_already && way->from < PERSONALISE_KEY_GENERATED)
            continue;
        fault_clear(f);
        e = go(ch, r, way, f);
        if (e == OK) {
            *out = (struct download_result){.slot = way->slot,
                                            .was_there = way->from == PERSONALISE_CERTIFICATE_WRITTEN};
            snprintf(out->medium_number, sizeof out->medium_number, "%s", r->medium);
            return *out->medium_number ? OK : personalise_medium_number(&r->look.info, out->medium_number, f);
        }
        if (r->refused == ERR_PRECONDITION)
            other_key(r);
        if (!another_may_do(r, way, e))
            return e;
    }
    return e;
}

enum err download_run(struct channel *ch, const struct download_plan *plan, const struct download_memory *m,
                      struct download_result *out, struct fault *f)
{
    static struct fault unasked;
    f = f ? f : &unasked;
    const struct download_memory before = *m; /* the caller's may be what remember() writes to */
    struct run r = {.plan = plan, .before = &before};
    struct ukey u = {.ops = &PIV, .ch = ch};
    TRY(ch->ops->begin(ch, f));
    enum err e = look_around(&u, &r, f);
    ch->ops->end(ch, true);
    if (e == OK)
        e = go_on(ch, &r, out, f);
    wipe(&r.secrets, sizeof r.secrets);
    return e;
}
