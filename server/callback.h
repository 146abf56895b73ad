/* callback.h - the HTTP side: providers tell us things (payment captured, parcel moved).
 *
 * POST to the rows of the features (callback_route.h)
 * GET  /healthz        200 while the database answers, 503 otherwise
 *
 * Loopback behind nginx.
 */
#ifndef CERTDESK_CALLBACK_H
#define CERTDESK_CALLBACK_H

#include "callback_route.h"
#include "start.h"

struct callback_server;

/* Listens on "127.0.0.1:port" with one thread and one database connection of its own, so that calls in a
 * queue never hold up a provider. The tables live as long as the server. database_up(arg) answers /healthz,
 * and turns a provider away (who comes again) without waiting for a database that is known to be down. */
enum err callback_open(struct started *s, const char *listen, const struct callback_table *tables,
                       size_t n_tables, bool (*database_up)(const void *arg), const void *arg,
                       struct callback_server **out, struct fault *f);
int callback_port(const struct callback_server *c);
void callback_close(struct callback_server *c);

#endif
