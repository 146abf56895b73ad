/* msg.h - any message by the names of its fields: what lists, request ids and JSON share. */
#ifndef CERTDESK_SCREEN_MSG_H
#define CERTDESK_SCREEN_MSG_H

#include <jansson.h>
#include <protobuf-c/protobuf-c.h>
#include <stdbool.h>
#include <stddef.h>

/* A string field; "" when there is none of that name. */
const char *msg_text(const ProtobufCMessage *m, const char *field);
/* Sets a string or int32 field, if there is one; the text is not copied. */
void msg_set_text(ProtobufCMessage *m, const char *field, const char *text);
void msg_set_int(ProtobufCMessage *m, const char *field, int32_t n);
void msg_set_bool(ProtobufCMessage *m, const char *field, bool on);
/* The first repeated field of messages; 0 when there is none. */
size_t msg_rows(const ProtobufCMessage *m, ProtobufCMessage ***rows);

/* A copy on the heap: protobuf_c_message_free_unpacked() frees it. */
ProtobufCMessage *msg_copy(const ProtobufCMessage *m);

/* As the JSON mapping of proto3 has it, with field names as in the proto: int64 as text, enums by name,
 * timestamps as RFC 3339, bytes as hex. Secrets (tokens, PIN, PUK, management keys) are left out. */
json_t *msg_json(const ProtobufCMessage *m);

#endif
