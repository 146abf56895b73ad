#include "core/db_error.h"

enum {
    E_CANT_OPEN = 3,             /* ENOSPC and friends while writing */
    E_CHANGED_SINCE_READ = 1020, /* innodb_snapshot_isolation */
    E_DISK_FULL = 1021,
    E_ENGINE = 1030,
    E_TOO_MANY_CONNECTIONS = 1040,
    E_ACCESS = 1045,
    E_WSREP_NOT_READY = 1047,
    E_SHUTDOWN = 1053,
    E_NO_COLUMN = 1054,
    E_DUPLICATE = 1062,
    E_SYNTAX = 1064,
    E_TABLE_FULL = 1114,
    E_NO_TABLE = 1146,
    E_TOO_MANY_USER_CONNECTIONS = 1203,
    E_DEADLOCK = 1213,
    E_READ_ONLY = 1290,
    E_INTERRUPTED = 1317,
    E_TOO_LONG = 1406,
    E_DUPLICATE_2 = 1586,
    E_READ_ONLY_MODE = 1836,
    E_KILLED = 1927,
    E_TOO_SLOW = 1969, /* max_statement_time */
    E_CLIENT_FIRST = 2000,
    E_CLIENT_LAST = 2999,
};

enum err db_error_meaning(unsigned number)
{
    switch (number) {
    case E_DEADLOCK:
    case E_CHANGED_SINCE_READ:
    case E_LOCK_WAIT:
        return ERR_DB_RETRY;
    case E_DUPLICATE:
    case E_DUPLICATE_2:
        return ERR_DB_DUPLICATE;
    case E_CANT_OPEN:
    case E_DISK_FULL:
    case E_TABLE_FULL:
    case E_ENGINE:
    case E_TOO_MANY_CONNECTIONS:
    case E_TOO_MANY_USER_CONNECTIONS:
    case E_WSREP_NOT_READY:
    case E_SHUTDOWN:
    case E_READ_ONLY:
    case E_READ_ONLY_MODE:
    case E_INTERRUPTED:
    case E_TOO_SLOW:
    case E_KILLED:
        return ERR_UNAVAILABLE;
    case E_ACCESS:
    case E_NO_SCHEMA:
        return ERR_PRECONDITION;
    default:
        return number >= E_CLIENT_FIRST && number <= E_CLIENT_LAST ? ERR_UNAVAILABLE : ERR_INTERNAL;
    }
}

bool db_error_is_full(unsigned number)
{
    return number == E_CANT_OPEN || number == E_DISK_FULL || number == E_TABLE_FULL;
}

bool db_error_breaks(unsigned number)
{
    return (number >= E_CLIENT_FIRST && number <= E_CLIENT_LAST) || number == E_KILLED ||
           number == E_SHUTDOWN || number == E_WSREP_NOT_READY;
}

bool db_error_has_no_data(unsigned number)
{
    enum err e = db_error_meaning(number);
    return e == ERR_UNAVAILABLE || e == ERR_DB_RETRY || number == E_NO_COLUMN || number == E_SYNTAX ||
           number == E_NO_TABLE || number == E_TOO_LONG;
}
