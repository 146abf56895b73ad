/* face.h - liveness sessions at a supplier (S8).
 *
 *   OPENING -opened-> OPEN -> PASSED | REFUSED | ENDED (nobody used it)
 *      +- the supplier could not be asked -> FAILED
 *
 * A verification has one session at a time that can be used (a unique key); its url is sealed, shown to the
 * order's owner or sent by SMS, and gone when the session ends. The supplier is asked until it says how the
 * session went; what it tells by itself, or the browser's return, only hastens the next look.
 */
#ifndef CERTDESK_IDENTITY_FACE_H
#define CERTDESK_IDENTITY_FACE_H

#include "identity/identity_steps.h"

enum face_state {
    FACE_OPENING = 1,
    FACE_OPEN,
    FACE_PASSED,
    FACE_REFUSED,
    FACE_ENDED,
    FACE_FAILED,
};

enum face_way { /* bits */
    FACE_BY_SMS = 1,
    FACE_ON_SITE = 2,
};

struct face_session {
    char id[ID_SIZE], verification[ID_SIZE], order[ID_SIZE];
    enum face_state state;
    unsigned ways;
    const char *provider, *token, *url; /* "" when there is none */
    int64_t expires_ms, version;
};

/* The newest verification waits for a face: a session for it, the one that is open already or a new one
 * within the limits; the link goes by SMS once a session, and counts as a code to that phone does.
 * RATE_LIMITED with retry_ms: nothing was opened or sent. *url: behind the QR code, "" until the session is
 * open and when it goes by SMS. */
enum err face_start(struct ctx *c, const char *verification_id, bool by_sms, struct verification *v,
                    const char **url);
enum err face_waiting(struct ctx *c, const struct verification *v, struct waiting *out);

/* -- for jobs -- */
struct face_opened {
    const char *provider, *token, *url;
    int64_t expires_ms;
};
enum err face_opened(struct ctx *c, const char *id, const struct face_opened *o);
/* What a look at the supplier gave: a final answer, or NULL for not yet. n: how many looks there were. */
enum err face_looked(struct ctx *c, const char *id, const struct check_answer *a, bool abandoned, int n);
enum err face_failed(struct ctx *c, const char *id);
enum err face_poll_later(struct ctx *c, const struct face_session *f, int n);

/* -- store -- */
enum err face_insert(struct ctx *c, const struct face_session *f);
enum err face_read(struct ctx *c, const char *id, struct face_session *out);
/* The newest of a verification; NOT_FOUND. */
enum err face_newest(struct ctx *c, const char *verification_id, struct face_session *out, int *count);
enum err face_by_token(struct ctx *c, const char *provider, const char *token, struct face_session *out);
/* Must match f's state and version. The url is kept only with FACE_OPEN. */
enum err face_update(struct ctx *c, struct face_session *f, enum face_state to, unsigned ways,
                     const struct face_opened *o);

#endif
