/* order_paper.h - the paper route: what does not match is proved on paper (S9, S16, S17).
 *
 * Only what the subject entered can be proved so (manual 3.1.2.2, 3.2.2.2): an agent that does not match is
 * corrected, or the legal representative acts in person (3.1.3).
 *
 * From the switch on nothing is verified by a supplier: the agent's data are collected, the purchase is made,
 * the application form is printed and signed by hand, and posted with the papers after payment. The clocks of
 * review run from the papers' arrival.
 */
#ifndef CERTDESK_ORDER_ORDER_PAPER_H
#define CERTDESK_ORDER_ORDER_PAPER_H

#include "order/order.h"

/* Inside a transaction. PRECONDITION unless the newest verification of the subject ended without a match;
 * METHOD_NOT_OFFERED when the channel has no paper route. */
enum err order_take_paper_route(struct ctx *c, const char *id, struct order *out);
/* The order may take it now: waits for its subject after a verification (v: the newest of the step, or NULL)
 * that did not match, and the channel offers the route. */
struct verification;
enum err order_paper_offered(struct ctx *c, const struct order *o, const struct verification *v, bool *out);

/* What the form says (form_pdf.h draws it), from the frozen quote on until the papers are there: ORDER_STATE
 * otherwise. */
struct form;
enum err order_application_form(struct ctx *c, const char *id, struct form *out);

/* Where papers are posted, in one line, with recipient and phone. */
struct channel;
const char *order_posting_address(struct ctx *c, const struct channel *channel);

/* Inside the transaction that books the payment: the order waits for its papers, and the applicant is told
 * where they go. */
enum err order_paper_paid(struct ctx *c, struct order *o);
/* Inside a transaction, by the desk: the clocks begin (S16), and the applicant is told. */
enum err order_papers_arrived(struct ctx *c, const char *id, struct order *out);

#endif
