/* probe.h - whether the database answers, asked on a connection of its own.
 *
 * Every 200 ms a SELECT 1 with a second's patience: a frozen or dead server is known as down within two
 * seconds, and as up within one second of its return. Health and shedding hang on it; correctness does not.
 */
#ifndef CERTDESK_CORE_PROBE_H
#define CERTDESK_CORE_PROBE_H

#include "core/db.h"

struct probe;

/* Returns when the first answer is known. changed (may be NULL) runs on the probe's thread at every change,
 * first with that answer. The strings of `o` live as long as the probe. */
enum err probe_start(const struct db_options *o, void (*changed)(bool up, void *arg), void *arg,
                     struct probe **out, struct fault *f);
/* The last answer. Any thread, no lock. */
bool probe_up(const struct probe *p);
void probe_stop(struct probe *p);

#endif
