/* The dialect on the simulated card, command by command: lengths, tries, refusals, status words. */
#include "lib/check.h"

#include "sim_channel.h"
#include "token/apdu.h"
#include "token/piv.h"
#include "token/pub.h"
#include "token/tlv.h"

#include "base/str.h"

#include <string.h>

static struct card CARD;
static struct sim_channel CH;
static struct fault F;

static struct ukey fresh(char style)
{
    assert_true(card_open(&CARD, NULL, style, 10000001));
    sim_channel_init(&CH, &CARD);
    struct ukey u = {.ops = &PIV, .ch = &CH.base};
    assert_ok(PIV.select(&u, &F));
    return u;
}

static void admin(struct ukey *u)
{
    struct ukey_admin_key k = piv_factory_admin((enum ukey_admin_alg)CARD.admin_alg);
    assert_ok(PIV.admin_auth(u, &k, &F));
}

static void every_status_word_has_one_meaning(void **s)
{
    (void)s;
    static const struct {
        uint16_t sw;
        enum err err;
        int left;
    } words[] = {{0x9000, OK, -1},
                 {0x63C2, ERR_PIN_WRONG, 2},
                 {0x63CF, ERR_PIN_WRONG, 15},
                 {0x63C0, ERR_PIN_BLOCKED, 0},
                 {0x6983, ERR_PIN_BLOCKED, 0},
                 {0x6982, ERR_CARD_REFUSED, -1},
                 {0x6A80, ERR_CARD_REFUSED, -1},
                 {0x6A82, ERR_NOT_FOUND, -1},
                 {0x6A88, ERR_NOT_FOUND, -1},
                 {0x6A84, ERR_CARD_REFUSED, -1},
                 {0x6D00, ERR_UNIMPLEMENTED, -1},
                 {0x6581, ERR_CARD_DOUBTFUL, -1},
                 {0x6300, ERR_CARD_DOUBTFUL, -1},
                 {0x0000, ERR_CARD_DOUBTFUL, -1}};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        int left = 99;
        fault_clear(&F);
        assert_err(apdu_status(words[i].sw, "VERIFY", &left, &F), words[i].err);
        assert_int_equal(left, words[i].left);
        assert_true(words[i].err == OK || strstr(fault_text(&F), "VERIFY"));
    }
}

static void tlv_of_every_length_is_read_as_written(void **s)
{
    (void)s;
    static uint8_t value[3000], out[3100];
    memset(value, 0xA5, sizeof value);
    for (size_t n = 0; n < sizeof value; n += n < 300 ? 1 : 97) {
        const uint32_t tags[] = {0x53, 0x7F49, 0x5FC105};
        for (size_t t = 0; t < 3; t++) {
            size_t at = 0, len = 1;
            assert_true(tlv_put(out, sizeof out, &at, 0x80, "x", 1) &&
                        tlv_put(out, sizeof out, &at, tags[t], value, n));
            const uint8_t *v = tlv_find(out, at, tags[t], &len);
            assert_non_null(v);
            assert_int_equal(len, n);
            assert_memory_equal(v, value, n);
            assert_null(tlv_find(out, at, 0x54, &len));
            if (n)
                assert_null(tlv_find(out, at - 1, tags[t], &len)); /* cut */
        }
    }
    size_t at = 0;
    assert_false(tlv_put(out, 10, &at, 0x53, value, 9));
    assert_int_equal(at, 0);
    static const uint8_t endless[] = {0x70, 0x80, 0x01, 0x00, 0x00, 0x00};
    size_t len;
    assert_null(tlv_find(endless, sizeof endless, 0x70, &len));
}

static void pins_have_six_to_eight_characters_whatever_the_token_takes(void **s)
{
    (void)s;
    struct ukey u = fresh('a');
    static const char *const bad[] = {"", "1234", "12345", "123456789", "12 456", "12\t456", "1234\xC3\xA9"};
    unsigned before = CH.commands;
    int left;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        assert_err(PIV.verify_pin(&u, bad[i], &left, &F), ERR_INVALID);
        assert_err(PIV.change_pin(&u, PIV_FACTORY_PIN, bad[i], &left, &F), ERR_INVALID);
        assert_err(PIV.unblock(&u, PIV_FACTORY_PUK, bad[i], &left, &F), ERR_INVALID);
    }
    assert_int_equal(CH.commands, before);
    assert_int_equal(CARD.pin.left, 3);
    card_close(&CARD);
}

static void tries_are_counted_and_a_blocked_pin_is_unblocked_by_the_puk(void **s)
{
    (void)s;
    for (char style = 'a'; style <= 'b'; style++) {
        struct ukey u = fresh(style);
        struct ukey_info info;
        int left;
        assert_err(PIV.verify_pin(&u, "000000", &left, &F), ERR_PIN_WRONG);
        assert_int_equal(left, 2);
        assert_err(PIV.change_pin(&u, "000000", "111111", &left, &F), ERR_PIN_WRONG);
        assert_int_equal(left, 1);
        assert_err(PIV.verify_pin(&u, "000000", &left, &F), ERR_PIN_BLOCKED);
        assert_err(PIV.verify_pin(&u, PIV_FACTORY_PIN, &left, &F), ERR_PIN_BLOCKED);
        assert_ok(PIV.info(&u, &info, &F));
        assert_int_equal(info.pin_left, 0);
        assert_err(PIV.unblock(&u, "99999999", "654321", &left, &F), ERR_PIN_WRONG);
        assert_int_equal(left, 2);
        assert_ok(PIV.unblock(&u, PIV_FACTORY_PUK, "654321", &left, &F));
        assert_ok(PIV.verify_pin(&u, "654321", &left, &F));
        assert_ok(PIV.info(&u, &info, &F));
        assert_int_equal(info.pin_left, 3);
        assert_int_equal(info.pin_default, UKEY_NO);
        assert_int_equal(info.puk_default, UKEY_YES);
        card_close(&CARD);
    }
}

static void a_key_signs_only_after_the_pin_and_never_after_logout(void **s)
{
    (void)s;
    struct ukey u = fresh('b');
    struct ukey_pub pub;
    uint8_t digest[UKEY_DIGEST] = {1}, sig[UKEY_SIG_MAX];
    size_t n;
    int left;
    assert_err(PIV.gen_key(&u, UKEY_SIGN_A, UKEY_P256, &pub, &F), ERR_CARD_REFUSED);
    admin(&u);
    assert_err(PIV.get_pub(&u, UKEY_SIGN_A, &pub, &F), ERR_NOT_FOUND);
    assert_ok(PIV.gen_key(&u, UKEY_SIGN_A, UKEY_P256, &pub, &F));
    assert_err(PIV.sign(&u, UKEY_SIGN_A, UKEY_P256, digest, sig, &n, &F), ERR_CARD_REFUSED);
    assert_ok(PIV.verify_pin(&u, PIV_FACTORY_PIN, &left, &F));
    assert_ok(PIV.sign(&u, UKEY_SIGN_A, UKEY_P256, digest, sig, &n, &F));
    assert_ok(pub_verify(&pub, digest, sig, n, &F));
    digest[0] ^= 1;
    assert_err(pub_verify(&pub, digest, sig, n, &F), ERR_SIGNATURE_BAD);
    assert_ok(PIV.logout(&u, &F));
    assert_err(PIV.sign(&u, UKEY_SIGN_A, UKEY_P256, digest, sig, &n, &F), ERR_CARD_REFUSED);
    assert_err(PIV.sign(&u, UKEY_SIGN_B, UKEY_P256, digest, sig, &n, &F), ERR_NOT_FOUND);
    card_close(&CARD);
}

static void every_management_key_algorithm_authenticates(void **s)
{
    (void)s;
    static const enum ukey_admin_alg algs[] = {UKEY_3DES, UKEY_AES128, UKEY_AES192, UKEY_AES256};
    struct ukey u = fresh('a');
    struct ukey_admin_key k = piv_factory_admin(UKEY_3DES), other;
    for (size_t i = 0; i < 4; i++) {
        assert_ok(PIV.select(&u, &F));
        assert_ok(PIV.admin_auth(&u, &k, &F));
        struct ukey_admin_key next = {.alg = algs[i]};
        random_bytes(next.key, ukey_admin_len(algs[i]));
        assert_ok(PIV.set_admin_key(&u, &next, &F));
        other = next;
        other.key[5] ^= 0x10;
        assert_err(PIV.admin_auth(&u, &other, &F), ERR_CARD_REFUSED);
        assert_err(PIV.set_admin_key(&u, &k, &F), ERR_CARD_REFUSED); /* the failure took the right away */
        k = next;
    }
    other = k;
    other.alg = UKEY_3DES;
    assert_err(PIV.admin_auth(&u, &other, &F), ERR_CARD_REFUSED);
    card_close(&CARD);
}

static void certificates_of_every_length_come_back_as_written(void **s)
{
    (void)s;
    static const size_t sizes[] = {1,   100, 118, 119, 240,  241,  250,
                                   255, 256, 500, 510, 1000, 1799, UKEY_CERT_MAX};
    static uint8_t der[UKEY_CERT_MAX], back[UKEY_CERT_MAX];
    for (char style = 'a'; style <= 'b'; style++) {
        struct ukey u = fresh(style);
        for (int exact = 0; exact < 2; exact++) {
            CARD.options.exact_le = exact;
            admin(&u);
            for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
                size_t n = 0;
                random_bytes(der, sizes[i]);
                assert_ok(PIV.write_cert(&u, UKEY_SIGN_B, der, sizes[i], &F));
                assert_ok(PIV.read_cert(&u, UKEY_SIGN_B, back, sizeof back, &n, &F));
                assert_int_equal(n, sizes[i]);
                assert_memory_equal(back, der, n);
            }
        }
        card_close(&CARD);
    }
}

/* Style a shows half an object with 9000, style b complains at the next command: neither is taken for whole.
 */
static void a_write_cut_half_way_is_seen(void **s)
{
    (void)s;
    for (char style = 'a'; style <= 'b'; style++) {
        struct ukey u = fresh(style);
        static uint8_t der[900], back[UKEY_CERT_MAX];
        size_t n = 0;
        admin(&u);
        memset(der, 0x31, sizeof der);
        assert_ok(PIV.write_cert(&u, UKEY_SIGN_A, der, sizeof der, &F));
        memset(der, 0x32, sizeof der);
        assert_true(trouble_parse("pull-before:DB:3", &CH.trouble));
        assert_err(PIV.write_cert(&u, UKEY_SIGN_A, der, sizeof der, &F), ERR_CARD_GONE);
        sim_channel_init(&CH, &CARD);
        assert_ok(PIV.select(&u, &F));
        assert_ok(PIV.read_cert(&u, UKEY_SIGN_A, back, sizeof back, &n, &F));
        assert_true(n > 0 && (n != sizeof der || memcmp(back, der, n) != 0));
        card_close(&CARD);
    }
}

/* GB/T 32918.5 A.2: the published example of an SM2 signature, over the curve and identifier used here. */
static void sm2_digest_is_the_standards(void **s)
{
    (void)s;
    static const char x[] = "09f9df311e5421a150dd7d161e4bc5c672179fad1833fc076bb08ff356f35020",
                      y[] = "ccea490ce26775a52dc6ea718cc1aa600aed05fbf35e084a6632f6072da9ad13",
                      e[] = "f0b43e94ba45accaace692ed534382eb17e6ab5a19ce7b31f4486fdfc0d28640";
    struct ukey_pub pub = {.alg = UKEY_SM2, .point = {0x04}};
    uint8_t want[UKEY_DIGEST], got[UKEY_DIGEST];
    assert_true(hex_decode(x, pub.point + 1, 32) && hex_decode(y, pub.point + 33, 32) &&
                hex_decode(e, want, 32));
    assert_ok(pub_digest(&pub, "message digest", 14, got, &F));
    assert_memory_equal(got, want, UKEY_DIGEST);
}

static void a_card_that_promises_without_end_is_given_up(void **s)
{
    (void)s;
    struct ukey u = fresh('b');
    struct ukey_info info;
    for (unsigned k = 1; k < 20; k++) {
        sim_channel_init(&CH, &CARD);
        CH.trouble = (struct trouble){.kind = TROUBLE_GARBAGE, .value = 258, .ins = -1, .nth = k};
        enum err e = PIV.select(&u, &F);
        if (e == OK)
            e = PIV.info(&u, &info, &F);
        assert_true(e == ERR_CARD_DOUBTFUL || (e == OK && CH.trouble.kind != TROUBLE_NONE));
    }
    card_close(&CARD);
}

static enum err nothing_known(struct channel *ch, const uint8_t *tx, size_t ntx, uint8_t *rx, size_t cap,
                              size_t *nrx, int64_t timeout_ms, struct fault *f)
{
    (void)ch, (void)tx, (void)ntx, (void)cap, (void)timeout_ms, (void)f;
    rx[0] = 0x6A;
    rx[1] = 0x82;
    *nrx = 2;
    return OK;
}

static void a_card_of_another_kind_is_not_found(void **s)
{
    (void)s;
    static const struct channel_ops ops = {.transmit = nothing_known};
    struct channel ch = {.ops = &ops};
    struct ukey u = {.ops = &PIV, .ch = &ch};
    assert_err(PIV.select(&u, &F), ERR_NOT_FOUND);
    assert_non_null(strstr(fault_text(&F), "not a PIV token"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_status_word_has_one_meaning),
        cmocka_unit_test(tlv_of_every_length_is_read_as_written),
        cmocka_unit_test(pins_have_six_to_eight_characters_whatever_the_token_takes),
        cmocka_unit_test(tries_are_counted_and_a_blocked_pin_is_unblocked_by_the_puk),
        cmocka_unit_test(a_key_signs_only_after_the_pin_and_never_after_logout),
        cmocka_unit_test(every_management_key_algorithm_authenticates),
        cmocka_unit_test(certificates_of_every_length_come_back_as_written),
        cmocka_unit_test(a_write_cut_half_way_is_seen),
        cmocka_unit_test(sm2_digest_is_the_standards),
        cmocka_unit_test(a_card_that_promises_without_end_is_given_up),
        cmocka_unit_test(a_card_of_another_kind_is_not_found),
    };
    return CHECK_MAIN(tests);
}
