/* codec.h - from wire bytes to checked messages. Private to api/rpc.
 *
 * What comes out is in the arena, within its budget, and every string is valid UTF-8 without NUL, in all
 * nested messages. protobuf-c promises none of this: it accepts any bytes as a string and lets a NUL cut it.
 */
#ifndef CERTDESK_RPC_CODEC_H
#define CERTDESK_RPC_CODEC_H

#include "base/arena.h"
#include "base/err.h"

#include <protobuf-c/protobuf-c.h>
#include <stdbool.h>

/* Unpacks n bytes into the arena. ERR_INVALID for bytes that are not such a message (truncated, garbage) and
 * for bad strings, with a violation for each bad field; ERR_EXHAUSTED when the arena's budget is too small.
 * f is only written on failure and may be uninitialized before. */
enum err codec_unpack(const ProtobufCMessageDescriptor *d, const void *bytes, size_t n, struct arena *a,
                      const ProtobufCMessage **out, struct fault *f);

/* True when a message of this type can contain another of the same type: such bytes can nest without end and
 * protobuf-c has no depth limit. */
bool codec_recursive(const ProtobufCMessageDescriptor *d);

#endif
