/* commit_proxy.h - a Unix-socket proxy before a database that loses COMMITs.
 *
 * It forwards bytes both ways and watches for the COMMIT command. The n-th one it is told to lose is either
 * never forwarded (the server rolls back) or forwarded with its answer swallowed (the server has committed);
 * in both cases the client only sees its connection end, which is the point.
 */
#ifndef CERTDESK_TESTS_COMMIT_PROXY_H
#define CERTDESK_TESTS_COMMIT_PROXY_H

#include <stdbool.h>

struct commit_proxy;

enum commit_loss {
    LOSE_NOTHING,
    LOSE_REQUEST, /* the server never sees the COMMIT */
    LOSE_ANSWER,  /* the server commits, the client never hears */
};

/* Listens on `path` and connects to `target` for each client. NULL when it cannot. */
struct commit_proxy *commit_proxy_start(const char *path, const char *target);
/* The next `times` COMMITs are lost in this way. */
void commit_proxy_lose(struct commit_proxy *p, enum commit_loss how, int times);
/* How many were lost so far. */
int commit_proxy_lost(struct commit_proxy *p);
void commit_proxy_stop(struct commit_proxy *p);

#endif
