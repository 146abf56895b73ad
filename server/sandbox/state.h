/* state.h - what the outside world remembers: sections of JSON values, journalled at once.
 *
 * Every change is one line appended to DIR/journal.jsonl before the caller goes on, so a killed sandbox
 * starts again where it was. The journal is rewritten without its history at each start.
 */
#ifndef CERTDESK_SANDBOX_STATE_H
#define CERTDESK_SANDBOX_STATE_H

#include <jansson.h>
#include <stdint.h>

struct state;

/* Reads the journal of the folder; a torn last line is forgotten. NULL, and a sentence on stderr, when the
 * folder cannot be used. */
struct state *state_open(const char *dir);
void state_close(struct state *s);

/* The section, made when it is new: an object in order of insertion. Borrowed. */
json_t *state_section(struct state *s, const char *section);
/* Borrowed; NULL when absent. */
json_t *state_get(struct state *s, const char *section, const char *key);
/* Stores and journals a value; takes the reference over. */
void state_put(struct state *s, const char *section, const char *key, json_t *value);
/* Journals a value that was changed in place. */
void state_touch(struct state *s, const char *section, const char *key);
void state_delete(struct state *s, const char *section, const char *key);
/* Forgets a whole section. */
void state_clear(struct state *s, const char *section);
/* 1, 2, 3, … for each name; also as the text that keeps keys in order, "000000000001". */
int64_t state_next(struct state *s, const char *name, char key[static 24]);
/* Lines read at start: differs between starts. */
int64_t state_age(const struct state *s);

#endif
