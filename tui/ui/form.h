/* form.h - a question: a few lines of text, fields to fill in, yes or no. Drawn as a box over the screen.
 */
#ifndef CERTDESK_UI_FORM_H
#define CERTDESK_UI_FORM_H

#include "ui/edit.h"
#include "ui/view.h"

#include <stddef.h>

enum {
    FORM_FIELDS = 6
};

enum field_kind {
    FIELD_TEXT,
    FIELD_SECRET,
    FIELD_CHOICE,
};

struct form;

struct field {
    const char *name;  /* proto field that it fills: violations find it by this */
    const char *label; /* translated */
    enum field_kind kind;
    struct edit edit;
    const char *const *choices; /* translated or names; static */
    size_t n_choices, chosen;
    char error[160];
    /* Asked when Enter is about to leave the field; false: the cursor stays. NULL: it may always go on. */
    bool (*entered)(struct form *f, void *arg);
    void *arg;
};

enum form_kind {
    FORM_ASK,     /* fields; Enter goes on and submits at the last */
    FORM_CONFIRM, /* y or n; Enter does nothing, so that nothing irreversible happens by a key too many */
    FORM_TELL,    /* Enter or Esc closes */
};

struct form {
    enum form_kind kind;
    struct arena arena; /* title and text */
    const char *title;
    const char *text; /* may have several lines */
    enum style text_style;
    struct field fields[FORM_FIELDS];
    size_t n, at;
    bool busy;     /* submitted, waiting: keys but Esc are not taken */
    bool locked;   /* cannot be left with Esc (login) */
    size_t scroll; /* of a long text */
};

enum form_result {
    FORM_STAYS,
    FORM_SUBMITTED,
    FORM_LEFT,
};

void form_init(struct form *f, enum form_kind kind, const char *title);
void form_text(struct form *f, enum style s, const char *text);
struct field *form_field(struct form *f, enum field_kind kind, const char *name, const char *label);
/* The chosen number, or the text typed. */
char *form_value(const struct form *f, const char *name, struct arena *a);
size_t form_chosen(const struct form *f, const char *name);
/* Puts a sentence under the field with this name or path that ends in it; false when there is none. */
bool form_error(struct form *f, const char *path, const char *text);
void form_clear_errors(struct form *f);
/* Wipes what was typed. */
void form_free(struct form *f);

enum form_result form_key(struct form *f, ui_key k);
void form_draw(struct form *f, struct view *v);

#endif
