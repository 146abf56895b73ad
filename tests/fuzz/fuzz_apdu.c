/* Any bytes as the answers of a card, one after another (a length octet, then so many bytes): the dialect
 * must neither read past them nor believe what cannot be. */
#include "fuzz.h"

#include "token/personalise.h"
#include "token/piv.h"

#include <stdlib.h>
#include <string.h>

struct liar {
    struct channel base;
    const uint8_t *p;
    size_t n;
};

static enum err begin(struct channel *ch, struct fault *f)
{
    (void)ch;
    (void)f;
    return OK;
}

static enum err transmit(struct channel *ch, const uint8_t *tx, size_t ntx, uint8_t *rx, size_t cap,
                         size_t *nrx, int64_t timeout_ms, struct fault *f)
{
    struct liar *l = (struct liar *)ch;
    (void)timeout_ms;
    if (ntx < 4 || ntx > 261 || tx[0] & 0xEF) /* short APDUs, chained or not */
        abort();
    if (l->n < 1)
        return fail(f, ERR_CARD_GONE, NULL);
    size_t len = *l->p++;
    l->n--;
    len = len < l->n ? len : l->n;
    if (len > cap)
        abort();
    memcpy(rx, l->p, len);
    l->p += len;
    l->n -= len;
    *nrx = len;
    return OK;
}

static void end(struct channel *ch, bool reset)
{
    (void)ch;
    (void)reset;
}

static const struct channel_ops LIAR = {begin, transmit, end, NULL};

static void certificate(struct ukey *u, struct fault *f)
{
    uint8_t der[300];
    size_t n = 0;
    memset(der, 0xEE, sizeof der);
    enum err e = PIV.read_cert(u, UKEY_SIGN_A, der, sizeof der - 1, &n, f);
    if (n > sizeof der - 1 || (e != OK && n) || der[sizeof der - 1] != 0xEE)
        abort();
}

static void keys(struct ukey *u, struct fault *f)
{
    struct ukey_pub pub;
    uint8_t sig[UKEY_SIG_MAX], digest[UKEY_DIGEST] = {0};
    size_t n = 0;
    int left = 0;
    if (PIV.get_pub(u, UKEY_SIGN_A, &pub, f) == OK && pub.point[0] != 0x04)
        abort();
    if (PIV.gen_key(u, UKEY_SIGN_A, UKEY_P256, &pub, f) == OK && pub.point[0] != 0x04)
        abort();
    if (PIV.verify_pin(u, "830516", &left, f) == ERR_PIN_WRONG && left < 1)
        abort();
    if (PIV.sign(u, UKEY_SIGN_A, UKEY_P256, digest, sig, &n, f) == OK && (n < 8 || n > sizeof sig))
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct liar l = {.p = data, .n = size};
    l.base = (struct channel){.ops = &LIAR, .patience_ms = 1, .generate_ms = 1};
    struct ukey u = {.ops = &PIV, .ch = &l.base};
    struct ukey_info info;
    struct ukey_admin_key admin = piv_factory_admin(UKEY_3DES);
    static struct fault f;
    fault_clear(&f);
    if (personalise_identify(&l.base, &info, &f) == OK && (info.pin_left > 255 || info.pin_left < -1))
        abort();
    if (PIV.admin_auth(&u, &admin, &f) == OK) /* the challenge is random: nobody can know the answer */
        abort();
    certificate(&u, &f);
    keys(&u, &f);
    return 0;
}

FUZZ_TEST
