/* The state tables of orders, verifications and payments: every state x every event. Pure.
 *
 * What may happen is written here once more, in another form (a line per state), so that a slip in the tables
 * shows.
 */
#include "lib/check.h"

#include "certdesk/v1/order_service.pb-c.h"
#include "certdesk/v1/payment_service.pb-c.h"
#include "core/machine.h"
#include "identity/identity_moves.h"
#include "invoice/invoice_moves.h"
#include "order/order.h"
#include "payment/payment_moves.h"
#include "payment/refund.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

static struct fault fault;

/* "event>STATE event>STATE" for each state, by name. */
struct expectation {
    const char *state, *moves;
};

static const char *expected(const struct expectation *table, size_t n, const char *state)
{
    for (size_t i = 0; i < n; i++)
        if (strcmp(table[i].state, state) == 0)
            return table[i].moves;
    return "";
}

static bool lists(const char *moves, const char *move)
{
    size_t n = strlen(move);
    for (const char *p = strstr(moves, move); p; p = strstr(p + 1, move))
        if ((p == moves || p[-1] == ' ') && (p[n] == ' ' || p[n] == '\0'))
            return true;
    return false;
}

static size_t count(const char *moves)
{
    size_t n = 0;
    for (; *moves; moves++)
        n += *moves == '>';
    return n;
}

static bool has_name(const char *text)
{
    for (const char *p = text; *p; p++)
        if ((isupper((unsigned char)p[0]) && isupper((unsigned char)p[1])) || *p == '_')
            return strncmp(p, "SMS", 3) != 0; /* which is a word of people, too */
    return false;
}

/* Words for people in both languages; the code is in the details. */
static void in_words(const struct machine *m, int state, const struct fault *f)
{
    assert_string_equal(f->state, m->state_name(state));
    assert_memory_equal(f->text, m->en, strlen(m->en));
    assert_memory_equal(f->text_zh, m->zh, strlen(m->zh));
    assert_false(has_name(f->text));
    assert_true(strlen(f->text_zh) > strlen(m->zh) + strlen("当前不能进行此操作："));
    assert_true(strlen(f->text) < sizeof f->text - 1 && strlen(f->text_zh) < sizeof f->text_zh - 1);
}

static void is_told(const struct machine *m, int last)
{
    for (int s = 1; s <= last; s++) {
        struct fault f;
        int to;
        fault_clear(&f);
        assert_err(machine_next(m, s, 63, ERR_PRECONDITION, &to, &f), ERR_PRECONDITION);
        in_words(m, s, &f);
    }
}

static void walk(const struct machine *m, int states, int events, enum err refused,
                 const struct expectation *table, size_t n)
{
    size_t allowed = 0, want = 0;
    for (int s = 1; s <= states; s++) {
        const char *moves = expected(table, n, m->state_name(s));
        want += count(moves);
        for (int e = 1; e <= events; e++) {
            int to = -1;
            fault_clear(&fault);
            enum err err = machine_next(m, s, e, refused, &to, &fault);
            if (err == OK) {
                char move[80];
                snprintf(move, sizeof move, "%s>%s", m->event_name(e), m->state_name(to));
                if (!lists(moves, move)) {
                    print_error("%s: %s is not expected\n", m->state_name(s), move);
                    _fail(__FILE__, __LINE__);
                }
                allowed++;
            } else {
                assert_err(err, refused);
                if (m->now)
                    in_words(m, s, &fault);
                else /* of orders: order_refused() */
                    assert_non_null(strstr(fault.text, m->state_name(s)));
            }
        }
    }
    assert_int_equal(allowed, want);
    assert_int_equal(m->n, want); /* no row twice, none unreachable by number */
}

#define N(a) (sizeof(a) / sizeof *(a))
#define EVERY                                                                                                \
    {                                                                                                        \
        "REFUNDING", "refunded>CANCELLED"                                                                    \
    }
#define PURCHASE "purchase_set>CONFIRM cancelled>CANCELLED"
#define DESK                                                                                                 \
    {"ISSUE", "personalisation_begun>PERSONALISING cancelled_paid>REFUNDING"},                               \
        {"PERSONALISING", "personalisation_begun>PERSONALISING copy_written>PERSONALISING "                  \
                          "copy_dropped>PERSONALISING personalisation_dropped>ISSUE written>SHIP "           \
                          "cancelled_paid>REFUNDING"},                                                       \
        {"SHIP", "posted>SHIPPED"},                                                                          \
    {                                                                                                        \
        "SHIPPED", "returned>SHIP received>FINISHED"                                                         \
    }
#define DOWNLOAD                                                                                             \
    {                                                                                                        \
        "DOWNLOAD", "downloaded>FINISHED cancelled_paid>REFUNDING"                                           \
    }
#define PAPER                                                                                                \
    EVERY, {"CONFIRM", "purchase_confirmed>PAYMENT purchase_reopened>PURCHASE cancelled>CANCELLED"},         \
        {"PAYMENT", "paid>PAPERS purchase_reopened>PURCHASE cancelled>CANCELLED"},                           \
    {                                                                                                        \
        "PAPERS", "papers_arrived>REVIEW cancelled_paid>REFUNDING"                                           \
    }
#define PAPER_BY(approved)                                                                                   \
    PAPER,                                                                                                   \
    {                                                                                                        \
        "REVIEW", "approved>" approved " refused>PAPERS cancelled_paid>REFUNDING"                            \
    }
#define ONLINE                                                                                               \
    EVERY, {"CONFIRM", "purchase_confirmed>MATERIALS purchase_reopened>PURCHASE cancelled>CANCELLED"},       \
        {"MATERIALS", "purchase_reopened>PURCHASE signature_requested>SIGNATURE cancelled>CANCELLED"},       \
        {"SIGNATURE", "signature_requested>SIGNATURE signature_reopened>MATERIALS "                          \
                      "purchase_reopened>PURCHASE signed>PAYMENT cancelled>CANCELLED"},                      \
        {"PAYMENT", "paid>REVIEW purchase_reopened>PURCHASE cancelled>CANCELLED"},                           \
    {                                                                                                        \
        "CORRECTION", "signature_requested>CORRECTION corrected>REVIEW cancelled_paid>REFUNDING"             \
    }

#define ONLINE_BY(approved)                                                                                  \
    ONLINE,                                                                                                  \
    {                                                                                                        \
        "REVIEW", "approved>" approved " refused>CORRECTION cancelled_paid>REFUNDING"                        \
    }

/* The same table by the desk and by download. */
#define WALK(kind, paper, by, ...)                                                                           \
    do {                                                                                                     \
        static const struct expectation desk[] = {by("ISSUE"), DESK, __VA_ARGS__},                           \
                                        download[] = {by("DOWNLOAD"), DOWNLOAD, __VA_ARGS__};                \
        walk(order_machine(kind, paper, DELIVERY_DESK), ORDER_LAST_STATE, EV_LAST, ERR_ORDER_STATE, desk,    \
             N(desk));                                                                                       \
        walk(order_machine(kind, paper, DELIVERY_DOWNLOAD), ORDER_LAST_STATE, EV_LAST, ERR_ORDER_STATE,      \
             download, N(download));                                                                         \
    } while (0)

static void orders_of_organizations(void **s)
{
    (void)s;
    WALK(SUBJECT_ORGANIZATION, false, ONLINE_BY,
         {"SUBJECT", "subject_submitted>SUBJECT_VERIFYING method_changed>SUBJECT cancelled>CANCELLED "
                     "paper_route>AGENT"},
         {"SUBJECT_VERIFYING", "subject_submitted>SUBJECT_VERIFYING subject_mismatch>SUBJECT "
                               "method_changed>SUBJECT subject_passed>AGENT cancelled>CANCELLED"},
         {"AGENT", "agent_submitted>AGENT_VERIFYING agent_in_person>PURCHASE cancelled>CANCELLED"},
         {"AGENT_VERIFYING", "agent_submitted>AGENT_VERIFYING agent_in_person>PURCHASE agent_passed>PURCHASE "
                             "agent_mismatch>AGENT cancelled>CANCELLED"},
         {"PURCHASE", "agent_submitted>AGENT_VERIFYING agent_in_person>PURCHASE " PURCHASE});
}

static void orders_of_individuals_have_no_agent(void **s)
{
    (void)s;
    WALK(SUBJECT_INDIVIDUAL, false, ONLINE_BY,
         {"SUBJECT", "subject_submitted>SUBJECT_VERIFYING method_changed>SUBJECT cancelled>CANCELLED "
                     "paper_route>PURCHASE"},
         {"SUBJECT_VERIFYING", "subject_submitted>SUBJECT_VERIFYING subject_mismatch>SUBJECT "
                               "method_changed>SUBJECT subject_passed>PURCHASE cancelled>CANCELLED"},
         {"PURCHASE", PURCHASE});
}

static void by_paper_nothing_is_verified_or_uploaded(void **s)
{
    (void)s;
    WALK(SUBJECT_ORGANIZATION, true, PAPER_BY,
         {"AGENT", "agent_submitted>PURCHASE agent_in_person>PURCHASE subject_submitted>AGENT "
                   "cancelled>CANCELLED"},
         {"PURCHASE",
          "agent_submitted>PURCHASE agent_in_person>PURCHASE subject_submitted>PURCHASE " PURCHASE});
    WALK(SUBJECT_INDIVIDUAL, true, PAPER_BY, {"PURCHASE", "subject_submitted>PURCHASE " PURCHASE});
}

static void verifications(void **s)
{
    (void)s;
    static const struct expectation want[] = {
        {"PENDING", "matched>CODE_SENT mismatched>MISMATCH given_up>FAILED confirmed>PASSED "
                    "face_awaited>FACE deposit_awaited>DEPOSIT held>CODE_HELD"},
        {"CODE_SENT", "resent>CODE_SENT confirmed>PASSED"},
        {"CODE_HELD", "held>CODE_HELD released>CODE_SENT"},
        {"FACE", "mismatched>MISMATCH given_up>FAILED confirmed>PASSED face_news>FACE"},
        {"DEPOSIT", "mismatched>MISMATCH given_up>FAILED confirmed>PASSED deposit_news>DEPOSIT "
                    "entered>PENDING"},
    };
    is_told(&verification_machine, VERIFICATION_LAST);
    walk(&verification_machine, VERIFICATION_LAST, VERIFIED_LAST, ERR_PRECONDITION, want, N(want));
}

static void payments(void **s)
{
    (void)s;
    static const struct expectation want[] = {
        {"CREATING", "placed>WAITING refused>FAILED closed>CLOSED replaced>CLOSING settled>PAID held>HELD"},
        {"WAITING", "closed>CLOSED replaced>CLOSING settled>PAID held>HELD"},
        {"CLOSING", "closed>CLOSED kept>WAITING settled>PAID held>HELD"},
        {"PAID", "refunding>REFUNDING"},
        {"HELD", "refunding>REFUNDING"},
        {"REFUNDING", "refunded>REFUNDED"},
        {"CLOSED", "settled>PAID held>HELD"},
        {"FAILED", "settled>PAID held>HELD"},
    };
    is_told(&payment_machine, PAY_CLOSING);
    walk(&payment_machine, PAY_CLOSING, PAY_EV_LAST, ERR_PAYMENT_STATE, want, N(want));
}

static void refunds(void **s)
{
    (void)s;
    static const struct expectation want[] = {
        {"REQUESTED",
         "accepted>PROCESSING done>DONE abnormal>ABNORMAL closed>CLOSED refused>CLOSED stopped>STOPPING"},
        {"STOPPING", "accepted>PROCESSING done>DONE abnormal>ABNORMAL closed>CLOSED absent>CLOSED"},
        {"PROCESSING", "done>DONE abnormal>ABNORMAL closed>CLOSED refused>CLOSED stopped>STOPPING"},
        {"ABNORMAL", "done>DONE closed>CLOSED retried>PROCESSING recorded>DONE"},
        {"CLOSED", "retried>REQUESTED done>DONE recorded>DONE"},
    };
    is_told(&refund_machine, REFUND_IS_STOPPING);
    is_told(&invoice_machine, INV_DROPPED);
    walk(&refund_machine, REFUND_IS_STOPPING, REFUND_EV_LAST, ERR_PAYMENT_STATE, want, N(want));
}

/* The numbers of the contract and those of the headers are the same, by name. */
static void numbers_are_those_of_the_contract(void **s)
{
    (void)s;
    const ProtobufCEnumDescriptor *orders = &certdesk__v1__order_state__descriptor;
    assert_int_equal(orders->n_values, ORDER_LAST_STATE + 1);
    for (unsigned i = 0; i < orders->n_values; i++)
        if (orders->values[i].value)
            assert_string_equal(orders->values[i].name + strlen("ORDER_STATE_"),
                                order_state_name(orders->values[i].value));
    const ProtobufCEnumDescriptor *checks = &certdesk__v1__verification_state__descriptor;
    assert_int_equal(checks->n_values, VERIFICATION_LAST + 1);
    for (unsigned i = 0; i < checks->n_values; i++)
        if (checks->values[i].value)
            assert_string_equal(checks->values[i].name + strlen("VERIFICATION_STATE_"),
                                verification_machine.state_name(checks->values[i].value));
    const ProtobufCEnumDescriptor *pays = &certdesk__v1__payment_state__descriptor;
    assert_int_equal(pays->n_values, PAY_CLOSING + 1);
    for (unsigned i = 0; i < pays->n_values; i++)
        if (pays->values[i].value)
            assert_string_equal(pays->values[i].name + strlen("PAYMENT_STATE_"),
                                pay_state_name(pays->values[i].value));
    const ProtobufCEnumDescriptor *backs = &certdesk__v1__refund_state__descriptor;
    assert_int_equal(backs->n_values, REFUND_IS_STOPPING + 1);
    for (unsigned i = 0; i < backs->n_values; i++)
        if (backs->values[i].value)
            assert_string_equal(backs->values[i].name + strlen("REFUND_STATE_"),
                                refund_state_name(backs->values[i].value));
}

static void every_state_and_event_has_its_words(void **s)
{
    (void)s;
    for (int i = 1; i <= ORDER_LAST_STATE; i++) {
        assert_string_not_equal(order_state_name(i), "UNKNOWN");
        assert_string_not_equal(order_state_zh(i), "未知");
        assert_int_equal(order_state_is_open((enum order_state)i),
                         i != ORDER_FINISHED && i != ORDER_CANCELLED);
    }
    for (int i = 1; i <= EV_LAST; i++)
        assert_string_not_equal(order_event_name(i), "unknown");
    assert_string_equal(order_state_name(0), "UNKNOWN");
    assert_string_equal(order_state_name(ORDER_LAST_STATE + 1), "UNKNOWN");
    assert_string_equal(order_event_name(-1), "unknown");
}

/* What a person is told when the table has no such move: no word of ours, and what may be done. */
static void refusals_are_sentences_for_people(void **s)
{
    (void)s;
    struct order o = {.subject_kind = SUBJECT_ORGANIZATION};
    for (int state = 1; state <= ORDER_LAST_STATE; state++)
        for (int e = 1; e <= EV_LAST; e++) {
            int to;
            o.state = (enum order_state)state;
            fault_clear(&fault);
            if (order_next(&o, (enum order_event)e, &to, &fault) == OK)
                continue;
            assert_int_equal(fault.code, ERR_ORDER_STATE);
            assert_null(strchr(fault.text, '_'));
            assert_null(strstr(fault.text, order_state_name(state)));
            assert_non_null(strstr(fault.text, order_state_now(state)));
            assert_non_null(strstr(fault.text_zh, order_state_zh(state)));
            assert_true(strspn(fault.text, "abcdefghijklmnopqrstuvwxyzUKEY ,;:") == strlen(fault.text));
        }
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(orders_of_organizations),
        cmocka_unit_test(orders_of_individuals_have_no_agent),
        cmocka_unit_test(by_paper_nothing_is_verified_or_uploaded),
        cmocka_unit_test(verifications),
        cmocka_unit_test(payments),
        cmocka_unit_test(refunds),
        cmocka_unit_test(numbers_are_those_of_the_contract),
        cmocka_unit_test(refusals_are_sentences_for_people),
        cmocka_unit_test(every_state_and_event_has_its_words),
    };
    return CHECK_MAIN(tests);
}
