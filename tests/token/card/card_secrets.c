/* card_secrets.c - PIN, PUK and the management key. */
#include "card.h"

#include "base/str.h"

#include <string.h>

static uint16_t wrong(struct card *c, struct card_secret *s)
{
    if (s->left)
        s->left--;
    card_save(c);
    return s->left ? (uint16_t)(0x63C0 | s->left) : 0x6983;
}

/* Checks a reference value; a right one restores the tries. */
static uint16_t check(struct card *c, struct card_secret *s, const uint8_t *value)
{
    if (!s->left)
        return 0x6983;
    if (!same_bytes(s->value, value, 8))
        return wrong(c, s);
    if (s->left != s->max) {
        s->left = s->max;
        card_save(c);
    }
    return 0x9000;
}

static void set(struct card *c, struct card_secret *s, const uint8_t *value)
{
    memcpy(s->value, value, 8);
    s->left = s->max;
    s->is_default = false;
    card_save(c);
}

uint16_t card_do_verify(struct card *c, const struct card_cmd *cmd)
{
    if (cmd->p2 != 0x80)
        return 0x6A88;
    if (cmd->p1 == 0xFF && !cmd->n) {
        c->pin_ok = c->pin_fresh = false;
        return 0x9000;
    }
    if (cmd->p1 != 0x00)
        return 0x6A86;
    if (!cmd->n) {
        if (c->pin_ok)
            return 0x9000;
        if (!c->pin.left && !c->style.blocked_63c0)
            return 0x6983;
        return (uint16_t)(0x63C0 | c->pin.left);
    }
    if (cmd->n != 8)
        return 0x6A80;
    uint16_t sw = check(c, &c->pin, cmd->body);
    c->pin_ok = c->pin_fresh = sw == 0x9000;
    return sw;
}

uint16_t card_do_change(struct card *c, const struct card_cmd *cmd)
{
    struct card_secret *s = cmd->p2 == 0x80 ? &c->pin : cmd->p2 == 0x81 ? &c->puk : NULL;
    if (!s)
        return 0x6A88;
    if (cmd->n != 16)
        return 0x6A80;
    uint16_t sw = check(c, s, cmd->body);
    if (s == &c->pin && sw != 0x9000)
        c->pin_ok = c->pin_fresh = false;
    if (sw == 0x9000)
        set(c, s, cmd->body + 8);
    return sw;
}

uint16_t card_do_unblock(struct card *c, const struct card_cmd *cmd)
{
    if (cmd->p2 != 0x80 || cmd->p1 != 0x00)
        return 0x6A88;
    if (cmd->n != 16)
        return 0x6A80;
    uint16_t sw = check(c, &c->puk, cmd->body);
    if (sw == 0x9000)
        set(c, &c->pin, cmd->body + 8);
    return sw;
}

uint16_t card_do_retries(struct card *c, const struct card_cmd *cmd)
{
    if (!c->style.retries_settable)
        return 0x6D00;
    if (!c->pin_ok || !c->admin_ok)
        return 0x6982;
    if (!cmd->p1 || cmd->p1 > 15 || !cmd->p2 || cmd->p2 > 15)
        return 0x6A86;
    c->pin = (struct card_secret){.value = {'1', '2', '3', '4', '5', '6', 0xFF, 0xFF},
                                  .left = cmd->p1,
                                  .max = cmd->p1,
                                  .is_default = true};
    c->puk = (struct card_secret){.value = {'1', '2', '3', '4', '5', '6', '7', '8'},
                                  .left = cmd->p2,
                                  .max = cmd->p2,
                                  .is_default = true};
    card_save(c);
    return 0x9000;
}

uint16_t card_do_factory(struct card *c, const struct card_cmd *cmd)
{
    (void)cmd;
    if (c->pin.left || c->puk.left)
        return 0x6985;
    card_factory(c, c->style_name, c->serial);
    card_save(c);
    return 0x9000;
}

uint16_t card_do_admin_key(struct card *c, const struct card_cmd *cmd)
{
    if (!c->admin_ok)
        return 0x6982;
    if (cmd->p1 != 0xFF || (cmd->p2 != 0xFF && cmd->p2 != 0xFE))
        return 0x6A86;
    if (cmd->n < 3 || !card_admin_len(cmd->body[0]) || cmd->body[1] != 0x9B ||
        cmd->body[2] != card_admin_len(cmd->body[0]) || cmd->n != 3u + cmd->body[2])
        return 0x6A80;
    c->admin_alg = cmd->body[0];
    c->admin_n = cmd->body[2];
    memcpy(c->admin_key, cmd->body + 3, c->admin_n);
    c->admin_default = false;
    card_save(c);
    return 0x9000;
}

/* SP 800-73-4 part 2, A.1: the card proves nothing, the host answers the card's challenge. */
static uint16_t answer_challenge(struct card *c, const uint8_t *given, size_t n)
{
    size_t block = card_block(c->admin_alg);
    uint8_t want[16];
    bool ok = c->challenge_n == block && !c->challenge_is_witness && n == block &&
              card_cipher(c->admin_alg, c->admin_key, true, c->challenge, want) &&
              same_bytes(want, given, block);
    c->challenge_n = 0;
    c->admin_ok = ok;
    return ok ? 0x9000 : 0x6982;
}

static uint16_t answer_witness(struct card *c, const uint8_t *witness, size_t n, const uint8_t *challenge,
                               size_t m)
{
    size_t block = card_block(c->admin_alg);
    bool ok = c->challenge_n == block && c->challenge_is_witness && n == block && m == block &&
              same_bytes(c->challenge, witness, block);
    c->challenge_n = 0;
    c->admin_ok = false;
    uint8_t e[16], tlv[20];
    if (!ok || !card_cipher(c->admin_alg, c->admin_key, true, challenge, e))
        return 0x6982;
    c->admin_ok = true;
    tlv[0] = 0x82;
    tlv[1] = (uint8_t)block;
    memcpy(tlv + 2, e, block);
    answer_tlv(c, 0x7C, tlv, block + 2);
    return 0x9000;
}

static uint16_t pose(struct card *c, bool witness)
{
    size_t block = card_block(c->admin_alg);
    uint8_t tlv[20];
    random_bytes(c->challenge, block);
    c->challenge_n = block;
    c->challenge_is_witness = witness;
    tlv[0] = witness ? 0x80 : 0x81;
    tlv[1] = (uint8_t)block;
    if (!witness)
        memcpy(tlv + 2, c->challenge, block);
    else if (!card_cipher(c->admin_alg, c->admin_key, true, c->challenge, tlv + 2))
        return 0x6F00;
    answer_tlv(c, 0x7C, tlv, block + 2);
    return 0x9000;
}

static uint16_t admin_auth(struct card *c, const struct card_cmd *cmd, const uint8_t *t, size_t n)
{
    if (cmd->p1 != c->admin_alg && !(cmd->p1 == 0x00 && c->admin_alg == ALG_3DES))
        return 0x6A86;
    size_t nw = 0, nc = 0, nr = 0;
    const uint8_t *w = tlv_get(t, n, 0x80, &nw), *ch = tlv_get(t, n, 0x81, &nc),
                  *r = tlv_get(t, n, 0x82, &nr);
    if (r && nr)
        return answer_challenge(c, r, nr);
    if (w && nw)
        return ch ? answer_witness(c, w, nw, ch, nc) : 0x6A80;
    if (w || ch)
        return pose(c, w != NULL);
    return 0x6A80;
}

static uint16_t key_sign(struct card *c, const struct card_cmd *cmd, const uint8_t *t, size_t n)
{
    struct card_key *k = card_key(c, cmd->p2, false);
    if (!k)
        return 0x6A88;
    if (k->alg != cmd->p1)
        return 0x6A86;
    if ((k->pin_policy == 2 && !c->pin_ok) || (k->pin_policy == 3 && !c->pin_fresh))
        return 0x6982;
    size_t nd = 0, nr = 0;
    const uint8_t *d = tlv_get(t, n, 0x81, &nd);
    if (!d || !tlv_get(t, n, 0x82, &nr))
        return 0x6A80;
    if (nd > 32 && c->style.cuts_digest)
        nd = 32;
    if (nd != 32)
        return 0x6700;
    uint8_t sig[80], inner[84];
    size_t ns = card_sign(k->pkey, d, nd, sig);
    if (!ns)
        return 0x6F00;
    inner[0] = 0x82;
    inner[1] = (uint8_t)ns;
    memcpy(inner + 2, sig, ns);
    answer_tlv(c, 0x7C, inner, ns + 2);
    c->pin_fresh = false;
    return 0x9000;
}

uint16_t card_do_auth(struct card *c, const struct card_cmd *cmd)
{
    size_t n;
    const uint8_t *t = tlv_get(cmd->body, cmd->n, 0x7C, &n);
    if (!t)
        return 0x6A80;
    return cmd->p2 == 0x9B ? admin_auth(c, cmd, t, n) : key_sign(c, cmd, t, n);
}
