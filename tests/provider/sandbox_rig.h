/* sandbox_rig.h - starts certdesk-sandbox for a test, opens every adapter against it, orders its faults.
 */
#ifndef CERTDESK_TESTS_PROVIDER_SANDBOX_RIG_H
#define CERTDESK_TESTS_PROVIDER_SANDBOX_RIG_H

#include "peer.h"

#include "base/clock.h"
#include "provider/js.h"

#include <fcntl.h>
#include <libgen.h>
#include <signal.h>
#include <sys/wait.h>

struct rig {
    struct arena a;
    struct http *http;
    char dir[64];
    char clock[80]; /* a file; the sandbox's offset from the wall clock in ms */
    pid_t pid;
    FILE *out;
    const char *url;
    json_t *says; /* DIR/sandbox.json */
    struct provider_pair settings[64];
    struct provider_env env;
    struct peer inbox; /* where callbacks go */
    struct identity_port identity;
    struct sms_port sms;
    struct payment_port pay, alipay;
    struct courier_port courier;
    struct invoice_port invoice;
    struct mail_port mail;
};

/* $CERTDESK_BUILD/server/certdesk-sandbox, or the one that was built with this program. */
static inline const char *rig_program(struct rig *r)
{
    const char *build = getenv("CERTDESK_BUILD");
    char self[4096] = "";
    if (!build) {
        assert_true(readlink("/proc/self/exe", self, sizeof self - 1) > 0);
        build = arena_printf(&r->a, "%s/..", dirname(self));
    }
    return arena_printf(&r->a, "%s/server/certdesk-sandbox", build);
}

/* The sandbox says {"port":…} on its first line when it listens. */
static inline void rig_spawn(struct rig *r)
{
    int out[2];
    const char *program = rig_program(r);
    snprintf(r->dir, sizeof r->dir, "/tmp/certdesk-live-XXXXXX");
    assert_non_null(mkdtemp(r->dir));
    snprintf(r->clock, sizeof r->clock, "%s/clock", r->dir);
    FILE *clock = fopen(r->clock, "w");
    assert_non_null(clock);
    assert_int_equal(fwrite("\0\0\0\0\0\0\0", 8, 1, clock), 1);
    fclose(clock);
    assert_int_equal(pipe2(out, O_CLOEXEC), 0);
    r->pid = fork();
    assert_true(r->pid >= 0);
    if (r->pid == 0) {
        dup2(out[1], 1);
        setenv("CERTDESK_CLOCK", r->clock, 0); /* a test may have a clock of its own */
        execl(program, "certdesk-sandbox", "--listen", "127.0.0.1:0", "--state", r->dir, (char *)NULL);
        _exit(127);
    }
    close(out[1]);
    r->out = fdopen(out[0], "r");
    char line[256] = "";
    if (!fgets(line, sizeof line, r->out))
        fprintf(stderr, "cannot start %s\n", program);
    r->says = json_load_file(arena_printf(&r->a, "%s/sandbox.json", r->dir), 0, NULL);
    assert_non_null(r->says);
    r->url = js_str(r->says, "url");
}

static inline const char *rig_say(struct rig *r, const char *supplier, const char *key)
{
    const char *s = js_str(json_object_get(r->says, supplier), key);
    assert_non_null(s);
    return s;
}

static inline const char *rig_file(struct rig *r, const char *supplier, const char *key)
{
    FILE *f = fopen(rig_say(r, supplier, key), "r");
    assert_non_null(f);
    char *text = arena_alloc(&r->a, 16384);
    assert_true(fread(text, 1, 16383, f) > 0);
    fclose(f);
    return text;
}

static inline void rig_settings(struct rig *r)
{
    struct provider_pair all[] = {
        {"secret_id", rig_say(r, "tencent", "secret_id")},
        {"secret_key", rig_say(r, "tencent", "secret_key")},
        {"faceid_url", rig_say(r, "tencent", "faceid_url")},
        {"rule_id", rig_say(r, "tencent", "rule_id")},
        {"ocr_url", rig_say(r, "tencent", "ocr_url")},
        {"sms_url", rig_say(r, "tencent", "sms_url")},
        {"sms_app_id", rig_say(r, "tencent", "sms_sdk_app_id")},
        {"sms_sign_name", "证书服务"},
        {"template.login_code", "1001"},
        {"base_url", rig_say(r, "wechat", "url")},
        {"mchid", rig_say(r, "wechat", "mchid")},
        {"appid", rig_say(r, "wechat", "appid")},
        {"merchant_serial", rig_say(r, "wechat", "merchant_serial")},
        {"merchant_key", rig_file(r, "wechat", "merchant_key_file")},
        {"apiv3_key", rig_say(r, "wechat", "apiv3_key")},
        {"public_key_id", rig_say(r, "wechat", "platform_key_id")},
        {"public_key", rig_file(r, "wechat", "platform_key_file")},
        {"platform_certificate", rig_file(r, "wechat", "platform_certificate_file")},
        {"app_id", rig_say(r, "alipay", "app_id")},
        {"seller_id", rig_say(r, "alipay", "seller_id")},
        {"app_key", rig_file(r, "alipay", "app_key_file")},
        {"alipay_public_key", rig_file(r, "alipay", "alipay_public_key_file")},
        {"key", rig_say(r, "kuaidi100", "key")},
        {"customer", rig_say(r, "kuaidi100", "customer")},
        {"user", rig_say(r, "smtp", "user")},
        {"password", rig_say(r, "smtp", "password")},
        {"from", "desk@certdesk.example"},
        {"token_url", rig_say(r, "nuonuo", "token_url")},
        {"app_secret", rig_say(r, "nuonuo", "app_secret")},
        {"seller_tax_number", rig_say(r, "nuonuo", "seller_tax_number")},
        {"seller_address", "杭州市西湖区样本路1号"},
        {"seller_phone", "0571-88880000"},
        {"clerk", "王开票"},
        {"url", NULL},
    };
    int64_t port = 0;
    assert_true(js_int(json_object_get(r->says, "smtp"), "port", &port));
    all[sizeof all / sizeof *all - 1].value = arena_printf(&r->a, "smtp://127.0.0.1:%d", (int)port);
    memcpy(r->settings, all, sizeof all);
}

static inline void rig_set(struct rig *r, const char *key, const char *value)
{
    struct provider_pair *p = r->settings;
    while (p->name && strcmp(p->name, key) != 0)
        p++;
    *p = (struct provider_pair){key, value};
}

static inline void rig_open(struct rig *r)
{
    struct fault f = {0};
    r->env = (struct provider_env){r->http, pair_setting, r->settings, NULL};
    assert_ok(identity_open("tencent", &r->env, &r->identity, &f));
    assert_ok(sms_open("tencent", &r->env, &r->sms, &f));
    assert_ok(mail_open("smtp", &r->env, &r->mail, &f));
    assert_ok(payment_open("wechat", &r->env, &r->pay, &f));
    rig_set(r, "base_url", rig_say(r, "kuaidi100", "url"));
    assert_ok(courier_open("kuaidi100", &r->env, &r->courier, &f));
    rig_set(r, "base_url", rig_say(r, "alipay", "url"));
    assert_ok(payment_open("alipay", &r->env, &r->alipay, &f));
    const char *alipay_key = pair_setting(r->settings, "app_key"); /* both suppliers have one */
    rig_set(r, "app_key", rig_say(r, "nuonuo", "app_key"));
    rig_set(r, "base_url", rig_say(r, "nuonuo", "url"));
    assert_ok(invoice_open("nuonuo", &r->env, &r->invoice, &f));
    rig_set(r, "app_key", alipay_key);
    rig_set(r, "base_url", rig_say(r, "wechat", "url"));
}

/* The sandbox's time is the wall clock and so many milliseconds from now on. */
static inline void rig_move_clock(struct rig *r, int64_t ms)
{
    FILE *f = fopen(r->clock, "r+"); /* in place: it is mapped */
    assert_non_null(f);
    assert_int_equal(fwrite(&ms, sizeof ms, 1, f), 1);
    fclose(f);
}

/* One call of the control interface: POST when there is a body. What it answers; the caller frees it. */
static inline json_t *rig_control(struct rig *r, const char *path, const char *body)
{
    struct provider_pair type = {"Content-Type", "application/json"};
    struct http_request req = {.point = "control",
                               .headers = &type,
                               .n_headers = 1,
                               .method = body ? "POST" : "GET",
                               .url = arena_printf(&r->a, "%s%s", r->url, path),
                               .body = body,
                               .n_body = body ? strlen(body) : 0};
    struct http_response resp;
    struct fault f = {0};
    assert_ok(http_send(r->http, &req, &r->a, &resp, &f));
    if (resp.status != 200)
        fprintf(stderr, "%s: %s\n", path, resp.body);
    assert_int_equal(resp.status, 200);
    json_t *j = js_parse(resp.body, resp.n_body);
    assert_non_null(j);
    return j;
}

static inline void rig_do(struct rig *r, const char *path, const char *body)
{
    json_decref(rig_control(r, path, body));
}

/* The next call of this action goes wrong in this way. */
static inline void rig_fault(struct rig *r, const char *provider, const char *action, const char *kind)
{
    rig_do(r, "/sim/fault",
           arena_printf(&r->a, "{\"provider\":\"%s\",\"action\":\"%s\",\"kind\":\"%s\",\"count\":1}",
                        provider, action, kind));
}

static inline bool rig_delivering(struct rig *r)
{
    bool due = false;
    size_t i;
    json_t *all = rig_control(r, "/sim/deliveries", NULL), *one;
    json_array_foreach(json_object_get(all, "deliveries"), i, one) due =
        due || json_integer_value(json_object_get(one, "due_ms")) <= clock_now_ms();
    json_decref(all);
    return due;
}

/* How many callbacks came so far, once none that is due is on its way: the next one is of what is done next.
 */
static inline int rig_callbacks(struct rig *r)
{
    while (rig_delivering(r))
        nanosleep(&(struct timespec){.tv_nsec = 5000000}, NULL);
    pthread_mutex_lock(&r->inbox.lock);
    int n = r->inbox.n_inbox;
    pthread_mutex_unlock(&r->inbox.lock);
    return n;
}

static inline void rig_start(struct rig *r)
{
    memset(r, 0, sizeof *r);
    arena_init(&r->a, 0);
    r->http = test_http();
    peer_start(&r->inbox);
    rig_spawn(r);
    rig_settings(r);
    rig_open(r);
    rig_do(r, "/sim/config", "{\"callback_scale\":0.001,\"refund_ms\":0}");
}

static inline int rig_stop(struct rig *r)
{
    r->identity.ops->close(r->identity.self);
    r->sms.ops->close(r->sms.self);
    r->mail.ops->close(r->mail.self);
    r->pay.ops->close(r->pay.self);
    r->alipay.ops->close(r->alipay.self);
    r->courier.ops->close(r->courier.self);
    r->invoice.ops->close(r->invoice.self);
    kill(r->pid, SIGTERM);
    waitpid(r->pid, NULL, 0);
    fclose(r->out);
    peer_stop(&r->inbox);
    http_close(r->http);
    json_decref(r->says);
    int gone = system(arena_printf(&r->a, "rm -r %s", r->dir));
    arena_free(&r->a);
    return gone;
}

#endif
