/* esign_face.c - faces: a flow, a link that lives an hour, a state (identity_service: wbsb6y, qeig5n). */
#include "sandbox/esign.h"
#include "sandbox/face.h"
#include "sandbox/register.h"
#include "sandbox/state.h"

#include <string.h>

enum {
    LIFE_MS = 3600 * 1000
};

static bool mode_known(const char *mode)
{
    static const char *const modes[] = {"TENCENT", "ZHIMACREDIT", "ESIGN", "WE_CHAT_FACE"};
    for (size_t i = 0; i < sizeof modes / sizeof *modes; i++)
        if (strcmp(modes[i], mode) == 0)
            return true;
    return false;
}

void es_face(struct es_call *c)
{
    static const char *const names[] = {"name", "idNo", "faceauthMode", NULL};
    struct arena *a = &c->r->a;
    const char *flow = es_new_flow(c);
    c->p->inputs = json_pack("{s:s,s:s}", "name", mask_person(a, es_in(c, "name")), "id_number",
                             mask_tail(a, es_in(c, "idNo")));
    if (!es_need(c, names))
        return;
    if (!person_name_ok(es_in(c, "name")) || !resident_id_ok(es_in(c, "idNo")) ||
        !mode_known(es_in(c, "faceauthMode"))) {
        es_error(c, 30500101, "参数错误", NULL);
        return;
    }
    face_open(c->sb, flow,
              &(struct face_order){.supplier = "esign",
                                   .name = es_in(c, "name"),
                                   .id_number = es_in(c, "idNo"),
                                   .our_no = es_in(c, "contextId"),
                                   .return_url = es_in(c, "callbackUrl"),
                                   .notify_url = es_in(c, "notifyUrl"),
                                   .life_ms = LIFE_MS});
    const json_t *o = face_session(c->sb, "esign", flow);
    const char *url = face_url(c->sb, a, flow);
    es_ok(c, json_pack("{s:s,s:s,s:s,s:I}", "flowId", flow, "authUrl", url, "originalUrl", url, "expire",
                       (json_int_t)member_int(o, "expires_ms")));
}

/* "" for a success, else why it failed. */
static const char *reason_of(struct sandbox *sb, const json_t *o)
{
    if (strcmp(face_outcome(o), "not_live") == 0)
        return "1445011";
    if (register_id2(sb, member(o, "name"), member(o, "id_number")) != MATCH_YES)
        return "1445902";
    return strcmp(face_outcome(o), "pass") == 0 ? "" : "1445900";
}

static bool is_done(const json_t *o)
{
    return *face_outcome(o) && strcmp(face_outcome(o), "abandon") != 0;
}

void es_face_query(struct es_call *c)
{
    const json_t *o = face_session(c->sb, "esign", c->flow);
    if (!o) {
        es_error(c, 30500001, "认证流程不存在", NULL);
        return;
    }
    if (face_expired(o)) {
        es_error(c, 30500003, "认证流程已失效，请重新发起认证", NULL);
        return;
    }
    const char *why = is_done(o) ? reason_of(c->sb, o) : "";
    const char *status = !is_done(o) ? "ING" : *why ? "FAIL" : "SUCCESS";
    bool compared = is_done(o) && strcmp(why, "1445902") != 0;
    es_ok(c, json_pack("{s:s,s:s,s:o,s:o,s:o}", "status", status, "message",
                       !is_done(o) ? "刷脸认证未完成"
                       : *why      ? "认证失败"
                                   : "认证成功",
                       "similarity", compared ? json_string(*why ? "21.40" : "95.25") : json_null(),
                       "livingScore", compared ? json_string("99.0") : json_null(), "failedReasonCode",
                       *why ? json_string(why) : json_null()));
}

void es_face_done(struct sandbox *sb, const json_t *o)
{
    if (!is_done(o))
        return;
    struct arena a;
    arena_init(&a, 0);
    bool good = !*reason_of(sb, o);
    json_t *body = json_pack("{s:s,s:b,s:s,s:s,s:b,s:s}", "flowId", member(o, "token"), "success", good,
                             "contextId", member(o, "our_no"), "serviceId", member(o, "token"), "status",
                             good, "action", "identity_psn_end");
    if (good)
        json_object_set_new(body, "verifycode", json_string(draw_lower(sb, &a, 32)));
    es_notify(sb, member(o, "notify_url"), body);
    arena_free(&a);
}
