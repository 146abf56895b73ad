/* describe.h - what the compiler said about our protos. Private to api/rpc.
 *
 * protobuf-c's service descriptors do not know which methods stream; the descriptor set that protoc wrote,
 * and that is linked in, does. Reflection answers come from it too.
 */
#ifndef CERTDESK_RPC_DESCRIBE_H
#define CERTDESK_RPC_DESCRIBE_H

#include "base/arena.h"
#include "base/err.h"
#include "rpc/server.h"

#include <google/protobuf/descriptor.pb-c.h>

typedef Google__Protobuf__FileDescriptorProto describe_file_t;

struct describe {
    const Google__Protobuf__FileDescriptorSet *set;
};

/* Unpacks the linked set into the arena, where it lives. ERR_INTERNAL when it is damaged. */
enum err describe_open(struct describe *d, struct arena *a, struct fault *f);
/* The kind of a method ("grpc.health.v1.Health", "Watch"); false when there is no such method. */
bool describe_kind(const struct describe *d, const char *service, const char *method, enum rpc_kind *kind);
/* The file of that name ("certdesk/v1/order.proto"), or NULL. */
const describe_file_t *describe_file(const struct describe *d, const char *name);
/* The file that defines a message, field, enum, enum value, service, method or extension by its full name,
 * or NULL. */
const describe_file_t *describe_symbol(const struct describe *d, const char *symbol);

#endif
