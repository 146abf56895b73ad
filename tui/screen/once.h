/* once.h - the request_id of an action whose outcome is not known yet.
 *
 * After UNAVAILABLE or a deadline nobody knows whether the server did it. Pressing the key again sends the
 * same request, and the same request gets the same request_id until an answer settles it: so it cannot happen
 * twice. Another request (another reason, another number) is another action.
 */
#ifndef CERTDESK_SCREEN_ONCE_H
#define CERTDESK_SCREEN_ONCE_H

#include "base/err.h"
#include "base/str.h"

#include <protobuf-c/protobuf-c.h>

struct unsettled;
struct once {
    struct unsettled *first;
};

/* Fills request->request_id, which must be empty; the text lives until once_settle(). */
void once_id(struct once *o, const char *method, ProtobufCMessage *request);
/* The request with this id came back with e. */
void once_settle(struct once *o, const char *id, enum err e);
/* Whether e leaves open what happened. */
bool once_unknown(enum err e);
void once_free(struct once *o);

#endif
