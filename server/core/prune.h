/* prune.h - rows that have served are deleted, by one table of rules per owner.
 *
 * A rule is one DELETE that takes a moment and a number: rows that were over before that moment, at most so
 * many. The server runs the rules when it starts and every minute, in batches that lock for milliseconds;
 * what a round leaves the next one finds. Several servers on one database may prune at once.
 *
 * What is never pruned: audit rows, orders and what belongs to them (evidence of verifications, the books),
 * and the outbox, whose keys say what was done already.
 */
#ifndef CERTDESK_CORE_PRUNE_H
#define CERTDESK_CORE_PRUNE_H

#include "core/db.h"

#define PRUNE_DAY_MS INT64_C(86400000)

struct prune_rule {
    const char *what;     /* for the log */
    int64_t age_ms;       /* kept for so long */
    struct sql statement; /* "DELETE FROM … WHERE … < ? LIMIT ?" */
};

struct prune_rules {
    const struct prune_rule *rules;
    size_t n;
};

/* Outside any transaction; each batch is one of its own. *deleted counts all of them. */
enum err prune_run(struct ctx *c, const struct prune_rules *all, size_t n, uint64_t *deleted);

/* Core's own tables. */
extern const struct prune_rules core_prune;

#endif
