/* http.h - the one HTTP port, on libmicrohttpd: a thread a connection, bodies to 8 MiB.
 *
 * Which supplier is meant is told by the Host (sms.localhost, with or without port) or, when the Host is only
 * an address, by the first folder of the path (/sms/…). Everything else is the control interface and the
 * page.
 */
#ifndef CERTDESK_SANDBOX_HTTP_H
#define CERTDESK_SANDBOX_HTTP_H

#include "sandbox/sandbox.h"

/* Listens on 127.0.0.1; port 0 takes any. NULL when it cannot. */
struct http *http_start(struct sandbox *sb, int port);
int http_port(const struct http *h);
/* Lets running calls end; sb->stopping must be true. */
void http_stop(struct http *h);

#endif
