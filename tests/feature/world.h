/* world.h - a channel, an account and the handlers of the features, over a real database and without gRPC.
 *
 * call() runs a row's handler as dispatch does: in tx_run() for writes. Provider answers are booked through
 * the rules that jobs use; the jobs themselves are tried with the sandbox, by the *_rig.h and in tests/flow.
 */
#ifndef CERTDESK_TESTS_FEATURE_WORLD_H
#define CERTDESK_TESTS_FEATURE_WORLD_H

#include "app.h"
#include "core/tx.h"
#include "dispatch.h"
#include "identity/identity_steps.h"
#include "lib/check.h"
#include "lib/mariadb.h"
#include "order/order_steps.h"
#include "payment/payment_steps.h"
#include "providers.h"

#include <certdesk/v1/order_service.pb-c.h>
#include <certdesk/v1/payment_service.pb-c.h>
#include <certdesk/v1/verification_service.pb-c.h>

/* cmocka's fail_msg() needs its fail(), whose name is ours. */
#define world_fail(...) (print_error(__VA_ARGS__), _fail(__FILE__, __LINE__))

struct world {
    struct test_schema schema;
    struct app app;
    struct providers providers; /* Tencent's adapter with the address of nobody: what could be asked */
    struct test_ctx t;
    struct ctx *c; /* &t.c: account acc_test of the channel */
    char channel[ID_SIZE], product[ID_SIZE];
    struct consent consents[4];
    size_t n_consents;
};

/* Starts the program's MariaDB, makes the schema and imports the channel; and the other way. */
int world_open(struct world *w);
int world_close(struct world *w);
/* Another caller with a connection of its own. */
void world_ctx(struct world *w, struct test_ctx *t, const char *account);
/* Forgets memory and fault; time goes on by ms. */
void world_next(struct world *w, int64_t ms);

/* Runs a handler by name ("SubmitAgent") on c. in and out are messages of its types; out must be initialised.
 */
enum err call(struct ctx *c, const char *method, const void *in, void *out);
/* What the call would answer now; nothing of it stays. */
enum err call_undone(struct ctx *c, const char *method, const void *in, void *out);
enum err world_undone(struct ctx *c, tx_body *body, void *arg);
/* The same with the k-th statement failing. */
enum err call_failing(struct ctx *c, const char *method, const void *in, void *out, int k);

/* The order as its owner sees it. */
PB(Order) * get_order(struct ctx *c, const char *id);
bool has_action(const PB(Order) * o, const char *verb);
void assert_state(struct world *w, const char *id, enum order_state want);

/* Provider answers: match or mismatch for the newest verification of the order, all its checks. */
void world_verified(struct world *w, const char *order, bool match);
/* The code in the newest SMS to this phone. */
const char *world_code(struct world *w, const char *phone);
/* One number out of the database. */
int64_t world_number(struct world *w, struct sql q);
/* Everything in every table but the counters of connections: equal texts, equal databases. */
const char *world_dump(struct world *w, struct arena *a);

/* -- the order of issue 2, step by step; each asserts that it went well and leaves the id in order --------
 */

extern const char LEGAL_REP_PHONE[], AGENT_PHONE[], USCC[], OTHER_USCC[];

void make_order(struct world *w, struct ctx *c, char order[static ID_SIZE]);
/* The same for this subject and method. */
void make_order_by(struct world *w, struct ctx *c, enum subject_kind kind, enum method m,
                   char order[static ID_SIZE]);
/* Everything that any method asks for: an organization (by USCC), a person (by identity number). */
enum err submit_company(struct ctx *c, const char *order, const char *name, const char *uscc);
enum err submit_person(struct ctx *c, const char *order, const char *name, const char *id_number);
enum err submit_agent_by(struct ctx *c, const char *order, enum method m);
enum err submit_organization(struct ctx *c, const char *order, const char *uscc, const char *legal_rep_phone);
void pass_organization(struct world *w, const char *order);
void pass_agent(struct world *w, const char *order);
void set_purchase(struct world *w, const char *order);
void confirm_purchase(struct world *w, const char *order);
enum err confirm_code(struct ctx *c, const char *order, const char *code);
enum err start_face(struct ctx *c, const char *order, bool by_sms, const char **url);
void add_material(struct world *w, const char *order);
void sign(struct world *w, const char *order);
/* From nothing to PAYMENT. */
void order_to_payment(struct world *w, char order[static ID_SIZE]);
/* A payment that waits to be scanned. */
void wait_for_payment(struct world *w, const char *order, char payment[static ID_SIZE]);

/* setup and teardown of the group: the server first, then the test's own. */
#define CHECK_MAIN_WORLD(tests, setup, teardown)                                                             \
    (cmocka_set_message_output(CM_OUTPUT_TAP), cmocka_run_group_tests_name(__FILE__, tests, setup, teardown))

#endif
