/* piv_secrets.c - PIN, PUK, management key. */
#include "piv.h"

#include "piv_wire.h"
#include "tlv.h"

#include "base/str.h"

#include <openssl/evp.h>
#include <string.h>

enum {
    BLOCK_MAX = 16,
    PIN_MIN = 6,
};

const char PIV_FACTORY_PIN[] = "123456", PIV_FACTORY_PUK[] = "12345678";

struct ukey_admin_key piv_factory_admin(enum ukey_admin_alg alg)
{
    struct ukey_admin_key k = {.alg = alg};
    for (size_t i = 0; i < 24; i++)
        k.key[i] = (uint8_t)(i % 8 + 1);
    return k;
}

/* SP 800-73-4 part 2, 2.4.3: eight bytes, filled up with FF. */
static enum err pad(const char *secret, uint8_t out[static UKEY_SECRET_MAX], struct fault *f)
{
    size_t n = strlen(secret);
    bool ok = n >= PIN_MIN && n <= UKEY_SECRET_MAX;
    for (size_t i = 0; ok && i < n; i++)
        ok = secret[i] > ' ' && secret[i] < 0x7F;
    if (!ok)
        return fail_in_both(f, ERR_INVALID, "a PIN has 6 to 8 letters, digits or signs",
                            "证书密码为6至8位字母、数字或符号");
    memset(out, 0xFF, UKEY_SECRET_MAX);
    memcpy(out, secret, n);
    return OK;
}

/* A command whose body is one or two padded secrets. */
static enum err secret_command(struct ukey *u, const char *what, uint8_t ins, uint8_t p2, const char *first,
                               const char *second, int *left, struct fault *f)
{
    uint8_t body[2 * UKEY_SECRET_MAX];
    struct answer a;
    struct apdu cmd = {.ins = ins, .p2 = p2, .data = body, .n = UKEY_SECRET_MAX};
    if (left)
        *left = -1;
    enum err e = pad(first, body, f);
    if (e == OK && second) {
        e = pad(second, body + UKEY_SECRET_MAX, f);
        cmd.n = sizeof body;
    }
    if (e == OK)
        e = piv_command(u, what, &cmd, &a, left, f);
    wipe(body, sizeof body);
    return e;
}

enum err piv_verify_pin(struct ukey *u, const char *pin, int *left, struct fault *f)
{
    return secret_command(u, "VERIFY PIN", 0x20, PIV_PIN, pin, NULL, left, f);
}

enum err piv_change_pin(struct ukey *u, const char *old, const char *new_pin, int *left, struct fault *f)
{
    return secret_command(u, "CHANGE PIN", 0x24, PIV_PIN, old, new_pin, left, f);
}

enum err piv_change_puk(struct ukey *u, const char *old, const char *new_puk, int *left, struct fault *f)
{
    return secret_command(u, "CHANGE PUK", 0x24, PIV_PUK, old, new_puk, left, f);
}

enum err piv_unblock(struct ukey *u, const char *puk, const char *new_pin, int *left, struct fault *f)
{
    return secret_command(u, "UNBLOCK PIN", 0x2C, PIV_PIN, puk, new_pin, left, f);
}

enum err piv_logout(struct ukey *u, struct fault *f)
{
    struct apdu cmd = {.ins = 0x20, .p1 = 0xFF, .p2 = PIV_PIN};
    struct answer a;
    return piv_command(u, "LOG OUT", &cmd, &a, NULL, f);
}

static const EVP_CIPHER *cipher(enum ukey_admin_alg alg)
{
    switch (alg) {
    case UKEY_3DES:
        return EVP_des_ede3_ecb();
    case UKEY_AES128:
        return EVP_aes_128_ecb();
    case UKEY_AES192:
        return EVP_aes_192_ecb();
    case UKEY_AES256:
        return EVP_aes_256_ecb();
    }
    return NULL;
}

size_t ukey_admin_len(enum ukey_admin_alg alg)
{
    const EVP_CIPHER *c = cipher(alg);
    return c ? (size_t)EVP_CIPHER_get_key_length(c) : 0;
}

static void free_cipher(EVP_CIPHER_CTX **p)
{
    EVP_CIPHER_CTX_free(*p);
}

/* One block, as the challenge-response of SP 800-73-4 part 2, appendix A.1 wants it. */
static bool one_block(const struct ukey_admin_key *key, bool encrypt, const uint8_t *in, uint8_t *out)
{
    const EVP_CIPHER *c = cipher(key->alg);
    CLEANUP(free_cipher)
    EVP_CIPHER_CTX *x = EVP_CIPHER_CTX_new();
    int n = 0, block = EVP_CIPHER_get_block_size(c);
    return x && EVP_CipherInit_ex2(x, c, key->key, NULL, encrypt, NULL) == 1 &&
           EVP_CIPHER_CTX_set_padding(x, 0) == 1 && EVP_CipherUpdate(x, out, &n, in, block) == 1 &&
           n == block;
}

/* GENERAL AUTHENTICATE with the management key; the element `want` of the answer, exactly `block` bytes. */
static enum err auth_step(struct ukey *u, const struct ukey_admin_key *key, const uint8_t *body, size_t n,
                          uint32_t want, size_t block, uint8_t out[static BLOCK_MAX], struct fault *f)
{
    struct apdu cmd = {
        .ins = 0x87, .p1 = (uint8_t)key->alg, .p2 = PIV_ADMIN, .data = body, .n = n, .asks = true};
    struct answer a;
    TRY(piv_command(u, "AUTHENTICATE", &cmd, &a, NULL, f));
    size_t nt = 0, nv = 0;
    const uint8_t *t = tlv_find(a.data, a.n, 0x7C, &nt), *v = t ? tlv_find(t, nt, want, &nv) : NULL;
    if (!v || nv != block)
        return fail_in_both(f, ERR_CARD_DOUBTFUL, "the UKEY's answer to the management key is damaged",
                            "UKEY对管理密钥的应答已损坏");
    memcpy(out, v, block);
    return OK;
}

/* Mutual: the card proves that it knows the key before anything is written to it. */
enum err piv_admin_auth(struct ukey *u, const struct ukey_admin_key *key, struct fault *f)
{
    if (!cipher(key->alg))
        return fail_in_both(f, ERR_INVALID, "no such management key algorithm", "不支持该管理密钥算法");
    size_t block = (size_t)EVP_CIPHER_get_block_size(cipher(key->alg));
    uint8_t witness[BLOCK_MAX], plain[BLOCK_MAX], challenge[BLOCK_MAX], proof[BLOCK_MAX], want[BLOCK_MAX];
    TRY(auth_step(u, key, (const uint8_t[]){0x7C, 0x02, 0x80, 0x00}, 4, 0x80, block, witness, f));
    random_bytes(challenge, block);
    if (!one_block(key, false, witness, plain) || !one_block(key, true, challenge, want))
        return fail_in_both(f, ERR_INTERNAL, "the cipher of the management key failed", "管理密钥运算失败");
    uint8_t body[2 + 2 * (2 + BLOCK_MAX)] = {0x7C, (uint8_t)(2 * (2 + block))};
    size_t at = 2;
    if (!tlv_put(body, sizeof body, &at, 0x80, plain, block) ||
        !tlv_put(body, sizeof body, &at, 0x81, challenge, block))
        return fail(f, ERR_INTERNAL, NULL);
    enum err e = auth_step(u, key, body, at, 0x82, block, proof, f);
    wipe(body, sizeof body);
    wipe(plain, sizeof plain);
    TRY(e);
    if (!same_bytes(proof, want, block))
        return fail_in_both(f, ERR_CARD_DOUBTFUL, "the UKEY does not know its own management key",
                            "UKEY未能证明其管理密钥");
    return OK;
}

enum err piv_set_admin_key(struct ukey *u, const struct ukey_admin_key *key, struct fault *f)
{
    size_t n = ukey_admin_len(key->alg);
    if (!n)
        return fail_in_both(f, ERR_INVALID, "no such management key algorithm", "不支持该管理密钥算法");
    uint8_t body[3 + sizeof key->key] = {(uint8_t)key->alg, PIV_ADMIN, (uint8_t)n};
    memcpy(body + 3, key->key, n);
    struct apdu cmd = {.ins = 0xFF, .p1 = 0xFF, .p2 = 0xFF, .data = body, .n = 3 + n};
    struct answer a;
    enum err e = piv_command(u, "SET MANAGEMENT KEY", &cmd, &a, NULL, f);
    wipe(body, sizeof body);
    return e;
}
