#include "sim_channel.h"

#include <string.h>

static struct sim_channel *of(struct channel *ch)
{
    return (struct sim_channel *)ch;
}

static enum err begin(struct channel *ch, struct fault *f)
{
    return of(ch)->dead ? fail(f, ERR_CARD_GONE, NULL) : OK;
}

static enum err gone(struct sim_channel *c, struct fault *f)
{
    c->dead = true;
    return fail(f, ERR_CARD_GONE, NULL);
}

static enum err rubbish(struct sim_channel *c, uint8_t *rx, size_t cap, size_t *nrx, struct fault *f)
{
    if (c->trouble.value < 2)
        return gone(c, f);
    if (c->trouble.value > cap) {
        c->dead = true;
        return fail(f, ERR_CARD_DOUBTFUL, "more than a short answer may hold");
    }
    *nrx = c->trouble.value;
    for (size_t i = 0; i < *nrx; i++)
        rx[i] = (uint8_t)(i * 37 + 11);
    return OK;
}

static enum err transmit(struct channel *ch, const uint8_t *tx, size_t ntx, uint8_t *rx, size_t cap,
                         size_t *nrx, int64_t timeout_ms, struct fault *f)
{
    (void)timeout_ms;
    struct sim_channel *c = of(ch);
    uint8_t out[CARD_TX_MAX + 2];
    if (c->dead)
        return fail(f, ERR_CARD_GONE, NULL);
    c->commands++;
    enum trouble_kind k = trouble_due(&c->trouble, tx, ntx);
    if (k == TROUBLE_PULL_BEFORE) {
        card_reset(c->card);
        return gone(c, f);
    }
    c->dead = k == TROUBLE_HANG_BEFORE || k == TROUBLE_HANG_AFTER;
    if (k == TROUBLE_HANG_BEFORE)
        return fail(f, ERR_CARD_DOUBTFUL, "hangs");
    size_t n = card_apdu(c->card, tx, ntx, out);
    if (k == TROUBLE_HANG_AFTER)
        return fail(f, ERR_CARD_DOUBTFUL, "hangs");
    if (k == TROUBLE_PULL_AFTER)
        card_reset(c->card);
    if (k == TROUBLE_PULL_AFTER || k == TROUBLE_LOSE)
        return gone(c, f);
    if (k == TROUBLE_GARBAGE)
        return rubbish(c, rx, cap, nrx, f);
    if (n > cap)
        return fail(f, ERR_CARD_DOUBTFUL, "more than a short answer may hold");
    memcpy(rx, out, n);
    *nrx = n;
    return OK;
}

static void end(struct channel *ch, bool reset)
{
    if (reset && !of(ch)->dead)
        card_reset(of(ch)->card);
}

static void close_it(struct channel *ch)
{
    of(ch)->dead = true;
}

static const struct channel_ops SIM = {begin, transmit, end, close_it};

void sim_channel_init(struct sim_channel *c, struct card *card)
{
    *c = (struct sim_channel){.card = card};
    c->base =
        (struct channel){.ops = &SIM, .patience_ms = CHANNEL_PATIENCE_MS, .generate_ms = CHANNEL_GENERATE_MS};
}
