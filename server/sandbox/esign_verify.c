/* esign_verify.c - pure comparisons. Codes from the supplier's tables (identity_service: cgs6ee, kyken6,
 * ofppps, qqd8bs, xsafn3): the detailed variants have codes of their own for what the plain ones call
 * 30504001. */
#include "sandbox/esign.h"
#include "sandbox/register.h"
#include "sandbox/state.h"

#include <string.h>

static json_t *verify_id(struct es_call *c)
{
    return json_pack("{s:s}", "verifyId", draw_uuid(c->sb, &c->r->a));
}

static void log_person(struct es_call *c)
{
    struct arena *a = &c->r->a;
    c->p->inputs = json_pack("{s:s,s:s,s:s,s:s}", "name", mask_person(a, es_in(c, "name")), "id_number",
                             mask_tail(a, es_in(c, "idNo")), "phone", mask_tail(a, es_in(c, "mobileNo")),
                             "card", mask_tail(a, es_in(c, "cardNo")));
}

/* Codes of the detailed variants for a malformed field; the plain ones say 30500101 to all. */
static bool refuse(struct es_call *c, int64_t detailed, const char *message)
{
    es_error(c, c->detail ? detailed : 30500101, arena_printf(&c->r->a, "参数错误：%s", message), NULL);
    return false;
}

static bool person_fits(struct es_call *c, int64_t name, int64_t id, int64_t phone)
{
    if (!person_name_ok(es_in(c, "name")))
        return refuse(c, name, "请输入正确长度的姓名（2-20位）");
    if (!resident_id_ok(es_in(c, "idNo")))
        return refuse(c, id, "请输入正确的身份证号码！");
    if (!mobile_ok(es_in(c, "mobileNo")))
        return refuse(c, phone, "请输入正确的手机号码");
    return true;
}

void es_telecom3(struct es_call *c)
{
    static const char *const names[] = {"name", "idNo", "mobileNo", NULL};
    const char *detail = "";
    log_person(c);
    if (!es_need(c, names) || !person_fits(c, 30500119, 30500118, 30500120))
        return;
    switch (register_phone3(c->sb, es_in(c, "name"), es_in(c, "idNo"), es_in(c, "mobileNo"), &detail)) {
    case MATCH_YES:
        es_ok(c, verify_id(c));
        return;
    case MATCH_NO_RECORD:
        es_error(c, 30504002, "数据源查询失败，请联系服务人员处理", verify_id(c));
        return;
    case MATCH_NO:
        break;
    }
    bool phone = strncmp(detail, "Phone", 5) == 0 && strcmp(detail, "PhoneNameMismatch") != 0;
    if (!c->detail)
        es_error(c, 30504001, "信息比对不通过，请检查信息的正确性", verify_id(c));
    else if (phone)
        es_error(c, 30501010, "手机号与身份证号不一致", verify_id(c));
    else
        es_error(c, 30501006, "姓名与身份证号不一致", verify_id(c));
}

void es_bank4(struct es_call *c)
{
    static const char *const names[] = {"name", "idNo", "cardNo", "mobileNo", NULL};
    log_person(c);
    if (!es_need(c, names) || !person_fits(c, 30504031, 30504032, 30504033))
        return;
    if (!card_ok(es_in(c, "cardNo"))) {
        refuse(c, 30504034, "请输入正确的银行卡号");
        return;
    }
    struct card_match m =
        register_card(c->sb, es_in(c, "name"), es_in(c, "idNo"), es_in(c, "cardNo"), es_in(c, "mobileNo"));
    bool usable = m.known && !*m.state;
    if (usable && m.name && m.id_number && m.phone)
        es_ok(c, verify_id(c));
    else if (!m.known)
        es_error(c, 30504002, "数据源查询失败，请联系服务人员处理", verify_id(c));
    else if (c->detail && usable && m.phone)
        es_error(c, 30504038, "您输入的银行卡号与办理银行卡时预留的身份信息不一致，请检查后重新输入",
                 verify_id(c));
    else
        es_error(c, 30504001, "信息比对不通过，请检查信息的正确性", verify_id(c));
}

/* The register's status of a company in this supplier's numbers. */
static const char *org_state(const char *status)
{
    static const char *const table[] = {"9", "1", "5", "2", "3", "4", "8", "4"};
    return strlen(status) == 1 && *status >= '0' && *status <= '7' ? table[*status - '0'] : "0";
}

static json_t *details_of(const struct company_match *m)
{
    return json_pack("{s:s,s:s,s:s,s:s,s:s}", "sameOrgName", m->name ? "1" : "0", "sameOrgCode",
                     m->credit_code ? "1" : "0", "sameLegalRepresentative", m->legal_rep ? "1" : "0",
                     "sameLegalRepresentativeCode", m->legal_rep_id ? "1" : "0", "legalOrgState",
                     org_state(m->status));
}

void es_bureau4(struct es_call *c)
{
    static const char *const names[] = {"name", "orgCode", "legalRepName", "legalRepCertNo", NULL};
    struct arena *a = &c->r->a;
    c->p->inputs = json_pack("{s:s,s:s}", "name", mask_person(a, es_in(c, "name")), "credit_code",
                             mask_tail(a, es_in(c, "orgCode")));
    if (!es_need(c, names))
        return;
    struct company_match m = register_company(c->sb, es_in(c, "orgCode"), es_in(c, "name"),
                                              es_in(c, "legalRepName"), es_in(c, "legalRepCertNo"));
    bool all = m.credit_code && m.name && m.legal_rep && m.legal_rep_id;
    bool tell = json_is_true(state_get(c->sb->state, "config", "esign_details"));
    json_t *data = verify_id(c);
    json_object_set_new(data, "errCode", all ? json_null() : json_string("30504001"));
    json_object_set_new(data, "errMsg", all ? json_null() : json_string("信息比对不通过"));
    json_object_set_new(data, "compareDetails", tell ? details_of(&m) : json_null());
    if (all)
        es_ok(c, data);
    else if (!m.credit_code && !m.name && !tell)
        es_error(c, 30504002, "数据源查询失败，请联系服务人员处理", data);
    else
        es_error(c, 30504001, "信息比对不通过，请检查信息的正确性", data);
}
