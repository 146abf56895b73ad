#include "download.h"

#include "download_ways.h"
#include "piv.h"

#include "base/str.h"

#include <stdio.h>
#include <string.h>

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
    return fail_both(
        f, ERR_PRECONDITION,
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
    TRY(download_look(u, &r->look, f));
    TRY(download_ways(r->plan, r->before, &r->look, &r->ways, f));
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
    struct ukey_info i = download_token(r->record);
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
