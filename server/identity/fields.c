#include "identity/fields.h"

#include "base/str.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

/* A sentence is the label and this. */
static const struct {
    const char *reason, *en, *zh;
} problems[] = {
    [PROBLEM_MISSING] = {"REQUIRED", "is missing", "不能为空"},
    [PROBLEM_LENGTH] = {"LENGTH", "is too short or too long", "过短或过长"},
    [PROBLEM_LENGTH_6] = {"LENGTH", "must have 6 digits", "应为6位数字"},
    [PROBLEM_LENGTH_11] = {"LENGTH", "must have 11 digits", "应为11位数字"},
    [PROBLEM_LENGTH_12] = {"LENGTH", "must have 12 digits", "应为12位数字"},
    [PROBLEM_LENGTH_18] = {"LENGTH", "must have 18 characters", "应为18位"},
    [PROBLEM_LENGTH_CARD] = {"LENGTH", "must have 13 to 19 digits", "应为13至19位数字"},
    [PROBLEM_FORMAT] = {"FORMAT", "has characters that are not allowed there", "含有不允许的字符"},
    [PROBLEM_NOT_DIGITS] = {"FORMAT", "must be digits alone", "只能填写数字"},
    [PROBLEM_NOT_PHONE] = {"FORMAT", "is not a mobile number of mainland China", "不是有效的手机号码"},
    [PROBLEM_NOT_EMAIL] = {"FORMAT", "must look like name@example.com", "格式应如 name@example.com"},
    [PROBLEM_OTHER_DOCUMENT] = {"FORMAT", "is not a number of this kind of document", "与所选证件类型不符"},
    [PROBLEM_DATE] = {"RANGE", "holds a date of birth that cannot be", "中的出生日期无效"},
    [PROBLEM_CHECK_DIGIT] = {"CHECK_DIGIT", "has a typing error: its check digit does not fit",
                             "有误（校验位不符），请核对"},
    [PROBLEM_NOT_OFFERED] = {"NOT_OFFERED", "is not on offer", "不在可选范围内"},
    [PROBLEM_MASKED] = {"FORMAT", "is masked: enter all of it, or leave it as it is shown",
                        "含有“*”，请填写完整，或保持显示的内容不变"},
};

void field_problem(struct fault *f, const char *prefix, const char *field, const char *label,
                   const char *label_zh, enum problem p)
{
    if (p == PROBLEM_NONE)
        return;
    char path[80], en[160], zh[160];
    snprintf(path, sizeof path, "%s%s", prefix, field);
    for (size_t i = 0; i < f->n_violations; i++)
        if (strcmp(f->violations[i].field, path) == 0)
            return;
    snprintf(en, sizeof en, "the %s %s", label, problems[p].en);
    snprintf(zh, sizeof zh, "%s%s", label_zh, problems[p].zh);
    fault_field(f, path, problems[p].reason, en, zh);
}

/* One character of p as ASCII where it is full-width (U+FF01-FF5E, U+3000); *n bytes were read. 0: another
 * character. */
static char narrow(const unsigned char *p, size_t *n)
{
    *n = 1;
    if (*p < 0x80)
        return (char)*p;
    if (p[0] == 0xE3 && p[1] == 0x80 && p[2] == 0x80) {
        *n = 3;
        return ' ';
    }
    if (p[0] == 0xEF && (p[1] == 0xBC || p[1] == 0xBD) && p[2]) {
        int code = ((p[1] & 0x3F) << 6 | (p[2] & 0x3F)) - 0xF00;
        if (code >= 1 && code <= 0x5E) {
            *n = 3;
            return (char)(code + 0x20);
        }
    }
    return 0;
}

const char *field_number(struct arena *a, const char *s)
{
    struct buf b = BUF(a);
    size_t n;
    for (const unsigned char *p = (const unsigned char *)(s ? s : ""); *p; p += n) {
        char ch = narrow(p, &n);
        if (!ch) {
            buf_add(&b, p, n);
        } else if (!isspace((unsigned char)ch) && ch != '-') {
            ch = (char)toupper((unsigned char)ch);
            buf_add(&b, &ch, 1);
        }
    }
    return buf_text(&b);
}

const char *field_phone(struct arena *a, const char *s)
{
    const char *n = field_number(a, s);
    if (strncmp(n, "+86", 3) == 0)
        return n + 3;
    if (strncmp(n, "0086", 4) == 0)
        return n + 4;
    return n;
}

static size_t space_at(const char *p)
{
    if (isspace((unsigned char)*p))
        return 1;
    return strncmp(p, "\u3000", 3) == 0 ? 3 : 0;
}

const char *field_text(struct arena *a, const char *s)
{
    if (!s)
        return "";
    for (size_t n; (n = space_at(s)) > 0;)
        s += n;
    const char *end = s;
    for (const char *p = s; *p;) {
        size_t n = space_at(p);
        p += n ? n : 1;
        if (!n)
            end = p;
    }
    return arena_strndup(a, s, (size_t)(end - s));
}

const char *field_ascii(struct arena *a, const char *s)
{
    struct buf b = BUF(a);
    size_t n;
    for (const unsigned char *p = (const unsigned char *)field_text(a, s); *p; p += n) {
        char ch = narrow(p, &n);
        buf_add(&b, ch ? (const void *)&ch : p, ch ? 1 : n);
    }
    return field_text(a, buf_text(&b));
}
