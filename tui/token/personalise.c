/* personalise.c - the order of the steps, and what surrounds each of them. */
#include "personalise.h"

#include "personalise_steps.h"
#include "piv.h"
#include "pub.h"
#include "tlv.h"

#include "base/fi.h"
#include "base/str.h"

#include <stdio.h>
#include <string.h>

static const struct {
    const char *name, *en, *zh;
} STEP_TEXT[] = {
#define X(name, number, en, zh) [number] = {#name, en, zh},
    PERSONALISE_STEPS(X)
#undef X
};

static bool known(enum personalise_step s)
{
    return s > PERSONALISE_NONE && s <= PERSONALISE_FINISHED;
}

const char *personalise_step_name(enum personalise_step s)
{
    return known(s) ? STEP_TEXT[s].name : "";
}

const char *personalise_step_text(enum personalise_step s)
{
    return known(s) ? STEP_TEXT[s].en : "";
}

const char *personalise_step_text_zh(enum personalise_step s)
{
    return known(s) ? STEP_TEXT[s].zh : "";
}

void personalise_factory_secrets(struct personalise_secrets *out)
{
    *out = (struct personalise_secrets){.admin = piv_factory_admin((enum ukey_admin_alg)0)};
    snprintf(out->pin, sizeof out->pin, "%s", PIV_FACTORY_PIN);
    snprintf(out->puk, sizeof out->puk, "%s", PIV_FACTORY_PUK);
}

enum { /* tags of the detail */
    DETAIL_SERIAL = 0x80,
    DETAIL_GUID = 0x81,
    DETAIL_ALG = 0x82,
    DETAIL_POINT = 0x83,
};

size_t personalise_detail(const struct personalise_record *r, uint8_t out[static PERSONALISE_DETAIL_MAX])
{
    uint8_t serial[4] = {(uint8_t)(r->serial >> 24), (uint8_t)(r->serial >> 16), (uint8_t)(r->serial >> 8),
                         (uint8_t)r->serial};
    uint8_t alg = (uint8_t)r->pub.alg;
    size_t n = 0;
    bool fits = (!r->has_serial || tlv_put(out, PERSONALISE_DETAIL_MAX, &n, DETAIL_SERIAL, serial, 4)) &&
                (!r->has_guid || tlv_put(out, PERSONALISE_DETAIL_MAX, &n, DETAIL_GUID, r->guid, UKEY_GUID)) &&
                (!alg || (tlv_put(out, PERSONALISE_DETAIL_MAX, &n, DETAIL_ALG, &alg, 1) &&
                          tlv_put(out, PERSONALISE_DETAIL_MAX, &n, DETAIL_POINT, r->pub.point, UKEY_POINT)));
    return fits ? n : 0;
}

bool personalise_detail_read(struct personalise_record *r, const uint8_t *p, size_t n)
{
    size_t l = 0;
    const uint8_t *v = tlv_find(p, n, DETAIL_SERIAL, &l);
    if (v && l != 4)
        return false;
    r->has_serial = v != NULL;
    r->serial = v ? (uint32_t)v[0] << 24 | (uint32_t)v[1] << 16 | (uint32_t)v[2] << 8 | v[3] : 0;
    v = tlv_find(p, n, DETAIL_GUID, &l);
    if (v && l != UKEY_GUID)
        return false;
    r->has_guid = v != NULL;
    if (v)
        memcpy(r->guid, v, UKEY_GUID);
    size_t la = 0;
    const uint8_t *alg = tlv_find(p, n, DETAIL_ALG, &la);
    v = tlv_find(p, n, DETAIL_POINT, &l);
    r->pub = (struct ukey_pub){0};
    if (!alg && !v)
        return r->has_serial || r->has_guid || n == 0;
    if (!alg || !v || la != 1 || l != UKEY_POINT || (*alg != UKEY_P256 && *alg != UKEY_SM2))
        return false;
    r->pub = (struct ukey_pub){.alg = (enum ukey_alg) * alg, .made_inside = true};
    memcpy(r->pub.point, v, UKEY_POINT);
    return true;
}

/* X-table of what is done on the way to each step: with the token, then away from it. */
static const struct {
    enum personalise_step to;
    enum err (*card)(struct saga *s, struct fault *f);
    enum err (*away)(struct saga *s, struct fault *f);
} STEPS[] = {
    {PERSONALISE_IDENTIFIED, step_identify, NULL},
    {PERSONALISE_ADMIN_AUTHENTICATED, step_admin, NULL},
    {PERSONALISE_PIN_SET, step_pin, NULL},
    {PERSONALISE_PUK_SET, step_puk, NULL},
    {PERSONALISE_KEY_GENERATED, step_key, NULL},
    {PERSONALISE_ISSUED, step_request, step_issue},
    {PERSONALISE_CERTIFICATE_WRITTEN, step_write, NULL},
    {PERSONALISE_READ_BACK, step_read_back, NULL},
    {PERSONALISE_ADMIN_KEY_SET, step_admin_key, NULL},
    {PERSONALISE_FINISHED, step_prove, step_finish},
};

static void kill_point(enum personalise_step s)
{
    switch (s) {
#define X(name, number, en, zh)                                                                              \
    case PERSONALISE_##name:                                                                                 \
        FI("token." #name);                                                                                  \
        return;
        PERSONALISE_STEPS(X)
#undef X
    case PERSONALISE_NONE:
        return;
    }
}

/* Is it the token that the journal is about? Serial and GUID decide, never the reader's name. */
static enum err check_identity(const struct saga *s, struct fault *f)
{
    const struct personalise_record *r = s->r;
    const struct ukey_info *i = &s->info;
    if (r->has_serial && (!i->has_serial || i->serial != r->serial))
        return fail_in_both(f, ERR_PRECONDITION, "another UKEY is in the reader: the one begun with is %u",
                            "读卡器中不是开始时所用的UKEY（%u）", (unsigned)r->serial);
    if (r->has_guid && (!i->has_guid || memcmp(i->guid, r->guid, UKEY_GUID) != 0))
        return fail_in_both(f, r->has_serial ? ERR_CARD_DOUBTFUL : ERR_PRECONDITION,
                            "another UKEY is in the reader: its GUID is not the one begun with",
                            "读卡器中不是开始时所用的UKEY（GUID不同）");
    return OK;
}

/* Forgets what was verified, lets others at the token. What fails here changes nothing: the reset clears too.
 */
static void leave(struct saga *s)
{
    struct fault ignored;
    fault_clear(&ignored);
    if (s->pin_verified && s->u.ops->logout(&s->u, &ignored) != OK)
        fault_clear(&ignored);
    s->pin_verified = false;
    s->u.ch->ops->end(s->u.ch, true);
}

static enum err with_card(struct saga *s, enum err (*step)(struct saga *, struct fault *), struct fault *f)
{
    TRY(s->u.ch->ops->begin(s->u.ch, f));
    enum err e = s->u.ops->select(&s->u, f);
    if (e == OK)
        e = s->u.ops->info(&s->u, &s->info, f);
    if (e == OK)
        e = check_identity(s, f);
    if (e == OK)
        e = step(s, f);
    leave(s);
    return e;
}

static enum err check_secret(const char *secret, const char *factory, const char *name, struct fault *f)
{
    size_t n = strlen(secret);
    if (n < 6 || n > UKEY_SECRET_MAX || !strcmp(secret, factory))
        return fail_in_both(f, ERR_INVALID, "the planned %s is not fit to be one", "拟设置的%s不合要求",
                            name);
    return OK;
}

static enum err check_secrets(const struct personalise_plan *p, struct fault *f)
{
    TRY(check_secret(p->fresh.pin, PIV_FACTORY_PIN, "PIN", f));
    TRY(check_secret(p->fresh.puk, PIV_FACTORY_PUK, "PUK", f));
    struct ukey_admin_key factory = piv_factory_admin(p->fresh.admin.alg);
    if (same_bytes(factory.key, p->fresh.admin.key, 24))
        return fail_in_both(f, ERR_INVALID, "the planned management key is the factory's",
                            "拟设置的管理密钥为出厂值");
    return OK;
}

/* Everything that can be wrong with a plan is said before the token is touched. */
static enum err check_plan(const struct personalise_plan *p, const struct personalise_record *r,
                           struct fault *f)
{
    if (!p->as_it_is)
        TRY(check_secrets(p, f));
    if (!p->common_name || !*p->common_name || !p->proof_text || !p->journal || !p->issue)
        return fail_in_both(f, ERR_INVALID, "the plan is not complete", "制证计划不完整");
    bool cert_wanted = r->step >= PERSONALISE_ISSUED;
    if (r->step > PERSONALISE_FINISHED || (cert_wanted && (!r->cert_n || r->cert_n > UKEY_CERT_MAX)))
        return fail_in_both(f, ERR_INVALID, "the journal is not complete", "制证记录不完整");
    return OK;
}

/* What a holder's own token is spared. */
static bool sets_a_secret(enum personalise_step s)
{
    return s == PERSONALISE_PIN_SET || s == PERSONALISE_PUK_SET || s == PERSONALISE_ADMIN_KEY_SET;
}

static enum err run(struct saga *s, struct fault *f)
{
    struct personalise_record *r = s->r;
    for (size_t i = 0; i < sizeof STEPS / sizeof *STEPS; i++) {
        if (STEPS[i].to <= r->step || (s->plan->as_it_is && sets_a_secret(STEPS[i].to)))
            continue;
        enum personalise_step before = r->step;
        if (s->plan->progress)
            s->plan->progress(s->plan->arg, STEPS[i].to);
        TRY(with_card(s, STEPS[i].card, f));
        if (STEPS[i].away)
            TRY(STEPS[i].away(s, f));
        r->step = STEPS[i].to;
        enum err e = s->plan->journal(s->plan->arg, r, f);
        if (e != OK) {
            r->step = before;
            return e;
        }
        kill_point(r->step);
        s->resumed = false;
    }
    return OK;
}

enum err personalise_run(struct channel *ch, const struct personalise_plan *plan,
                         struct personalise_record *r, struct fault *f)
{
    TRY(check_plan(plan, r, f));
    struct saga s = {
        .u = {.ops = &PIV, .ch = ch}, .plan = plan, .r = r, .resumed = r->step >= PERSONALISE_IDENTIFIED};
    arena_init(&s.arena, 0);
    enum err e = OK;
    if (r->step >= PERSONALISE_ISSUED) /* the certificate is the better witness of its key */
        e = pub_of_cert(r->cert, r->cert_n, &r->pub, f);
    if (e == OK)
        e = run(&s, f);
    arena_free(&s.arena);
    if (e == OK && f) /* refusals on the way were answers */
        fault_clear(f);
    return e;
}

enum err personalise_identify(struct channel *ch, struct ukey_info *out, struct fault *f)
{
    struct ukey u = {.ops = &PIV, .ch = ch};
    TRY(ch->ops->begin(ch, f));
    enum err e = u.ops->select(&u, f);
    if (e == OK)
        e = u.ops->info(&u, out, f);
    ch->ops->end(ch, false);
    return e;
}

enum err personalise_medium_number(const struct ukey_info *info, char out[static MEDIUM_NUMBER_SIZE],
                                   struct fault *f)
{
    if (info->has_serial)
        snprintf(out, MEDIUM_NUMBER_SIZE, "%u", (unsigned)info->serial);
    else if (info->has_guid)
        hex_encode(info->guid, UKEY_GUID, out);
    else
        return fail_in_both(f, ERR_PRECONDITION, "the UKEY has neither a serial number nor a GUID",
                            "UKEY既没有序列号也没有GUID");
    return OK;
}
