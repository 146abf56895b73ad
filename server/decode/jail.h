/* jail.h - what is left to a process that is about to read a stranger's file: memory, time, and one
 * descriptor to write to.
 *
 * Everything it needs is loaded before jail_close(). After it a system call that decoding does not need ends
 * the process (SIGSYS). Documents are another matter: their library looks for fonts by itself and goes on
 * without, so opening and looking fail for them with EACCES instead; that opens nothing either.
 */
#ifndef CERTDESK_DECODE_JAIL_H
#define CERTDESK_DECODE_JAIL_H

#include <stdbool.h>

/* May be called at once: dies with the server, is not traced, gains no privileges. */
void jail_begin(void);
/* For so many seconds of work. False when the kernel refuses it; then nothing may be decoded. */
bool jail_close(bool document, int seconds);

#ifdef CERTDESK_FAULTS
/* For tests: does what must not be possible in here. Returns when it was refused or did not happen. */
int jail_escape(const char *what);
#endif

#endif
