/* esign_rig.h - e签宝's adapter with a peer that says what it is told.
 */
#ifndef CERTDESK_TESTS_PROVIDER_ESIGN_RIG_H
#define CERTDESK_TESTS_PROVIDER_ESIGN_RIG_H

#include "peer.h"

#include "provider/esign.h"
#include "provider/sign.h"

static struct arena a;
static struct http *h;
static struct fault f;
static struct peer p;
static struct identity_port plain, detailed;
static int64_t now = 1700000000000;

static inline int64_t fixed_now(void)
{
    return now;
}

[[maybe_unused]] static const struct identity_person person = {"张三", "110101199003070134", "+8613800000000",
                                                               "6222020200000000006"};
[[maybe_unused]] static const struct identity_enterprise company = {"测试公司", "91110000100000001X", "张三",
                                                                    "110101199003070134"};

static inline void answers(unsigned status, const char *json)
{
    p.status = status;
    p.n_body = 0;
    p.body = json;
    p.calls = 0;
    fault_clear(&f);
}

static inline void says(int64_t code, const char *data)
{
    answers(200, arena_printf(&a, "{\"code\":%lld,\"message\":\"说明\",\"data\":%s}", (long long)code,
                              data ? data : "null"));
}

static inline struct identity_port opened(const char *detail)
{
    struct identity_port out;
    struct provider_pair settings[] = {
        {"base_url", arena_printf(&a, "http://esign.localhost:%d/", p.port)},
        {"app_id", "7438000001"},
        {"app_secret", "secret"},
        {"detail", detail},
        {0},
    };
    struct provider_env env = {h, pair_setting, arena_memdup(&a, settings, sizeof settings), fixed_now};
    assert_ok(identity_open("esign", &env, &out, &f));
    return out;
}

static inline int setup(void **state)
{
    (void)state;
    arena_init(&a, 0);
    h = test_http();
    peer_start(&p);
    plain = opened(NULL);
    detailed = opened("yes");
    return 0;
}

static inline int teardown(void **state)
{
    (void)state;
    plain.ops->close(plain.self);
    detailed.ops->close(detailed.self);
    peer_stop(&p);
    http_close(h);
    arena_free(&a);
    return 0;
}

#endif
