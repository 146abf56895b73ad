/* order_tell.h - what an applicant hears of an order: every event by SMS and by mail, once (S18); but for
 * what the desk closes, unpaid: SMS to the account.
 *
 * A row is an event; it has both templates, so that none is told by one way alone. Which state moves are
 * events, and which are silent and why, is held by tests/feature/told_test.c: whoever adds a move is asked
 * there.
 */
#ifndef CERTDESK_ORDER_ORDER_TELL_H
#define CERTDESK_ORDER_ORDER_TELL_H

#include "notice/notice.h"
#include "order/order.h"

/* X(event, SMS template, mail template) */
#define ORDER_NEWS_TABLE(X)                                                                                  \
    X(PAID, ORDER_PAID, ORDER_PAID)                                                                          \
    X(PAID_DOWNLOAD, PAID_DOWNLOAD, PAID_DOWNLOAD)                                                           \
    X(PAID_POST, PAID_POST, PAID_POST)                                                                       \
    X(PAPERS_WANTED, PAPERS_WANTED, PAPERS_WANTED)                                                           \
    X(PAPERS_WANTED_HERE, PAPERS_WANTED_HERE,                                                                \
      PAPERS_WANTED) /* the SMS is all there is: no e-mail is known */                                       \
    X(PAPERS_ARRIVED, PAPERS_ARRIVED, PAPERS_ARRIVED)                                                        \
    X(APPROVED, ORDER_APPROVED, ORDER_APPROVED)                                                              \
    X(APPROVED_DOWNLOAD, APPROVED_DOWNLOAD, APPROVED_DOWNLOAD)                                               \
    X(REFUSED, ORDER_REFUSED, ORDER_REFUSED)                                                                 \
    X(PAPERS_REFUSED, PAPERS_REFUSED, PAPERS_REFUSED)                                                        \
    X(SHIPPED, ORDER_SHIPPED, ORDER_SHIPPED)                                                                 \
    X(RECEIVED, ORDER_RECEIVED, ORDER_RECEIVED)                                                              \
    X(PARCEL_PROBLEM, PARCEL_PROBLEM, PARCEL_PROBLEM)                                                        \
    X(PARCEL_RETURNED, PARCEL_RETURNED, PARCEL_RETURNED)                                                     \
    X(PARCEL_LOST, PARCEL_LOST, PARCEL_LOST)                                                                 \
    X(DOWNLOADED, CERTIFICATE_DOWNLOADED, CERTIFICATE_DOWNLOADED)                                            \
    X(DEPOSIT_SENT, DEPOSIT_SENT, DEPOSIT_SENT)                                                              \
    X(DEPOSIT_FAILED, DEPOSIT_FAILED, DEPOSIT_FAILED)                                                        \
    X(DEPOSIT_UNDONE, DEPOSIT_UNDONE, DEPOSIT_UNDONE)                                                        \
    X(DEPOSIT_EXPIRED, DEPOSIT_EXPIRED, DEPOSIT_EXPIRED)                                                     \
    X(PIN_SENT, PIN_SENT, PIN_SENT)                                                                          \
    X(PIN_BOUNCED, PIN_BOUNCED, PIN_BOUNCED)                                                                 \
    X(INVOICE_FAILED, INVOICE_FAILED, INVOICE_FAILED)                                                        \
    X(CANCELLED, ORDER_CANCELLED, ORDER_CANCELLED)                                                           \
    X(CANCELLED_REST, CANCELLED_REST, CANCELLED_REST)                                                        \
    X(REFUNDED, REFUND_DONE, REFUND_DONE)                                                                    \
    X(REFUNDED_BY_HAND, REFUND_BY_HAND, REFUND_BY_HAND)                                                      \
    X(PARTLY_REFUNDED, PARTLY_REFUNDED, PARTLY_REFUNDED)

enum order_news {
#define X(event, sms, mail) NEWS_##event,
    ORDER_NEWS_TABLE(X)
#undef X
    ORDER_NEWS
};

/* Queues both, inside the caller's transaction: the SMS to the order's contact (before there is one, to the
 * account that made the order), the mail to the contact's e-mail if there is one. said: the SMS's parameters.
 * written: the mail's from {3} on (name and order are the first); NULL when it has no more. key:
 * "shipped:shp_…"; what was told under a key is not told again. The event is still true: whoever calls has
 * looked that the order has not ended meanwhile. */
enum err order_tell(struct ctx *c, const struct order *o, enum order_news what, const char *const *said,
                    const char *const *written, const char *key);
/* The same, the mail to `otherwise` when the contact has no e-mail: where the invoice goes, which may be
 * somebody else's mailbox; so only for what is the invoice's, or cannot be said by SMS. NULL or "": nowhere.
 */
enum err order_tell_else(struct ctx *c, const struct order *o, enum order_news what, const char *otherwise,
                         const char *const *said, const char *const *written, const char *key);
/* That the desk closed it, unpaid: to the account that made it, by SMS. What is in the order nobody may have
 * proved: its phone and e-mail may be those of who knows nothing of it. */
enum err order_tell_closed(struct ctx *c, const struct order *o);

#endif
