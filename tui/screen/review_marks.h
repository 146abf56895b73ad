/* review_marks.h - a reviewer's decisions before they are sent, and numbers shown in clear. */
#ifndef CERTDESK_SCREEN_REVIEW_MARKS_H
#define CERTDESK_SCREEN_REVIEW_MARKS_H

#include <certdesk/v1/material_service.pb-c.h>
#include <stdbool.h>

enum {
    MARKS_MAX = 40,
};

#define MARK_OPEN     CERTDESK__V1__MATERIAL_VERDICT__MATERIAL_VERDICT_UNSPECIFIED
#define MARK_APPROVED CERTDESK__V1__MATERIAL_VERDICT__MATERIAL_VERDICT_APPROVED
#define MARK_REFUSED  CERTDESK__V1__MATERIAL_VERDICT__MATERIAL_VERDICT_REFUSED

struct mark {
    char id[48];
    char digest[72];
    Certdesk__V1__MaterialVerdict verdict;
    char reason[640]; /* 200 characters of UTF-8 */
};

struct marks {
    struct mark mark[MARKS_MAX];
    size_t n;
};

/* One mark per material. A mark made here stands only for the same bytes; otherwise the server's verdict
 * counts, which is "approved" for materials that passed in an earlier round. */
void marks_take(struct marks *m, Certdesk__V1__Material **materials, size_t n);
/* Never NULL: an empty mark for an unknown id. */
const struct mark *marks_find(const struct marks *m, const char *id);
void marks_set(struct marks *m, const char *id, Certdesk__V1__MaterialVerdict verdict, const char *reason);
size_t marks_count(const struct marks *m, Certdesk__V1__MaterialVerdict verdict);

/* Marks of orders that were left before they were decided, while the console runs: by reviewer and order. */
struct kept_marks;
void marks_keep(struct kept_marks **all, const char *who, const char *order, const struct marks *m);
/* Takes them out; false when there are none. */
bool marks_again(struct kept_marks **all, const char *who, const char *order, struct marks *out);
void marks_forget(struct kept_marks **all);

/* Values in clear, until the screen is left. */
struct revealed {
    const char *asked; /* path under way */
    struct {
        const char *path;
        char *value; /* on the heap; wiped */
    } field[16];
};
void revealed_put(struct revealed *r, const char *path, const char *value);
const char *revealed_get(const struct revealed *r, const char *path);
void revealed_wipe(struct revealed *r);

#endif
