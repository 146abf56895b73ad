/* The signatures that the suppliers publish or that their own software makes (provider-vectors.json), and the
 * primitives under them. */
#include "lib/check.h"

#include "base/str.h"
#include "provider/http.h"
#include "provider/kuaidi100.h"
#include "provider/nuonuo.h"
#include "provider/tencent.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static struct arena a;

/* Made with Node's crypto: AES-256-GCM of {"a":"支付"} with AAD, of "x" without. */
static const char gcm_with_aad[] = "nHlg5+MhmxVr20pmFvnISp2qtNGbUfvTGhvjVrAT";
static const char gcm_no_aad[] = "n73qFFx9H4WBbCDckE6R/YY=";

/* Beside this file. */
static json_t *vectors(void)
{
    const char *slash = strrchr(__FILE__, '/');
    int n = slash ? (int)(slash - __FILE__) + 1 : 0;
    json_t *j = json_load_file(arena_printf(&a, "%.*sprovider-vectors.json", n, __FILE__), 0, NULL);
    assert_non_null(j);
    return j;
}

static const char *text(const json_t *o, const char *key)
{
    const char *s = js_str(o, key);
    assert_non_null(s);
    return s;
}

static void tc3_case(const char *name, const char *action)
{
    json_t *all = vectors();
    const json_t *v = json_object_get(all, name);
    int64_t ts = 0;
    assert_true(js_int(v, "ts", &ts));
    struct tc3_request r = {.secret_id = "AKIDz8krbsJ5yKBZQpn74WFkmLPx3*******",
                            .secret_key = text(v, "secret_key"),
                            .service = "cvm",
                            .host = "cvm.tencentcloudapi.com",
                            .content_type = "application/json; charset=utf-8",
                            .action = action,
                            .seconds = ts,
                            .body = text(v, "payload"),
                            .n_body = strlen(text(v, "payload"))};
    struct tc3_signed s;
    tc3_sign(&r, &a, &s);
    assert_string_equal(s.canonical_sha256, text(v, "canonical_sha256"));
    assert_string_equal(s.signature, text(v, "signature"));
    const char *want = arena_printf(&a,
                                    "TC3-HMAC-SHA256 Credential=%s/2019-02-25/cvm/tc3_request, "
                                    "SignedHeaders=%s, Signature=%s",
                                    r.secret_id, text(v, "signed_headers"), text(v, "signature"));
    assert_string_equal(s.authorization, want);
    /* one second, one bit of the body: another signature */
    r.seconds++;
    tc3_sign(&r, &a, &s);
    assert_string_not_equal(s.signature, text(v, "signature"));
    json_decref(all);
}

static void tc3_signs_as_published_with_two_headers(void **state)
{
    (void)state;
    tc3_case("tc3_published_old", NULL);
}

static void tc3_signs_as_published_with_the_action(void **state)
{
    (void)state;
    tc3_case("tc3_published_new", "DescribeInstances");
}

static void sha256_of_the_published_payload(void **state)
{
    (void)state;
    json_t *all = vectors();
    const json_t *v = json_object_get(all, "tc3_published_old");
    char hex[2 * SHA256_SIZE + 1];
    sha256_hex(text(v, "payload"), strlen(text(v, "payload")), hex);
    assert_string_equal(hex, text(v, "payload_sha256"));
    json_decref(all);
}

static void kuaidi100_signs_a_query(void **state)
{
    (void)state;
    json_t *all = vectors();
    const json_t *v = json_object_get(all, "kuaidi100_query");
    const char *sign = kuaidi100_query_sign(text(v, "param"), text(v, "key"), text(v, "customer"), &a);
    assert_string_equal(sign, text(v, "sign"));
    json_decref(all);
}

static void kuaidi100_push_is_verified(void **state)
{
    (void)state;
    json_t *all = vectors();
    const json_t *v = json_object_get(all, "kuaidi100_push");
    struct provider_pair form[] = {{"sign", text(v, "sign")}, {"param", text(v, "param")}};
    struct courier_push push;
    struct fault f = {0};
    assert_ok(kuaidi100_push_verify(NULL, form, 2, text(v, "salt"), &a, &push, &f));
    assert_int_equal(push.watch, COURIER_WATCH_POLLING);
    assert_int_equal(push.track.state, COURIER_SIGNED);
    assert_true(push.track.receipt_checked);
    assert_string_equal(push.track.number, "SF1234567890123");
    assert_int_equal(push.track.n_events, 0);
    /* one letter of the salt */
    assert_err(kuaidi100_push_verify(NULL, form, 2, "ssssssssssssssssssssssssssssssst", &a, &push, &f),
               ERR_SIGNATURE_BAD);
    json_decref(all);
}

static void nuonuo_signs_a_body(void **state)
{
    (void)state;
    json_t *all = vectors();
    const json_t *v = json_object_get(all, "nuonuo_sign");
    static const char body[] = "{\"order\":{\"orderNo\":\"O1\",\"buyerName\":\"测试公司\"}}";
    const char *url = "https://sdk.nuonuo.com/open/v1/services";
    static const char zeros[] = "00000000000000000000000000000000";
    const char *secret = text(v, "app_secret");
    assert_string_equal(nuonuo_sign(url, "appkey", secret, zeros, "12345678", 1700000000, body, &a),
                        text(v, "X-Nuonuo-Sign"));
    /* one second, another path, one letter */
    assert_string_not_equal(nuonuo_sign(url, "appkey", secret, zeros, "12345678", 1700000001, body, &a),
                            text(v, "X-Nuonuo-Sign"));
    assert_string_not_equal(
        nuonuo_sign("https://x/open/v2/services", "appkey", secret, zeros, "12345678", 1700000000, body, &a),
        text(v, "X-Nuonuo-Sign"));
    assert_string_not_equal(nuonuo_sign(url, "appkey", secret, zeros, "12345678", 1700000000, "{}", &a),
                            text(v, "X-Nuonuo-Sign"));
    json_decref(all);
}

/* A supplier to come: its primitives are here. (e签宝's vector as a whole: esign_test.c.) */
static void sf_and_esign_digests(void **state)
{
    (void)state;
    json_t *all = vectors();
    const json_t *sf = json_object_get(all, "sf_digest");
    const json_t *es = json_object_get(all, "esign_sign");
    unsigned char d[SHA256_SIZE];
    md5(text(sf, "urlencoded"), strlen(text(sf, "urlencoded")), d);
    assert_string_equal(base64_encode(&a, d, MD5_SIZE), text(sf, "msgDigest"));
    md5(text(es, "body"), strlen(text(es, "body")), d);
    assert_string_equal(base64_encode(&a, d, MD5_SIZE), text(es, "content_md5"));
    hmac_sha256(text(es, "app_secret"), strlen(text(es, "app_secret")), text(es, "string_to_sign"),
                strlen(text(es, "string_to_sign")), d);
    assert_string_equal(base64_encode(&a, d, SHA256_SIZE), text(es, "signature"));
    json_decref(all);
}

static void base64_is_strict(void **state)
{
    (void)state;
    static const struct {
        const char *text, *want;
    } good[] = {{"", ""}, {"Zg==", "f"}, {"Zm8=", "fo"}, {"Zm9v", "foo"}, {"Zm9vYg==", "foob"}};
    size_t n;
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        const unsigned char *p = base64_decode(&a, good[i].text, &n);
        assert_non_null(p);
        assert_int_equal(n, strlen(good[i].want));
        assert_string_equal((const char *)p, good[i].want);
    }
    static const char *const bad[] = {"Zg",    "Zg=",    "Zg=A", "Z===", "====", " Zg==",       "Zg==\n",
                                      "Zm9v ", "Zm\n9v", "Zm9-", "Zm=9", "=",    "Zm9vZg==Zg=="};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_null(base64_decode(&a, bad[i], &n));
}

/* Sealed by another implementation (Node's crypto). */
static void aes_gcm_opens_what_another_library_sealed(void **state)
{
    (void)state;
    static const unsigned char key[] = "0123456789abcdefghijklmnopqrstuv";
    static const char nonce[] = "0a1b2c3d4e5f";
    size_t n, n_text;
    unsigned char *sealed = base64_decode(&a, gcm_with_aad, &n);
    const unsigned char *p = aes256gcm_open(&a, key, nonce, "transaction", 11, sealed, n, &n_text);
    assert_non_null(p);
    assert_string_equal((const char *)p, "{\"a\":\"支付\"}");
    assert_null(aes256gcm_open(&a, key, nonce, "transactioN", 11, sealed, n, &n_text));
    assert_null(aes256gcm_open(&a, key, "0a1b2c3d4e5", "transaction", 11, sealed, n, &n_text));
    assert_null(aes256gcm_open(&a, key, nonce, "transaction", 11, sealed, 15, &n_text));
    for (size_t bit = 0; bit < n * 8; bit++) {
        sealed[bit / 8] ^= (unsigned char)(1u << bit % 8);
        assert_null(aes256gcm_open(&a, key, nonce, "transaction", 11, sealed, n, &n_text));
        sealed[bit / 8] ^= (unsigned char)(1u << bit % 8);
    }
    sealed = base64_decode(&a, gcm_no_aad, &n);
    assert_string_equal((const char *)aes256gcm_open(&a, key, nonce, NULL, 0, sealed, n, &n_text), "x");
}

/* -- RSA against the openssl program --------------------------------------------------------------------- */

static char dir[] = "/tmp/certdesk-vectors-XXXXXX";

static void shell(const char *fmt, const char *arg)
{
    char command[1024];
    int n = snprintf(command, sizeof command, fmt, arg, arg, arg, arg);
    assert_in_range(n, 1, sizeof command - 1);
    assert_int_equal(system(command), 0);
}

static const char *slurp(const char *name)
{
    FILE *f = fopen(arena_printf(&a, "%s/%s", dir, name), "r");
    assert_non_null(f);
    char *p = arena_alloc(&a, 8192);
    size_t n = fread(p, 1, 8191, f);
    assert_true(n > 0);
    fclose(f);
    return p;
}

static void rsa_agrees_with_the_openssl_program(void **state)
{
    (void)state;
    struct fault f = {0};
    assert_non_null(mkdtemp(dir));
    shell("cd %s && openssl genpkey -quiet -algorithm RSA -pkeyopt rsa_keygen_bits:2048 -out key.pem "
          "2>/dev/null && openssl pkey -in key.pem -pubout -out pub.pem && printf 'one\\ntwo\\n\\n' > m && "
          "openssl dgst -sha256 -sign key.pem m | base64 -w0 > m.sig && openssl req -x509 -new -key key.pem "
          "-subj /CN=p -set_serial 0x0123456789ABCDEF -out cert.pem",
          dir);
    struct rsa_key *private = NULL, *public = NULL, *certificate = NULL;
    const char *serial = "";
    assert_ok(rsa_private(slurp("key.pem"), &private, &f));
    assert_ok(rsa_public(slurp("pub.pem"), &a, &public, &serial, &f));
    assert_null(serial);
    assert_ok(rsa_public(slurp("cert.pem"), &a, &certificate, &serial, &f));
    assert_string_equal(serial, "0123456789ABCDEF");

    assert_true(rsa_sha256_verify(public, "one\ntwo\n\n", 9, slurp("m.sig")));
    assert_true(rsa_sha256_verify(certificate, "one\ntwo\n\n", 9, slurp("m.sig")));
    assert_false(rsa_sha256_verify(public, "one\ntwo\n", 8, slurp("m.sig")));
    assert_false(rsa_sha256_verify(public, "one\ntwo\n\n", 9, "WECHATPAY/SIGNTEST/abcd"));
    assert_false(rsa_sha256_verify(public, "one\ntwo\n\n", 9, ""));

    char *ours = NULL;
    assert_ok(rsa_sha256_sign(private, "one\ntwo\n\n", 9, &a, &ours, &f));
    assert_string_equal(ours, slurp("m.sig")); /* PKCS#1 v1.5 is deterministic */
    rsa_free(private);
    rsa_free(public);
    rsa_free(certificate);
}

static void keys_that_are_none_are_refused(void **state)
{
    (void)state;
    struct fault f = {0};
    struct rsa_key *k = NULL;
    shell("cd %s && openssl genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:1024 -out small.pem 2>/dev/null "
          "&& openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out ec.pem && "
          "openssl pkey -in key.pem -aes128 -passout pass:x -out locked.pem && rm key.pem m m.sig",
          dir);
    assert_err(rsa_private(slurp("small.pem"), &k, &f), ERR_INVALID);
    assert_err(rsa_private(slurp("ec.pem"), &k, &f), ERR_INVALID);
    assert_err(rsa_private(slurp("locked.pem"), &k, &f), ERR_INVALID);
    assert_err(rsa_private("", &k, &f), ERR_INVALID);
    assert_err(rsa_public("-----BEGIN CERTIFICATE-----\nAAAA\n", &a, &k, NULL, &f), ERR_INVALID);
    shell("rm -r %s", dir);
}

static void masks_keep_little(void **state)
{
    (void)state;
    assert_string_equal(mask_phone(&a, "13800001234"), "138****1234");
    assert_string_equal(mask_phone(&a, "+8613800001234"), "138****1234");
    assert_string_equal(mask_number(&a, "110101199003070134"), "1101**********0134");
    assert_string_equal(mask_number(&a, "12345678"), "********");
    assert_string_equal(mask_name(&a, "欧阳小明"), "欧***");
    assert_string_equal(mask_name(&a, "李"), "李");
    assert_string_equal(mask_name(&a, NULL), "");
}

static void json_is_read_strictly(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "",           "[]",         "{\"a\":1,\"a\":2}",    "{\"a\":\"\\u0000\"}",
        "{\"a\":1}x", "{\"a\":",    "{\"a\":\"\xC0\x80\"}", "null",
        "{'a':1}",    "{\"a\":NaN}"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_null(js_parse(bad[i], strlen(bad[i])));
    static const char good[] = "{\"n\":12,\"s\":\"12\",\"r\":1.0}";
    CLEANUP(js_free)
    json_t *j = js_parse(good, strlen(good));
    assert_non_null(j);
    int64_t n = 0;
    assert_true(js_int(j, "n", &n));
    assert_false(js_int(j, "s", &n));
    assert_false(js_int(j, "r", &n));
    char out[3] = "", small[2] = "z";
    assert_true(js_code(j, "n", out, sizeof out));
    assert_string_equal(out, "12");
    assert_true(js_code(j, "s", out, sizeof out));
    assert_false(js_copy(j, "s", small, sizeof small));
    assert_string_equal(small, "");
    char cut[6];
    text_copy(cut, sizeof cut, "支付宝");
    assert_string_equal(cut, "支");
}

static int setup(void **state)
{
    (void)state;
    arena_init(&a, 0);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    arena_free(&a);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tc3_signs_as_published_with_two_headers),
        cmocka_unit_test(tc3_signs_as_published_with_the_action),
        cmocka_unit_test(sha256_of_the_published_payload),
        cmocka_unit_test(kuaidi100_signs_a_query),
        cmocka_unit_test(kuaidi100_push_is_verified),
        cmocka_unit_test(nuonuo_signs_a_body),
        cmocka_unit_test(sf_and_esign_digests),
        cmocka_unit_test(base64_is_strict),
        cmocka_unit_test(aes_gcm_opens_what_another_library_sealed),
        cmocka_unit_test(rsa_agrees_with_the_openssl_program),
        cmocka_unit_test(keys_that_are_none_are_refused),
        cmocka_unit_test(masks_keep_little),
        cmocka_unit_test(json_is_read_strictly),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests_name(__FILE__, tests, setup, teardown);
}
