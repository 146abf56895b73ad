#include "apdu.h"

#include "base/str.h"

#include <stdio.h>
#include <string.h>

enum {
    MORE_ROUNDS = 64, /* GET RESPONSE; 4096 bytes need 16 */
};

/* One exchange of bytes; the status word leaves the buffer. */
static enum err exchange(struct channel *ch, const uint8_t *tx, size_t ntx, int64_t timeout_ms,
                         struct answer *out, struct fault *f)
{
    uint8_t rx[258];
    size_t n = 0;
    TRY(ch->ops->transmit(ch, tx, ntx, rx, sizeof rx, &n, timeout_ms ? timeout_ms : ch->patience_ms, f));
    if (n < 2)
        return fail(f, ERR_CARD_GONE, NULL);
    n -= 2;
    if (n > sizeof out->data - out->n)
        return fail_in_both(f, ERR_CARD_DOUBTFUL, "the UKEY answers more than any of its objects can hold",
                            "UKEY返回的数据超出其对象的最大长度");
    memcpy(out->data + out->n, rx, n);
    out->n += n;
    out->sw = (uint16_t)(rx[n] << 8 | rx[n + 1]);
    wipe(rx, sizeof rx);
    return OK;
}

static enum err fetch_rest(struct channel *ch, int64_t timeout_ms, struct answer *out, struct fault *f)
{
    for (int round = 0; out->sw >> 8 == 0x61; round++) {
        size_t before = out->n;
        uint8_t get[5] = {0x00, 0xC0, 0x00, 0x00, (uint8_t)out->sw};
        TRY(exchange(ch, get, sizeof get, timeout_ms, out, f));
        if (out->sw >> 8 == 0x6C && out->n == before) {
            get[4] = (uint8_t)out->sw;
            TRY(exchange(ch, get, sizeof get, timeout_ms, out, f));
        }
        if (round > MORE_ROUNDS || (out->sw >> 8 == 0x61 && out->n == before))
            return fail_in_both(f, ERR_CARD_DOUBTFUL, "the UKEY promises data that do not come",
                                "UKEY未返回其声明的数据");
    }
    return OK;
}

/* The last part, or the only one. */
static enum err send_last(struct channel *ch, const struct apdu *cmd, const uint8_t *data, size_t n,
                          struct answer *out, struct fault *f)
{
    uint8_t tx[5 + APDU_PART_MAX + 1] = {0x00, cmd->ins, cmd->p1, cmd->p2};
    size_t at = 4;
    if (n) {
        tx[at++] = (uint8_t)n;
        memcpy(tx + at, data, n);
        at += n;
    }
    bool le = cmd->asks && !(ch->t0 && n);
    if (le || (ch->t0 && !n))
        tx[at++] = 0x00;
    enum err e = exchange(ch, tx, at, cmd->timeout_ms, out, f);
    if (e == OK && out->sw >> 8 == 0x6C && le && !out->n) {
        tx[at - 1] = (uint8_t)out->sw;
        e = exchange(ch, tx, at, cmd->timeout_ms, out, f);
    }
    wipe(tx, sizeof tx);
    return e;
}

static enum err send_part(struct channel *ch, const struct apdu *cmd, const uint8_t *data, struct answer *out,
                          struct fault *f)
{
    uint8_t tx[5 + APDU_PART_MAX] = {0x10, cmd->ins, cmd->p1, cmd->p2, APDU_PART_MAX};
    memcpy(tx + 5, data, APDU_PART_MAX);
    enum err e = exchange(ch, tx, sizeof tx, cmd->timeout_ms, out, f);
    wipe(tx, sizeof tx);
    return e;
}

enum err apdu_send(struct channel *ch, const struct apdu *cmd, struct answer *out, struct fault *f)
{
    const uint8_t *data = cmd->data;
    size_t n = cmd->n;
    out->n = 0;
    for (; n > APDU_PART_MAX; n -= APDU_PART_MAX, data += APDU_PART_MAX) {
        TRY(send_part(ch, cmd, data, out, f));
        out->n = 0; /* parts have no answer of their own */
        if (out->sw != 0x9000)
            return OK;
    }
    TRY(send_last(ch, cmd, data, n, out, f));
    return fetch_rest(ch, cmd->timeout_ms, out, f);
}

static const struct {
    uint16_t sw, mask;
    enum err err;
    const char *text, *text_zh;
} STATUS[] = {
    {0x63C0, 0xFFFF, ERR_PIN_BLOCKED, "no tries are left", "剩余次数为零"},
    {0x63C0, 0xFFF0, ERR_PIN_WRONG, "the secret is wrong", "密码错误"},
    {0x6581, 0xFFFF, ERR_CARD_DOUBTFUL, "the memory of the UKEY failed", "UKEY存储器故障"},
    {0x6700, 0xFFFF, ERR_CARD_REFUSED, "wrong length", "长度有误"},
    {0x6883, 0xFFFF, ERR_CARD_REFUSED, "an earlier command was left unfinished", "先前的命令未完成"},
    {0x6982, 0xFFFF, ERR_CARD_REFUSED, "not authorised", "未授权"},
    {0x6983, 0xFFFF, ERR_PIN_BLOCKED, "no tries are left", "剩余次数为零"},
    {0x6985, 0xFFFF, ERR_CARD_REFUSED, "conditions of use are not satisfied", "不满足使用条件"},
    {0x6A80, 0xFFFF, ERR_CARD_REFUSED, "the data are not accepted", "数据未被接受"},
    {0x6A81, 0xFFFF, ERR_UNIMPLEMENTED, "the UKEY does not have this function", "UKEY没有此功能"},
    {0x6A82, 0xFFFF, ERR_NOT_FOUND, "there is no such object on the UKEY", "UKEY中没有该对象"},
    {0x6A84, 0xFFFF, ERR_CARD_REFUSED, "the UKEY is full", "UKEY已满"},
    {0x6A86, 0xFFFF, ERR_CARD_REFUSED, "parameters are not accepted", "参数未被接受"},
    {0x6A88, 0xFFFF, ERR_NOT_FOUND, "there is no such key on the UKEY", "UKEY中没有该密钥"},
    {0x6D00, 0xFFFF, ERR_UNIMPLEMENTED, "the UKEY does not have this function", "UKEY没有此功能"},
    {0x6E00, 0xFFFF, ERR_UNIMPLEMENTED, "the UKEY does not have this function", "UKEY没有此功能"},
};

enum err apdu_status(uint16_t sw, const char *what, int *left, struct fault *f)
{
    if (left)
        *left = (sw & 0xFFF0) == 0x63C0 ? sw & 0x0F : sw == 0x6983 ? 0 : -1;
    if (sw == 0x9000)
        return OK;
    for (size_t i = 0; i < sizeof STATUS / sizeof *STATUS; i++)
        if ((sw & STATUS[i].mask) == STATUS[i].sw) {
            char text[80], text_zh[80];
            snprintf(text, sizeof text, "%s: %s (%04X)", what, STATUS[i].text, (unsigned)sw);
            snprintf(text_zh, sizeof text_zh, "%s：%s（%04X）", what, STATUS[i].text_zh, (unsigned)sw);
            return fail_both(f, STATUS[i].err, text, text_zh);
        }
    return fail_in_both(f, ERR_CARD_DOUBTFUL, "%s: the UKEY answered %04X, which says nothing",
                        "%s：UKEY返回%04X，含义不明", what, (unsigned)sw);
}
