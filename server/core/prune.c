#include "core/prune.h"

#include "base/log.h"
#include "core/db_tx.h"

enum {
    BATCH = 500,   /* rows; a few milliseconds */
    BATCHES = 100, /* of one rule in a round: 50 000 rows a minute, more than any desk makes */
};
/* A caller repeats a call under its request_id when it does not know what became of it. After a week of
 * holidays the longest queue of a partner has been worked off; a repeat that is later still is done anew, and
 * the rules of the thing itself (one open order, a version, a code that is spent) decide. */
static const struct prune_rule rules[] = {
    {"idempotency", 7 * PRUNE_DAY_MS, SQL("DELETE FROM idempotency WHERE created_ms < ? LIMIT ?")},
};

const struct prune_rules core_prune = {rules, sizeof rules / sizeof *rules};

/* READ COMMITTED: no gap locks, so inserts go on beside it. */
static enum err batch(struct ctx *c, const struct prune_rule *r, uint64_t *n)
{
    TRY(db_begin(c, TX_COMMITTED));
    enum err e = db_exec(c, n, r->statement, INT(c->now_ms - r->age_ms), INT(BATCH));
    if (e == OK)
        e = db_commit(c);
    db_rollback(c->db);
    return e;
}

static enum err apply(struct ctx *c, const struct prune_rule *r, uint64_t *deleted)
{
    uint64_t n = BATCH, all = 0;
    enum err e = OK;
    for (int i = 0; e == OK && n == BATCH && i < BATCHES; i++) {
        e = batch(c, r, &n);
        all += e == OK ? n : 0;
    }
    *deleted += all;
    if (all)
        LOG(INFO, "prune", KV_S("what", r->what), KV_I("rows", (int64_t)all));
    return e == ERR_DB_RETRY ? OK : e; /* two servers met: the next round goes on */
}

enum err prune_run(struct ctx *c, const struct prune_rules *all, size_t n, uint64_t *deleted)
{
    *deleted = 0;
    for (size_t i = 0; i < n; i++)
        for (size_t k = 0; k < all[i].n; k++)
            TRY(apply(c, &all[i].rules[k], deleted));
    return OK;
}
