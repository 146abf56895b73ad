/* The certificate of an order, on the holder's own machine (S25): onto the UKEY in the reader, or for the key
 * in a key service that made its own request. */
#include "ukey/ukey.h"

#include "base/str.h"
#include "token/csr.h"
#include "token/download.h"

#include <certdesk/v1/certificate_service.pb-c.h>
#include <certdesk/v1/issuance_service.pb-c.h>
#include <certdesk/v1/order_service.pb-c.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define PB(T)          Certdesk__V1__##T
#define METHOD(svc, m) ((struct rpc_method){&certdesk__v1__##svc##__descriptor, (m)})
#define STATE(s)       CERTDESK__V1__ORDER_STATE__ORDER_STATE_##s

enum {
    PATH_SIZE = 440,
    ASK_TRIES = 20, /* of one request while the server does not answer: it may be starting again */
    ASK_PAUSE_NS = 500000000,
};

struct job {
    struct desk *desk;
    const struct args *args;
    const PB(Order) * order;
    const PB(DownloadCertificateResponse) * answer;
    char path[PATH_SIZE]; /* of what is remembered; "": there is no place for it */
};

/* -- the order --------------------------------------------------------------------------------------------
 */

/* In the words of the contract; what is not there is before them. */
static const char *state_word(int state)
{
    switch (state) {
    case STATE(PAYMENT):
        return _("PAYMENT");
    case STATE(PAPERS):
        return _("PAPERS");
    case STATE(REVIEW):
        return _("REVIEW");
    case STATE(CORRECTION):
        return _("CORRECTION");
    case STATE(REFUNDING):
        return _("REFUNDING");
    case STATE(CANCELLED):
        return _("CANCELLED");
    default:
        return _("before PAYMENT");
    }
}

/* Said before anything is made. */
static enum err check_order(const PB(Order) * o, const struct args *a, struct fault *f)
{
    bool cloud = o->medium == CERTDESK__V1__MEDIUM__MEDIUM_CLOUD;
    if (o->delivery != CERTDESK__V1__DELIVERY_WAY__DELIVERY_WAY_DOWNLOAD)
        return refuse(f, ERR_PRECONDITION, N_("the UKEY of this order is written and posted by the desk"));
    if (o->state != STATE(DOWNLOAD) && o->state != STATE(FINISHED))
        return refuse(f, ERR_ORDER_STATE, N_("the order cannot be downloaded now: it is in state %s"),
                      state_word((int)o->state));
    if (o->state == STATE(FINISHED) && !o->n_certificates)
        return fail(f, ERR_CERTIFICATE_ENDED, NULL);
    if (cloud && !a->csr)
        return refuse(f, ERR_INVALID,
                      N_("this is a cloud certificate: say --csr FILE, the key service's request"));
    if (!cloud && a->csr)
        return refuse(f, ERR_INVALID,
                      N_("this order's key is made on the UKEY; --csr is for cloud certificates"));
    return OK;
}

static enum err get_order(struct job *j, struct fault *f)
{
    PB(GetOrderRequest) in = CERTDESK__V1__GET_ORDER_REQUEST__INIT;
    const void *out;
    in.order_id = (char *)(uintptr_t)j->args->word;
    TRY(desk_ask(j->desk, METHOD(order_service, "GetOrder"), &in.base, &out, f));
    j->order = ((const PB(GetOrderResponse) *)out)->order;
    if (!j->order)
        return refuse(f, ERR_INTERNAL, N_("the server's answer is empty"));
    return check_order(j->order, j->args, f);
}

/* -- the certificate --------------------------------------------------------------------------------------
 */

static bool unanswered(enum err e)
{
    return e == ERR_UNAVAILABLE || e == ERR_UNKNOWN_OUTCOME || e == ERR_DEADLINE;
}

/* The same request again is the same certificate, so what was not answered is simply asked again. */
static enum err ask_for(struct job *j, const char *medium_number, const uint8_t *csr, size_t n,
                        struct fault *f)
{
    PB(DownloadCertificateRequest) in = CERTDESK__V1__DOWNLOAD_CERTIFICATE_REQUEST__INIT;
    const void *out;
    in.request_id = desk_request_id(j->desk);
    in.order_id = j->order->id;
    in.medium_number = (char *)(uintptr_t)medium_number;
    in.csr_der = (ProtobufCBinaryData){n, (uint8_t *)(uintptr_t)csr};
    enum err e = ERR_UNAVAILABLE;
    for (int i = 0; i < ASK_TRIES && unanswered(e); i++) {
        if (i)
            nanosleep(&(struct timespec){.tv_nsec = ASK_PAUSE_NS}, NULL);
        fault_clear(f);
        e = desk_ask(j->desk, METHOD(issuance_service, "DownloadCertificate"), &in.base, &out, f);
    }
    TRY(e);
    j->answer = out;
    return OK;
}

static enum err issue(void *arg, const char *medium_number, const uint8_t *csr, size_t n,
                      uint8_t cert[UKEY_CERT_MAX], size_t *cert_n, struct fault *f)
{
    struct job *j = arg;
    TRY(ask_for(j, medium_number, csr, n, f));
    const ProtobufCBinaryData *der = &j->answer->certificate_der;
    if (!der->len || der->len > UKEY_CERT_MAX)
        return refuse(f, ERR_INTERNAL, N_("the certificate does not fit onto a UKEY"));
    memcpy(cert, der->data, der->len);
    *cert_n = der->len;
    return OK;
}

/* The one that there is already. */
static enum err get_certificate(struct job *j, struct download_plan *plan, struct fault *f)
{
    PB(GetCertificateRequest) in = CERTDESK__V1__GET_CERTIFICATE_REQUEST__INIT;
    const void *out;
    if (!j->order->n_certificates)
        return OK;
    in.certificate_id = j->order->certificates[0]->certificate_id;
    TRY(desk_ask(j->desk, METHOD(certificate_service, "GetCertificate"), &in.base, &out, f));
    const PB(Certificate) *c = ((const PB(GetCertificateResponse) *)out)->certificate;
    if (!c || c->der.len > UKEY_CERT_MAX)
        return refuse(f, ERR_INTERNAL, N_("the certificate does not fit onto a UKEY"));
    plan->cert = c->der.data;
    plan->cert_n = c->der.len;
    return OK;
}

/* -- what is remembered between runs -----------------------------------------------------------------------
 */

/* A file for each order in the folder where the console keeps its session, too. */
static void find_place(struct job *j)
{
    static const char plain[] = "0123456789abcdefghijklmnopqrstuvwxyz_";
    const char *state = getenv("XDG_STATE_HOME"), *home = getenv("HOME"), *id = j->order->id;
    char dir[PATH_SIZE - 60] = "";
    if (state && *state == '/')
        snprintf(dir, sizeof dir, "%s/certdesk", state);
    else if (home && *home == '/')
        snprintf(dir, sizeof dir, "%s/.local/state/certdesk", home);
    if (!*dir || strspn(id, plain) != strlen(id) || strlen(id) > 40)
        return;
    for (char *p = strchr(dir + 1, '/'); p; p = strchr(p + 1, '/')) {
        *p = '\0';
        mkdir(dir, 0700);
        *p = '/';
    }
    mkdir(dir, 0700);
    snprintf(j->path, sizeof j->path, "%s/download-%s", dir, id);
}

static void recall(const struct job *j, struct download_memory *m)
{
    char line[DOWNLOAD_LINE] = "";
    *m = (struct download_memory){0};
    FILE *in = *j->path ? fopen(j->path, "re") : NULL;
    if (in && fgets(line, sizeof line, in)) {
        line[strcspn(line, "\n")] = '\0';
        if (!download_memory_read(m, line))
            *m = (struct download_memory){0};
    }
    if (in)
        fclose(in);
}

static enum err remember(void *arg, const struct download_memory *m, struct fault *f)
{
    const struct job *j = arg;
    char line[DOWNLOAD_LINE];
    if (!*j->path)
        return refuse(f, ERR_PRECONDITION, N_("set HOME: the key that is made has to be remembered there"));
    download_memory_write(m, line);
    return keep_file(j->path, line, f);
}

/* -- onto the UKEY -----------------------------------------------------------------------------------------
 */

static enum err pin(void *arg, struct ukey *u, char out[static UKEY_SECRET_MAX + 1], struct fault *f)
{
    const struct job *j = arg;
    struct ukey_info i;
    TRY(u->ops->info(u, &i, f));
    if (i.pin_default == UKEY_YES)
        fputs(_("the PIN is still the factory's; change it soon\n"), stderr);
    return take_pin(u, j->args, out, f);
}

static void progress(void *arg, enum personalise_step next)
{
    (void)arg;
    fprintf(stderr, "%s\n", tr_chinese() ? personalise_step_text_zh(next) : personalise_step_text(next));
}

static void say_result(const struct download_result *r)
{
    const char *said = r->was_there ? _("the certificate was on the UKEY: medium number %s, slot %c\n")
                                    : _("the certificate is on the UKEY: medium number %s, slot %c\n");
    fprintf(stderr, said, r->medium_number, r->slot == UKEY_SIGN_A ? 'a' : 'b');
}

static enum err onto_ukey(struct job *j, struct fault *f)
{
    const struct args *a = j->args;
    struct channel *ch = NULL;
    struct ukey_admin_key admin;
    struct download_memory memory;
    struct download_result result;
    struct download_plan plan = {.slot_given = a->slot_given,
                                 .slot = a->slot,
                                 .common_name = j->order->id,
                                 .arg = j,
                                 .pin = pin,
                                 .remember = remember,
                                 .issue = issue,
                                 .progress = progress};
    TRY(get_certificate(j, &plan, f));
    if (a->admin_fd >= 0) {
        TRY(take_admin_key(a, &admin, f));
        plan.admin = &admin;
    }
    find_place(j);
    recall(j, &memory);
    enum err e = open_card(a, &ch, f);
    if (e == OK) {
        e = download_run(ch, &plan, &memory, &result, f);
        ch->ops->close(ch);
    }
    wipe(&admin, sizeof admin);
    TRY(e);
    if (*j->path)
        unlink(j->path); /* from now on the certificate says it */
    say_result(&result);
    return OK;
}

/* -- for a key service -------------------------------------------------------------------------------------
 */

static enum err for_key_service(struct job *j, struct fault *f)
{
    uint8_t *text = NULL, *der;
    size_t n = 0, der_n;
    TRY(read_file(j->args->csr, &text, &n, f));
    enum err e = csr_of_file(text, n, &j->desk->arena, &der, &der_n, f);
    free(text);
    TRY(e);
    TRY(ask_for(j, "", der, der_n, f));
    const PB(DownloadCertificateResponse) *r = j->answer;
    bool ok = cert_print_pem(stdout, r->certificate_der.data, r->certificate_der.len);
    for (size_t i = 0; ok && i < r->n_chain_der; i++)
        ok = cert_print_pem(stdout, r->chain_der[i].data, r->chain_der[i].len);
    return ok ? OK : refuse(f, ERR_UNAVAILABLE, N_("the certificate could not be written"));
}

static enum err download(struct desk *d, const struct args *a, struct fault *f)
{
    struct job j = {.desk = d, .args = a};
    TRY(desk_session(d, a, f));
    TRY(get_order(&j, f));
    return a->csr ? for_key_service(&j, f) : onto_ukey(&j, f);
}

enum err desk_download(const struct args *a, struct fault *f)
{
    return at_the_desk(a, download, f);
}
