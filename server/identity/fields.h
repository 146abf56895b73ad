/* fields.h - checks of a whole form: every bad field becomes a violation, in both languages. */
#ifndef CERTDESK_IDENTITY_FIELDS_H
#define CERTDESK_IDENTITY_FIELDS_H

#include "base/arena.h"
#include "base/err.h"
#include "identity/numbers.h"

/* Adds the violation of one field unless there is no problem, or another was said of it before. label,
 * label_zh: what people call the field. */
void field_problem(struct fault *f, const char *prefix, const char *field, const char *label,
                   const char *label_zh, enum problem p);

/* Full-width ASCII becomes ASCII, letters upper case, everything but letters and digits that people put
 * between groups (spaces, hyphens) goes. For numbers. */
const char *field_number(struct arena *a, const char *s);
/* As field_number, without +86 or 0086 in front. */
const char *field_phone(struct arena *a, const char *s);
/* Without white space at both ends, ideographic space included. For names and addresses: nothing else is
 * touched. "" for NULL. */
const char *field_text(struct arena *a, const char *s);
/* As field_text, full-width ASCII made ASCII. For e-mail addresses. */
const char *field_ascii(struct arena *a, const char *s);

#endif
