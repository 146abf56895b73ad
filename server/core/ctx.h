/* ctx.h - what one piece of work carries: who asks, when, on which connection, with which memory.
 *
 * A ctx belongs to one worker thread and lives for one call, one job, or one batch row. Rules and stores get
 * it as their first argument; nothing else is global to them.
 */
#ifndef CERTDESK_CORE_CTX_H
#define CERTDESK_CORE_CTX_H

#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"

#include <stdint.h>

struct app; /* server/app.h: settings, keys, providers; core only passes it on */
struct db;
struct keyring; /* core/crypt.h */

enum caller_kind {
    CALLER_NONE,    /* nobody logged in */
    CALLER_ACCOUNT, /* a person with a session */
    CALLER_STAFF,   /* reviewer, operator, ... with a session of two factors */
    CALLER_PARTNER, /* a partner platform by client certificate */
    CALLER_SYSTEM,  /* a job or the command line */
};

/* Staff roles, a bit set. The words of proto enum StaffRole. */
enum role {
    ROLE_REVIEWER = 1 << 0,
    ROLE_OPERATOR = 1 << 1,
    ROLE_SHIPPER = 1 << 2,
    ROLE_ADMIN = 1 << 3,
    ROLE_AUDITOR = 1 << 4,
    ROLE_FINANCE = 1 << 5,
    ROLE_ANY = (1 << 6) - 1,
};

struct caller {
    enum caller_kind kind;
    char id[ID_SIZE];      /* acc_…, stf_…; "system" */
    char session[ID_SIZE]; /* ses_…; empty without a session */
    char channel[ID_SIZE]; /* chn_… the caller may see; empty: all (staff) */
    unsigned roles;        /* enum role */
};

struct ctx {
    struct app *app;
    struct db *db;              /* this worker's connection */
    const struct keyring *keys; /* seals stored responses, job payloads and fields; signs audit seals */
    struct arena *arena;        /* what a failed try put in is thrown away before the next; all at the end */
    struct fault *fault;
    struct caller caller;
    char address[48]; /* where a writing call comes from, for limits; "" for reads and when nobody can tell */
    int64_t now_ms;   /* one instant for the whole piece of work */
    int64_t deadline_ms;   /* clock_mono_ms() at which waiting is useless */
    char request[ID_SIZE]; /* req_… for the log and the audit row */
    const char *method;    /* "/certdesk.v1.OrderService/CreateOrder" or "job:sms.send" */
    int fail_at;  /* tests: the k-th statement fails (0: none); counted by db.c with CERTDESK_FAULTS */
    bool latest;  /* set before the transaction (a row's flag, a job's call): each statement sees what others
                     have committed meanwhile (READ COMMITTED). For counters that everybody moves by
                     conditional updates: nobody begins again because somebody else came first. */
    bool reading; /* tx_read(): a statement that changes something is refused */
    void *found;  /* what look and aside of the row found out (dispatch.h); NULL: nothing */
    bool wrote;   /* set by db.c when a statement changed a row: watchers are woken after commit */
    bool queued;  /* set by outbox_add: outbox_wake() is due after commit */
    bool lost;    /* set by db_exec_one() when a compare-and-set found no row: somebody else came first */
    bool keep;    /* set by a rule: commit although the body failed (a counted try); tx_run then returns the
                     error */
};

#endif
