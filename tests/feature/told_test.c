/* What an applicant hears of (S18 and the others): every event of every state machine is either told, by SMS
 * and by mail, or silent for a reason. Who adds an event, a state or a template is asked here. Pure; that the
 * events are told when they happen is held by the tests of each feature, and that nothing else tells by lint.
 */
#include "lib/check.h"

#include "identity/deposit.h"
#include "identity/identity_moves.h"
#include "invoice/invoice_moves.h"
#include "order/order_tell.h"
#include "payment/partial.h"
#include "payment/payment_moves.h"
#include "payment/refund.h"
#include "shipment/shipment_desk.h"

#include <stdio.h>
#include <string.h>

#define N(a) (sizeof(a) / sizeof *(a))

/* news: names of ORDER_NEWS_TABLE, a blank between two. silent: why nobody is told. Exactly one of them. */
struct hears {
    const char *news, *silent;
};
#define TOLD(names)                                                                                          \
    {                                                                                                        \
        .news = (names)                                                                                      \
    }
#define SILENT(why)                                                                                          \
    {                                                                                                        \
        .silent = (why)                                                                                      \
    }
#define BY_THEM  SILENT("the applicant's own call, answered at once")
#define BY_CHECK SILENT("answers within seconds to who waits at the screen (WatchOrder)")
#define OF_DESK  SILENT("work of the desk in between")

static const struct hears of_order[] = {
    [EV_SUBJECT_SUBMITTED] = BY_THEM,
    [EV_SUBJECT_PASSED] = BY_CHECK,
    [EV_SUBJECT_MISMATCH] = BY_CHECK, /* after a deposit, which takes days: see there */
    [EV_AGENT_SUBMITTED] = BY_THEM,
    [EV_AGENT_PASSED] = BY_CHECK,
    [EV_AGENT_IN_PERSON] = BY_THEM,
    [EV_AGENT_MISMATCH] = BY_CHECK,
    [EV_PURCHASE_SET] = BY_THEM,
    [EV_PURCHASE_CONFIRMED] = BY_THEM,
    [EV_PURCHASE_REOPENED] = BY_THEM,
    [EV_SIGNATURE_REQUESTED] = SILENT("the code itself goes out, by SMS alone"),
    [EV_SIGNATURE_REOPENED] = BY_THEM,
    [EV_SIGNED] = BY_THEM,
    [EV_PAID] = TOLD("PAID PAID_DOWNLOAD PAID_POST PAPERS_WANTED PAPERS_WANTED_HERE"),
    [EV_PAPERS_ARRIVED] = TOLD("PAPERS_ARRIVED"),
    [EV_APPROVED] = TOLD("APPROVED APPROVED_DOWNLOAD"),
    [EV_REFUSED] = TOLD("REFUSED PAPERS_REFUSED"),
    [EV_CORRECTED] = BY_THEM,
    [EV_PERSONALISATION_BEGUN] = OF_DESK,
    [EV_PERSONALISATION_DROPPED] = OF_DESK,
    [EV_WRITTEN] = SILENT("the PIN itself goes out: by SMS alone, or by a deposit"),
    [EV_POSTED] = TOLD("SHIPPED"),
    [EV_RETURNED] = TOLD("PARCEL_RETURNED"),
    [EV_RECEIVED] = TOLD("RECEIVED"),
    [EV_CANCELLED] = SILENT("the applicant did it; when the desk does, the account is told"),
    [EV_CANCELLED_PAID] = TOLD("CANCELLED CANCELLED_REST"),
    [EV_REFUNDED] = SILENT("its refund is told"),
    [EV_METHOD_CHANGED] = BY_THEM,
    [EV_PAPER_ROUTE] = BY_THEM,
    [EV_COPY_WRITTEN] = SILENT("as EV_WRITTEN"),
    [EV_COPY_DROPPED] = OF_DESK,
    [EV_DOWNLOADED] = TOLD("DOWNLOADED"),
};

static const struct hears of_verification[] = {
    [VERIFIED_MATCHED] = SILENT("the code itself goes out, by SMS alone"),
    [VERIFIED_MISMATCHED] = BY_CHECK,
    [VERIFIED_GIVEN_UP] = BY_CHECK,
    [VERIFIED_RESENT] = SILENT("the code itself"),
    [VERIFIED_CONFIRMED] = BY_CHECK,
    [VERIFIED_FACE_AWAITED] = BY_CHECK,
    [VERIFIED_FACE_NEWS] = SILENT("the link itself goes out, by SMS alone"),
    [VERIFIED_DEPOSIT_AWAITED] = BY_CHECK,
    [VERIFIED_DEPOSIT_NEWS] = SILENT("the deposit's states say it"),
    [VERIFIED_ENTERED] = BY_THEM,
    [VERIFIED_HELD] = BY_CHECK,
    [VERIFIED_RELEASED] = SILENT("the code itself"),
};

static const struct hears of_deposit[] = {
    [DEPOSIT_WAITING] = BY_CHECK,
    [DEPOSIT_ORDERED] = OF_DESK,
    [DEPOSIT_SENT] = TOLD("DEPOSIT_SENT PIN_SENT"),
    [DEPOSIT_FAILED] = TOLD("DEPOSIT_FAILED PIN_BOUNCED"),
    [DEPOSIT_USED] = BY_THEM,
    [DEPOSIT_DROPPED] = TOLD("DEPOSIT_EXPIRED DEPOSIT_UNDONE"),
    [DEPOSIT_DOUBTFUL] = TOLD("DEPOSIT_UNDONE"),
};

static const struct hears of_payment[] = {
    [PAY_EV_PLACED] = BY_THEM,
    [PAY_EV_REFUSED] = BY_CHECK,
    [PAY_EV_SETTLED] = SILENT("the order's EV_PAID"),
    [PAY_EV_HELD] = SILENT("its refund is told when it is made"),
    [PAY_EV_CLOSED] = SILENT("nothing was paid, and another code is asked for"),
    [PAY_EV_REPLACED] = BY_THEM,
    [PAY_EV_KEPT] = BY_THEM,
    [PAY_EV_REFUNDING] = SILENT("its refund is told"),
    [PAY_EV_REFUNDED] = SILENT("its refund is told"),
};

static const struct hears of_refund[] = {
    [REFUND_EV_ACCEPTED] = SILENT("EV_CANCELLED_PAID promised it"),
    [REFUND_EV_DONE] = TOLD("REFUNDED"),
    [REFUND_EV_ABNORMAL] = OF_DESK,
    [REFUND_EV_CLOSED] = OF_DESK,
    [REFUND_EV_REFUSED] = OF_DESK,
    [REFUND_EV_RETRIED] = OF_DESK,
    [REFUND_EV_RECORDED] = TOLD("REFUNDED_BY_HAND"),
    [REFUND_EV_STOPPED] = OF_DESK,
    [REFUND_EV_ABSENT] = OF_DESK,
};

static const struct hears of_partial[] = {
    [PARTIAL_SUM] = TOLD("PARTLY_REFUNDED"),
    [PARTIAL_SAME_SUM] = SILENT("it was told"),
    [PARTIAL_OF_ENDED] = SILENT("the refund of all of it is told when it is over"),
};

static const struct hears of_invoice[] = {
    [INV_EV_SENT] = OF_DESK,
    [INV_EV_UNSENT] = OF_DESK,
    [INV_EV_ISSUED] = SILENT("the invoice itself goes out, by mail alone"),
    [INV_EV_FAILED] = TOLD("INVOICE_FAILED"),
    [INV_EV_RETRIED] = BY_THEM,
    [INV_EV_DROPPED] = SILENT("its order's refund is told"),
    [INV_EV_REVERSED] = SILENT("its order's refund is told"),
    [INV_EV_RED] = SILENT("the red one itself goes out, by mail alone"),
    [INV_EV_RED_FAILED] = OF_DESK,
};

static const struct hears of_shipment[] = {
    [SHIPMENT_POSTED] = SILENT("the order's EV_POSTED"),
    [SHIPMENT_IN_TRANSIT] = SILENT("of interest to who looks"),
    [SHIPMENT_OUT_FOR_DELIVERY] = SILENT("the courier rings"),
    [SHIPMENT_RECEIVED] = SILENT("the order's EV_RECEIVED"),
    [SHIPMENT_PROBLEM] = TOLD("PARCEL_PROBLEM"),
    [SHIPMENT_RETURNED] = TOLD("PARCEL_RETURNED"),
    [SHIPMENT_LOST] = TOLD("PARCEL_LOST"),
};

static const struct {
    const char *what;
    const struct hears *rows;
    size_t n, last;
} machines[] = {
    {"order", of_order, N(of_order), EV_LAST},
    {"verification", of_verification, N(of_verification), VERIFIED_LAST},
    {"deposit", of_deposit, N(of_deposit), DEPOSIT_LAST},
    {"payment", of_payment, N(of_payment), PAY_EV_LAST},
    {"refund", of_refund, N(of_refund), REFUND_EV_LAST},
    {"partial", of_partial, N(of_partial), PARTIAL_WORD_LAST},
    {"invoice", of_invoice, N(of_invoice), INV_EV_LAST},
    {"shipment", of_shipment, N(of_shipment), SHIPMENT_LAST},
};

static const char *const news[] = {
#define X(event, sms, mail) #event,
    ORDER_NEWS_TABLE(X)
#undef X
};

#define wrong(...) (print_error(__VA_ARGS__), _fail(__FILE__, __LINE__))

static bool names(const char *list, const char *name)
{
    size_t n = strlen(name);
    for (const char *p = list; (p = strstr(p, name)); p += n)
        if ((p == list || p[-1] == ' ') && (p[n] == ' ' || !p[n]))
            return true;
    return false;
}

static size_t words(const char *list)
{
    size_t n = 1;
    for (const char *p = list; (p = strchr(p, ' ')); p++)
        n++;
    return n;
}

static void every_event_is_told_or_silent_for_a_reason(void **state)
{
    (void)state;
    for (size_t m = 0; m < N(machines); m++) {
        assert_int_equal(machines[m].n, machines[m].last + 1);
        for (size_t i = 1; i <= machines[m].last; i++) {
            const struct hears *h = &machines[m].rows[i];
            size_t known = 0;
            if (!h->news == !h->silent)
                wrong("%s %zu: who hears of it, or why nobody?", machines[m].what, i);
            for (size_t k = 0; h->news && k < N(news); k++)
                known += names(h->news, news[k]);
            if (h->news && known != words(h->news))
                wrong("%s %zu: not all of these are news: %s", machines[m].what, i, h->news);
        }
    }
}

static void all_news_are_of_an_event(void **state)
{
    (void)state;
    for (size_t k = 0; k < N(news); k++) {
        bool found = false;
        for (size_t m = 0; m < N(machines); m++)
            for (size_t i = 1; i < machines[m].n; i++)
                found = found || (machines[m].rows[i].news && names(machines[m].rows[i].news, news[k]));
        if (!found)
            wrong("%s is told of nothing", news[k]);
    }
}

/* What is no news of an order: what must not lie in a mailbox, and what an account is told, which has no
 * e-mail. */
static const enum sms_template by_sms_alone[] = {
    SMS_LOGIN_CODE,    SMS_PASSWORD_CODE, SMS_PHONE_CODE,      SMS_VERIFY_CODE,
    SMS_SIGN_CODE,     SMS_FACE_LINK,     SMS_CERTIFICATE_PIN, SMS_UKEY_BOUND,
    SMS_PHONE_CHANGED, SMS_CLOUD_BOUND,   SMS_ACCOUNT_CREATED, SMS_ORDER_CLOSED,
};

static void every_template_has_its_news(void **state)
{
    (void)state;
    bool sms[SMS_TEMPLATES] = {0}, mail[MAIL_TEMPLATES] = {0};
#define X(event, s, m)                                                                                       \
    assert_false(sms[SMS_##s]);                                                                              \
    sms[SMS_##s] = mail[MAIL_##m] = true;
    ORDER_NEWS_TABLE(X)
#undef X
    for (size_t i = 0; i < N(by_sms_alone); i++) {
        assert_false(sms[by_sms_alone[i]]);
        sms[by_sms_alone[i]] = true;
    }
    for (size_t i = 0; i < SMS_TEMPLATES; i++)
        if (!sms[i])
            wrong("SMS template %zu goes out alone", i);
    for (size_t i = 0; i < MAIL_TEMPLATES; i++)
        if (!mail[i])
            wrong("mail template %zu goes out alone", i);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(every_event_is_told_or_silent_for_a_reason),
                                       cmocka_unit_test(all_news_are_of_an_event),
                                       cmocka_unit_test(every_template_has_its_news)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
