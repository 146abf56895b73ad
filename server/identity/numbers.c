#include "identity/numbers.h"

#include "base/str.h"
#include "identity/identity.h"

#include <ctype.h>
#include <string.h>
#include <time.h>

enum {
    USCC_LENGTH = 18,
    RESIDENT_ID_LENGTH = 18,
    PHONE_LENGTH = 11,
    /* UnionPay has 16-19 digits; cards of two brands 13-19. */
    CARD_MIN = 13,
    CARD_MAX = 19,
    /* RFC 5321 4.5.3.1 */
    EMAIL_LOCAL_MAX = 64,
    EMAIL_MAX = 254,
    CHINA_OFFSET_S = 8 * 60 * 60,
};

static bool all_digits(const char *s, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (s[i] < '0' || s[i] > '9')
            return false;
    return true;
}

/* GB 32100-2015: weights 3^i mod 31; check value 31 - (sum mod 31), where 31 is 0. */
enum problem uscc_problem(const char *s)
{
    static const char alphabet[] = "0123456789ABCDEFGHJKLMNPQRTUWXY";
    if (strlen(s) != USCC_LENGTH)
        return PROBLEM_LENGTH_18;
    int sum = 0, weight = 1, value = 0;
    for (size_t i = 0; i < USCC_LENGTH; i++) {
        const char *at = strchr(alphabet, s[i]);
        if (!at)
            return PROBLEM_FORMAT;
        value = (int)(at - alphabet);
        if (i < USCC_LENGTH - 1)
            sum += value * weight;
        weight = weight * 3 % 31;
    }
    if (!all_digits(s + 2, 6)) /* administrative region */
        return PROBLEM_FORMAT;
    return value == (31 - sum % 31) % 31 ? PROBLEM_NONE : PROBLEM_CHECK_DIGIT;
}

/* yyyymmdd is a day that was, seen from China. */
static bool day_was(const char *s, int64_t today_ms)
{
    struct tm t = {.tm_year =
                       (s[0] - '0') * 1000 + (s[1] - '0') * 100 + (s[2] - '0') * 10 + s[3] - '0' - 1900,
                   .tm_mon = (s[4] - '0') * 10 + s[5] - '0' - 1,
                   .tm_mday = (s[6] - '0') * 10 + s[7] - '0'};
    struct tm given = t;
    if (t.tm_year < -50 || t.tm_mon < 0 || t.tm_mon > 11 || t.tm_mday < 1)
        return false;
    time_t day = timegm(&t);
    if (t.tm_year != given.tm_year || t.tm_mon != given.tm_mon || t.tm_mday != given.tm_mday)
        return false;
    return (int64_t)day < today_ms / 1000 + CHINA_OFFSET_S;
}

/* GB 11643-1999; check digit by ISO 7064 MOD 11-2. */
enum problem resident_id_problem(const char *s, int64_t today_ms)
{
    static const int weights[] = {7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2};
    if (strlen(s) != RESIDENT_ID_LENGTH)
        return PROBLEM_LENGTH_18;
    if (!all_digits(s, RESIDENT_ID_LENGTH - 1) || (s[17] != 'X' && !all_digits(s + 17, 1)) || s[0] == '0')
        return PROBLEM_FORMAT;
    if (!day_was(s + 6, today_ms))
        return PROBLEM_DATE;
    int sum = 0;
    for (size_t i = 0; i < RESIDENT_ID_LENGTH - 1; i++)
        sum += (s[i] - '0') * weights[i];
    return "10X98765432"[sum % 11] == s[17] ? PROBLEM_NONE : PROBLEM_CHECK_DIGIT;
}

enum problem residence_permit_problem(const char *s, int64_t today_ms)
{
    enum problem p = resident_id_problem(s, today_ms);
    if (p != PROBLEM_NONE)
        return p;
    return s[0] == '8' && s[1] >= '1' && s[1] <= '3' ? PROBLEM_NONE : PROBLEM_OTHER_DOCUMENT;
}

enum problem permanent_resident_problem(const char *s)
{
    size_t n = strlen(s);
    if (n == 15)
        return isupper((unsigned char)s[0]) && isupper((unsigned char)s[1]) && isupper((unsigned char)s[2]) &&
                       all_digits(s + 3, 12)
                   ? PROBLEM_NONE
                   : PROBLEM_OTHER_DOCUMENT;
    if (n != 18)
        return PROBLEM_LENGTH;
    return s[0] == '9' && all_digits(s, 17) && (s[17] == 'X' || all_digits(s + 17, 1))
               ? PROBLEM_NONE
               : PROBLEM_OTHER_DOCUMENT;
}

enum problem passport_problem(const char *s)
{
    size_t n = strlen(s);
    if (n < 5 || n > 20)
        return PROBLEM_LENGTH;
    for (; *s; s++)
        if (!isalnum((unsigned char)*s))
            return PROBLEM_FORMAT;
    return PROBLEM_NONE;
}

enum problem digits_problem(const char *s, size_t min, size_t max)
{
    size_t n = strlen(s);
    if (n < min || n > max)
        return max == 6 ? PROBLEM_LENGTH_6 : max == 12 ? PROBLEM_LENGTH_12 : PROBLEM_LENGTH;
    return all_digits(s, n) ? PROBLEM_NONE : PROBLEM_NOT_DIGITS;
}

/* Numbers are portable and ranges change: 1[3-9] and nine digits is all that can be said. */
enum problem phone_problem(const char *s)
{
    if (strlen(s) != PHONE_LENGTH)
        return PROBLEM_LENGTH_11;
    if (!all_digits(s, PHONE_LENGTH))
        return PROBLEM_NOT_DIGITS;
    return s[0] == '1' && s[1] >= '3' ? PROBLEM_NONE : PROBLEM_NOT_PHONE;
}

/* ISO/IEC 7812-1, annex B (Luhn). */
enum problem card_problem(const char *s)
{
    enum problem p = digits_problem(s, CARD_MIN, CARD_MAX);
    if (p != PROBLEM_NONE)
        return p == PROBLEM_LENGTH ? PROBLEM_LENGTH_CARD : p;
    int sum = 0;
    size_t n = strlen(s);
    for (size_t i = 0; i < n; i++) {
        int d = s[n - 1 - i] - '0';
        if (i % 2 == 1)
            d = d * 2 > 9 ? d * 2 - 9 : d * 2;
        sum += d;
    }
    return sum % 10 == 0 ? PROBLEM_NONE : PROBLEM_CHECK_DIGIT;
}

static bool label_ok(const char *s, size_t n)
{
    if (n == 0 || n > 63 || s[0] == '-' || s[n - 1] == '-')
        return false;
    for (size_t i = 0; i < n; i++)
        if (!isalnum((unsigned char)s[i]) && s[i] != '-')
            return false;
    return true;
}

/* At least two labels, the last one not a number (RFC 1123 2.1). */
static bool domain_ok(const char *s)
{
    int labels = 0;
    const char *last = s;
    for (;;) {
        size_t n = strcspn(s, ".");
        if (!label_ok(s, n))
            return false;
        labels++;
        last = s;
        if (!s[n])
            break;
        s += n + 1;
    }
    return labels >= 2 && strlen(last) >= 2 && !all_digits(last, strlen(last));
}

/* The dot-atom form of RFC 5322 3.4.1, which is what people have. */
enum problem email_problem(const char *s)
{
    const char *at = strchr(s, '@');
    size_t n = strlen(s);
    if (n > EMAIL_MAX || (at && at - s > EMAIL_LOCAL_MAX))
        return PROBLEM_LENGTH;
    if (!at || at == s || s[0] == '.' || at[-1] == '.' || strstr(s, "..") || !domain_ok(at + 1))
        return PROBLEM_NOT_EMAIL;
    for (const char *p = s; p < at; p++)
        if (!isalnum((unsigned char)*p) && !strchr(".!#$%&'*+/=?^_`{|}~-", *p))
            return PROBLEM_NOT_EMAIL;
    return PROBLEM_NONE;
}

/* C0 and C1 controls; U+200E-200F, U+202A-202E, U+2066-2069 (direction); U+2028-2029 (lines). */
static bool shows(const unsigned char *p)
{
    if (p[0] < 0x20 || p[0] == 0x7F || (p[0] == 0xC2 && p[1] < 0xA0))
        return false;
    if (p[0] != 0xE2)
        return true;
    if (p[1] == 0x80)
        return !(p[2] == 0x8E || p[2] == 0x8F || (p[2] >= 0xA8 && p[2] <= 0xAE));
    return !(p[1] == 0x81 && p[2] >= 0xA6 && p[2] <= 0xA9);
}

enum problem text_problem(const char *s, size_t min, size_t max)
{
    if (!utf8_valid(s, strlen(s)))
        return PROBLEM_FORMAT;
    for (const unsigned char *p = (const unsigned char *)s; *p; p++)
        if (!shows(p))
            return PROBLEM_FORMAT;
    size_t n = utf8_length(s);
    return n < min || n > max ? PROBLEM_LENGTH : PROBLEM_NONE;
}

bool uscc_valid(const char *s)
{
    return uscc_problem(s) == PROBLEM_NONE;
}

bool resident_id_valid(const char *s, int64_t today_ms)
{
    return resident_id_problem(s, today_ms) == PROBLEM_NONE;
}

bool phone_valid(const char *s)
{
    return phone_problem(s) == PROBLEM_NONE;
}

bool card_valid(const char *s)
{
    return card_problem(s) == PROBLEM_NONE;
}

bool email_valid(const char *s)
{
    return email_problem(s) == PROBLEM_NONE;
}
