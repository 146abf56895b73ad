/* js.h - JSON as the adapters need it: read strictly, never trust a type.
 *
 * Duplicate keys, NUL in strings, invalid UTF-8 and trailing bytes are refused when parsing.
 */
#ifndef CERTDESK_PROVIDER_JS_H
#define CERTDESK_PROVIDER_JS_H

#include "base/arena.h"

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* An object, or NULL. Freed with js_free: `CLEANUP(js_free) json_t *j = js_parse(…);` */
json_t *js_parse(const void *p, size_t n);
void js_free(json_t **j);

/* Readers of an object's member; o may be NULL. */
const char *js_str(const json_t *o, const char *key); /* NULL unless it is a string */
bool js_int(const json_t *o, const char *key, int64_t *out);
/* Copies a string; false when it is absent, no string, or does not fit: then out is "". */
bool js_copy(const json_t *o, const char *key, char *out, size_t size);
/* Copies a string or the digits of an integer, for codes that come as either. */
bool js_code(const json_t *o, const char *key, char *out, size_t size);

/* Copies as much of s (NULL: "") as fits, cut between characters. */
void text_copy(char *out, size_t size, const char *s);

/* The compact text in the arena, and gives up the reference. NULL when j is NULL (json_pack refused a
 * string that is not UTF-8). */
const char *js_write(struct arena *a, json_t *j);

#endif
