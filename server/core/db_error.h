/* db_error.h - what the numbers of the database mean to us: the one error table (reliability 6.4).
 *
 * Numbers below 2000 are the server's (mysqld_error.h), from 2000 on the client library's (errmsg.h).
 */
#ifndef CERTDESK_CORE_DB_ERROR_H
#define CERTDESK_CORE_DB_ERROR_H

#include "base/err.h"

#include <stdbool.h>

enum {
    E_GONE = 2006,
    E_LOCK_WAIT = 1205,
    E_NO_SCHEMA = 1049,
};

/* DB_RETRY, DB_DUPLICATE, UNAVAILABLE, PRECONDITION (we are refused) or INTERNAL. */
enum err db_error_meaning(unsigned number);
/* True when there is no room: on the disk, or in the table. */
bool db_error_is_full(unsigned number);
/* True when the session is not there any more, or not in step with us. */
bool db_error_breaks(unsigned number);
/* False when the message quotes data ("Duplicate entry '...'") and so must not be logged. */
bool db_error_has_no_data(unsigned number);

#endif
