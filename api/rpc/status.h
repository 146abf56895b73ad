/* status.h - a fault as google.rpc.Status and back (AIP-193). Private to api/rpc.
 *
 * One file knows how a failure looks on the wire, so that what the server says is what the client reads.
 */
#ifndef CERTDESK_RPC_STATUS_H
#define CERTDESK_RPC_STATUS_H

#include "base/arena.h"
#include "base/err.h"

#include <google/rpc/status.pb-c.h>

#define STATUS_DETAILS_KEY "grpc-status-details-bin"
#define STATUS_DOMAIN      "certdesk.v1"

enum {
    /* Peers built on the gRPC core refuse more than 8 KiB of metadata in all; base64 takes a third. */
    STATUS_MAX = 5600
};

/* The fault as packed google.rpc.Status in the arena. What exceeds STATUS_MAX is left out, least important
 * first: translations of single fields, then the last fields. */
const void *status_pack(const struct fault *f, struct arena *a, size_t *n);

/* Sets f from what a server answered: status number, sentence, details (NULL: none). Returns f->code, which
 * is ErrorInfo.reason when the domain is ours, else follows from the status number; never OK. */
enum err status_unpack(int status, const char *message, const void *details, size_t n, struct fault *f);

#endif
