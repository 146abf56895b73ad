/* smtp.h - the mail server: aiosmtpd in a child process, with a handler beside this file.
 *
 * The child takes over a socket that is listening already, keeps each message in DIR/mail as it came, and
 * asks the control interface what to say to it, so that faults and log are in one place. It dies with this
 * program.
 */
#ifndef CERTDESK_SANDBOX_SMTP_H
#define CERTDESK_SANDBOX_SMTP_H

#include "sandbox/sandbox.h"

/* Binds 127.0.0.1 (port 0 takes any) and starts the child. sb->port must be known. NULL, and a sentence on
 * stderr, when it cannot. Call from the main thread. */
struct smtp *smtp_start(struct sandbox *sb, int port);
int smtp_port(const struct smtp *s);
/* To be called on SIGCHLD: starts a child that died again. False when it dies at once. */
bool smtp_revive(struct smtp *s);
void smtp_stop(struct smtp *s);

/* What the mail server says at a step ("RCPT" or "DATA") of a message: {"reply":"250 …","delay_ms":…,"cut":…,
 * "keep":…}. A message that is kept is remembered (section mails). Lock held.
 *
 * Faults of those actions: fail (550), busy (451), rate_limited (452), full (552), slow, timeout,
 * lose_answer, lose_request. */
json_t *smtp_verdict(struct sandbox *sb, const json_t *step);

#endif
