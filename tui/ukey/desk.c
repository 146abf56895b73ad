/* The account that a UKEY opens: log in with it, bind and unbind it (S3, S4). */
#include "ukey/ukey.h"

#include "base/str.h"

#include <certdesk/v1/account_service.pb-c.h>

#include <string.h>
#include <time.h>

#define PB(T) Certdesk__V1__##T

static enum err ask(struct desk *d, const char *method, const ProtobufCMessage *request,
                    const void **response, struct fault *f)
{
    return desk_ask(d, (struct rpc_method){&certdesk__v1__account_service__descriptor, method}, request,
                    response, f);
}

static char *when(struct arena *a, const Google__Protobuf__Timestamp *t)
{
    char text[40] = "";
    time_t s = t ? (time_t)t->seconds : 0;
    struct tm tm;
    if (t && localtime_r(&s, &tm))
        strftime(text, sizeof text, "%F %T %z", &tm);
    return arena_strdup(a, text);
}

/* -- with the UKEY ---- */

/* The certificate and a signature by its key over what the desk wants signed. */
struct answer_of_ukey {
    ProtobufCBinaryData certificate, signature;
};

/* The desk's challenge lives for two minutes, so the PIN is asked for before it is fetched. */
struct asking {
    struct desk *desk;
    enum err (*challenge)(struct asking *g, ProtobufCBinaryData *text, struct fault *f);
    const char *channel;
    char *challenge_id;
    struct answer_of_ukey answer;
};

static ProtobufCBinaryData in_arena(struct desk *d, const void *p, size_t n)
{
    return (ProtobufCBinaryData){n, arena_memdup(&d->arena, p, n)};
}

static enum err sign_challenge(struct ukey *u, const struct args *a, void *arg, struct fault *f)
{
    struct asking *g = arg;
    uint8_t der[UKEY_CERT_MAX], sig[UKEY_SIG_MAX];
    size_t n = 0, n_sig = 0;
    struct ukey_pub pub;
    ProtobufCBinaryData text;
    TRY(read_certificate(u, a, der, &n, &pub, f));
    TRY(give_pin(u, a, f));
    TRY(g->challenge(g, &text, f));
    TRY(sign_bytes(u, a, &pub, text.data, text.len, sig, &n_sig, f));
    g->answer = (struct answer_of_ukey){in_arena(g->desk, der, n), in_arena(g->desk, sig, n_sig)};
    return OK;
}

/* What is signed must be what this program says it is: a desk that is none cannot have anything else signed.
 */
static enum err check_text(const char *first_line, const ProtobufCBinaryData *text, struct fault *f)
{
    size_t n = strlen(first_line);
    return text->len > n && memcmp(text->data, first_line, n) == 0
               ? OK
               : refuse(f, ERR_INVALID, N_("the server asks for a signature over something else"));
}

static enum err login_challenge(struct asking *g, ProtobufCBinaryData *text, struct fault *f)
{
    PB(CreateLoginChallengeRequest) in = CERTDESK__V1__CREATE_LOGIN_CHALLENGE_REQUEST__INIT;
    const void *out;
    in.channel = (char *)(uintptr_t)g->channel;
    TRY(ask(g->desk, "CreateLoginChallenge", &in.base, &out, f));
    const PB(CreateLoginChallengeResponse) *r = out;
    g->challenge_id = r->challenge_id;
    *text = r->to_be_signed;
    return check_text("certdesk login\n", text, f);
}

static enum err bind_challenge(struct asking *g, ProtobufCBinaryData *text, struct fault *f)
{
    PB(CreateBindChallengeRequest) in = CERTDESK__V1__CREATE_BIND_CHALLENGE_REQUEST__INIT;
    const void *out;
    in.request_id = desk_request_id(g->desk);
    TRY(ask(g->desk, "CreateBindChallenge", &in.base, &out, f));
    const PB(CreateBindChallengeResponse) *r = out;
    g->challenge_id = r->challenge_id;
    *text = r->to_be_signed;
    return check_text("certdesk bind\n", text, f);
}

static enum err login(struct desk *d, const struct args *a, struct fault *f)
{
    struct asking g = {.desk = d, .challenge = login_challenge, .channel = a->channel};
    PB(LoginByUkeyRequest) in = CERTDESK__V1__LOGIN_BY_UKEY_REQUEST__INIT;
    const void *out;
    if (!a->channel)
        return refuse(f, ERR_INVALID, N_("say --channel CHANNEL"));
    TRY(with_ukey(a, &g, sign_challenge, f));
    in.request_id = desk_request_id(d);
    in.challenge_id = g.challenge_id;
    in.certificate_der = g.answer.certificate;
    in.signature = g.answer.signature;
    TRY(ask(d, "LoginByUkey", &in.base, &out, f));
    const PB(LoginByUkeyResponse) *r = out;
    if (!r->account || !r->session)
        return refuse(f, ERR_INTERNAL, N_("the server's answer is empty"));
    fprintf(stderr, _("logged in as %s until %s\n"), clean(&d->arena, r->account->user_name),
            when(&d->arena, r->session->expire_time));
    if (a->session && strcmp(a->session, "-") != 0)
        return keep_file(a->session, r->session->token, f);
    puts(clean(&d->arena, r->session->token));
    return OK;
}

static void print_binding(struct desk *d, const PB(Binding) * b)
{
    printf("%s\t%s\t%s\n", clean(&d->arena, b->certificate_id), clean(&d->arena, b->medium_number),
           when(&d->arena, b->create_time));
}

static enum err bind_it(struct desk *d, const struct args *a, struct fault *f)
{
    struct asking g = {.desk = d, .challenge = bind_challenge};
    PB(BindCertificateRequest) in = CERTDESK__V1__BIND_CERTIFICATE_REQUEST__INIT;
    const void *out;
    TRY(desk_session(d, a, f));
    TRY(with_ukey(a, &g, sign_challenge, f));
    in.request_id = desk_request_id(d);
    in.challenge_id = g.challenge_id;
    in.certificate_der = g.answer.certificate;
    in.signature = g.answer.signature;
    TRY(ask(d, "BindCertificate", &in.base, &out, f));
    const PB(BindCertificateResponse) *r = out;
    if (r->binding)
        print_binding(d, r->binding);
    return OK;
}

/* -- without it ---- */

static enum err unbind(struct desk *d, const struct args *a, struct fault *f)
{
    PB(UnbindCertificateRequest) in = CERTDESK__V1__UNBIND_CERTIFICATE_REQUEST__INIT;
    const void *out;
    TRY(desk_session(d, a, f));
    in.request_id = desk_request_id(d);
    in.certificate_id = (char *)(uintptr_t)a->word;
    return ask(d, "UnbindCertificate", &in.base, &out, f);
}

static enum err bindings(struct desk *d, const struct args *a, struct fault *f)
{
    PB(ListBindingsRequest) in = CERTDESK__V1__LIST_BINDINGS_REQUEST__INIT;
    const void *out;
    TRY(desk_session(d, a, f));
    in.page_size = 100;
    do {
        TRY(ask(d, "ListBindings", &in.base, &out, f));
        const PB(ListBindingsResponse) *r = out;
        for (size_t i = 0; i < r->n_bindings; i++)
            print_binding(d, r->bindings[i]);
        in.page_token = r->next_page_token;
    } while (*in.page_token);
    return OK;
}

enum err desk_login(const struct args *a, struct fault *f)
{
    return at_the_desk(a, login, f);
}

enum err desk_bind(const struct args *a, struct fault *f)
{
    return at_the_desk(a, bind_it, f);
}

enum err desk_unbind(const struct args *a, struct fault *f)
{
    return at_the_desk(a, unbind, f);
}

enum err desk_bindings(const struct args *a, struct fault *f)
{
    return at_the_desk(a, bindings, f);
}
