/* card.c - command dispatch, chaining in, fetching out. */
#include "card.h"

#include "base/str.h"

#include <string.h>

const uint8_t *tlv_get(const uint8_t *p, size_t n, uint16_t want, size_t *len)
{
    while (n >= 2) {
        uint16_t tag = *p++;
        n--;
        if ((tag & 0x1F) == 0x1F) {
            tag = (uint16_t)(tag << 8 | *p++);
            n--;
        }
        if (!n)
            return NULL;
        size_t l = *p++;
        n--;
        for (size_t more = l >= 0x81 && l <= 0x82 ? l - 0x80 : 0, i = 0; i < more; i++) {
            if (!n)
                return NULL;
            l = i ? l << 8 | *p : *p;
            p++;
            n--;
        }
        if (l > n)
            return NULL;
        if (tag == want) {
            *len = l;
            return p;
        }
        p += l;
        n -= l;
    }
    return NULL;
}

void answer_add(struct card *c, const void *p, size_t n)
{
    if (n > sizeof c->answer - c->answer_n)
        n = sizeof c->answer - c->answer_n;
    memcpy(c->answer + c->answer_n, p, n);
    c->answer_n += n;
}

void answer_tlv(struct card *c, uint16_t tag, const void *p, size_t n)
{
    uint8_t head[6];
    size_t h = 0;
    if (tag > 0xFF)
        head[h++] = (uint8_t)(tag >> 8);
    head[h++] = (uint8_t)tag;
    if (n > 0xFF) {
        head[h++] = 0x82;
        head[h++] = (uint8_t)(n >> 8);
    } else if (n > 0x7F) {
        head[h++] = 0x81;
    }
    head[h++] = (uint8_t)n;
    answer_add(c, head, h);
    answer_add(c, p, n);
}

void card_reset(struct card *c)
{
    c->selected = c->admin_ok = c->pin_fresh = false;
    if (!c->style.pin_survives_reset)
        c->pin_ok = false;
    c->challenge_n = c->answer_n = c->answer_at = c->repeat_n = 0;
    if (c->style.write_through)
        c->chaining = false; /* style b remembers, and complains about the next command */
}

static const uint8_t AID[] = {0xA0, 0x00, 0x00, 0x03, 0x08, 0x00, 0x00, 0x10, 0x00, 0x01, 0x00};

static uint16_t do_select(struct card *c, const struct card_cmd *cmd)
{
    if (cmd->p1 != 0x04)
        return 0x6A86;
    if (cmd->n < 5 || cmd->n > sizeof AID || memcmp(cmd->body, AID, cmd->n) != 0)
        return 0x6A82;
    c->selected = true;
    c->pin_ok = c->pin_fresh = c->admin_ok = false;
    c->challenge_n = 0;
    static const uint8_t rest[] = {0x4F, 0x06, 0x00, 0x00, 0x10, 0x00, 0x01, 0x00, 0x79,
                                   0x07, 0x4F, 0x05, 0xA0, 0x00, 0x00, 0x03, 0x08};
    answer_tlv(c, 0x61, rest, sizeof rest);
    return 0x9000;
}

static uint16_t do_serial(struct card *c)
{
    if (c->options.no_serial)
        return 0x6D00;
    uint8_t s[4] = {(uint8_t)(c->serial >> 24), (uint8_t)(c->serial >> 16), (uint8_t)(c->serial >> 8),
                    (uint8_t)c->serial};
    answer_add(c, s, sizeof s);
    return 0x9000;
}

static uint16_t execute(struct card *c, const struct card_cmd *cmd)
{
    if (cmd->ins == 0xA4)
        return do_select(c, cmd);
    if (!c->selected)
        return 0x6D00;
    if (cmd->cla != 0x00)
        return 0x6E00;
    if (cmd->ins != 0x87)
        c->challenge_n = 0;
    switch (cmd->ins) {
    case 0x20:
        return card_do_verify(c, cmd);
    case 0x24:
        return card_do_change(c, cmd);
    case 0x2C:
        return card_do_unblock(c, cmd);
    case 0x47:
        return card_do_generate(c, cmd);
    case 0x87:
        return card_do_auth(c, cmd);
    case 0xCB:
        return card_do_get(c, cmd);
    case 0xDB:
        return card_do_put(c, cmd);
    case 0xF7:
        return card_do_metadata(c, cmd);
    case 0xF8:
        return do_serial(c);
    case 0xFA:
        return card_do_retries(c, cmd);
    case 0xFB:
        return card_do_factory(c, cmd);
    case 0xFD:
        answer_add(c, "\x05\x03\x01", 3);
        return 0x9000;
    case 0xFF:
        return card_do_admin_key(c, cmd);
    default:
        return 0x6D00;
    }
}

/* Body and expected length of a command in either form; false when the lengths do not fit. *le: 0 when the
 * command has no Le field. */
static bool split(const uint8_t *in, size_t n, struct card_cmd *cmd, size_t *le)
{
    if (n < 4)
        return false;
    *cmd = (struct card_cmd){.cla = in[0], .ins = in[1], .p1 = in[2], .p2 = in[3]};
    *le = 0;
    if (n == 4)
        return true;
    if (n == 5) {
        *le = in[4] ? in[4] : 256;
        return true;
    }
    bool ext = in[4] == 0;
    if (ext && n < 7)
        return false;
    if (ext && n == 7) {
        *le = (size_t)(in[5] << 8 | in[6]);
        *le = *le ? *le : 65536;
        return true;
    }
    cmd->n = ext ? (size_t)(in[5] << 8 | in[6]) : in[4];
    cmd->body = in + (ext ? 7 : 5);
    size_t rest = n - (ext ? 7 : 5);
    if (cmd->n == 0 || cmd->n > CARD_RX_MAX || rest < cmd->n || rest > cmd->n + (ext ? 2 : 1) ||
        (ext && rest == cmd->n + 1))
        return false;
    if (rest > cmd->n)
        *le = ext ? 65536 : in[n - 1] ? in[n - 1] : 256;
    return true;
}

static size_t put_sw(uint8_t *out, size_t n, uint16_t sw)
{
    out[n] = (uint8_t)(sw >> 8);
    out[n + 1] = (uint8_t)sw;
    return n + 2;
}

/* As much of the pending answer as fits, then 9000 or 61xx. */
static size_t deliver(struct card *c, size_t max, uint8_t *out)
{
    size_t left = c->answer_n - c->answer_at, n = left < max ? left : max;
    memcpy(out, c->answer + c->answer_at, n);
    c->answer_at += n;
    left -= n;
    if (!left) {
        c->answer_n = c->answer_at = 0;
        return put_sw(out, n, 0x9000);
    }
    return put_sw(out, n, (uint16_t)(0x6100 | (left > 255 ? 0 : left)));
}

/* First answer to a command that was executed. */
static size_t first_answer(struct card *c, const uint8_t *in, size_t n, size_t le, uint8_t *out)
{
    if (!c->answer_n)
        return put_sw(out, 0, 0x9000);
    if (c->options.exact_le && le > c->answer_n && c->answer_n < 256 && n <= sizeof c->repeat) {
        memcpy(c->repeat, in, n);
        c->repeat_n = n;
        return put_sw(out, 0, (uint16_t)(0x6C00 | c->answer_n));
    }
    if (!le && c->style.answers_61)
        return deliver(c, 0, out);
    return deliver(c, le ? le : 256, out);
}

/* Takes one part of a chain. 0: the command is complete and stands in cmd; otherwise the status word. */
static uint16_t chain_in(struct card *c, struct card_cmd *cmd)
{
    bool more = cmd->cla & 0x10, same;
    uint8_t head[4] = {cmd->cla & 0xEF, cmd->ins, cmd->p1, cmd->p2};
    same = c->chaining && memcmp(head, c->chain_head, sizeof head) == 0;
    if (c->chaining && !same) {
        c->chaining = false;
        if (!c->style.write_through)
            return 0x6883;
    }
    if (!more && !same)
        return 0;
    if (!same) {
        c->chaining = true;
        c->chain_n = 0;
        memcpy(c->chain_head, head, sizeof head);
    }
    if (cmd->n > sizeof c->chain - c->chain_n) {
        c->chaining = false;
        return 0x6700;
    }
    memcpy(c->chain + c->chain_n, cmd->body, cmd->n);
    c->chain_n += cmd->n;
    if (more) {
        uint16_t sw = cmd->ins == 0xDB && c->selected ? card_put_part(c) : 0x9000;
        c->chaining = sw == 0x9000;
        return sw;
    }
    c->chaining = false;
    *cmd = (struct card_cmd){
        .cla = head[0], .ins = head[1], .p1 = head[2], .p2 = head[3], .body = c->chain, .n = c->chain_n};
    return 0;
}

size_t card_apdu(struct card *c, const uint8_t *in, size_t n, uint8_t out[static CARD_TX_MAX + 2])
{
    struct card_cmd cmd;
    size_t le;
    if (!split(in, n, &cmd, &le))
        return put_sw(out, 0, 0x6700);
    if (cmd.ins == 0xC0 && cmd.cla == 0x00) {
        if (c->answer_at >= c->answer_n)
            return put_sw(out, 0, 0x6985);
        return deliver(c, le ? le : 256, out);
    }
    /* the same command again, now with the length it was told: the answer waits */
    if (c->repeat_n && n == c->repeat_n && memcmp(in, c->repeat, n - 1) == 0 && in[n - 1] == c->answer_n) {
        c->repeat_n = 0;
        return deliver(c, le, out);
    }
    c->repeat_n = c->answer_n = c->answer_at = 0;
    uint16_t sw = chain_in(c, &cmd);
    if (sw)
        return put_sw(out, 0, sw);
    sw = execute(c, &cmd);
    wipe(c->chain, sizeof c->chain);
    if (sw != 0x9000) {
        c->answer_n = 0;
        return put_sw(out, 0, sw);
    }
    return first_answer(c, in, n, le, out);
}
