/* The account that a UKEY opens: log in with it, bind and unbind it (S3, S4). */
#include "ukey/ukey.h"

#include "base/str.h"
#include "rpc/client.h"

#include <certdesk/v1/account_service.pb-c.h>

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define PB(T)   Certdesk__V1__##T
#define CALL(m) ((struct rpc_method){&certdesk__v1__account_service__descriptor, (m)})

enum {
    TIMEOUT_MS = 20000,
    TOKEN_MAX = 200,
    PATH_SIZE = 4096,
};

/* A connection and what it was told. */
struct desk {
    struct rpc_channel *channel;
    struct arena arena;
};

static enum err desk_open(struct desk *d, const struct args *a, struct fault *f)
{
    arena_init(&d->arena, 0);
    d->channel = NULL;
    if (!a->server || !*a->server)
        return fail(f, ERR_INVALID, "say --server ADDRESS, or set CERTDESK_SERVER");
    return rpc_channel_open(&(struct rpc_channel_options){.target = a->server}, &d->channel, f);
}

static void desk_close(struct desk *d)
{
    if (d->channel)
        rpc_channel_close(d->channel);
    arena_free(&d->arena);
}

/* The response is of the method's type, in the arena. */
static enum err ask(struct desk *d, const char *method, const ProtobufCMessage *request,
                    const void **response, struct fault *f)
{
    const ProtobufCMessage *m = NULL;
    TRY(rpc_unary(d->channel, CALL(method), request, TIMEOUT_MS, &d->arena, &m, f));
    *response = m;
    return OK;
}

static char *new_request_id(struct desk *d)
{
    char id[ID_SIZE];
    id_new("req", id);
    return arena_strdup(&d->arena, id);
}

/* -- the session ---- */

static enum err use_session(struct desk *d, const struct args *a, struct fault *f)
{
    char token[TOKEN_MAX] = "", value[TOKEN_MAX + 8];
    if (!a->session)
        return fail(f, ERR_INVALID, "say --session FILE, with the session of a login (- for standard input)");
    FILE *in = strcmp(a->session, "-") == 0 ? stdin : fopen(a->session, "re");
    bool ok = in && fgets(token, sizeof token, in);
    if (in && in != stdin)
        fclose(in);
    token[strcspn(token, "\r\n")] = '\0';
    if (!ok || !*token)
        return fail(f, ERR_INVALID, "%s holds no session", a->session);
    snprintf(value, sizeof value, "Bearer %s", token);
    rpc_channel_set_metadata(d->channel, "authorization", value);
    wipe(token, sizeof token);
    wipe(value, sizeof value);
    return OK;
}

/* Readable by its owner alone, written whole or not at all. */
static enum err keep_session(const char *path, const char *token, struct fault *f)
{
    char fresh[PATH_SIZE];
    if (snprintf(fresh, sizeof fresh, "%s.new", path) >= (int)sizeof fresh)
        return fail(f, ERR_INVALID, "the name of the file is too long");
    unlink(fresh);
    int fd = open(fresh, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    bool ok = fd >= 0 && dprintf(fd, "%s\n", token) > 0 && fsync(fd) == 0;
    if (fd >= 0)
        close(fd);
    if (ok && rename(fresh, path) == 0)
        return OK;
    unlink(fresh);
    return fail(f, ERR_UNAVAILABLE, "%s cannot be written", path);
}

static void say_time(FILE *out, const Google__Protobuf__Timestamp *t)
{
    char text[40] = "";
    time_t s = t ? (time_t)t->seconds : 0;
    struct tm tm;
    if (t && localtime_r(&s, &tm))
        strftime(text, sizeof text, "%F %T %z", &tm);
    fputs(text, out);
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
               : fail(f, ERR_INVALID, "the server asks for a signature over something else");
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
    in.request_id = new_request_id(g->desk);
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
        return fail(f, ERR_INVALID, "say --channel CHANNEL");
    TRY(with_ukey(a, &g, sign_challenge, f));
    in.request_id = new_request_id(d);
    in.challenge_id = g.challenge_id;
    in.certificate_der = g.answer.certificate;
    in.signature = g.answer.signature;
    TRY(ask(d, "LoginByUkey", &in.base, &out, f));
    const PB(LoginByUkeyResponse) *r = out;
    if (!r->account || !r->session)
        return fail(f, ERR_INTERNAL, "the server's answer is empty");
    fprintf(stderr, "logged in as ");
    print_clean(stderr, r->account->user_name);
    fprintf(stderr, " until ");
    say_time(stderr, r->session->expire_time);
    fputc('\n', stderr);
    if (a->session && strcmp(a->session, "-") != 0)
        return keep_session(a->session, r->session->token, f);
    print_clean(stdout, r->session->token);
    putchar('\n');
    return OK;
}

static void print_binding(const PB(Binding) * b)
{
    print_clean(stdout, b->certificate_id);
    putchar('\t');
    print_clean(stdout, b->medium_number);
    putchar('\t');
    say_time(stdout, b->create_time);
    putchar('\n');
}

static enum err bind_it(struct desk *d, const struct args *a, struct fault *f)
{
    struct asking g = {.desk = d, .challenge = bind_challenge};
    PB(BindCertificateRequest) in = CERTDESK__V1__BIND_CERTIFICATE_REQUEST__INIT;
    const void *out;
    TRY(use_session(d, a, f));
    TRY(with_ukey(a, &g, sign_challenge, f));
    in.request_id = new_request_id(d);
    in.challenge_id = g.challenge_id;
    in.certificate_der = g.answer.certificate;
    in.signature = g.answer.signature;
    TRY(ask(d, "BindCertificate", &in.base, &out, f));
    const PB(BindCertificateResponse) *r = out;
    if (r->binding)
        print_binding(r->binding);
    return OK;
}

/* -- without it ---- */

static enum err unbind(struct desk *d, const struct args *a, struct fault *f)
{
    PB(UnbindCertificateRequest) in = CERTDESK__V1__UNBIND_CERTIFICATE_REQUEST__INIT;
    const void *out;
    TRY(use_session(d, a, f));
    in.request_id = new_request_id(d);
    in.certificate_id = (char *)(uintptr_t)a->word;
    return ask(d, "UnbindCertificate", &in.base, &out, f);
}

static enum err bindings(struct desk *d, const struct args *a, struct fault *f)
{
    PB(ListBindingsRequest) in = CERTDESK__V1__LIST_BINDINGS_REQUEST__INIT;
    const void *out;
    TRY(use_session(d, a, f));
    in.page_size = 100;
    do {
        TRY(ask(d, "ListBindings", &in.base, &out, f));
        const PB(ListBindingsResponse) *r = out;
        for (size_t i = 0; i < r->n_bindings; i++)
            print_binding(r->bindings[i]);
        in.page_token = r->next_page_token;
    } while (*in.page_token);
    return OK;
}

static enum err at_the_desk(const struct args *a,
                            enum err (*work)(struct desk *, const struct args *, struct fault *),
                            struct fault *f)
{
    struct desk d;
    enum err e = desk_open(&d, a, f);
    if (e == OK)
        e = work(&d, a, f);
    desk_close(&d);
    return e != OK || fflush(stdout) == 0 ? e : fail(f, ERR_UNAVAILABLE, "the answer could not be written");
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
