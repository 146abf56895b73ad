/* channel_command.h - certdeskd channel import | list | show | history. */
#ifndef CERTDESK_CHANNEL_COMMAND_H
#define CERTDESK_CHANNEL_COMMAND_H

#include "core/ctx.h"

/* The words behind "channel". Prints to standard output; the faults of a file to standard error. */
enum err channel_command(struct ctx *c, int n, char **words);

#endif
