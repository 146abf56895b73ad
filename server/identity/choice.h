/* choice.h - which supplier makes a check: the channel's first and second choice, or what is configured. */
#ifndef CERTDESK_IDENTITY_CHOICE_H
#define CERTDESK_IDENTITY_CHOICE_H

#include "core/ctx.h"
#include "identity/identity.h"
#include "identity/plan.h"

enum {
    CHOICES = 2
};
/* The channel's word for "no supplier": a file for the desk's own bank, with a code in the remark. */
#define REMITTANCE "remittance"

struct choices {
    const struct identity_port *ports[CHOICES]; /* in the order in which they are asked */
    size_t n;
};
/* Those of the channel's suppliers for the method that make this check; when it names none, or none of them
 * does, the first ones configured. n 0: nobody. */
enum err choose_suppliers(struct ctx *c, const char *channel, enum method m, enum check k,
                          struct choices *out);
/* Who sends the money of a micro-deposit: by the channel's first choice. NULL: the desk, by REMITTANCE, as
 * where the channel says nothing, and always to a person's account, which suppliers do not do. */
enum err choose_sender(struct ctx *c, const char *channel, enum subject_kind kind,
                       const struct identity_port **out);
/* Whether the desk sends what that supplier cannot: when the channel's second choice is REMITTANCE. */
enum err choose_remark(struct ctx *c, const char *channel, bool *out);
/* identity_secret_way() (identity.h) for an order, by what its channel says today. */
enum err choose_secret_way(struct ctx *c, const struct order *o, enum secret_way *out);

#endif
