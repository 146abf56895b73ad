/* nuonuo_notify.c - callbacks to the seller: a form, unsigned, with what is true when it is sent. */
#include "base/clock.h"
#include "sandbox/call.h"
#include "sandbox/nuonuo.h"
#include "sandbox/push.h"
#include "sandbox/state.h"

#include <curl/curl.h>
#include <stdlib.h>
#include <string.h>

static const int schedule_s[] = {60, 300, 900, 0};

void nn_notify(struct sandbox *sb, const json_t *invoice, const char *url, int64_t delay_ms)
{
    struct plan plan = fault_take(sb, "nuonuo", "callback");
    if (!*url || strcmp(plan.kind, "never") == 0) {
        if (*url)
            call_log(sb, "nuonuo", "callback", member(invoice, "orderNo"), "not sent", plan.kind, NULL);
        return;
    }
    if (strcmp(plan.kind, "late") == 0)
        delay_ms += plan.ms >= 0 ? plan.ms : 60000;
    json_t *event = json_pack("{s:s}", "id", member(invoice, "orderNo"));
    if (strcmp(plan.kind, "forged") == 0)
        deliver_queue(sb, &nuonuo_caller, url, json_incref(event), "forged", 0);
    if (strcmp(plan.kind, "twice") == 0)
        deliver_queue(sb, &nuonuo_caller, url, json_incref(event), "", delay_ms);
    deliver_queue(sb, &nuonuo_caller, url, event, "", delay_ms);
}

static const char *state_code(const char *status)
{
    return strcmp(status, "22") == 0 ? "2" : strcmp(status, "24") == 0 ? "3" : "1";
}

static const char *escaped(struct arena *a, const char *text)
{
    char *e = curl_easy_escape(NULL, text, 0);
    const char *out = arena_strdup(a, e ? e : "");
    curl_free(e);
    return out;
}

static void build(struct sandbox *sb, struct arena *a, const json_t *event, const char *trick,
                  struct parcel *out)
{
    bool forged = strcmp(trick, "forged") == 0;
    const char *number = forged ? "somebodyelses0000001" : member(event, "id");
    const json_t *v = state_get(sb->state, "nuonuo_invoices", member(event, "id"));
    int64_t total = member_int(v, "total_fen"), tax = member_int(v, "tax_fen");
    json_t *content = json_pack(
        "{s:s,s:s,s:s,s:s,s:s,s:s,s:s}", "c_orderno", number, "c_fpqqlsh", member(v, "serialNo"), "c_status",
        forged ? "1" : state_code(nn_status(v)), "c_kprq", beijing_plain(a, member_int(v, "done_ms")),
        "c_fphm", member(v, "number"), "c_hjse", nn_yuan(a, tax), "c_bhsje", nn_yuan(a, total - tax));
    char *text = json_dumps(content, JSON_COMPACT);
    json_decref(content);
    out->type = "application/x-www-form-urlencoded";
    out->body =
        arena_printf(a, "operater=callback&orderno=%s&content=%s", escaped(a, number), escaped(a, text));
    free(text);
}

static bool accepted(long status, const char *body)
{
    json_t *o = json_loads(body, 0, NULL);
    bool ok = status == 200 && strcmp(member(o, "status"), "0000") == 0;
    json_decref(o);
    return ok;
}

const struct caller nuonuo_caller = {"nuonuo", "callback", schedule_s, accepted, build};
