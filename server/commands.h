/* commands.h - the commands of certdeskd's command line, and how they end. main.c has their table.
 *
 * A command's words are checked before settings, keys or a database are opened; what is left to fail later is
 * what only they can say.
 */
#ifndef CERTDESK_COMMANDS_H
#define CERTDESK_COMMANDS_H

#include "base/end.h"
#include "core/ctx.h"

struct args {
    int n;
    char **v;
    enum end end; /* of a command that did what it was asked to */
};

/* Takes `name` out of the words, with its value when one is wanted; NULL when it is not there. */
const char *args_option(struct args *a, const char *name, bool valued);

/* Each: the words alone (ERR_INVALID: usage is shown, after the fault's sentence when it has one), and then a
 * ctx of the system, outside a transaction. They print to standard output. */
typedef enum err command_words(struct args a, struct fault *f);
typedef enum err command_work(struct ctx *c, struct args *a);

command_words channel_words, remittance_words, identity_words, staff_words, audit_words, reconcile_words;
command_work channel_command, remittance_command, identity_command, staff_command, audit_command,
    reconcile_command;

#endif
