#include "payment/payment_prune.h"

/* What a provider told was booked in the transaction that stored it; captures, settlements, refunds and what
 * the bills said of them are the books, and stay. A provider repeats for a day or so, and a later one books
 * nothing twice (payment_capture's key). Half a year is what logs of the network are kept for (Cybersecurity
 * Law, article 21), and longer than the three months for which a provider's bills can be had again. */
static const struct prune_rule rules[] = {
    {"payment_event", 183 * PRUNE_DAY_MS, SQL("DELETE FROM payment_event WHERE received_ms < ? LIMIT ?")},
};

const struct prune_rules payment_prune = {rules, sizeof rules / sizeof *rules};
