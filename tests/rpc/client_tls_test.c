/* Our client and our server over TLS and mutual TLS, with certificates made by openssl for the occasion. */
#include "lib/check.h"

#include "rpc/client.h"
#include "testservice.h"

#include <grpc/testing/test.pb-c.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char dir[] = "/tmp/rpc-tls-XXXXXX";

static const char make_all[] =
    "set -e; cd \"$D\"\n"
    "new='-newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes'\n"
    "for ca in ca other; do openssl req -x509 $new -days 2 -subj /CN=$ca -keyout $ca.key -out $ca.pem; done\n"
    "leaf() { openssl req $new -subj /CN=$1 -keyout $1.key -out $1.csr; echo \"subjectAltName=$3\" > $1.ext\n"
    "  openssl x509 -req -in $1.csr -CA $2.pem -CAkey $2.key -CAcreateserial -days 2 -extfile $1.ext -out "
    "$1.pem; }\n"
    "leaf server ca DNS:desk.example\n"
    "leaf partner ca DNS:partner.example\n"
    "leaf stranger other DNS:stranger.example\n";

static char *slurp(const char *name)
{
    char path[64];
    snprintf(path, sizeof path, "%s/%s", dir, name);
    FILE *f = fopen(path, "r");
    assert_non_null(f);
    char *text = calloc(1, 8192);
    assert_true(fread(text, 1, 8191, f) > 0);
    fclose(f);
    return text;
}

static struct {
    char *ca, *other, *server, *server_key, *partner, *partner_key, *stranger, *stranger_key;
} pem;

static int make_certificates(void **state)
{
    (void)state;
    assert_non_null(mkdtemp(dir));
    setenv("D", dir, 1);
    char *command = NULL;
    assert_true(asprintf(&command, "( %s ) >/dev/null 2>&1", make_all) > 0);
    assert_int_equal(system(command), 0);
    free(command);
    pem.ca = slurp("ca.pem");
    pem.other = slurp("other.pem");
    pem.server = slurp("server.pem");
    pem.server_key = slurp("server.key");
    pem.partner = slurp("partner.pem");
    pem.partner_key = slurp("partner.key");
    pem.stranger = slurp("stranger.pem");
    pem.stranger_key = slurp("stranger.key");
    return 0;
}

static int remove_certificates(void **state)
{
    (void)state;
    char **all = (char **)&pem;
    for (size_t i = 0; i < sizeof pem / sizeof *all; i++)
        free(all[i]);
    return system("rm -r \"$D\"");
}

struct rpc_case {
    bool mutual;
    struct rpc_channel_options o;
    enum err want;
    bool peer_seen;
    const char *says; /* NULL: whatever it is */
};

static struct rpc_server *start(struct testservice *t, bool mutual, char *target, size_t size)
{
    struct rpc_server *s;
    struct fault f;
    struct rpc_route routes[TESTSERVICE_MAX_ROUTES];
    const char *address = "127.0.0.1:0";
    struct rpc_server_options o = {.addresses = &address,
                                   .n_addresses = 1,
                                   .app = t,
                                   .tls_cert_pem = pem.server,
                                   .tls_key_pem = pem.server_key,
                                   .client_ca_pem = mutual ? pem.ca : NULL};
    assert_ok(rpc_server_open(&o, routes, testservice_routes(routes), &s, &f));
    assert_ok(rpc_server_start(s, &f));
    snprintf(target, size, "127.0.0.1:%d", rpc_server_port(s, 0));
    return s;
}

static void try_case(struct rpc_case c)
{
    struct testservice t = {0};
    char target[32];
    struct rpc_server *s = start(&t, c.mutual, target, sizeof target);
    struct rpc_channel *ch;
    struct fault f;
    struct arena a;
    arena_init(&a, 0);
    c.o.target = target;
    assert_ok(rpc_channel_open(&c.o, &ch, &f));
    rpc_channel_set_metadata(ch, "x-test-peer", "1");
    Grpc__Testing__SimpleRequest q = GRPC__TESTING__SIMPLE_REQUEST__INIT;
    const ProtobufCMessage *m;
    struct rpc_method method = {&grpc__testing__test_service__descriptor, "UnaryCall"};
    assert_err(rpc_unary(ch, method, &q.base, 5000, &a, &m, &f), c.want);
    if (c.want == OK) {
        const char *peer = ((const Grpc__Testing__SimpleResponse *)m)->username;
        assert_string_equal(peer, c.peer_seen ? pem.partner : "none");
    }
    if (c.says) {
        print_message("# %s\n# %s\n", f.text, f.text_zh);
        assert_non_null(strstr(f.text, c.says));
        assert_non_null(strstr(f.text, target));
        assert_non_null(strstr(f.text_zh, target));
    }
    assert_int_equal(t.opened, c.want == OK);
    rpc_channel_close(ch);
    rpc_server_close(s);
    arena_free(&a);
}

static void tls(void **state)
{
    (void)state;
    try_case((struct rpc_case){.o = {.ca_pem = pem.ca, .tls_name = "desk.example"}});
}

static void wrong_ca_or_name(void **state)
{
    (void)state;
    try_case((struct rpc_case){.o = {.ca_pem = pem.other, .tls_name = "desk.example"},
                               .want = ERR_UNAVAILABLE,
                               .says = "is not trusted"});
    try_case((struct rpc_case){.o = {.ca_pem = pem.ca, .tls_name = "other.example"},
                               .want = ERR_UNAVAILABLE,
                               .says = "is for another name"});
    try_case((struct rpc_case){.o = {.ca_pem = pem.ca}, /* 127.0.0.1 is not in it */
                               .want = ERR_UNAVAILABLE,
                               .says = "is for another name"});
    try_case((struct rpc_case){.want = ERR_UNAVAILABLE, .says = "hangs up"}); /* without TLS */
}

static void mutual(void **state)
{
    (void)state;
    try_case((struct rpc_case){.mutual = true,
                               .o = {.ca_pem = pem.ca,
                                     .tls_name = "desk.example",
                                     .tls_cert_pem = pem.partner,
                                     .tls_key_pem = pem.partner_key},
                               .peer_seen = true});
}

static void mutual_without_or_with_a_strangers_certificate(void **state)
{
    (void)state;
    struct rpc_case c = {
        .mutual = true, .o = {.ca_pem = pem.ca, .tls_name = "desk.example"}, .want = ERR_UNAVAILABLE};
    try_case(c);
    c.o.tls_cert_pem = pem.stranger;
    c.o.tls_key_pem = pem.stranger_key;
    try_case(c);
}

static void half_a_pair_is_refused(void **state)
{
    (void)state;
    struct rpc_channel *ch;
    struct fault f;
    struct rpc_channel_options o = {.target = "127.0.0.1:1", .ca_pem = pem.ca, .tls_cert_pem = pem.partner};
    assert_err(rpc_channel_open(&o, &ch, &f), ERR_INVALID);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tls),
        cmocka_unit_test(wrong_ca_or_name),
        cmocka_unit_test(mutual),
        cmocka_unit_test(mutual_without_or_with_a_strangers_certificate),
        cmocka_unit_test(half_a_pair_is_refused),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests_name(__FILE__, tests, make_certificates, remove_certificates);
}
