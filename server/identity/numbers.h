/* numbers.h - what is wrong with a number, for those who must tell a person. Pure. */
#ifndef CERTDESK_IDENTITY_NUMBERS_H
#define CERTDESK_IDENTITY_NUMBERS_H

#include <stddef.h>
#include <stdint.h>

/* Each has a sentence of its own (fields.c), so that a person learns what would be right. */
enum problem {
    PROBLEM_NONE,
    PROBLEM_MISSING,
    PROBLEM_LENGTH,
    PROBLEM_LENGTH_6, /* digits, as the next two */
    PROBLEM_LENGTH_11,
    PROBLEM_LENGTH_12,
    PROBLEM_LENGTH_18,
    PROBLEM_LENGTH_CARD,
    PROBLEM_FORMAT, /* a character that cannot be there */
    PROBLEM_NOT_DIGITS,
    PROBLEM_NOT_PHONE,
    PROBLEM_NOT_EMAIL,
    PROBLEM_OTHER_DOCUMENT, /* not a number of this kind of document */
    PROBLEM_DATE,           /* no such day, or in the future */
    PROBLEM_CHECK_DIGIT,
    PROBLEM_NOT_OFFERED, /* a choice that is not on the list */
    PROBLEM_MASKED,      /* not the mask of what is stored in this field */
};

/* Normalised text: ASCII, upper case, without spaces. */
enum problem uscc_problem(const char *s);
enum problem resident_id_problem(const char *s, int64_t today_ms);
enum problem phone_problem(const char *s);
enum problem card_problem(const char *s);
/* Residence permits of Hong Kong, Macao and Taiwan residents: the same scheme, regions 81, 82, 83. */
enum problem residence_permit_problem(const char *s, int64_t today_ms);
/* 外国人永久居留身份证: 18 characters from 9 (since 2023-12-01), or 3 letters and 12 digits (before). */
enum problem permanent_resident_problem(const char *s);
enum problem passport_problem(const char *s);
/* min to max digits, nothing else. */
enum problem digits_problem(const char *s, size_t min, size_t max);
enum problem email_problem(const char *s);
/* min to max characters that show: no control or direction characters (they would play with screens). */
enum problem text_problem(const char *s, size_t min, size_t max);

#endif
