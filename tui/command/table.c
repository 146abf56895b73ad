/* table.c - the commands, one function each, and their table. */
#include "command/command.h"
#include "command/issue.h"
#include "command/money.h"
#include "screen/msg.h"
#include "screen/order_doc.h"
#include "screen/screens.h"
#include "screen/words.h"

#include "base/end.h"
#include "base/str.h"
#include "token/reader.h"
#include "ui/doc.h"
#include "ui/text.h"

#include <certdesk/v1/issuance_service.pb-c.h>
#include <certdesk/v1/job_service.pb-c.h>
#include <certdesk/v1/review_service.pb-c.h>
#include <certdesk/v1/shipment_service.pb-c.h>
#include <certdesk/v1/staff_service.pb-c.h>
#include <certdesk/v1/stock_service.pb-c.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#define CALL(service, name) ((struct rpc_method)METHOD(service, name))

static char *arg(const struct run_context *c, int i)
{
    return (char *)(uintptr_t)(i < c->n_args ? c->args[i] : "");
}

/* ---- session ---- */

/* From a terminal without echo; from a pipe as it comes. */
static void read_password(char *out, int n)
{
    struct termios old, quiet;
    bool tty = tcgetattr(STDIN_FILENO, &old) == 0;
    if (tty) {
        quiet = old;
        quiet.c_lflag &= ~(tcflag_t)ECHO;
        fprintf(stderr, "%s: ", _("Password"));
        tcsetattr(STDIN_FILENO, TCSAFLUSH, &quiet);
    }
    if (!fgets(out, n, stdin))
        out[0] = 0;
    out[strcspn(out, "\r\n")] = 0;
    if (tty) {
        tcsetattr(STDIN_FILENO, TCSAFLUSH, &old);
        fputc('\n', stderr);
    }
}

static int run_login(struct run_context *c)
{
    char password[256];
    const ProtobufCMessage *out;
    Certdesk__V1__LoginStaffRequest q = CERTDESK__V1__LOGIN_STAFF_REQUEST__INIT;
    if (!c->o->user || !c->o->totp) {
        fputs(_("certdesk: login needs --user and --totp\n"), stderr);
        return 2;
    }
    read_password(password, sizeof password);
    q.login = (char *)(uintptr_t)c->o->user;
    q.totp = (char *)(uintptr_t)c->o->totp;
    q.password = password;
    bool ok = command_call(c, CALL(staff_service, "LoginStaff"), &q.base, &out);
    wipe(password, sizeof password);
    if (!ok)
        return 1;
    const Certdesk__V1__LoginStaffResponse *r = (const void *)out;
    struct session *s = &c->session;
    snprintf(s->token, sizeof s->token, "%s", r->token);
    snprintf(s->login, sizeof s->login, "%s", c->o->user);
    snprintf(s->name, sizeof s->name, "%s", r->staff ? r->staff->name : "");
    s->simulator = r->simulator;
    if (!session_write(s)) {
        fputs(_("certdesk: the session cannot be kept\n"), stderr);
        return 1;
    }
    return command_print(c, out);
}

static int run_logout(struct run_context *c)
{
    const ProtobufCMessage *out;
    Certdesk__V1__LogoutStaffRequest q = CERTDESK__V1__LOGOUT_STAFF_REQUEST__INIT;
    bool ok = command_call(c, CALL(staff_service, "LogoutStaff"), &q.base, &out);
    session_forget(&c->session);
    return ok ? command_print(c, out) : 1;
}

static int run_whoami(struct run_context *c)
{
    const ProtobufCMessage *out;
    Certdesk__V1__GetStaffRequest q = CERTDESK__V1__GET_STAFF_REQUEST__INIT;
    if (!command_call(c, CALL(staff_service, "GetStaff"), &q.base, &out))
        return 1;
    const Certdesk__V1__GetStaffResponse *r = (const void *)out;
    if (c->o->json)
        return command_print(c, out);
    printf("%s %s\n", r->staff->login, text_clean(&c->arena, r->staff->name));
    return 0;
}

static void dispatch(void *channel)
{
    rpc_channel_dispatch(channel);
}

/* ---- queues: the first message of the watch ---- */

struct first {
    struct run_context *c;
    bool over;
    int status;
};

static void on_queues(void *p, const ProtobufCMessage *m)
{
    struct first *f = p;
    const struct queues q = queues_of(m);
    struct home_count counts[HOME_COUNTS];
    size_t n = home_counts(&q, counts);
    f->over = true;
    json_t *j = f->c->o->json ? msg_json(m) : NULL;
    for (size_t i = 0; i < n; i++) {
        if (j && !counts[i].theirs)
            json_object_del(j, counts[i].field);
        else if (!j && counts[i].theirs)
            printf("%s %d\n", tr(counts[i].label), counts[i].n);
    }
    if (j)
        command_print_json(j);
}

static void on_end(void *p, enum err e, const ProtobufCMessage *r, const struct fault *f)
{
    struct first *w = p;
    (void)r;
    w->over = true;
    if (e != OK)
        w->status = command_fault(f);
}

static int run_queues(struct run_context *c)
{
    struct first w = {.c = c};
    struct loop l;
    Certdesk__V1__WatchQueuesRequest q = CERTDESK__V1__WATCH_QUEUES_REQUEST__INIT;
    if (!loop_open(&l))
        return 1;
    struct rpc_pending *p =
        rpc_watch(c->channel, CALL(staff_service, "WatchQueues"), &q.base, on_queues, on_end, &w);
    loop_add(&l, rpc_channel_fd(c->channel), dispatch, c->channel);
    while (!w.over && !l.stopped)
        loop_turn(&l);
    (void)p; /* closing the channel ends it */
    loop_close(&l);
    return w.status;
}

/* ---- orders ---- */

static int run_orders_list(struct run_context *c)
{
    return command_list(c, &orders_screen, arg(c, 0));
}

static int print_order(struct run_context *c, const Certdesk__V1__Order *order)
{
    struct doc d;
    doc_init(&d);
    order_compose(&(struct order_doc){&d, order, NULL, NULL});
    command_doc(c, &d);
    doc_free(&d);
    return 0;
}

static int run_orders_show(struct run_context *c)
{
    const ProtobufCMessage *out;
    Certdesk__V1__GetOrderRequest q = CERTDESK__V1__GET_ORDER_REQUEST__INIT;
    q.order_id = arg(c, 0);
    if (!command_call(c, CALL(order_service, "GetOrder"), &q.base, &out))
        return 1;
    return c->o->json ? command_print(c, out)
                      : print_order(c, ((const Certdesk__V1__GetOrderResponse *)(const void *)out)->order);
}

/* ---- review ---- */

static int run_review_list(struct run_context *c)
{
    return command_list(c, &reviews_screen, "");
}

static const Certdesk__V1__Review *get_review(struct run_context *c, const ProtobufCMessage **out)
{
    Certdesk__V1__GetReviewRequest q = CERTDESK__V1__GET_REVIEW_REQUEST__INIT;
    q.order_id = arg(c, 0);
    if (!command_call(c, CALL(review_service, "GetReview"), &q.base, out))
        return NULL;
    return ((const Certdesk__V1__GetReviewResponse *)(const void *)*out)->review;
}

static int run_review_show(struct run_context *c)
{
    const ProtobufCMessage *out;
    const Certdesk__V1__Review *r = get_review(c, &out);
    if (!r || c->o->json)
        return r ? command_print(c, out) : 1;
    print_order(c, r->order);
    printf("\n%s\n", _("Materials"));
    for (size_t i = 0; i < r->n_materials; i++)
        printf("  %s  [%s] %s %s\n", r->materials[i]->id, word_verdict((int)r->materials[i]->verdict),
               text_clean(&c->arena, r->materials[i]->title), material_kind(&c->arena, r->materials[i]));
    return 0;
}

/* By its id or its kind; NULL, with those that there are, when it is neither. */
static const Certdesk__V1__Material *find_material(const Certdesk__V1__Review *r, const char *said,
                                                   struct arena *a)
{
    for (size_t i = 0; i < r->n_materials; i++)
        if (strcmp(said, r->materials[i]->id) == 0 || strcmp(said, r->materials[i]->kind) == 0)
            return r->materials[i];
    fprintf(stderr, _("certdesk: this order has no material %s; it has\n"), text_clean(a, said));
    for (size_t i = 0; i < r->n_materials; i++)
        fprintf(stderr, "  %s  %s  %s\n", r->materials[i]->id, text_clean(a, r->materials[i]->kind),
                text_clean(a, r->materials[i]->title));
    return NULL;
}

/* All materials get the same verdict but one, which is refused, if any: its id or kind. */
static int decide(struct run_context *c, const char *refused)
{
    const ProtobufCMessage *out;
    const Certdesk__V1__Review *r = get_review(c, &out);
    const Certdesk__V1__Material *bad = NULL;
    Certdesk__V1__DecideReviewRequest q = CERTDESK__V1__DECIDE_REVIEW_REQUEST__INIT;
    if (!r)
        return 1;
    if (refused && !(bad = find_material(r, refused, &c->arena)))
        return END_MISUSED;
    q.order_id = arg(c, 0);
    q.etag = r->etag;
    q.approve = !refused;
    q.n_decisions = r->n_materials;
    q.decisions = ARENA_ARRAY(&c->arena, Certdesk__V1__MaterialDecision *, r->n_materials + 1);
    for (size_t i = 0; i < r->n_materials; i++) {
        Certdesk__V1__MaterialDecision *d = ARENA_NEW(&c->arena, Certdesk__V1__MaterialDecision);
        bool no = r->materials[i] == bad;
        certdesk__v1__material_decision__init(d);
        d->material_id = r->materials[i]->id;
        d->verdict = no ? CERTDESK__V1__MATERIAL_VERDICT__MATERIAL_VERDICT_REFUSED
                        : CERTDESK__V1__MATERIAL_VERDICT__MATERIAL_VERDICT_APPROVED;
        if (no)
            d->reason = (char *)(uintptr_t)c->o->reason;
        q.decisions[i] = d;
    }
    return command_call(c, CALL(review_service, "DecideReview"), &q.base, &out) ? command_print(c, out) : 1;
}

static int run_review_approve(struct run_context *c)
{
    return decide(c, NULL);
}

static int run_review_refuse(struct run_context *c)
{
    if (!c->o->reason) {
        fputs(_("certdesk: a refusal needs --reason\n"), stderr);
        return 2;
    }
    return decide(c, arg(c, 1));
}

/* ---- material ---- */

struct saving {
    bool over;
    int fd, status;
};

static void on_chunk(void *p, const ProtobufCMessage *m)
{
    struct saving *s = p;
    const ProtobufCBinaryData *b = &((const Certdesk__V1__DownloadMaterialResponse *)(const void *)m)->chunk;
    for (size_t at = 0; at < b->len && !s->status;) {
        ssize_t n = write(s->fd, b->data + at, b->len - at);
        if (n <= 0)
            s->status = 1;
        else
            at += (size_t)n;
    }
}

static void on_saved(void *p, enum err e, const ProtobufCMessage *r, const struct fault *f)
{
    struct saving *s = p;
    (void)r;
    s->over = true;
    if (e != OK)
        s->status = command_fault(f);
}

static int run_material_save(struct run_context *c)
{
    struct loop l;
    Certdesk__V1__DownloadMaterialRequest q = CERTDESK__V1__DOWNLOAD_MATERIAL_REQUEST__INIT;
    struct saving s = {.fd = open(arg(c, 1), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600)};
    if (s.fd < 0 && errno == EEXIST) {
        fprintf(stderr, "certdesk: ");
        fprintf(stderr, _("%s is there already."), arg(c, 1));
        fputc('\n', stderr);
        return END_MISUSED;
    }
    if (s.fd < 0 || !loop_open(&l)) {
        perror(arg(c, 1));
        return END_FAILED;
    }
    q.material_id = arg(c, 0);
    rpc_watch(c->channel, CALL(material_service, "DownloadMaterial"), &q.base, on_chunk, on_saved, &s);
    loop_add(&l, rpc_channel_fd(c->channel), dispatch, c->channel);
    while (!s.over && !l.stopped)
        loop_turn(&l);
    loop_close(&l);
    if (close(s.fd) != 0 || s.status || !s.over) {
        unlink(arg(c, 1));
        return s.status ? s.status : END_FAILED;
    }
    puts("OK");
    return 0;
}

/* ---- issue ---- */

static int run_issue_list(struct run_context *c)
{
    return command_list(c, &issues_screen, "");
}

static int run_issue(struct run_context *c)
{
    struct fault f;
    struct issue_options o = {.order_id = arg(c, 0),
                              .reader = c->o->reader,
                              .medium = c->o->medium,
                              .wait_ms = 60000,
                              .progress = c->o->progress};
    fault_clear(&f);
    if (issue_run(c->channel, &o, &f) != OK)
        return command_fault(&f);
    if (!c->o->progress)
        puts("OK");
    return 0;
}

static int run_readers(struct run_context *c)
{
    struct fault f;
    struct reader_list list;
    fault_clear(&f);
    if (reader_list_now(&list, &f) != OK)
        return command_fault(&f);
    if (!list.service && reader_no_card(&list, &f) != OK)
        return command_fault(&f);
    if (!list.n)
        fprintf(stderr, "certdesk: %s\n", _("no reader"));
    for (size_t i = 0; i < list.n; i++)
        printf("%s\t%s\n", list.at[i].card ? "card" : "-", text_clean(&c->arena, list.at[i].name));
    return 0;
}

/* ---- ship ---- */

static int run_ship_list(struct run_context *c)
{
    return command_list(c, &ships_screen, "");
}

static int run_ship(struct run_context *c)
{
    const ProtobufCMessage *out;
    Certdesk__V1__CreateShipmentRequest q = CERTDESK__V1__CREATE_SHIPMENT_REQUEST__INIT;
    q.order_id = arg(c, 0);
    q.n_medium_numbers = (size_t)c->n_args - 3;
    q.medium_numbers = (char **)(uintptr_t)(c->args + 1);
    q.courier = arg(c, c->n_args - 2);
    q.tracking_number = arg(c, c->n_args - 1);
    return command_call(c, CALL(shipment_service, "CreateShipment"), &q.base, &out) ? command_print(c, out)
                                                                                    : 1;
}

static int run_shipments(struct run_context *c)
{
    return command_list(c, &shipments_screen, "");
}

static int run_shipment_show(struct run_context *c)
{
    const ProtobufCMessage *out;
    Certdesk__V1__GetShipmentRequest q = CERTDESK__V1__GET_SHIPMENT_REQUEST__INIT;
    q.order_id = arg(c, 0);
    if (!command_call(c, CALL(shipment_service, "GetShipment"), &q.base, &out))
        return 1;
    const Certdesk__V1__Shipment *s =
        ((const Certdesk__V1__GetShipmentResponse *)(const void *)out)->shipment;
    if (c->o->json)
        return command_print(c, out);
    printf("%s %s  %s\n", word_courier(s->courier), s->tracking_number, word_shipment((int)s->state));
    printf("UKEY %s\n", text_clean(&c->arena, word_media(&c->arena, s->medium_numbers, s->n_medium_numbers)));
    for (size_t i = 0; i < s->n_events; i++)
        printf("  %s  %s\n", word_time(&c->arena, s->events[i]->event_time),
               text_clean(&c->arena, s->events[i]->text));
    return 0;
}

/* ---- stock and jobs ---- */

static int run_stock_list(struct run_context *c)
{
    return command_list(c, &stock_screen, "");
}

static int run_stock_add(struct run_context *c)
{
    const ProtobufCMessage *out;
    Certdesk__V1__RegisterTokensRequest q = CERTDESK__V1__REGISTER_TOKENS_REQUEST__INIT;
    q.model = arg(c, 0);
    q.n_medium_numbers = (size_t)c->n_args - 1;
    q.medium_numbers = (char **)(uintptr_t)(c->args + 1);
    return command_call(c, CALL(stock_service, "RegisterTokens"), &q.base, &out) ? command_print(c, out) : 1;
}

static int run_orders_close(struct run_context *c)
{
    const ProtobufCMessage *out;
    Certdesk__V1__CancelOrderRequest q = CERTDESK__V1__CANCEL_ORDER_REQUEST__INIT;
    if (!c->o->reason) {
        fprintf(stderr, "certdesk: %s\n", _("a reason is needed: --reason TEXT"));
        return 2;
    }
    q.order_id = arg(c, 0);
    q.reason = (char *)(uintptr_t)c->o->reason;
    return command_call(c, CALL(order_service, "CancelOrder"), &q.base, &out) ? command_print(c, out) : 1;
}

static int run_papers_arrived(struct run_context *c)
{
    const ProtobufCMessage *out;
    Certdesk__V1__RecordPaperArrivalRequest q = CERTDESK__V1__RECORD_PAPER_ARRIVAL_REQUEST__INIT;
    q.order_id = arg(c, 0);
    return command_call(c, CALL(shipment_service, "RecordPaperArrival"), &q.base, &out)
               ? command_print(c, out)
               : 1;
}

static int run_jobs_list(struct run_context *c)
{
    return command_list(c, &jobs_screen, "");
}

static int run_jobs_retry(struct run_context *c)
{
    const ProtobufCMessage *out;
    Certdesk__V1__RetryJobRequest q = CERTDESK__V1__RETRY_JOB_REQUEST__INIT;
    q.job_id = arg(c, 0);
    return command_call(c, CALL(job_service, "RetryJob"), &q.base, &out) ? command_print(c, out) : 1;
}

const struct command commands[] = {
    {"login", "", 0, 0, N_("Log in and keep the session"), run_login},
    {"logout", "", 0, 0, N_("End the session"), run_logout},
    {"whoami", "", 0, 0, N_("Who is logged in"), run_whoami},
    {"queues", "", 0, 0, N_("How many orders wait in each queue"), run_queues},
    {"orders list", "QUERY", 1, 1, N_("Find orders by number, USCC, ID number or medium number"),
     run_orders_list},
    {"orders show", "ORDER", 1, 1, N_("One order"), run_orders_show},
    {"orders close", "ORDER --reason TEXT", 1, 1, N_("Close an order that is not paid"), run_orders_close},
    {"review list", "", 0, 0, N_("Orders that wait for review"), run_review_list},
    {"review show", "ORDER", 1, 1, N_("One order with its materials"), run_review_show},
    {"review approve", "ORDER", 1, 1, N_("Approve every material and the order"), run_review_approve},
    {"review refuse", "ORDER MATERIAL --reason TEXT", 2, 2, N_("Send an order back for one material"),
     run_review_refuse},
    {"material save", "MATERIAL FILE", 2, 2, N_("Save an uploaded file"), run_material_save},
    {"issue list", "", 0, 0, N_("Orders that wait for their UKEY"), run_issue_list},
    {"issue", "ORDER [--reader NAME]", 1, 1,
     N_("Write the UKEY in the reader for this order; once for each of its UKEYs"), run_issue},
    {"readers", "", 0, 0, N_("Smart card readers"), run_readers},
    {"ship list", "", 0, 0, N_("UKEYs that wait to be posted"), run_ship_list},
    {"ship", "ORDER MEDIUM... COURIER TRACKING", 4, 43, N_("Hand an order's UKEYs to a courier"), run_ship},
    {"shipments", "", 0, 0, N_("Posted UKEYs under way"), run_shipments},
    {"shipments show", "ORDER", 1, 1, N_("What the courier says"), run_shipment_show},
    {"papers arrived", "ORDER", 1, 1, N_("Record that the posted papers are here"), run_papers_arrived},
    {"stock list", "", 0, 0, N_("UKEYs by medium number"), run_stock_list},
    {"stock add", "MODEL NUMBER...", 2, 64, N_("Take in blank UKEYs"), run_stock_add},
    {"jobs list", "", 0, 0, N_("Jobs that need a hand"), run_jobs_list},
    {"jobs retry", "JOB", 1, 1, N_("Try a job again"), run_jobs_retry},
    {"captures list", "[all]", 0, 1, N_("Money that needs a person, or all of it"), run_captures_list},
    {"captures show", "CAPTURE", 1, 1, N_("One capture with its refund"), run_captures_show},
    {"captures refund", "CAPTURE --reason TEXT", 1, 1, N_("Give money back, or try a refund again"),
     run_captures_refund},
    {"captures stop", "CAPTURE --reason TEXT", 1, 1,
     N_("Ask the provider no more for a refund, so that it can be paid by hand"), run_captures_stop},
    {"captures record", "CAPTURE PAID PROVIDER REFERENCE --reason TEXT", 4, 4,
     N_("Record a refund that was paid by hand: yuan by us, yuan at the provider"), run_captures_record},
    {"captures partial", "CAPTURE YUAN --reason TEXT", 2, 2,
     N_("Record what the provider's own desk gave back of what pays for an order"), run_captures_partial},
    {"captures seen", "CAPTURE --reason TEXT", 1, 1,
     N_("Put aside what was paid twice, or is held and not to be given back"), run_captures_seen},
    {"reconciliations list", "", 0, 0, N_("Our books against the providers' bills"),
     run_reconciliations_list},
    {"reconciliations show", "wechat|alipay DATE", 2, 2, N_("One day with its differences"),
     run_reconciliations_show},
    {"reconciliations again", "wechat|alipay DATE", 2, 2, N_("Fetch a day's bill again and compare"),
     run_reconciliations_again},
    {"remittance list", "", 0, 0, N_("Batches of micro-deposits, and what needs a person"),
     run_remittance_list},
    {"remittance export", "FILE", 1, 1, N_("Make the next file for the bank"), run_remittance_export},
    {"remittance batch", "NUMBER FILE", 2, 2, N_("Write the file of a batch again"), run_remittance_batch},
    {"remittance import", "FILE", 1, 1, N_("Take in the bank's answer"), run_remittance_import},
    {"remittance again", "DEPOSIT", 1, 1, N_("Send a PIN that came back with the next file"),
     run_remittance_again},
    {"invoices list", "[all]", 0, 1, N_("Invoices that were refused, or all of them"), run_invoices_list},
    {"invoices show", "ORDER", 1, 1, N_("The invoice of an order"), run_invoices_show},
    {"invoices save", "ORDER FILE [KIND [red]]", 2, 4, N_("Save a file of an invoice: pdf, ofd or xml"),
     run_invoices_save},
    {"invoices mail", "ORDER [EMAIL]", 1, 2, N_("Mail an invoice again"), run_invoices_mail},
    {"invoices retry", "ORDER", 1, 1, N_("Ask for a refused invoice again, as it was"), run_invoices_retry},
};
const size_t n_commands = sizeof commands / sizeof *commands;
