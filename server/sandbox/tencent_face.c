/* tencent_face.c - liveness sessions: faceid 2018-03-01, DetectAuth and GetDetectInfoEnhanced (providers.md
 * 3.2). A session can be used for two hours, its result asked for three days. Results as in the supplier's
 * table (document 1007/31082). Pictures are never given.
 */
#include "sandbox/face.h"
#include "sandbox/keys.h"
#include "sandbox/register.h"
#include "sandbox/tencent.h"

#include "base/clock.h"

#include <string.h>

enum {
    LIFE_MS = 2 * 3600 * 1000,
    RESULT_MS = 3 * 24 * 3600 * 1000
};

static const char *in(const struct tc_call *c, const char *name)
{
    return member(c->in, name);
}

static bool rule_fits(struct tc_call *c)
{
    if (strcmp(in(c, "RuleId"), c->sb->keys->tencent_rule) == 0)
        return true;
    tc_error(c, "InvalidParameterValue.RuleIdNotExist", "The RuleId does not exist.");
    return false;
}

/* Upper-case UUID, as the supplier draws them. */
static const char *new_token(struct tc_call *c)
{
    char *out = arena_strdup(&c->r->a, draw_uuid(c->sb, &c->r->a));
    for (char *p = out; *p; p++)
        if (*p >= 'a' && *p <= 'f')
            *p = (char)(*p - 'a' + 'A');
    return out;
}

static void detect_auth(struct tc_call *c)
{
    struct arena *a = &c->r->a;
    const char *id = in(c, "IdCard"), *name = in(c, "Name"), *token = new_token(c);
    c->p->inputs = json_pack("{s:s,s:s}", "name", mask_person(a, name), "id_number", mask_tail(a, id));
    if (!rule_fits(c))
        return;
    if (!resident_id_ok(id) || !person_name_ok(name)) {
        tc_error(c, "InvalidParameterValue", "The value of parameter `%s` is not valid.",
                 resident_id_ok(id) ? "Name" : "IdCard");
        return;
    }
    if (strlen(in(c, "RedirectUrl")) > 1024 || strlen(in(c, "Extra")) > 1024) {
        tc_error(c, "InvalidParameter", "A parameter is longer than 1024 characters.");
        return;
    }
    face_open(c->sb, token,
              &(struct face_order){.supplier = "tencent",
                                   .name = name,
                                   .id_number = id,
                                   .our_no = in(c, "Extra"),
                                   .return_url = in(c, "RedirectUrl"),
                                   .notify_url = "",
                                   .life_ms = LIFE_MS});
    tc_ok(c, json_pack("{s:s,s:s}", "Url", face_url(c->sb, a, token), "BizToken", token));
}

struct verdict {
    int code;
    const char *text;
    int live, compare; /* of the two stages; -1: not reached */
    const char *sim;
};

static struct verdict verdict_of(struct sandbox *sb, const json_t *o)
{
    const char *outcome = face_outcome(o);
    if (strcmp(outcome, "not_live") == 0)
        return (struct verdict){1002, "疑似非真人录制", 1002, -1, "0.00"};
    switch (register_id2(sb, member(o, "name"), member(o, "id_number"))) {
    case MATCH_NO:
        return (struct verdict){2006, "姓名和身份证号不匹配，请核实身份后重试", 0, 2006, "0.00"};
    case MATCH_NO_RECORD:
        return (struct verdict){2005, "未查询到身份信息，请通过其他渠道验证", 0, 2005, "0.00"};
    case MATCH_YES:
        break;
    }
    if (strcmp(outcome, "other_person") == 0)
        return (struct verdict){2016, "无法判断为同一人，请确认身份后重试", 0, 2016, "21.40"};
    return (struct verdict){0, "成功", 0, 0, "95.20"};
}

static json_t *number_or_null(int n)
{
    return n < 0 ? json_null() : json_integer(n);
}

/* Everything is null until the person is done. */
static json_t *text_of(struct tc_call *c, const json_t *o)
{
    const char *outcome = face_outcome(o);
    bool done = *outcome && strcmp(outcome, "abandon") != 0;
    if (!done)
        return json_pack("{s:n,s:n,s:s,s:s,s:n,s:n,s:n,s:n,s:n,s:s,s:n}", "ErrCode", "ErrMsg", "IdCard",
                         member(o, "id_number"), "Name", member(o, "name"), "LiveStatus", "LiveMsg",
                         "Comparestatus", "Comparemsg", "Sim", "Extra", member(o, "our_no"),
                         "LivenessDetail");
    struct verdict v = verdict_of(c->sb, o);
    return json_pack("{s:i,s:s,s:s,s:s,s:o,s:s,s:o,s:s,s:s,s:s,s:[]}", "ErrCode", v.code, "ErrMsg", v.text,
                     "IdCard", member(o, "id_number"), "Name", member(o, "name"), "LiveStatus",
                     number_or_null(v.live), "LiveMsg", v.live ? v.text : "成功", "Comparestatus",
                     number_or_null(v.compare), "Comparemsg", v.compare ? v.text : "成功", "Sim", v.sim,
                     "Extra", member(o, "our_no"), "LivenessDetail");
}

static void detect_info(struct tc_call *c)
{
    const char *type = in(c, "InfoType");
    json_t *o = face_session(c->sb, "tencent", in(c, "BizToken"));
    if (!rule_fits(c))
        return;
    if (strspn(type, "01234") != strlen(type)) {
        tc_error(c, "InvalidParameterValue", "The value of parameter `InfoType` is not valid.");
        return;
    }
    if (!o) {
        tc_error(c, "InvalidParameterValue.BizTokenIllegal", "BizToken illegal.");
        return;
    }
    if (face_expired(o) || clock_now_ms() >= member_int(o, "open_ms") + RESULT_MS) {
        tc_error(c, "InvalidParameterValue.BizTokenExpired", "BizToken expired.");
        return;
    }
    bool text = !*type || strpbrk(type, "01");
    c->p->outcome = *face_outcome(o) ? face_outcome(o) : "not done";
    tc_ok(c, json_pack("{s:o,s:n,s:n,s:n}", "Text", text ? text_of(c, o) : json_null(), "IdCardData",
                       "BestFrame", "VideoData"));
}

static const struct tc_param auth_params[] = {{"RuleId", 's', true},        {"IdCard", 's', false},
                                              {"Name", 's', false},         {"RedirectUrl", 's', false},
                                              {"Extra", 's', false},        {"ImageBase64", 's', false},
                                              {"TerminalType", 's', false}, {0}};
static const struct tc_param info_params[] = {{"BizToken", 's', true},
                                              {"RuleId", 's', true},
                                              {"InfoType", 's', false},
                                              {"BestFramesCount", 'i', false},
                                              {0}};

const struct tc_action tencent_face_actions[] = {
    {"faceid", "2018-03-01", "DetectAuth", false, false, auth_params, detect_auth},
    {"faceid", "2018-03-01", "GetDetectInfoEnhanced", false, false, info_params, detect_info},
    {0},
};
