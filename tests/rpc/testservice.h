/* testservice.h - grpc.testing.TestService, as far as its interoperability cases go, and a few switches.
 *
 * Request metadata of UnaryCall and CacheableUnaryCall:
 *   x-test-fail: violations | retry | resource | big     answers with that fault
 *   x-test-delay-ms: N                                    answers after N ms, from another thread's timer
 *   x-test-peer: 1                                        username is the peer's certificate, or "none"
 * CacheableUnaryCall never answers by itself and its route ends after TESTSERVICE_CAP_MS.
 */
#ifndef CERTDESK_TESTS_RPC_TESTSERVICE_H
#define CERTDESK_TESTS_RPC_TESTSERVICE_H

#include "rpc/server.h"

#include <stdatomic.h>

enum {
    TESTSERVICE_CAP_MS = 2000,
    TESTSERVICE_MAX_ROUTES = 8
};

/* What has happened; the app of the server (rpc_server_options.app). */
struct testservice {
    _Atomic int opened, cancelled, ended;
    void (*told)(const char *event, const char *path); /* NULL: not interested */
};

/* Fills out and returns how many. */
size_t testservice_routes(struct rpc_route *out);

#endif
