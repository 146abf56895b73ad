/* bench-echo-rpc: the same echo through api/rpc, with all that it does: decode, checks, deadline, limits,
 * health. Prints "port N". Ends with SIGTERM. */
#include "rpc/server.h"

#include <grpc/testing/test.pb-c.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>

static void echo(struct rpc_call *c)
{
    const Grpc__Testing__SimpleRequest *q = (const Grpc__Testing__SimpleRequest *)rpc_call_request(c);
    Grpc__Testing__SimpleResponse r = GRPC__TESTING__SIMPLE_RESPONSE__INIT;
    r.payload = q->payload;
    rpc_reply(c, &r.base);
}

int main(void)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    pthread_sigmask(SIG_BLOCK, &set, NULL);
    const char *address = "127.0.0.1:0";
    struct rpc_route route = {.service = &grpc__testing__test_service__descriptor,
                              .method = "UnaryCall",
                              .on_call = echo,
                              .deadline_ms = 5000};
    struct rpc_server *s;
    struct fault f;
    if (rpc_server_open(&(struct rpc_server_options){.addresses = &address, .n_addresses = 1}, &route, 1, &s,
                        &f) != OK ||
        rpc_server_start(s, &f) != OK) {
        fprintf(stderr, "bench-echo-rpc: %s\n", fault_text(&f));
        return 1;
    }
    printf("port %d\n", rpc_server_port(s, 0));
    fflush(stdout);
    int sig;
    sigwait(&set, &sig);
    rpc_server_close(s);
    return 0;
}
