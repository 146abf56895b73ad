#include "command/issue.h"

#include "base/clock.h"
#include "base/str.h"
#include "token/personalise.h"
#include "token/reader.h"
#include "tr/tr.h"

#include <certdesk/v1/issuance_service.pb-c.h>
#include <certdesk/v1/stock_service.pb-c.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#define ISSUANCE(name) ((struct rpc_method){&certdesk__v1__issuance_service__descriptor, name})

enum {
    PATIENCE_MS = 60000, /* for a server that does not answer: it may be starting again */
};

struct run {
    struct rpc_channel *rpc;
    const struct issue_options *o;
    struct arena arena;
    char id[64]; /* personalisation */
    char proof[128];
    int last; /* the step announced last */
};

/* ---- what it says ---- */

/* Tabs and newlines would break a line; sentences of the server are text of others. */
static const char *flat(struct arena *a, const char *s)
{
    char *t = arena_strdup(a, s);
    for (char *p = t; *p; p++)
        if (*p == '\t' || *p == '\n' || *p == '\r')
            *p = ' ';
    return t;
}

static void say(const struct run *r, const char *word, const char *field)
{
    if (!r->o->progress)
        return;
    printf("%s\t%s\n", word, field);
    fflush(stdout);
}

static void say_step(const struct run *r, const char *word, int step)
{
    char n[12];
    snprintf(n, sizeof n, "%d", step);
    say(r, word, n);
    if (!r->o->progress && strcmp(word, "step") == 0) {
        printf("%2d/11 %s\n", step,
               tr_chinese() ? personalise_step_text_zh((enum personalise_step)step)
                            : personalise_step_text((enum personalise_step)step));
        fflush(stdout);
    }
}

static void say_fault(struct run *r, const char *word, const struct fault *f)
{
    struct arena a;
    if (!r->o->progress)
        return;
    arena_init(&a, 0);
    if (strcmp(word, "error") == 0)
        printf("error\t%s\t%s\t%s\n", err_name(f->code), flat(&a, fault_text(f)), flat(&a, fault_text_zh(f)));
    else
        printf("%s\t%s\t%s\n", word, flat(&a, fault_text(f)), flat(&a, fault_text_zh(f)));
    fflush(stdout);
    arena_free(&a);
}

/* ---- calls ---- */

static bool worth_repeating(enum err e)
{
    enum rpc_status s = err_status(e);
    return e != OK && (s == RPC_UNAVAILABLE || s == RPC_DEADLINE_EXCEEDED || s == RPC_ABORTED ||
                       s == RPC_RESOURCE_EXHAUSTED);
}

static void pause_ms(int64_t ms)
{
    struct timespec t = {ms / 1000, ms % 1000 * 1000000};
    nanosleep(&t, NULL);
}

/* Repeats under the same request_id while the server does not answer. */
static enum err call(struct run *r, const char *name, const ProtobufCMessage *request,
                     const ProtobufCMessage **response, struct fault *f)
{
    int64_t until = clock_mono_ms() + PATIENCE_MS, wait = 200;
    for (;;) {
        fault_clear(f);
        enum err e = rpc_unary(r->rpc, ISSUANCE(name), request, 10000, &r->arena, response, f);
        if (!worth_repeating(e) || clock_mono_ms() + wait > until)
            return e;
        say_fault(r, "retry", f);
        pause_ms(f->retry_ms > wait && f->retry_ms < 5000 ? f->retry_ms : wait);
        wait = wait < 2000 ? wait * 2 : 2000;
    }
}

static enum err journal(void *arg, const struct personalise_record *rec, struct fault *f)
{
    struct run *r = arg;
    uint8_t detail[PERSONALISE_DETAIL_MAX];
    char id[ID_SIZE];
    const ProtobufCMessage *out;
    if (rec->step == PERSONALISE_FINISHED) { /* FinishPersonalisation has recorded it */
        say_step(r, "done", (int)rec->step);
        return OK;
    }
    Certdesk__V1__RecordStepRequest q = CERTDESK__V1__RECORD_STEP_REQUEST__INIT;
    id_new("req", id);
    q.request_id = id;
    q.personalisation_id = r->id;
    q.step = (Certdesk__V1__PersonalisationStep)rec->step;
    q.detail.data = detail;
    q.detail.len = personalise_detail(rec, detail);
    TRY(call(r, "RecordStep", &q.base, &out, f));
    say_step(r, "done", (int)rec->step);
    return OK;
}

static enum err take_certificate(const ProtobufCBinaryData *der, uint8_t cert[UKEY_CERT_MAX], size_t *n,
                                 struct fault *f)
{
    if (der->len == 0 || der->len > UKEY_CERT_MAX)
        return fail(f, ERR_INTERNAL, "the certificate has %zu bytes; the UKEY takes %d", der->len,
                    (int)UKEY_CERT_MAX);
    memcpy(cert, der->data, der->len);
    *n = der->len;
    return OK;
}

static enum err issue(void *arg, const uint8_t *csr, size_t n, uint8_t cert[UKEY_CERT_MAX], size_t *cert_n,
                      struct fault *f)
{
    struct run *r = arg;
    char id[ID_SIZE];
    const ProtobufCMessage *out;
    Certdesk__V1__IssueCertificateRequest q = CERTDESK__V1__ISSUE_CERTIFICATE_REQUEST__INIT;
    id_new("req", id);
    q.request_id = id;
    q.personalisation_id = r->id;
    q.csr_der.data = (uint8_t *)(uintptr_t)csr;
    q.csr_der.len = n;
    TRY(call(r, "IssueCertificate", &q.base, &out, f));
    return take_certificate(
        &((const Certdesk__V1__IssueCertificateResponse *)(const void *)out)->certificate_der, cert, cert_n,
        f);
}

static enum err finish(void *arg, const uint8_t *cert, size_t cert_n, const uint8_t *sig, size_t sig_n,
                       struct fault *f)
{
    struct run *r = arg;
    char id[ID_SIZE];
    const ProtobufCMessage *out;
    Certdesk__V1__FinishPersonalisationRequest q = CERTDESK__V1__FINISH_PERSONALISATION_REQUEST__INIT;
    id_new("req", id);
    q.request_id = id;
    q.personalisation_id = r->id;
    q.certificate_der.data = (uint8_t *)(uintptr_t)cert;
    q.certificate_der.len = cert_n;
    q.signature.data = (uint8_t *)(uintptr_t)sig;
    q.signature.len = sig_n;
    return call(r, "FinishPersonalisation", &q.base, &out, f);
}

static void progress(void *arg, enum personalise_step next)
{
    say_step(arg, "step", (int)next);
}

/* ---- the order's UKEY ---- */

static void ask(void *arg, const char *text, const char *text_zh)
{
    struct run *r = arg;
    if (r->o->progress)
        say(r, "waiting", arena_printf(&r->arena, "%s\t%s", text, text_zh));
    else
        fprintf(stderr, "%s\n", tr_chinese() ? text_zh : text);
}

static enum err find_reader(struct run *r, char reader[static READER_NAME], struct fault *f)
{
    if (r->o->reader && *r->o->reader) {
        snprintf(reader, READER_NAME, "%s", r->o->reader);
        return OK;
    }
    return reader_wait_card(r->o->wait_ms, ask, r, reader, f);
}

static enum err identify(struct run *r, struct channel *card, char medium[static MEDIUM_NUMBER_SIZE],
                         struct fault *f)
{
    struct ukey_info info;
    TRY(personalise_identify(card, &info, f));
    TRY(personalise_medium_number(&info, medium, f));
    if (r->o->medium && strcmp(r->o->medium, medium) != 0)
        return fail(f, ERR_PRECONDITION, "another UKEY is in the reader: %s", medium);
    say(r, "medium", medium);
    if (!r->o->progress)
        printf("UKEY %s\n", medium);
    return OK;
}

/* Nearly always the UKEY is not in the stock: then say that, instead of "no such object". */
static void explain_unknown(struct run *r, const char *medium, struct fault *f)
{
    struct fault ignored;
    const ProtobufCMessage *response;
    Certdesk__V1__GetTokenRequest q = CERTDESK__V1__GET_TOKEN_REQUEST__INIT;
    q.medium_number = (char *)(uintptr_t)medium;
    fault_clear(&ignored);
    if (rpc_unary(r->rpc, (struct rpc_method){&certdesk__v1__stock_service__descriptor, "GetToken"}, &q.base,
                  10000, &r->arena, &response, &ignored) != ERR_NOT_FOUND)
        return;
    snprintf(f->text, sizeof f->text, "the UKEY %s is not in the stock: take it in first", medium);
    snprintf(f->text_zh, sizeof f->text_zh, "UKEY %s 未入库，请先办理入库", medium);
}

static enum err begin(struct run *r, const char *medium, const Certdesk__V1__Personalisation **out,
                      struct fault *f)
{
    /* Whether the token can do SM2 shows only when a key is made; then P-256 is taken instead. */
    Certdesk__V1__KeyAlgorithm can[] = {CERTDESK__V1__KEY_ALGORITHM__KEY_ALGORITHM_SM2,
                                        CERTDESK__V1__KEY_ALGORITHM__KEY_ALGORITHM_P256};
    char id[ID_SIZE];
    const ProtobufCMessage *response;
    Certdesk__V1__BeginPersonalisationRequest q = CERTDESK__V1__BEGIN_PERSONALISATION_REQUEST__INIT;
    id_new("req", id);
    q.request_id = id;
    q.order_id = (char *)(uintptr_t)r->o->order_id;
    q.medium_number = (char *)(uintptr_t)medium;
    q.algorithms = can;
    q.n_algorithms = 2;
    enum err e = call(r, "BeginPersonalisation", &q.base, &response, f);
    if (e == ERR_NOT_FOUND)
        explain_unknown(r, medium, f);
    TRY(e);
    *out = ((const Certdesk__V1__BeginPersonalisationResponse *)(const void *)response)->personalisation;
    if (!*out || !*(*out)->id)
        return fail(f, ERR_INTERNAL, "the server began nothing");
    snprintf(r->id, sizeof r->id, "%s", (*out)->id);
    say(r, "begun", arena_printf(&r->arena, "%s\t%d\t%d", r->id, (*out)->copy, (*out)->quantity));
    if (!r->o->progress && (*out)->quantity > 1)
        printf(_("UKEY %d of %d of this order\n"), (*out)->copy, (*out)->quantity);
    return OK;
}

static enum err take_secrets(const Certdesk__V1__Personalisation *p, struct personalise_secrets *s,
                             struct fault *f)
{
    *s = (struct personalise_secrets){0};
    if (p->management_key.len != 24 || strlen(p->pin) > UKEY_SECRET_MAX || strlen(p->puk) > UKEY_SECRET_MAX)
        return fail(f, ERR_INTERNAL, "the server's secrets do not fit a UKEY");
    memcpy(s->admin.key, p->management_key.data, p->management_key.len);
    snprintf(s->pin, sizeof s->pin, "%s", p->pin);
    snprintf(s->puk, sizeof s->puk, "%s", p->puk);
    return OK;
}

static enum err write_ukey(struct run *r, struct channel *card, const Certdesk__V1__Personalisation *p,
                           struct fault *f)
{
    struct personalise_record rec = {.step = (enum personalise_step)p->step};
    struct personalise_plan plan = {
        .slot = UKEY_SIGN_A,
        .alg = p->algorithm == CERTDESK__V1__KEY_ALGORITHM__KEY_ALGORITHM_SM2 ? UKEY_SM2 : UKEY_P256,
        .otherwise = UKEY_P256,
        .common_name = r->o->order_id,
        .proof_text = r->proof,
        .arg = r,
        .journal = journal,
        .issue = issue,
        .finish = finish,
        .progress = progress,
    };
    snprintf(r->proof, sizeof r->proof, "certdesk personalisation %s", r->id);
    if (p->detail.len && !personalise_detail_read(&rec, p->detail.data, p->detail.len))
        return fail(f, ERR_INTERNAL, "the journal of this UKEY cannot be read");
    if (p->certificate_der.len)
        TRY(take_certificate(&p->certificate_der, rec.cert, &rec.cert_n, f));
    personalise_factory_secrets(&plan.old);
    enum err e = take_secrets(p, &plan.fresh, f);
    if (e == OK)
        e = personalise_run(card, &plan, &rec, f);
    wipe(&plan.fresh, sizeof plan.fresh);
    return e;
}

static enum err with_card(struct run *r, struct channel *card, struct fault *f)
{
    char medium[MEDIUM_NUMBER_SIZE];
    const Certdesk__V1__Personalisation *p;
    TRY(identify(r, card, medium, f));
    TRY(begin(r, medium, &p, f));
    return write_ukey(r, card, p, f);
}

enum err issue_run(struct rpc_channel *ch, const struct issue_options *o, struct fault *f)
{
    struct run r = {.rpc = ch, .o = o};
    char reader[READER_NAME];
    struct channel *card = NULL;
    arena_init(&r.arena, 0);
    enum err e = find_reader(&r, reader, f);
    if (e == OK)
        e = reader_connect(reader, &card, f);
    if (e == OK) {
        e = with_card(&r, card, f);
        card->ops->close(card);
    }
    if (e == OK)
        say(&r, "finished", "");
    else
        say_fault(&r, "error", f);
    arena_free(&r.arena); /* wiped: PIN, PUK and key were in it */
    return e;
}

/* ---- what is in the readers ---- */

static void look(const struct reader *reader)
{
    struct channel *card = NULL;
    struct ukey_info info;
    char medium[MEDIUM_NUMBER_SIZE];
    struct arena a;
    struct fault f;
    fault_clear(&f);
    enum err e = reader_connect(reader->name, &card, &f);
    if (e == OK) {
        e = personalise_identify(card, &info, &f);
        card->ops->close(card);
    }
    if (e == OK)
        e = personalise_medium_number(&info, medium, &f);
    arena_init(&a, 0);
    if (e == OK)
        printf("ukey\t%s\t%s\n", flat(&a, reader->name), medium);
    else
        printf("bad\t%s\t%s\t%s\n", flat(&a, reader->name), flat(&a, fault_text(&f)),
               flat(&a, fault_text_zh(&f)));
    arena_free(&a);
}

static void look_at_all(const struct reader_list *list)
{
    size_t cards = 0;
    printf("look\t%zu\n", list->n);
    for (size_t i = 0; i < list->n; i++) {
        if (!list->at[i].card)
            continue;
        look(&list->at[i]);
        cards++;
    }
    struct fault f;
    fault_clear(&f);
    if (!list->service && reader_no_card(list, &f) != OK)
        printf("none\t%s\t%s\n", fault_text(&f), fault_text_zh(&f));
    else if (!cards)
        puts("none");
    fflush(stdout);
}

int ukey_watch(void)
{
    struct fault f;
    struct reader_list list;
    for (;;) {
        struct reader_watch *w = NULL;
        fault_clear(&f);
        enum err e = reader_watch_open(&w, &f);
        while (e == OK || e == ERR_DEADLINE) {
            e = reader_watch_next(w, PATIENCE_MS, &list, &f);
            if (e == OK)
                look_at_all(&list);
            if (ferror(stdout))
                return 0; /* nobody reads any more */
        }
        reader_watch_close(w);
        pause_ms(1000);
    }
}
