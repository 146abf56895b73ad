/* alipay_rig.h - Alipay's adapter for a test, in both modes, against a peer that says what it is told; keys
 * of both sides, and what Alipay's own SDK made (alipay-vectors.json).
 */
#ifndef CERTDESK_TESTS_PROVIDER_ALIPAY_RIG_H
#define CERTDESK_TESTS_PROVIDER_ALIPAY_RIG_H

#include "peer.h"

#include "provider/alipay.h"

static struct arena a;
static struct http *h;
static struct fault f;
static struct peer p;
static struct payment_port pay, certified;
static struct rsa_key *alipay, *stranger, *app_public;
static json_t *vectors;
static const int64_t now = 1764000000000; /* 2025-11-25 00:00:00 in Beijing */
static char dir[] = "/tmp/certdesk-alipay-XXXXXX";

static inline int64_t fixed_now(void)
{
    return now;
}

static inline const char *vector(const char *group, const char *key)
{
    const char *s = js_str(json_object_get(vectors, group), key);
    assert_non_null(s);
    return s;
}

static inline const char *slurp(const char *name)
{
    FILE *file = fopen(arena_printf(&a, "%s/%s", dir, name), "r");
    assert_non_null(file);
    char *text = arena_alloc(&a, 16384);
    assert_true(fread(text, 1, 16383, file) > 0);
    fclose(file);
    return text;
}

static inline enum err open_with(struct provider_pair *settings, struct payment_port *out)
{
    struct provider_env env = {h, pair_setting, settings, fixed_now};
    return payment_open("alipay", &env, out, &f);
}

static inline int setup(void **state)
{
    (void)state;
    arena_init(&a, 0);
    h = test_http();
    peer_start(&p);
    const char *slash = strrchr(__FILE__, '/');
    vectors = json_load_file(
        arena_printf(&a, "%.*s/alipay-vectors.json", (int)(slash ? slash - __FILE__ : 0), __FILE__), 0, NULL);
    assert_non_null(vectors);
    assert_non_null(mkdtemp(dir));
    const char *make =
        arena_printf(&a,
                     "cd %s && for k in app alipay stranger; do openssl genpkey -algorithm RSA -pkeyopt "
                     "rsa_keygen_bits:2048 "
                     "-out $k.pem 2>/dev/null && openssl pkey -in $k.pem -pubout -out $k.pub && "
                     "openssl req -x509 -new -key $k.pem -subj /C=CN/O=o/CN=$k -set_serial 0x0AAA -out "
                     "$k.crt || exit 1; done",
                     dir);
    assert_int_equal(system(make), 0);
    assert_ok(rsa_private(slurp("alipay.pem"), &alipay, &f));
    assert_ok(rsa_private(slurp("stranger.pem"), &stranger, &f));
    assert_ok(rsa_public(slurp("app.pub"), &a, &app_public, NULL, &f));
    struct provider_pair settings[9] = {
        {"base_url", arena_printf(&a, "http://127.0.0.1:%d/gateway.do", p.port)},
        {"app_id", "2021000000000001"},
        {"seller_id", "2088000000000001"},
        {"app_key", slurp("app.pem")},
        {"alipay_public_key", slurp("alipay.pub")},
    };
    assert_ok(open_with(settings, &pay));
    assert_true(pay.simulator);
    settings[4] = (struct provider_pair){"app_certificate", slurp("app.crt")};
    settings[5] = (struct provider_pair){"alipay_certificate", slurp("alipay.crt")};
    settings[6] = (struct provider_pair){"alipay_root_certificates", vector("certificates", "roots")};
    assert_ok(open_with(settings, &certified));
    return 0;
}

static inline int teardown(void **state)
{
    (void)state;
    pay.ops->close(pay.self);
    certified.ops->close(certified.self);
    peer_stop(&p);
    http_close(h);
    rsa_free(alipay);
    rsa_free(stranger);
    rsa_free(app_public);
    json_decref(vectors);
    int gone = system(arena_printf(&a, "rm -r %s", dir));
    arena_free(&a);
    return gone;
}

static inline struct alipay of_the_vectors(void)
{
    struct alipay it = {.app_id = "2021000000000001", .seller_id = "2088000000000001", .now_ms = fixed_now};
    assert_ok(rsa_public(js_str(vectors, "public_key"), &a, &it.alipay_key, NULL, &f));
    return it;
}

#endif
