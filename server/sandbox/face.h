/* face.h - people looking into their phones: the liveness sessions of every supplier, and the page on which a
 * person plays one (face_page.c).
 *
 * The register decides whether name and identity number belong together, as ever; the person decides who
 * looks:
 *
 *   pass           the person, live
 *   other_person   somebody else, live
 *   not_live       a picture or a recording
 *   abandon        nobody: the page was closed
 *
 * POST /sim/face {"token" or "name", "outcome"} does the same as the page's buttons. Section of the state:
 * faces, by the supplier's token.
 */
#ifndef CERTDESK_SANDBOX_FACE_H
#define CERTDESK_SANDBOX_FACE_H

#include "sandbox/sandbox.h"

struct face_order {
    const char *supplier; /* "tencent": whose session it is */
    const char *name, *id_number;
    const char *our_no, *return_url, *notify_url; /* "" when not given */
    int64_t life_ms;
};

/* Opens a session under the supplier's token. Lock held, as for all below. */
void face_open(struct sandbox *sb, const char *token, const struct face_order *o);
/* The session of this supplier; borrowed, NULL when there is none. */
json_t *face_session(struct sandbox *sb, const char *supplier, const char *token);
/* "" while nobody did anything, else one of the outcomes. */
const char *face_outcome(const json_t *session);
/* Nobody did anything that counts, and the time is over. */
bool face_expired(const json_t *session);
/* Where the page is; in the arena. */
const char *face_url(const struct sandbox *sb, struct arena *a, const char *token);

/* NULL when done, else why not. */
const char *face_act(struct sandbox *sb, const char *token, const char *outcome);
/* The newest open session of a person; NULL when there is none. */
const char *face_of(struct sandbox *sb, const char *name);

/* GET and POST /face/<token> (face_page.c). Takes the lock itself. */
void face_page(struct sandbox *sb, struct request *r, struct reply *p);

#endif
