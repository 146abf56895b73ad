/* tencent_id.c - is it this person, this card, this company: faceid 2018-03-01 and ocr 2018-11-19.
 *
 * Result codes and their sentences: faceid's and ocr's models in the supplier's SDK (providers.md 3.2, 3.3).
 * Results that are billed and those that are not differ only in their code.
 */
#include "sandbox/register.h"
#include "sandbox/tencent.h"

#include <string.h>

struct result {
    const char *code, *text;
};

static const char *in(const struct tc_call *c, const char *name)
{
    return member(c->in, name);
}

static bool planned(const struct tc_call *c, const char *kind)
{
    return strcmp(c->plan->kind, kind) == 0;
}

static void log_person(struct tc_call *c, const char *name, const char *id, const char *phone)
{
    struct arena *a = &c->r->a;
    c->p->inputs = json_pack("{s:s,s:s,s:s}", "name", mask_person(a, name), "id_number", mask_tail(a, id),
                             "phone", mask_tail(a, phone));
}

static struct result phone_result(struct tc_call *c, const char **detail)
{
    const char *phone = in(c, "Phone");
    if (!mobile_ok(phone))
        return (struct result){"-6", "手机号码不合法"};
    if (!resident_id_ok(in(c, "IdCard")))
        return (struct result){"-7", "身份证号码有误"};
    if (!person_name_ok(in(c, "Name")))
        return (struct result){"-8", "姓名校验不通过"};
    if (planned(c, "busy"))
        return (struct result){"-11", "验证中心服务繁忙"};
    if (planned(c, "daily_limit"))
        return (struct result){"-12", "认证次数超过当日限制，请次日重试"};
    if (!*mobile_carrier(phone))
        return (struct result){"-13", "该号段不支持验证"};
    switch (register_phone3(c->sb, in(c, "Name"), in(c, "IdCard"), phone, detail)) {
    case MATCH_YES:
        return (struct result){"0", "三要素信息一致"};
    case MATCH_NO:
        return (struct result){"-4", "三要素信息不一致"};
    case MATCH_NO_RECORD:
        break;
    }
    return (struct result){"-9", "没有记录"};
}

static void phone_verification(struct tc_call *c)
{
    log_person(c, in(c, "Name"), in(c, "IdCard"), in(c, "Phone"));
    const char *mode = in(c, "VerifyMode"), *detail = "";
    if (*mode && strcmp(mode, "0") != 0 && strcmp(mode, "1") != 0) {
        tc_error(c, "InvalidParameter", "The value of parameter `VerifyMode` is not valid.");
        return;
    }
    struct result r = phone_result(c, &detail);
    bool tell = strcmp(mode, "1") == 0 && strcmp(r.code, "-4") == 0;
    bool known = strcmp(r.code, "0") == 0 || strcmp(r.code, "-4") == 0;
    c->p->outcome = r.code;
    tc_ok(c, json_pack("{s:s,s:s,s:s,s:s}", "Result", r.code, "Description", r.text, "Isp",
                       known ? mobile_carrier(in(c, "Phone")) : "", "ResultDetail", tell ? detail : ""));
}

static struct result id_result(struct tc_call *c)
{
    if (!resident_id_ok(in(c, "IdCard")))
        return (struct result){"-2", "非法身份证号（长度、校验位等不正确）"};
    if (!person_name_ok(in(c, "Name")))
        return (struct result){"-3", "非法姓名（长度、格式等不正确）"};
    if (planned(c, "busy"))
        return (struct result){"-4", "证件库服务异常"};
    if (planned(c, "upgrading"))
        return (struct result){"-6", "权威比对系统升级中，请稍后再试"};
    if (planned(c, "daily_limit"))
        return (struct result){"-7", "认证次数超过当日限制"};
    switch (register_id2(c->sb, in(c, "Name"), in(c, "IdCard"))) {
    case MATCH_YES:
        return (struct result){"0", "姓名和身份证号一致"};
    case MATCH_NO:
        return (struct result){"-1", "姓名和身份证号不一致"};
    case MATCH_NO_RECORD:
        break;
    }
    return (struct result){"-5", "证件库中无此身份证记录"};
}

static void id_card_verification(struct tc_call *c)
{
    log_person(c, in(c, "Name"), in(c, "IdCard"), "");
    struct result r = id_result(c);
    c->p->outcome = r.code;
    tc_ok(c, json_pack("{s:s,s:s}", "Result", r.code, "Description", r.text));
}

/* A card that was defined with a state: why its bank says nothing about its holder. */
static const struct card_row {
    const char *state;
    struct result r;
} card_rows[] = {
    {"lost", {"-13", "此卡已挂失"}},
    {"expired", {"-14", "该卡已过期"}},
    {"frozen", {"-15", "受限制的卡"}},
    {"unused", {"-11", "该卡未初始化或睡眠卡"}},
};

static struct result card_result(struct tc_call *c)
{
    struct card_match m =
        register_card(c->sb, in(c, "Name"), in(c, "IdCard"), in(c, "BankCard"), in(c, "Phone"));
    if (!m.known)
        return (struct result){"-10", "此卡无对应发卡行"};
    for (size_t i = 0; i < sizeof card_rows / sizeof *card_rows; i++)
        if (strcmp(m.state, card_rows[i].state) == 0)
            return card_rows[i].r;
    if (m.name && m.id_number && m.phone)
        return (struct result){"0", "认证通过"};
    if (m.phone && (m.name || m.id_number))
        return (struct result){"-6", "持卡人信息有误"};
    return (struct result){"-1", "认证未通过"};
}

static struct result bank_result(struct tc_call *c)
{
    if (!person_name_ok(in(c, "Name")))
        return (struct result){"-2", "姓名校验不通过"};
    if (!resident_id_ok(in(c, "IdCard")))
        return (struct result){"-3", "身份证号码有误"};
    if (!card_ok(in(c, "BankCard")))
        return (struct result){"-4", "银行卡号码有误"};
    if (!mobile_ok(in(c, "Phone")))
        return (struct result){"-5", "手机号码不合法"};
    if (planned(c, "busy"))
        return (struct result){"-18", "验证中心服务繁忙"};
    if (planned(c, "daily_limit"))
        return (struct result){"-19", "验证次数超限，请次日重试"};
    return card_result(c);
}

static void bank4_verification(struct tc_call *c)
{
    log_person(c, in(c, "Name"), in(c, "IdCard"), in(c, "Phone"));
    json_object_set_new(c->p->inputs, "card", json_string(mask_tail(&c->r->a, in(c, "BankCard"))));
    if (member_int(c->in, "CertType") != 0) {
        tc_error(c, "InvalidParameterValue", "The value of parameter `CertType` is not valid.");
        return;
    }
    struct result r = bank_result(c);
    c->p->outcome = r.code;
    tc_ok(c, json_pack("{s:s,s:s}", "Result", r.code, "Description", r.text));
}

static void log_company(struct tc_call *c, const char *legal_rep)
{
    struct arena *a = &c->r->a;
    c->p->inputs = json_pack("{s:s,s:s,s:s,s:s}", "name", mask_person(a, in(c, "EntName")), "credit_code",
                             mask_tail(a, in(c, "CreditCode")), "legal_rep", mask_person(a, legal_rep),
                             "legal_rep_id", mask_tail(a, in(c, "IdNum")));
}

static void enterprise4(struct tc_call *c)
{
    log_company(c, in(c, "LrName"));
    if (planned(c, "busy")) {
        c->p->outcome = "1";
        tc_ok(c, json_pack("{s:i}", "StatusCode", 1));
        return;
    }
    struct company_match m =
        register_company(c->sb, in(c, "CreditCode"), in(c, "EntName"), in(c, "LrName"), in(c, "IdNum"));
    bool all = m.credit_code && m.name && m.legal_rep && m.legal_rep_id;
    c->p->outcome = all ? "match" : "mismatch";
    tc_ok(c, json_pack("{s:i,s:i,s:b,s:b,s:b,s:b,s:s,s:s}", "StatusCode", 0, "VerifyResult", all,
                       "IsCreditCodeConsistent", m.credit_code, "IsEntNameConsistent", m.name,
                       "IsLrNameConsistent", m.legal_rep, "IsIdNumConsistent", m.legal_rep_id,
                       "OperatingStatus", m.status, "OperatingPeriod", m.period));
}

/* Two or three factors; three are asked when nothing is said and a legal representative is named. */
static bool enterprise3_kind(struct tc_call *c, bool *three)
{
    const char *type = in(c, "VerifyType");
    *three = strcmp(type, "ENT_3META") == 0 || (!*type && *in(c, "LrName"));
    if (*type && !*three && strcmp(type, "ENT_2META") != 0)
        tc_error(c, "InvalidParameterValue", "The value of parameter `VerifyType` is not valid.");
    else if (*three && !*in(c, "LrName"))
        tc_error(c, "MissingParameter", "The request is missing a required parameter `LrName`.");
    else
        return true;
    return false;
}

static void enterprise3(struct tc_call *c)
{
    bool three = false;
    log_company(c, in(c, "LrName"));
    if (!enterprise3_kind(c, &three))
        return;
    struct company_match m =
        register_company(c->sb, in(c, "CreditCode"), in(c, "EntName"), in(c, "LrName"), NULL);
    int status = planned(c, "busy") ? 1 : m.credit_code ? 0 : 2;
    if (status) {
        c->p->outcome = status == 1 ? "1" : "2";
        tc_ok(c, json_pack("{s:i}", "StatusCode", status));
        return;
    }
    bool all = m.name && (!three || m.legal_rep), works = strcmp(m.status, "1") == 0;
    c->p->outcome = all ? "match" : "mismatch";
    tc_ok(c, json_pack("{s:i,s:i,s:s}", "StatusCode", 0, "VerifyResult", all, "OperatingStatus",
                       !three  ? m.status
                       : works ? "1"
                               : "2"));
}

/* Encryption of fields is a product of its own that this desk does not buy; asking for it is refused as an
 * unknown parameter. */
static const struct tc_param phone_params[] = {
    {"IdCard", 's', true}, {"Name", 's', true}, {"Phone", 's', true}, {"VerifyMode", 's', false}, {0}};
static const struct tc_param id_params[] = {{"IdCard", 's', true}, {"Name", 's', true}, {0}};
static const struct tc_param bank4_params[] = {{"Name", 's', true},      {"BankCard", 's', true},
                                               {"Phone", 's', true},     {"IdCard", 's', true},
                                               {"CertType", 'i', false}, {0}};
static const struct tc_param enterprise4_params[] = {
    {"CreditCode", 's', true}, {"EntName", 's', true}, {"LrName", 's', true}, {"IdNum", 's', true}, {0}};
static const struct tc_param enterprise3_params[] = {{"CreditCode", 's', true},
                                                     {"EntName", 's', true},
                                                     {"LrName", 's', false},
                                                     {"VerifyType", 's', false},
                                                     {0}};

const struct tc_action tencent_id_actions[] = {
    {"faceid", "2018-03-01", "PhoneVerification", false, false, phone_params, phone_verification},
    {"faceid", "2018-03-01", "IdCardVerification", false, false, id_params, id_card_verification},
    {"faceid", "2018-03-01", "BankCard4EVerification", false, false, bank4_params, bank4_verification},
    {"ocr", "2018-11-19", "VerifyBizLicenseEnterprise4", false, false, enterprise4_params, enterprise4},
    {"ocr", "2018-11-19", "VerifyBizLicenseEnterprise3", false, false, enterprise3_params, enterprise3},
    {0},
};
