/* session.h - who is logged in, kept between runs in $XDG_STATE_HOME/certdesk/session (0600).
 *
 * The file holds the session's secret, so it is readable by its owner alone and written whole or not at all.
 * A session of another server is no session.
 */
#ifndef CERTDESK_SCREEN_SESSION_H
#define CERTDESK_SCREEN_SESSION_H

#include "base/err.h"
#include "rpc/client.h"

#include <stdbool.h>

struct session {
    char server[200];
    char token[300];
    char login[80];
    char name[120];
    bool simulator; /* the server talks to simulated providers */
};

/* Reads the session of this server; false when there is none. */
bool session_read(struct session *s, const char *server);
/* Keeps it; false when it cannot be written (the session goes on without). */
bool session_write(const struct session *s);
/* Wipes it here and on disk. */
void session_forget(struct session *s);
/* Sends its token with every call. */
void session_use(const struct session *s, struct rpc_channel *ch);

#endif
