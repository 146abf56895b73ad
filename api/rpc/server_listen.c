/* Where the server listens, with which credentials and which limits. */
#include "rpc/server_internal.h"

#include <arpa/inet.h>
#include <grpc/grpc_security.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

/* Debian's core has holes that no setting closes; beyond this machine it may be seen only when the operator
 * says so. */
static bool is_local(const char *address)
{
    if (strncmp(address, "unix:", 5) == 0 || strncmp(address, "[::1]:", 6) == 0 ||
        strncmp(address, "localhost:", 10) == 0)
        return true;
    char host[INET_ADDRSTRLEN];
    size_t n = strcspn(address, ":");
    struct in_addr ip;
    if (n >= sizeof host)
        return false;
    snprintf(host, sizeof host, "%.*s", (int)n, address);
    return inet_pton(AF_INET, host, &ip) == 1 && ntohl(ip.s_addr) >> 24 == IN_LOOPBACKNET;
}

/* The core unlinks a socket file before it binds, also one that a living server listens on. */
static bool socket_is_taken(const char *address)
{
    struct sockaddr_un sa = {.sun_family = AF_UNIX};
    if (strncmp(address, "unix:", 5) != 0)
        return false;
    const char *path = strncmp(address, "unix://", 7) == 0 ? address + 7 : address + 5;
    if (strlen(path) >= sizeof sa.sun_path)
        return false; /* the core says so itself */
    snprintf(sa.sun_path, sizeof sa.sun_path, "%s", path);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return false;
    bool taken = connect(fd, (const struct sockaddr *)&sa, sizeof sa) == 0;
    close(fd);
    return taken;
}

static grpc_server_credentials *credentials(const struct rpc_server_options *o)
{
    if (!o->tls_cert_pem)
        return grpc_insecure_server_credentials_create();
    grpc_ssl_pem_key_cert_pair pair = {o->tls_key_pem, o->tls_cert_pem};
    return grpc_ssl_server_credentials_create_with_options(
        grpc_ssl_server_credentials_create_options_using_config(
            o->client_ca_pem ? GRPC_SSL_REQUEST_AND_REQUIRE_CLIENT_CERTIFICATE_AND_VERIFY
                             : GRPC_SSL_DONT_REQUEST_CLIENT_CERTIFICATE,
            grpc_ssl_server_certificate_config_create(o->client_ca_pem, &pair, 1)));
}

static grpc_arg int_arg(const char *key, int value)
{
    return (grpc_arg){.type = GRPC_ARG_INTEGER, .key = (char *)(uintptr_t)key, .value.integer = value};
}

/* Every limit that the core offers. The last three make the core put a filter into every call that costs a
 * tenth of a bare echo, so they are for peers that we do not know. */
static grpc_server *create(const struct rpc_server_options *o, size_t max_message)
{
    grpc_arg args[] = {
        int_arg(GRPC_ARG_MAX_RECEIVE_MESSAGE_LENGTH, (int)max_message),
        int_arg(GRPC_ARG_MAX_METADATA_SIZE, (int)(o->max_metadata ? o->max_metadata : 8192)),
        int_arg(GRPC_ARG_MAX_CONCURRENT_STREAMS, 256),
        int_arg(GRPC_COMPRESSION_CHANNEL_ENABLED_ALGORITHMS_BITSET, 1 << GRPC_COMPRESS_NONE),
        int_arg(GRPC_ARG_ENABLE_PER_MESSAGE_DECOMPRESSION, 0),
        int_arg(GRPC_ARG_HTTP2_MAX_FRAME_SIZE, 16384),
        int_arg(GRPC_ARG_HTTP2_STREAM_LOOKAHEAD_BYTES, 65536),
        int_arg(GRPC_ARG_HTTP2_BDP_PROBE, 0), /* would widen the windows by itself */
        int_arg(GRPC_ARG_KEEPALIVE_TIME_MS, 60000),
        int_arg(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, 10000),
        int_arg(GRPC_ARG_HTTP2_MIN_RECV_PING_INTERVAL_WITHOUT_DATA_MS, 30000),
        int_arg(GRPC_ARG_HTTP2_MAX_PING_STRIKES, 1),
        int_arg(GRPC_ARG_SERVER_HANDSHAKE_TIMEOUT_MS, 5000),
        int_arg(GRPC_ARG_ENABLE_CHANNELZ, 0),
        int_arg(GRPC_ARG_ALLOW_REUSEPORT, 0), /* a second process could take the port silently */
        int_arg(GRPC_ARG_MAX_CONNECTION_IDLE_MS, 300000),
        int_arg(GRPC_ARG_MAX_CONNECTION_AGE_MS, 1800000),
        int_arg(GRPC_ARG_MAX_CONNECTION_AGE_GRACE_MS, 30000),
    };
    size_t n = sizeof args / sizeof *args - (o->allow_any_address ? 0 : 3);
    return grpc_server_create(&(grpc_channel_args){.num_args = n, .args = args}, NULL);
}

static enum err bind_all(struct rpc_server *s, const struct rpc_server_options *o,
                         grpc_server_credentials *creds, struct fault *f)
{
    for (size_t i = 0; i < o->n_addresses; i++) {
        const char *a = o->addresses[i];
        if (!o->allow_any_address && !is_local(a))
            return fail(f, ERR_INVALID,
                        "%s is neither a Unix socket nor loopback; see server.listen_anywhere", a);
        if (socket_is_taken(a))
            return fail(f, ERR_INVALID, "a server is listening on %s", a);
        s->ports[i] = grpc_server_add_http2_port(s->core, a, creds);
        if (s->ports[i] == 0)
            return fail(f, ERR_INVALID, "cannot listen on %s", a);
        if (strncmp(a, "unix:", 5) == 0)
            s->ports[i] = 0; /* the core says 1 */
    }
    return OK;
}

enum err listen_open(struct rpc_server *s, const struct rpc_server_options *o, size_t max_message,
                     struct fault *f)
{
    if (!o->tls_cert_pem != !o->tls_key_pem || (o->client_ca_pem && !o->tls_cert_pem))
        return fail(f, ERR_INVALID, "TLS needs both a certificate and its key");
    s->core = create(o, max_message);
    grpc_server_register_completion_queue(s->core, s->cq, NULL);
    for (size_t i = 0; i < s->n_slots; i++)
        if (s->slots[i].kind == RPC_UNARY && s->slots[i].route.on_call)
            s->slots[i].registered = grpc_server_register_method(
                s->core, s->slots[i].path, NULL, GRPC_SRM_PAYLOAD_READ_INITIAL_BYTE_BUFFER, 0);
    s->n_addresses = o->n_addresses;
    s->ports = ARENA_ARRAY(&s->arena, int, o->n_addresses + 1);
    grpc_server_credentials *creds = credentials(o);
    if (!creds)
        return fail(f, ERR_INVALID, "the TLS certificate, its key or the client CA cannot be read");
    enum err e = bind_all(s, o, creds, f);
    grpc_server_credentials_release(creds);
    return e;
}
