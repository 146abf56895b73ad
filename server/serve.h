/* serve.h - `certdeskd serve`: everything that runs until SIGTERM. */
#ifndef CERTDESK_SERVE_H
#define CERTDESK_SERVE_H

#include "start.h"

/* Blocks until SIGTERM or SIGINT, then drains: no new work, running calls end, jobs end, the audit is sealed.
 * Prints one JSON line {"ready":true,"ports":[…],"callback_port":…} on standard output when it serves.
 * SIGTERM and SIGINT must be blocked already. */
enum err serve(struct started *s, struct fault *f);

#endif
