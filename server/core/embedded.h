/* embedded.h - the private MariaDB that certdeskd keeps when it is given none.
 *
 * A keeper process (forked before gRPC and threads exist) starts mariadbd in dir on dir/db.sock (0700 folder,
 * no TCP), makes the data folder the first time, starts it again when it dies, and stops it when certdeskd
 * stops or dies.
 */
#ifndef CERTDESK_CORE_EMBEDDED_H
#define CERTDESK_CORE_EMBEDDED_H

#include "base/err.h"

#include <sys/types.h>

struct embedded {
    pid_t keeper;
    char socket[108];
};

/* Returns at once; the database is ready when db_open() succeeds. dir is made if missing; its socket path
 * must fit 107 bytes. */
enum err embedded_start(const char *dir, struct embedded *out, struct fault *f);
/* Stops mariadbd in good order and waits for it. */
void embedded_stop(struct embedded *e);

#endif
