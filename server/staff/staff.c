#include "staff/staff.h"

#include "account/login_tries.h"
#include "account/session.h"
#include "app.h"
#include "core/audit.h"
#include "core/crypt.h"
#include "core/password.h"
#include "identity/remittance.h"
#include "invoice/invoice_store.h"
#include "order/order.h"
#include "payment/reconcile_store.h"
#include "payment/refund_store.h"
#include "staff/staff_store.h"

#include <liboath/oath.h>
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

enum {
    TOTP_STEP_S = 30,
    TOTP_DIGITS = 6,
    TOTP_DRIFT = 1,
    SECRET_BYTES = 20,
    QUERY_MAX = 64,
    MONEY_MARKS = 3
};

static const int64_t MONTH_MS = INT64_C(31) * 24 * 3600000;

/* The 30-second step that the code belongs to, newer than the last one used; -1 when there is none. */
static int64_t totp_step_of(const struct staff_row *s, const char *code, int64_t now_ms)
{
    time_t now = (time_t)(now_ms / 1000);
    int64_t current = now / TOTP_STEP_S;
    for (int64_t step = current - TOTP_DRIFT; step <= current + TOTP_DRIFT; step++) {
        char want[TOTP_DIGITS + 1];
        if (oath_totp_generate(s->totp, s->totp_n, (time_t)(step * TOTP_STEP_S), TOTP_STEP_S, 0, TOTP_DIGITS,
                               want) != OATH_OK)
            return -1;
        bool same = strlen(code) == TOTP_DIGITS && same_bytes(want, code, TOTP_DIGITS);
        wipe(want, sizeof want);
        if (same && step > s->totp_step)
            return step;
    }
    return -1;
}

/* For a name that nobody has like for any other. */
static enum err refuse(struct ctx *c, const struct login_tries *t, const struct staff_row *s)
{
    TRY(login_tries_wrong(c, t));
    if (s)
        TRY(audit_add(c, &(struct audit_entry){"staff.login_failed", s->staff.id, s->version, NULL}));
    c->keep = true; /* the count stays */
    return fail(c->fault, ERR_LOGIN_FAILED, NULL);
}

enum err staff_login(struct ctx *c, const char *login, const char *password, const char *totp,
                     struct staff *out, char token[static 44], int64_t *expires_ms)
{
    if (!*login)
        fault_field(c->fault, "login", "REQUIRED", "your user name", "请输入用户名");
    if (!*password)
        fault_field(c->fault, "password", "REQUIRED", "your password", "请输入密码");
    if (!*totp)
        fault_field(c->fault, "totp", "REQUIRED", "the six digits of your authenticator", "请输入动态口令");
    TRY(fault_fields(c->fault));
    struct staff_row s;
    struct login_tries tries;
    bool known, password_ok;
    TRY(found_or_not(c->fault, staff_by_login(c, login, &s), &known));
    /* of nobody, too: what is asked is the same for every name */
    const char *of = known ? arena_printf(c->arena, "%s|%s", s.staff.id, s.password) : "nobody";
    TRY(login_tries_look_staff(c, login, of, &tries));
    TRY(password_check(c, PASSWORD_OF_STAFF, known ? s.password : NULL, password, &password_ok));
    if (!known)
        return refuse(c, &tries, NULL);
    int64_t step = totp_step_of(&s, totp, c->now_ms);
    if (!password_ok || step < 0 || s.disabled)
        return refuse(c, &tries, &s);
    TRY(staff_note_login(c, &s, step));
    TRY(login_tries_right_staff(c, &tries));
    TRY(session_start(c, CALLER_STAFF, s.staff.id, "", s.staff.roles, token, expires_ms));
    *out = s.staff;
    return audit_add(c, &(struct audit_entry){"staff.login", s.staff.id, s.version + 1, NULL});
}

enum err staff_self(struct ctx *c, struct staff *out)
{
    struct staff_row s;
    TRY(staff_by_id(c, c->caller.id, &s));
    *out = s.staff;
    return OK;
}

enum err staff_roles(const char *words, unsigned *out, struct fault *f)
{
    static const struct {
        const char *word;
        unsigned bit;
    } known[] = {{"reviewer", ROLE_REVIEWER}, {"operator", ROLE_OPERATOR}, {"shipper", ROLE_SHIPPER},
                 {"admin", ROLE_ADMIN},       {"auditor", ROLE_AUDITOR},   {"finance", ROLE_FINANCE}};
    *out = 0;
    for (const char *p = words; *p;) {
        size_t n = strcspn(p, ","), i;
        for (i = 0; i < sizeof known / sizeof *known; i++)
            if (strlen(known[i].word) == n && strncmp(known[i].word, p, n) == 0)
                break;
        if (i == sizeof known / sizeof *known)
            return fail(f, ERR_INVALID,
                        "\"%.*s\" is no role; there are reviewer, operator, shipper, admin, auditor, finance",
                        (int)n, p);
        *out |= known[i].bit;
        p += n + (p[n] == ',');
    }
    return *out ? OK : fail(f, ERR_INVALID, "a person needs at least one role");
}

enum err staff_put(struct ctx *c, const char *login, const char *name, const char *password, unsigned roles,
                   const char **totp_base32, bool *replaced)
{
    struct staff_row known;
    struct staff s = {.login = login, .name = name, .roles = roles};
    enum err e = staff_by_login(c, login, &known);
    if (e != OK && e != ERR_NOT_FOUND)
        return e;
    fault_clear(c->fault);
    *replaced = e == OK;
    if (*replaced)
        memcpy(s.id, known.staff.id, ID_SIZE);
    else
        id_new("stf", s.id);
    const char *hash;
    unsigned char secret[SECRET_BYTES];
    char *base32 = NULL;
    random_bytes(secret, sizeof secret);
    TRY(crypt_password_hash(c->arena, password, &hash, c->fault));
    TRY(staff_upsert(c, &s, hash, secret, sizeof secret));
    TRY(session_end_all(c, s.id));
    TRY(login_tries_forget_staff(c, login));
    if (oath_base32_encode((const char *)secret, sizeof secret, &base32, NULL) != OATH_OK)
        return fail(c->fault, ERR_INTERNAL, "the TOTP secret could not be written down");
    *totp_base32 = arena_strdup(c->arena, base32);
    free(base32);
    wipe(secret, sizeof secret);
    return audit_add(c, &(struct audit_entry){"staff.put", s.id, 0, NULL});
}

/* What waits for the eyes of finance. */
static enum err money_queues(struct ctx *c, struct queues *out, int64_t marks[static MONEY_MARKS])
{
    if (!(c->caller.roles & (ROLE_ADMIN | ROLE_FINANCE | ROLE_AUDITOR)))
        return OK;
    TRY(captures_waiting(c, &out->captures, &marks[0]));
    TRY(reconciliations_different(c, c->now_ms - MONTH_MS, &out->reconciliations, &marks[1]));
    return remittances_waiting(c, &out->remittances, &marks[2]);
}

enum err staff_queues(struct ctx *c, struct queues *out)
{
    struct outbox_counts jobs;
    int64_t invoices, money[MONEY_MARKS] = {0};
    TRY(staff_queue_counts(c, out));
    TRY(outbox_stats(c, &jobs));
    out->exhausted_jobs = jobs.exhausted + jobs.failed;
    TRY(invoices_waiting(c, &out->invoices, &invoices));
    TRY(money_queues(c, out, money));
    const int64_t counts[] = {out->exhausted_jobs,
                              out->captures,
                              out->reconciliations,
                              out->remittances,
                              out->invoices,
                              invoices,
                              jobs.mark,
                              money[0],
                              money[1],
                              money[2]};
    uint64_t mark = (uint64_t)out->mark;
    for (size_t i = 0; i < sizeof counts / sizeof *counts; i++)
        mark = (mark ^ (uint64_t)counts[i]) * 1099511628211u; /* FNV-1a, as before */
    out->mark = (int64_t)(mark >> 1);
    return OK;
}

enum err staff_find(struct ctx *c, const char *query, struct found_order **out, size_t *n)
{
    struct buf key = BUF(c->arena);
    for (const char *p = query; *p; p++) {
        if ((unsigned char)*p >= 0x80 || key.n > QUERY_MAX) { /* no id or number has such a thing */
            *n = 0;
            return OK;
        }
        if (!isspace((unsigned char)*p))
            buf_add(&key, p, 1);
    }
    unsigned char uscc[32], resident[32]; /* the places that order_store.c seeks by */
    struct buf upper = BUF(c->arena);
    for (const char *p = buf_text(&key); *p; p++)
        buf_printf(&upper, "%c", toupper((unsigned char)*p));
    crypt_lookup(c->app->keys, "uscc", buf_text(&upper), uscc);
    crypt_lookup(c->app->keys, "resident_id", buf_text(&upper), resident);
    const char **ids;
    TRY(staff_find_ids(c, buf_text(&key), uscc, resident, &ids, n));
    *out = ARENA_ARRAY(c->arena, struct found_order, *n + 1);
    for (size_t i = 0; i < *n; i++) {
        struct order o;
        TRY(order_load(c, ids[i], &o));
        (*out)[i] = (struct found_order){ids[i], o.subject.name, (int)o.state, o.created_ms};
    }
    return OK;
}
