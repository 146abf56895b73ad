#include "sandbox/register.h"

#include "sandbox/state.h"

#include <string.h>

static bool all_digits(const char *s, size_t n)
{
    return strspn(s, "0123456789") >= n;
}

bool resident_id_ok(const char *id)
{
    static const int weight[17] = {7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2};
    if (strlen(id) != 18 || !all_digits(id, 17))
        return false;
    int sum = 0;
    for (int i = 0; i < 17; i++)
        sum += (id[i] - '0') * weight[i];
    return id[17] == "10X98765432"[sum % 11];
}

bool uscc_ok(const char *uscc)
{
    static const char set[] = "0123456789ABCDEFGHJKLMNPQRTUWXY";
    if (strlen(uscc) != 18)
        return false;
    int sum = 0, weight = 1;
    for (int i = 0; i < 17; i++) {
        const char *at = strchr(set, uscc[i]);
        if (!at)
            return false;
        sum += (int)(at - set) * weight;
        weight = weight * 3 % 31;
    }
    return uscc[17] == set[(31 - sum % 31) % 31];
}

bool mobile_ok(const char *phone)
{
    return strlen(phone) == 11 && all_digits(phone, 11) && phone[0] == '1' && phone[1] >= '3';
}

bool person_name_ok(const char *name)
{
    size_t n = utf8_length(name);
    return n >= 2 && n <= 26 && !strpbrk(name, "0123456789");
}

bool card_ok(const char *number)
{
    size_t n = strlen(number);
    if (n < 12 || n > 19 || !all_digits(number, n))
        return false;
    int sum = 0;
    for (size_t i = 0; i < n; i++) {
        int d = (number[n - 1 - i] - '0') * (i % 2 ? 2 : 1);
        sum += d > 9 ? d - 9 : d;
    }
    return sum % 10 == 0;
}

const char *mobile_carrier(const char *phone)
{
    static const struct {
        const char *name, *prefixes;
    } table[] = {
        {"移动",
         "134 135 136 137 138 139 147 150 151 152 157 158 159 165 172 178 182 183 184 187 188 195 197 198"},
        {"联通", "130 131 132 145 155 156 166 167 171 175 176 185 186 196"},
        {"电信", "133 149 153 162 173 177 180 181 189 190 191 193 199"},
    };
    char prefix[4] = {phone[0], phone[1], phone[2], 0};
    for (size_t i = 0; i < sizeof table / sizeof *table; i++)
        if (strstr(table[i].prefixes, prefix))
            return table[i].name;
    return "";
}

static bool has(const char *text, const char *word)
{
    return text && strstr(text, word);
}

enum match register_id2(struct sandbox *sb, const char *name, const char *id)
{
    const json_t *person = state_get(sb->state, "people", id);
    if (person)
        return strcmp(member(person, "name"), name) == 0 ? MATCH_YES : MATCH_NO;
    return has(name, "查无") ? MATCH_NO_RECORD : has(name, "不一致") ? MATCH_NO : MATCH_YES;
}

/* Whose phone it is; NULL when no defined person has it. */
static const json_t *owner_of(struct sandbox *sb, const char *phone)
{
    const char *key;
    json_t *person;
    json_object_foreach(state_section(sb->state, "people"), key,
                        person) if (strcmp(member(person, "phone"), phone) == 0) return person;
    return NULL;
}

enum match register_phone3(struct sandbox *sb, const char *name, const char *id, const char *phone,
                           const char **detail)
{
    const json_t *person = state_get(sb->state, "people", id), *owner = owner_of(sb, phone);
    *detail = "OtherMismatch";
    if (person && strcmp(member(person, "name"), name) != 0) {
        *detail = owner == person ? "PhoneNameMismatch" : "NameIdCardMismatch";
        return MATCH_NO;
    }
    if (owner && owner != person) {
        *detail =
            strcmp(member(owner, "name"), name) == 0 ? "PhoneIdCardMismatch" : "PhoneNameIdCardMismatch";
        return MATCH_NO;
    }
    if (person && *member(person, "phone") && !owner) {
        *detail = "PhoneNameIdCardMismatch";
        return MATCH_NO;
    }
    return register_id2(sb, name, id);
}

static struct company_match default_company(const char *credit_code, const char *name, const char *legal_rep,
                                            const char *legal_rep_id)
{
    if (has(name, "查无") || !uscc_ok(credit_code))
        return (struct company_match){.status = "/", .period = "/"};
    struct company_match m = {.credit_code = true, .period = "2015-03-18/", .status = "1"};
    m.name = !has(name, "不一致");
    m.legal_rep = legal_rep && !has(legal_rep, "不一致") && !has(legal_rep, "查无");
    m.legal_rep_id = legal_rep_id && resident_id_ok(legal_rep_id);
    if (has(name, "注销") || has(name, "吊销"))
        m.status = has(name, "注销") ? "3" : "4";
    return m;
}

struct company_match register_company(struct sandbox *sb, const char *credit_code, const char *name,
                                      const char *legal_rep, const char *legal_rep_id)
{
    const json_t *o = state_get(sb->state, "companies", credit_code);
    if (!o)
        return default_company(credit_code, name, legal_rep, legal_rep_id);
    struct company_match m = {.credit_code = true};
    m.name = strcmp(member(o, "name"), name) == 0;
    m.legal_rep = legal_rep && strcmp(member(o, "legal_rep"), legal_rep) == 0;
    m.legal_rep_id = legal_rep_id && strcmp(member(o, "legal_rep_id"), legal_rep_id) == 0;
    m.status = *member(o, "operating_status") ? member(o, "operating_status") : "1";
    m.period = *member(o, "operating_period") ? member(o, "operating_period") : "2015-03-18/";
    return m;
}

struct card_match register_card(struct sandbox *sb, const char *name, const char *id, const char *card,
                                const char *phone)
{
    const json_t *o = state_get(sb->state, "cards", card);
    if (o)
        return (struct card_match){.known = true,
                                   .name = strcmp(member(o, "name"), name) == 0,
                                   .id_number = strcmp(member(o, "id_number"), id) == 0,
                                   .phone = strcmp(member(o, "phone"), phone) == 0,
                                   .state = member(o, "state")};
    const char *detail;
    enum match m = register_id2(sb, name, id);
    bool phone_fits = register_phone3(sb, name, id, phone, &detail) != MATCH_NO || m == MATCH_NO;
    return (struct card_match){.known = m != MATCH_NO_RECORD,
                               .name = m == MATCH_YES,
                               .id_number = m == MATCH_YES,
                               .phone = phone_fits,
                               .state = ""};
}

bool register_add_person(struct sandbox *sb, const json_t *o)
{
    const char *id = member(o, "id_number"), *phone = member(o, "phone");
    if (!resident_id_ok(id) || !person_name_ok(member(o, "name")) || (*phone && !mobile_ok(phone)))
        return false;
    state_put(sb->state, "people", id, json_deep_copy(o));
    return true;
}

bool register_add_company(struct sandbox *sb, const json_t *o)
{
    const char *code = member(o, "credit_code");
    if (!uscc_ok(code) || !*member(o, "name"))
        return false;
    state_put(sb->state, "companies", code, json_deep_copy(o));
    return true;
}

bool register_add_card(struct sandbox *sb, const json_t *o)
{
    const char *card = member(o, "card_number");
    if (!card_ok(card) || !*member(o, "name") || !resident_id_ok(member(o, "id_number")) ||
        !mobile_ok(member(o, "phone")))
        return false;
    state_put(sb->state, "cards", card, json_deep_copy(o));
    return true;
}
