#include "sandbox/call.h"

#include "base/clock.h"
#include "sandbox/state.h"
#include "sandbox/suppliers.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

static const struct supplier suppliers[] = {
    {"faceid", "tencent", tencent_action, tencent_serve},
    {"ocr", "tencent", tencent_action, tencent_serve},
    {"sms", "tencent", tencent_action, tencent_serve},
    {"wechat", "wechat", wechat_action, wechat_serve},
    {"alipay", "alipay", alipay_action, alipay_serve},
    {"esign", "esign", esign_action, esign_serve},
    {"generic", "http", generic_action, generic_serve},
    {"kuaidi100", "kuaidi100", kuaidi100_action, kuaidi100_serve},
    {"nuonuo", "nuonuo", nuonuo_action, nuonuo_serve},
};

const struct supplier *supplier_by_host(const char *label, size_t n)
{
    for (size_t i = 0; i < sizeof suppliers / sizeof *suppliers; i++)
        if (strlen(suppliers[i].host) == n && strncasecmp(suppliers[i].host, label, n) == 0)
            return &suppliers[i];
    return NULL;
}

/* Not a call of the system's, but what becomes of one. */
static bool is_push(const char *action)
{
    return strcmp(action, "callback") == 0 || strcmp(action, "push") == 0 || strcmp(action, "result") == 0;
}

struct plan fault_take(struct sandbox *sb, const char *supplier, const char *action)
{
    struct plan plan = {.ms = -1};
    const char *key;
    json_t *f;
    json_object_foreach(state_section(sb->state, "faults"), key, f)
    {
        const char *for_action = member(f, "action");
        bool any = !*for_action || strcmp(for_action, "*") == 0;
        if (strcmp(member(f, "provider"), supplier) != 0 ||
            (any ? is_push(action) : strcmp(for_action, action) != 0))
            continue;
        snprintf(plan.kind, sizeof plan.kind, "%s", member(f, "kind"));
        if (json_object_get(f, "ms"))
            plan.ms = member_int(f, "ms");
        int64_t left = member_int(f, "count") - 1;
        json_object_set_new(f, "count", json_integer(left));
        if (left > 0)
            state_touch(sb->state, "faults", key);
        else
            state_delete(sb->state, "faults", key);
        break;
    }
    return plan;
}

void call_log(struct sandbox *sb, const char *supplier, const char *action, const char *request_id,
              const char *outcome, const char *fault, json_t *inputs)
{
    char key[24], now[CLOCK_TEXT_SIZE];
    int64_t seq = state_next(sb->state, "log", key);
    clock_rfc3339(clock_now_ms(), now);
    json_t *line =
        json_pack("{s:I,s:s,s:s,s:s,s:s,s:s,s:s,s:o}", "seq", (json_int_t)seq, "time", now, "provider",
                  supplier, "action", action, "request_id", request_id ? request_id : "", "outcome", outcome,
                  "fault", fault, "inputs", inputs ? inputs : json_object());
    if (line)
        state_put(sb->state, "log", key, line);
}

static bool is(const struct plan *plan, const char *kind)
{
    return strcmp(plan->kind, kind) == 0;
}

/* What the wire does to an answer that was given. */
static void disturb(const struct plan *plan, struct reply *p)
{
    if (is(plan, "lose_answer"))
        p->cut = true;
    if (is(plan, "slow"))
        p->delay_ms = plan->ms >= 0 ? plan->ms : 3000;
    if (is(plan, "garbage")) {
        p->n_headers = 0;
        reply_text(p, 200, "text/html", "<html><title>502 Bad Gateway</title>{\"Response\":{\"Req");
    }
}

void call_serve(struct sandbox *sb, const struct supplier *s, struct request *r, struct reply *p)
{
    pthread_mutex_lock(&sb->lock);
    const char *action = s->action(r);
    if (!utf8_valid(action, strlen(action)))
        action = "unknown";
    struct plan plan = fault_take(sb, s->name, action);
    bool silent = is(&plan, "timeout");
    if (silent || is(&plan, "lose_request")) {
        p->cut = true;
        p->delay_ms = silent ? (plan.ms >= 0 ? plan.ms : 30000) : 0;
        call_log(sb, s->name, action, "", "nothing happened", plan.kind, NULL);
    } else {
        s->serve(sb, r, &plan, p);
        disturb(&plan, p);
        call_log(sb, s->name, action, p->request_id, p->outcome, plan.kind, p->inputs);
    }
    pthread_mutex_unlock(&sb->lock);
}
