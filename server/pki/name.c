#include "pki/name.h"
#include "base/str.h"

#include <stdio.h>
#include <string.h>

enum {
    NAME_MAX_CHARS = 64,
    IDENTITY_CHARS = 18
};

/* -- text ----------------------------------------------------------------------------------------------- */

/* The code point at *p of valid UTF-8; moves *p on. */
static unsigned next_char(const unsigned char **p)
{
    unsigned c = *(*p)++;
    int more = c < 0x80 ? 0 : c < 0xE0 ? 1 : c < 0xF0 ? 2 : 3;
    if (more)
        c &= 0x3Fu >> more;
    while (more--)
        c = c << 6 | (*(*p)++ & 0x3Fu);
    return c;
}

/* Characters that let a name be shown as another one, or not at all. */
static bool unshowable(unsigned c)
{
    static const struct {
        unsigned from, to;
    } bad[] = {
        {0x00, 0x1F},     {0x7F, 0x9F},     {0xAD, 0xAD},     {0x061C, 0x061C}, {0x115F, 0x1160},
        {0x180E, 0x180E}, {0x200B, 0x200F}, {0x2028, 0x202E}, {0x2060, 0x206F}, {0x3164, 0x3164},
        {0xE000, 0xF8FF}, {0xFDD0, 0xFDEF}, {0xFE00, 0xFE0F}, {0xFEFF, 0xFEFF}, {0xFFF0, 0xFFFB},
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        if (c >= bad[i].from && c <= bad[i].to)
            return true;
    return (c & 0xFFFE) == 0xFFFE || c >= 0xE0000;
}

static bool blank(unsigned c)
{
    return c == ' ' || c == 0xA0 || c == 0x1680 || (c >= 0x2000 && c <= 0x200A) || c == 0x202F ||
           c == 0x205F || c == 0x3000;
}

enum name_problem name_problem(const void *text, size_t n)
{
    if (n == 0)
        return NAME_EMPTY;
    if (memchr(text, '\0', n))
        return NAME_CONTROL;
    if (!utf8_valid(text, n))
        return NAME_ENCODING;
    const unsigned char *p = text, *end = p + n;
    size_t chars = 0;
    bool first_blank = false, last_blank = false;
    while (p < end) {
        unsigned c = next_char(&p);
        if (unshowable(c))
            return NAME_CONTROL;
        last_blank = blank(c);
        if (chars++ == 0)
            first_blank = last_blank;
    }
    if (first_blank || last_blank)
        return NAME_SPACES;
    return chars > NAME_MAX_CHARS ? NAME_LONG : NAME_FINE;
}

bool name_identity_form(enum pki_kind kind, const char *number)
{
    static const char uscc[] = "0123456789ABCDEFGHJKLMNPQRTUWXY"; /* GB 32100-2015: no I O S V Z */
    size_t n = strlen(number);
    if (n != IDENTITY_CHARS)
        return false;
    if (kind == PKI_ORGANIZATION)
        return strspn(number, uscc) == n;
    size_t digits = strspn(number, "0123456789"); /* GB 11643-1999: X only at the end */
    return digits == n || (digits == n - 1 && number[n - 1] == 'X');
}

/* -- the order's fields --------------------------------------------------------------------------------- */

static const struct {
    const char *reason, *en, *zh;
} problems[] = {
    [NAME_EMPTY] = {"REQUIRED", "it is missing", "不能为空"},
    [NAME_ENCODING] = {"ENCODING", "it is not UTF-8", "编码不是 UTF-8"},
    [NAME_CONTROL] = {"CONTROL", "it contains control or invisible characters", "含有控制字符或不可见字符"},
    [NAME_SPACES] = {"FORMAT", "it begins or ends with white space", "首尾不能有空白"},
    [NAME_LONG] = {"LENGTH", "a certificate holds at most 64 characters", "证书中最多容纳 64 个字"},
};

static void field(struct fault *f, const char *prefix, const char *name, const char *reason, const char *en,
                  const char *zh)
{
    char path[80];
    snprintf(path, sizeof path, "%s%s", prefix, name);
    fault_field(f, path, reason, en, zh);
}

static void check_text(struct fault *f, const char *prefix, const char *name, const char *value)
{
    enum name_problem p = name_problem(value ? value : "", value ? strlen(value) : 0);
    if (p != NAME_FINE)
        field(f, prefix, name, problems[p].reason, problems[p].en, problems[p].zh);
}

static bool number_form(const char *s)
{
    size_t n = strlen(s);
    return n > 0 && n <= NAME_MAX_CHARS &&
           strspn(s, "-0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz") == n;
}

enum err pki_subject_check(const struct pki_profile *profile, const struct pki_subject *s, const char *prefix,
                           struct fault *f)
{
    fault_clear(f);
    check_text(f, prefix, "name", s->name);
    if (s->unit && profile->kind == PKI_INDIVIDUAL)
        field(f, prefix, "unit", "FORMAT", "an individual has no unit", "个人证书没有部门");
    else if (s->unit)
        check_text(f, prefix, "unit", s->unit);
    if (s->subject_number && !number_form(s->subject_number))
        field(f, prefix, "subject_number", "FORMAT", "letters, digits and '-' only, at most 64",
              "只能是字母、数字和连字符，最多 64 位");
    if (s->subject_number && s->identity && strcmp(s->subject_number, s->identity) == 0 &&
        profile->kind == PKI_INDIVIDUAL)
        field(f, prefix, "subject_number", "FORMAT", "an identity number does not belong into a name",
              "身份证号不能写入主题名称");
    if (!s->identity || !*s->identity)
        field(f, prefix, "identity", "REQUIRED", "it is missing", "不能为空");
    else if (!name_identity_form(profile->kind, s->identity))
        field(f, prefix, "identity", "FORMAT", "it does not have the form of an identity number",
              "证件号码格式不正确");
    return fault_fields(f);
}

/* -- building ------------------------------------------------------------------------------------------- */

/* The type is said outright, because OpenSSL would choose by the text (RFC 5280 4.1.2.4 wants UTF8String). */
static bool add(X509_NAME *n, int nid, int type, const char *text)
{
    return !text ||
           X509_NAME_add_entry_by_NID(n, nid, type, (const unsigned char *)text, (int)strlen(text), -1, 0);
}

X509_NAME *name_build(enum pki_kind kind, const struct pki_subject *s)
{
    bool organization = kind == PKI_ORGANIZATION;
    X509_NAME *n = X509_NAME_new();
    if (n && add(n, NID_countryName, V_ASN1_PRINTABLESTRING, "CN") &&
        add(n, NID_organizationName, V_ASN1_UTF8STRING, organization ? s->name : NULL) &&
        add(n, NID_organizationalUnitName, V_ASN1_UTF8STRING, organization ? s->unit : NULL) &&
        add(n, NID_commonName, V_ASN1_UTF8STRING, s->name) &&
        add(n, NID_serialNumber, V_ASN1_PRINTABLESTRING, s->subject_number))
        return n;
    X509_NAME_free(n);
    return NULL;
}
