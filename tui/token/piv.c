/* piv.c - select, keys, signatures, certificates. */
#include "piv.h"

#include "piv_wire.h"
#include "tlv.h"

#include "base/str.h"

#include <string.h>

uint8_t piv_slot(enum ukey_slot slot)
{
    return slot == UKEY_SIGN_A ? 0x9A : 0x9C;
}

uint32_t piv_cert_object(enum ukey_slot slot)
{
    return slot == UKEY_SIGN_A ? 0x5FC105 : 0x5FC10A; /* SP 800-73-4 part 1, table 3 */
}

uint8_t piv_alg(enum ukey_alg alg)
{
    return alg == UKEY_SM2 ? 0x54 : 0x11;
}

enum err piv_command(struct ukey *u, const char *what, const struct apdu *cmd, struct answer *a, int *left,
                     struct fault *f)
{
    TRY(apdu_send(u->ch, cmd, a, f));
    return apdu_status(a->sw, what, left, f);
}

static enum err piv_select(struct ukey *u, struct fault *f)
{
    static const uint8_t aid[] = {0xA0, 0x00, 0x00, 0x03, 0x08};
    struct apdu cmd = {.ins = 0xA4, .p1 = 0x04, .data = aid, .n = sizeof aid, .asks = true};
    struct answer a;
    TRY(apdu_send(u->ch, &cmd, &a, f));
    if (a.sw == 0x6883) /* a chain that was cut before is complained about once */
        TRY(apdu_send(u->ch, &cmd, &a, f));
    if (a.sw == 0x6A82)
        return fail_in_both(f, ERR_NOT_FOUND, "the card in the reader is not a PIV token",
                            "读卡器中的卡不是PIV UKEY");
    return apdu_status(a.sw, "SELECT", NULL, f);
}

enum err piv_get_object(struct ukey *u, uint32_t object, struct answer *a, struct fault *f)
{
    uint8_t body[] = {0x5C, 0x03, (uint8_t)(object >> 16), (uint8_t)(object >> 8), (uint8_t)object};
    struct apdu cmd = {.ins = 0xCB, .p1 = 0x3F, .p2 = 0xFF, .data = body, .n = sizeof body, .asks = true};
    return piv_command(u, "GET DATA", &cmd, a, NULL, f);
}

enum err piv_put_object(struct ukey *u, uint32_t object, const uint8_t *contents, size_t n, struct fault *f)
{
    uint8_t body[UKEY_CERT_MAX + 64] = {0x5C, 0x03, (uint8_t)(object >> 16), (uint8_t)(object >> 8),
                                        (uint8_t)object};
    size_t at = 5;
    if (!tlv_put(body, sizeof body, &at, 0x53, contents, n))
        return fail_in_both(f, ERR_INVALID, "%zu bytes do not fit into an object of the UKEY",
                            "%zu字节超出UKEY对象的最大长度", n);
    struct apdu cmd = {.ins = 0xDB, .p1 = 0x3F, .p2 = 0xFF, .data = body, .n = at};
    struct answer a;
    return piv_command(u, "PUT DATA", &cmd, &a, NULL, f);
}

/* 86 41 04 X Y, the point of a public key as GENERATE and metadata give it. */
static enum err take_point(const uint8_t *p, size_t n, struct ukey_pub *out, struct fault *f)
{
    size_t l = 0;
    const uint8_t *point = p ? tlv_find(p, n, 0x86, &l) : NULL;
    if (!point || l != UKEY_POINT || point[0] != 0x04)
        return fail_in_both(f, ERR_CARD_DOUBTFUL, "the UKEY gives a public key that is none",
                            "UKEY返回的公钥无效");
    memcpy(out->point, point, UKEY_POINT);
    return OK;
}

static enum err piv_gen_key(struct ukey *u, enum ukey_slot slot, enum ukey_alg alg, struct ukey_pub *out,
                            struct fault *f)
{
    uint8_t body[] = {0xAC, 0x03, 0x80, 0x01, piv_alg(alg)};
    struct apdu cmd = {.ins = 0x47,
                       .p2 = piv_slot(slot),
                       .data = body,
                       .n = sizeof body,
                       .asks = true,
                       .timeout_ms = u->ch->generate_ms};
    struct answer a;
    TRY(apdu_send(u->ch, &cmd, &a, f));
    if (a.sw == 0x6A80) /* the template is the same for every algorithm, so it is the algorithm */
        return fail_in_both(f, ERR_UNIMPLEMENTED, "the UKEY cannot make %s keys", "UKEY不能生成%s密钥",
                            alg == UKEY_SM2 ? "SM2" : "P-256");
    TRY(apdu_status(a.sw, "GENERATE", NULL, f));
    size_t n = 0;
    const uint8_t *key = tlv_find(a.data, a.n, 0x7F49, &n);
    *out = (struct ukey_pub){.alg = alg, .made_inside = true};
    return take_point(key, n, out, f);
}

static enum err piv_get_pub(struct ukey *u, enum ukey_slot slot, struct ukey_pub *out, struct fault *f)
{
    struct apdu cmd = {.ins = 0xF7, .p2 = piv_slot(slot), .asks = true};
    struct answer a;
    TRY(piv_command(u, "GET METADATA", &cmd, &a, NULL, f));
    size_t na = 0, no = 0, nk = 0;
    const uint8_t *alg = tlv_find(a.data, a.n, 0x01, &na), *origin = tlv_find(a.data, a.n, 0x03, &no),
                  *key = tlv_find(a.data, a.n, 0x04, &nk);
    if (!alg || na != 1)
        return fail_in_both(f, ERR_CARD_DOUBTFUL, "the UKEY's metadata are damaged", "UKEY的元数据已损坏");
    if (*alg != piv_alg(UKEY_P256) && *alg != piv_alg(UKEY_SM2))
        return fail_in_both(f, ERR_PRECONDITION, "the slot holds a key of another kind (algorithm %02X)",
                            "密钥槽中是其他类型的密钥（算法%02X）", (unsigned)*alg);
    *out = (struct ukey_pub){.alg = *alg == piv_alg(UKEY_SM2) ? UKEY_SM2 : UKEY_P256,
                             .made_inside = origin && no == 1 && *origin == 1};
    return take_point(key, nk, out, f);
}

static enum err piv_sign(struct ukey *u, enum ukey_slot slot, enum ukey_alg alg,
                         const uint8_t digest[UKEY_DIGEST], uint8_t sig[UKEY_SIG_MAX], size_t *n,
                         struct fault *f)
{
    uint8_t body[6 + UKEY_DIGEST] = {0x7C, 4 + UKEY_DIGEST, 0x82, 0x00, 0x81, UKEY_DIGEST};
    memcpy(body + 6, digest, UKEY_DIGEST);
    struct apdu cmd = {
        .ins = 0x87, .p1 = piv_alg(alg), .p2 = piv_slot(slot), .data = body, .n = sizeof body, .asks = true};
    struct answer a;
    TRY(piv_command(u, "SIGN", &cmd, &a, NULL, f));
    size_t nt = 0, ns = 0;
    const uint8_t *t = tlv_find(a.data, a.n, 0x7C, &nt), *s = t ? tlv_find(t, nt, 0x82, &ns) : NULL;
    if (!s || ns < 8 || ns > UKEY_SIG_MAX)
        return fail_in_both(f, ERR_CARD_DOUBTFUL, "the UKEY gives a signature that is none",
                            "UKEY返回的签名无效");
    memcpy(sig, s, ns);
    *n = ns;
    return OK;
}

static enum err piv_write_cert(struct ukey *u, enum ukey_slot slot, const uint8_t *der, size_t n,
                               struct fault *f)
{
    if (!n || n > UKEY_CERT_MAX)
        return fail_in_both(f, ERR_INVALID,
                            "a certificate of %zu bytes does not fit onto a UKEY (%d at most)",
                            "证书为%zu字节，超出UKEY的容量（最多%d字节）", n, (int)UKEY_CERT_MAX);
    uint8_t contents[UKEY_CERT_MAX + 16];
    size_t at = 0;
    bool fits = tlv_put(contents, sizeof contents, &at, 0x70, der, n) &&
                tlv_put(contents, sizeof contents, &at, 0x71, "\x00", 1) && /* not compressed */
                tlv_put(contents, sizeof contents, &at, 0xFE, NULL, 0);
    if (!fits)
        return fail(f, ERR_INVALID, NULL);
    return piv_put_object(u, piv_cert_object(slot), contents, at, f);
}

static enum err piv_read_cert(struct ukey *u, enum ukey_slot slot, uint8_t *der, size_t cap, size_t *n,
                              struct fault *f)
{
    struct answer a;
    *n = 0;
    enum err e = piv_get_object(u, piv_cert_object(slot), &a, f);
    if (e == ERR_NOT_FOUND)
        return OK;
    TRY(e);
    size_t len = 0, inner = 0;
    const uint8_t *p = tlv_find(a.data, a.n, 0x53, &len);
    if (!p) { /* cut short in the middle of a write: given as it is, so that it compares unequal */
        p = a.data;
        len = a.n;
    }
    const uint8_t *cert = tlv_find(p, len, 0x70, &inner);
    if (cert) {
        p = cert;
        len = inner;
    }
    *n = len < cap ? len : cap;
    memcpy(der, p, *n);
    return OK;
}

const struct ukey_ops PIV = {
    .name = "piv",
    .select = piv_select,
    .info = piv_info,
    .admin_auth = piv_admin_auth,
    .verify_pin = piv_verify_pin,
    .change_pin = piv_change_pin,
    .change_puk = piv_change_puk,
    .unblock = piv_unblock,
    .logout = piv_logout,
    .gen_key = piv_gen_key,
    .get_pub = piv_get_pub,
    .sign = piv_sign,
    .write_cert = piv_write_cert,
    .read_cert = piv_read_cert,
    .set_admin_key = piv_set_admin_key,
    .write_guid = piv_write_guid,
};
