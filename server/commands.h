/* commands.h - commands of certdeskd's command line that have a file of their own. Each is given a ctx of the
 * system, outside a transaction. */
#ifndef CERTDESK_COMMANDS_H
#define CERTDESK_COMMANDS_H

#include "core/ctx.h"

struct args {
    int n;
    char **v;
};

/* channel import | list | show | history: prints to standard output, the faults of a file to standard error.
 */
enum err command_channel(struct ctx *c, struct args *a);
/* remittance list | export [FILE] | batch N [FILE] | import FILE | again NUMBER */
enum err command_remittance(struct ctx *c, struct args *a);
/* identity costs [YYYY-MM-DD] */
enum err command_identity(struct ctx *c, struct args *a);

#endif
