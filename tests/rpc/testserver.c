/* rpc-testserver: TestService on a free port of 127.0.0.1 (or on the address given), for clients that are not
 * ours. Prints "port N", then a line for each event of a call. SIGTERM drains (grace in milliseconds:
 * TESTSERVER_GRACE) and ends; SIGUSR1 and SIGUSR2 make "grpc.testing.TestService" sick and well.
 *
 *   rpc-testserver [-a address] [-c cert.pem -k key.pem [-C client-ca.pem]] */
#include "testservice.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static char *slurp(const char *path)
{
    FILE *f = fopen(path, "r");
    char *text = calloc(1, 65536);
    if (!f || !text || fread(text, 1, 65535, f) == 0) {
        perror(path);
        exit(2);
    }
    fclose(f);
    return text;
}

static void told(const char *event, const char *path)
{
    printf("%s %s\n", event, path);
    fflush(stdout);
}

static void wait_for_end(struct rpc_server *s, const sigset_t *signals)
{
    for (int sig = 0; sig != SIGTERM && sig != SIGINT;) {
        sigwait(signals, &sig);
        if (sig == SIGUSR1 || sig == SIGUSR2)
            rpc_health_set(s, "grpc.testing.TestService", sig == SIGUSR2);
    }
}

static sigset_t block_signals(void)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGUSR1);
    sigaddset(&set, SIGUSR2);
    pthread_sigmask(SIG_BLOCK, &set, NULL);
    return set;
}

int main(int argc, char **argv)
{
    struct testservice service = {.told = told};
    const char *address = "127.0.0.1:0";
    char *cert = NULL, *key = NULL, *ca = NULL;
    for (int o; (o = getopt(argc, argv, "a:c:k:C:")) != -1;) {
        switch (o) {
        case 'a':
            address = optarg;
            break;
        case 'c':
            cert = slurp(optarg);
            break;
        case 'k':
            key = slurp(optarg);
            break;
        case 'C':
            ca = slurp(optarg);
            break;
        default:
            return 2;
        }
    }
    sigset_t signals = block_signals();
    struct rpc_route routes[TESTSERVICE_MAX_ROUTES];
    struct rpc_server_options options = {.addresses = &address,
                                         .n_addresses = 1,
                                         .tls_cert_pem = cert,
                                         .tls_key_pem = key,
                                         .client_ca_pem = ca,
                                         .app = &service};
    struct rpc_server *s;
    struct fault f;
    fault_clear(&f);
    if (rpc_server_open(&options, routes, testservice_routes(routes), &s, &f) != OK ||
        rpc_server_start(s, &f) != OK) {
        fprintf(stderr, "rpc-testserver: %s\n", fault_text(&f));
        return 1;
    }
    printf("port %d\n", rpc_server_port(s, 0));
    fflush(stdout);
    wait_for_end(s, &signals);
    const char *grace = getenv("TESTSERVER_GRACE");
    rpc_server_drain(s, grace ? atoi(grace) : 0);
    rpc_server_close(s);
    free(cert);
    free(key);
    free(ca);
    told("closed", "");
    return 0;
}
