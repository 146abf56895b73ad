/* desk.h - the console: a stack of pages over one connection, one loop, one terminal.
 *
 * A screen is a constant (struct screen): what it is called, what it shows, where its data come from, which
 * keys do what. Footer, help and dispatch of keys read the same rows. A page is a screen that is open on
 * something. Nothing blocks: a call's answer arrives in the loop, and "loading" is a state of the page.
 */
#ifndef CERTDESK_SCREEN_DESK_H
#define CERTDESK_SCREEN_DESK_H

#include "base/arena.h"
#include "base/err.h"
#include "rpc/client.h"
#include "screen/once.h"
#include "screen/review_marks.h"
#include "screen/session.h"
#include "ui/doc.h"
#include "ui/form.h"
#include "ui/list.h"
#include "ui/loop.h"
#include "tr/tr.h"
#include "ui/view.h"

struct page;
struct desk;

/* One key of a screen: the footer shows key and label, the help shows all three. */
struct action {
    ui_key key;
    const char *label;                  /* msgid, short */
    const char *help;                   /* msgid, a sentence */
    bool (*when)(const struct page *p); /* NULL: always */
    void (*does)(struct page *p);
};

struct screen {
    const char *title;                         /* msgid */
    const char *empty;                         /* msgid: shown when there are no rows */
    const char *(*none)(const struct page *p); /* the same where it is not one for all that can be chosen */
    size_t state_size;                         /* bytes of page->state, zeroed */
    bool live;                                 /* reloads whenever a queue changed */

    /* A list of rows from a List… method with page_size and page_token … */
    const struct column *columns;
    size_t n_columns;
    struct rpc_method list;
    const char *row_id; /* field of a row that says which it is, "order_id" */
    void (*prepare)(struct page *p, ProtobufCMessage *request); /* more fields; NULL: none */
    const char *(*cell)(const struct page *p, const void *row, size_t column, enum style *s, struct arena *a);

    /* … or a document, composed whenever new data came, or cells of its own. */
    void (*load)(struct page *p); /* NULL for lists: the base loads them */
    void (*compose)(struct page *p);
    void (*draw)(struct page *p, int y, int rows);

    void (*open)(struct page *p);          /* once, before the first load */
    bool (*key)(struct page *p, ui_key k); /* before the actions; NULL: none */
    void (*close)(struct page *p);

    const struct action *actions;
    size_t n_actions;
};

struct page {
    const struct screen *screen;
    struct desk *desk;
    struct page *below;
    char id[80]; /* what it is about: an order id, … */
    char subtitle[160];
    void *state;

    struct call *calls; /* under way; cancelled when the page closes */
    bool loading;       /* a first load: nothing to show yet */
    bool stale;         /* load again when what is under way has come */
    bool failed;        /* the last load failed: fault says why */
    struct fault fault;

    struct kept *kept; /* messages that the rows or the document are made of */
    const void **rows;
    size_t n_rows, cap_rows;
    char *next_page;
    struct list list;
    struct doc doc;
};

struct queues {
    bool known;
    int32_t review, issue, ship, in_transit, exhausted_jobs, captures, reconciliations, remittances, invoices;
    unsigned roles; /* bits MAY(…); 0: nobody has said */
    int64_t revision;
};
/* MAY(FINANCE) */
#define MAY(role) (1u << CERTDESK__V1__STAFF_ROLE__STAFF_ROLE_##role)

/* Of a WatchQueuesResponse. */
struct queues queues_of(const ProtobufCMessage *message);
/* Whether the person has one of these roles; true when nobody has said. */
bool queues_may(const struct queues *q, unsigned roles);

typedef void form_done(struct page *p, struct form *f);

struct desk {
    struct loop loop;
    struct view view;
    struct rpc_channel *channel;
    struct session session;
    struct once once;
    struct page *top;
    struct form form;
    bool asking;
    form_done *on_form; /* when it was submitted */
    struct call *form_call;
    const struct reasoned *reasoned; /* what ask_reason() asked for last */
    struct queues queues;
    struct kept_marks *marks; /* of orders that a reviewer left undecided */
    struct rpc_pending *watch;
    bool away; /* the server does not answer */
    int64_t backoff_ms;
    char notice[240];
    enum style notice_style;
    unsigned spin;
    bool quit;
};

/* Whether the person has one of these roles, as far as it is known: what is shown to whom. The server
 * decides. */
bool desk_may(const struct desk *d, unsigned roles);

/* ---- pages ---- */

struct page *desk_open(struct desk *d, const struct screen *s, const char *id, const char *subtitle);
/* Closes the top page; the one below reloads. The last one asks before the console ends. */
void desk_back(struct desk *d);
/* Reads the data again; what is on the screen stays until they are there. */
void page_reload(struct page *p);
/* The selected row of a list; NULL when there is none. */
const void *page_row(const struct page *p);
bool has_row(const struct page *p);

/* Keeps a copy of a response until the next load. */
const ProtobufCMessage *page_keep(struct page *p, const ProtobufCMessage *m);
void page_forget(struct page *p);
/* A document's data came: keeps the response in place of the old one and composes. */
const ProtobufCMessage *page_fresh(struct page *p, const ProtobufCMessage *response);
/* Composes again from what is kept. */
void page_compose(struct page *p);
/* What the page was for is done: closes it if it is still on top, and says so. */
void page_done(struct page *p, const char *notice);

/* ---- calls ---- */

typedef void call_done(struct page *p, enum err e, const ProtobufCMessage *response, const struct fault *f);

/* Reads. On failure the page says why and F5 tries again; done is called on success only. */
void page_get(struct page *p, struct rpc_method m, const ProtobufCMessage *request, call_done *done);

/* The same for what the page can do without: done is called in any case, and a failure is not shown. */
void page_try(struct page *p, struct rpc_method m, const ProtobufCMessage *request, call_done *done);

/* Acts. request_id is filled in: the same request gets the same id until its outcome is known. While it is
 * under way the form waits. Failures are shown with every violation; done (may be NULL) is called in any
 * case, before that, and may show something else. */
void page_act(struct page *p, struct rpc_method m, ProtobufCMessage *request, call_done *done);
/* The same where a word is all there is to say: shows the notice (which outlives the call) when it is done,
 * and reads the page again in any case. */
void page_do(struct page *p, struct rpc_method m, ProtobufCMessage *request, const char *notice);
bool page_acting(const struct page *p);
/* An empty request of a method that there is; the caller frees it, and what is in it is not its own. */
ProtobufCMessage *page_request(struct rpc_method m);

/* Reads the next part of a list; used by the base. */
void listing_load(struct page *p, bool more);
/* State of a list that shows what needs a person, or all; prepare() asks the server for the one or the other.
 */
struct listing {
    bool all;
};
/* Which of the two it is; the title says it from the first moment on (open). */
bool listing_some(const struct page *p);
bool listing_all(const struct page *p);
void listing_open(struct page *p);
/* An action: the other of the two. A row for each, so that its label says what the key will do. */
void listing_filter(struct page *p);

/* ---- questions and messages ---- */

/* Shows d->form, which the caller has initialised. */
void desk_ask(struct desk *d, form_done *done);
/* Closes it and forgets what was typed. */
void desk_unask(struct desk *d);
void desk_tell(struct desk *d, enum style s, const char *title, const char *text);
void desk_notice(struct desk *d, enum style s, const char *text);
/* The server's sentence in the user's language, with all violations, one a line. */
char *fault_words(const struct fault *f, struct arena *a);
/* The same of an action: the console repeats it under its request_id, and says so when nobody knows. */
char *act_words(const struct fault *f, struct arena *a);
void desk_show_fault(struct desk *d, const struct fault *f);

/* ---- the whole ---- */

/* The session is over or there is none: asks for name, password and code over whatever is open. */
void desk_login(struct desk *d, const char *why);
void desk_watch(struct desk *d);
void desk_draw(struct desk *d);
void desk_keys(struct desk *d, ui_key k);

/* Runs the console until the user leaves. Exit status. */
int desk_run(const char *server);

#endif
