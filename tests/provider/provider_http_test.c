/* One HTTP call: what left, what did not, and what is never done. */
#include "peer.h"

#include "provider/address.h"

static struct arena a;
static struct http *h;
static struct fault f;

static enum err call(const char *url, int64_t timeout_ms, struct http_response *out)
{
    struct http_request req = {.point = "test",
                               .method = "POST",
                               .url = url,
                               .body = "x=1",
                               .n_body = 3,
                               .timeout_ms = timeout_ms,
                               .max_answer = 1000};
    fault_clear(&f);
    return http_send(h, &req, &a, out, &f);
}

static const char *at(const char *host, int port)
{
    return arena_printf(&a, "http://%s:%d/p?q=1", host, port);
}

static void an_answer_is_an_answer_whatever_its_status(void **state)
{
    (void)state;
    struct peer p;
    struct http_response r;
    peer_start(&p);
    p.body = "hello";
    p.headers[0] = (struct provider_pair){"X-One", "1"};
    p.headers[1] = (struct provider_pair){"X-Two", "1"};
    p.headers[2] = (struct provider_pair){"X-Two", "2"};
    static const unsigned statuses[] = {200, 204, 301, 400, 429, 500, 503};
    for (size_t i = 0; i < sizeof statuses / sizeof *statuses; i++) {
        p.status = statuses[i];
        p.n_body = 0;
        p.body = statuses[i] == 204 ? "" : "hello";
        assert_ok(call(at("127.0.0.1", p.port), 0, &r));
        assert_int_equal(r.status, statuses[i]);
        assert_string_equal(r.body, p.body);
    }
    assert_string_equal(http_header(r.headers, r.n_headers, "x-ONE"), "1");
    assert_null(http_header(r.headers, r.n_headers, "X-Two")); /* twice: whom to believe? */
    assert_null(http_header(r.headers, r.n_headers, "X-Three"));
    assert_string_equal(p.method, "POST");
    assert_string_equal(p.path, "/p?q=1");
    assert_string_equal(p.request, "x=1");
    peer_stop(&p);
}

static void redirects_are_not_followed(void **state)
{
    (void)state;
    struct peer p, elsewhere;
    struct http_response r;
    peer_start(&p);
    peer_start(&elsewhere);
    p.status = 302;
    p.headers[0] = (struct provider_pair){"Location", at("127.0.0.1", elsewhere.port)};
    assert_ok(call(at("127.0.0.1", p.port), 0, &r));
    assert_int_equal(r.status, 302);
    assert_int_equal(elsewhere.calls, 0);
    peer_stop(&p);
    peer_stop(&elsewhere);
}

static void names_under_localhost_are_this_machine(void **state)
{
    (void)state;
    struct peer p;
    struct http_response r;
    peer_start(&p);
    p.watch[0] = "Host";
    assert_ok(call(at("faceid.localhost", p.port), 0, &r));
    assert_string_equal(p.seen[0], arena_printf(&a, "faceid.localhost:%d", p.port));
    peer_stop(&p);
}

static void plain_http_stays_on_this_machine(void **state)
{
    (void)state;
    struct http_response r;
    static const char *const never[] = {
        "http://example.com/",
        "http://127.evil.example/",
        "http://localhost.example.com/",
        "http://10.0.0.1/",
        "ftp://127.0.0.1/",
        "file:///etc/passwd",
        "not a url",
        "http://",
        "gopher://localhost/",
        "http://evillocalhost/",
        "smtp://127.0.0.1/",
    };
    for (size_t i = 0; i < sizeof never / sizeof *never; i++)
        assert_err(call(never[i], 300, &r), ERR_INVALID);
    assert_true(provider_is_simulator("http://127.0.0.1:8080/x"));
    assert_true(provider_is_simulator("https://sms.localhost:1"));
    assert_true(provider_is_simulator("smtp://[::1]:25"));
    assert_false(provider_is_simulator("https://127.evil.example/"));
    assert_false(provider_is_simulator("https://api.mch.weixin.qq.com"));
    assert_false(provider_is_simulator(NULL));
}

static enum err follow(const char *url, const char *told_by, struct http_response *out)
{
    struct http_request req = {
        .point = "test", .method = "GET", .url = url, .told_by = told_by, .timeout_ms = 3000};
    fault_clear(&f);
    return http_send(h, &req, &a, out, &f);
}

static const char real[] = "https://api.mch.weixin.qq.com", simulator[] = "http://127.0.0.1:8090/nuonuo";

/* A peer on every address of this machine, so that whatever name leads here would be answered. */
static void a_link_that_somebody_told_us_leads_into_no_private_network(void **state)
{
    (void)state;
    struct http_response r;
    struct peer p;
    char host[256];
    peer_start(&p);
    assert_int_equal(gethostname(host, sizeof host), 0); /* /etc/hosts knows it by an address of our own */
    const char *const forms[] = {
        "https://127.0.0.1:%d/",  "http://127.0.0.1:%d/",           "https://127.1:%d/",
        "https://2130706433:%d/", "https://0x7f000001:%d/",         "https://0177.0.0.1:%d/",
        "https://[::1]:%d/",      "https://[::ffff:127.0.0.1]:%d/", "https://0.0.0.0:%d/",
        "https://[::]:%d/",       "https://localhost:%d/",          "https://a.localhost:%d/",
        "https://x@127.0.0.1:%d/"};
    for (size_t i = 0; i < sizeof forms / sizeof *forms; i++) {
        char url[512];
        snprintf(url, sizeof url, forms[i], p.port);
        assert_err(follow(url, real, &r), ERR_INVALID);
    }
    assert_err(follow(arena_printf(&a, "https://%s:%d/", host, p.port), real, &r), ERR_INVALID);
    assert_err(follow("https://169.254.169.254/latest/meta-data", real, &r), ERR_INVALID);
    assert_err(follow("https://10.0.0.1/", real, &r), ERR_INVALID);
    assert_err(follow("https://192.168.1.1/", simulator, &r), ERR_INVALID);
    assert_int_equal(p.calls, 0);
    peer_stop(&p);
}

static void a_simulators_link_leads_to_this_machine_and_not_on(void **state)
{
    (void)state;
    struct http_response r;
    struct peer p, elsewhere;
    peer_start(&p);
    peer_start(&elsewhere);
    p.status = 200;
    p.body = "a file";
    assert_ok(follow(at("127.0.0.1", p.port), simulator, &r));
    assert_string_equal(r.body, "a file");
    p.status = 302;
    p.headers[0] = (struct provider_pair){"Location", at("127.0.0.1", elsewhere.port)};
    assert_ok(follow(at("127.0.0.1", p.port), simulator, &r));
    assert_int_equal(r.status, 302);
    assert_int_equal(elsewhere.calls, 0);
    assert_err(follow("http://example.com/", simulator, &r), ERR_INVALID);
    peer_stop(&p);
    peer_stop(&elsewhere);
}

static bool is_public(const char *text)
{
    struct sockaddr_in in = {.sin_family = AF_INET};
    struct sockaddr_in6 in6 = {.sin6_family = AF_INET6};
    if (strchr(text, ':')) {
        assert_int_equal(inet_pton(AF_INET6, text, &in6.sin6_addr), 1);
        return address_is_public((struct sockaddr *)&in6, sizeof in6);
    }
    assert_int_equal(inet_pton(AF_INET, text, &in.sin_addr), 1);
    return address_is_public((struct sockaddr *)&in, sizeof in);
}

static void addresses_are_the_worlds_or_somebodys_own(void **state)
{
    (void)state;
    static const char *const world[] = {
        "1.1.1.1",         "9.255.255.255",   "11.0.0.0",          "100.63.255.255",   "100.128.0.0",
        "126.255.255.255", "128.0.0.0",       "169.253.255.255",   "172.15.255.255",   "172.32.0.0",
        "192.167.255.255", "192.169.0.0",     "198.17.255.255",    "198.20.0.0",       "223.255.255.255",
        "2400:3200::1",    "2001:4860::8888", "2002:0101:0101::1", "64:ff9b::1.1.1.1", "::ffff:1.1.1.1"};
    static const char *const own[] = {"0.0.0.0",
                                      "0.1.2.3",
                                      "10.0.0.0",
                                      "10.255.255.255",
                                      "100.64.0.1",
                                      "100.100.100.200",
                                      "127.0.0.1",
                                      "127.255.255.255",
                                      "169.254.169.254",
                                      "172.16.0.0",
                                      "172.31.255.255",
                                      "192.0.0.1",
                                      "192.168.0.0",
                                      "192.168.255.255",
                                      "198.18.0.1",
                                      "198.19.255.255",
                                      "224.0.0.1",
                                      "240.0.0.1",
                                      "255.255.255.255",
                                      "::",
                                      "::1",
                                      "::7f00:1",
                                      "::ffff:10.0.0.1",
                                      "64:ff9b::10.0.0.1",
                                      "64:ff9b:1::1",
                                      "fc00::1",
                                      "fdff::1",
                                      "fe80::1",
                                      "fec0::1",
                                      "ff02::1",
                                      "100::1",
                                      "2001::1",
                                      "2001:db8::1",
                                      "2002:0a00:0001::1",
                                      "2002:7f00:0001::1"};
    for (size_t i = 0; i < sizeof world / sizeof *world; i++)
        assert_string_equal(is_public(world[i]) ? world[i] : "not public", world[i]);
    for (size_t i = 0; i < sizeof own / sizeof *own; i++)
        assert_string_equal(is_public(own[i]) ? "public" : own[i], own[i]);
    struct sockaddr un = {.sa_family = AF_UNIX};
    assert_false(address_is_public(&un, sizeof un));
}

static void a_closed_port_means_that_nothing_left(void **state)
{
    (void)state;
    struct http_response r;
    int port, s = closed_port(&port);
    assert_err(call(at("127.0.0.1", port), 0, &r), ERR_UNAVAILABLE);
    assert_err(f.code, ERR_UNAVAILABLE);
    close(s);
}

static void an_unknown_name_means_that_nothing_left(void **state)
{
    (void)state;
    struct http_response r;
    assert_err(call("https://no-such-host.invalid/", 2000, &r), ERR_UNAVAILABLE);
}

static void no_tls_on_the_other_side_means_that_nothing_left(void **state)
{
    (void)state;
    struct peer p;
    struct http_response r;
    peer_start(&p);
    assert_err(call(arena_printf(&a, "https://127.0.0.1:%d/", p.port), 0, &r), ERR_UNAVAILABLE);
    assert_int_equal(p.calls, 0);
    peer_stop(&p);
}

static const char *slurp(const char *path)
{
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    char *text = arena_alloc(&a, 8192);
    assert_true(fread(text, 1, 8191, file) > 0);
    fclose(file);
    return text;
}

static enum err call_trusting(const char *ca_file, const char *host, int port)
{
    struct http *client = NULL;
    struct http_options o = {.ca_file = ca_file};
    struct http_request req = {
        .point = "test", .method = "GET", .url = arena_printf(&a, "https://%s:%d/", host, port)};
    struct http_response r;
    assert_ok(http_open(&o, &client, &f));
    enum err e = http_send(client, &req, &a, &r, &f);
    http_close(client);
    return e;
}

static void tls_is_verified_before_anything_leaves(void **state)
{
    (void)state;
    char dir[] = "/tmp/certdesk-http-XXXXXX";
    assert_non_null(mkdtemp(dir));
    static const char make[] =
        "cd %s && openssl req -x509 -newkey rsa:2048 -nodes -keyout key.pem -out cert.pem "
        "-subj /CN=p.localhost -addext subjectAltName=DNS:p.localhost 2>/dev/null";
    assert_int_equal(system(arena_printf(&a, make, dir)), 0);
    const char *cert = arena_printf(&a, "%s/cert.pem", dir);
    struct peer p;
    peer_start_tls(&p, slurp(cert), slurp(arena_printf(&a, "%s/key.pem", dir)));
    assert_ok(call_trusting(cert, "p.localhost", p.port));
    assert_int_equal(p.calls, 1);
    assert_err(call_trusting(cert, "q.localhost", p.port), ERR_UNAVAILABLE); /* another's name */
    assert_err(call_trusting(NULL, "p.localhost", p.port), ERR_UNAVAILABLE); /* nobody vouches for it */
    assert_int_equal(p.calls, 1);
    peer_stop(&p);
    assert_int_equal(system(arena_printf(&a, "rm -r %s", dir)), 0);
}

static void silence_after_sending_leaves_the_outcome_open(void **state)
{
    (void)state;
    struct http_response r;
    int port, s = silent_socket(&port);
    assert_err(call(at("127.0.0.1", port), 200, &r), ERR_PROVIDER_UNKNOWN);
    close(s);
}

static void hanging_up_leaves_the_outcome_open(void **state)
{
    (void)state;
    struct peer p;
    struct http_response r;
    peer_start(&p);
    p.status = 0;
    assert_err(call(at("127.0.0.1", p.port), 0, &r), ERR_PROVIDER_UNKNOWN);
    assert_int_equal(p.calls, 1);
    peer_stop(&p);
}

static void half_an_answer_leaves_the_outcome_open(void **state)
{
    (void)state;
    static const char *const halves[] = {
        "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n",
        "HTTP/1.1 200 OK\r\nContent-Le",
        "<html>no HTTP at all</html>",
        "HTTP/1.1 abc\r\n\r\n",
    };
    for (size_t i = 0; i < sizeof halves / sizeof *halves; i++) {
        struct raw_peer p;
        struct http_response r;
        raw_peer_start(&p, halves[i]);
        assert_err(call(at("127.0.0.1", p.port), 2000, &r), ERR_PROVIDER_UNKNOWN);
        raw_peer_stop(&p);
    }
}

static void an_answer_beyond_the_limit_is_cut_off(void **state)
{
    (void)state;
    struct peer p;
    struct http_response r;
    peer_start(&p);
    char *big = arena_alloc(&a, 2000);
    memset(big, 'x', 1001);
    p.body = big;
    assert_err(call(at("127.0.0.1", p.port), 0, &r), ERR_PROVIDER_UNKNOWN);
    big[1000] = '\0';
    assert_ok(call(at("127.0.0.1", p.port), 0, &r));
    assert_int_equal(r.n_body, 1000);
    peer_stop(&p);
}

static void forms_go_there_and_back(void **state)
{
    (void)state;
    struct provider_pair in[] = {
        {"param", "{\"a\":\"测试 &=+%\"}"}, {"empty", ""}, {"twice", "1"}, {"twice", "2"}};
    const char *body = form_encode(&a, in, 4);
    struct provider_pair *out;
    size_t n;
    assert_ok(form_decode(&a, body, strlen(body), &out, &n));
    assert_int_equal(n, 4);
    assert_string_equal(form_value(out, n, "param"), in[0].value);
    assert_string_equal(form_value(out, n, "empty"), "");
    assert_null(form_value(out, n, "twice"));
    assert_null(form_value(out, n, "none"));

    assert_ok(form_decode(&a, "a=b+c%2b&d&=e&&", 15, &out, &n));
    assert_string_equal(form_value(out, n, "a"), "b c+");
    assert_string_equal(form_value(out, n, "d"), "");
    assert_err(form_decode(&a, "a=%00b", 6, &out, &n), ERR_INVALID);
    assert_err(form_decode(&a, "a=\0b", 4, &out, &n), ERR_INVALID);
    struct buf many = BUF(&a);
    for (int i = 0; i < 65; i++)
        buf_str(&many, "a=1&");
    assert_err(form_decode(&a, many.p, many.n, &out, &n), ERR_INVALID);
}

/* The share is used by many threads at once. */
static void *ten_calls(void *arg)
{
    struct arena own;
    arena_init(&own, 0);
    intptr_t good = 0;
    for (int i = 0; i < 10; i++) {
        struct http_request req = {.point = "test", .method = "GET", .url = arg};
        struct http_response r;
        struct fault mine = {0};
        good += http_send(h, &req, &own, &r, &mine) == OK && r.status == 200;
    }
    arena_free(&own);
    return (void *)good;
}

static void threads_share_one_client(void **state)
{
    (void)state;
    struct peer p;
    peer_start(&p);
    char *url = arena_printf(&a, "http://x.localhost:%d/", p.port);
    pthread_t t[4];
    for (size_t i = 0; i < 4; i++)
        assert_int_equal(pthread_create(&t[i], NULL, ten_calls, url), 0);
    for (size_t i = 0; i < 4; i++) {
        void *good = NULL;
        pthread_join(t[i], &good);
        assert_int_equal((intptr_t)good, 10);
    }
    assert_int_equal(p.calls, 40);
    peer_stop(&p);
}

static int setup(void **state)
{
    (void)state;
    arena_init(&a, 0);
    h = test_http();
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    http_close(h);
    arena_free(&a);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_answer_is_an_answer_whatever_its_status),
        cmocka_unit_test(redirects_are_not_followed),
        cmocka_unit_test(names_under_localhost_are_this_machine),
        cmocka_unit_test(plain_http_stays_on_this_machine),
        cmocka_unit_test(a_link_that_somebody_told_us_leads_into_no_private_network),
        cmocka_unit_test(a_simulators_link_leads_to_this_machine_and_not_on),
        cmocka_unit_test(addresses_are_the_worlds_or_somebodys_own),
        cmocka_unit_test(a_closed_port_means_that_nothing_left),
        cmocka_unit_test(an_unknown_name_means_that_nothing_left),
        cmocka_unit_test(no_tls_on_the_other_side_means_that_nothing_left),
        cmocka_unit_test(tls_is_verified_before_anything_leaves),
        cmocka_unit_test(silence_after_sending_leaves_the_outcome_open),
        cmocka_unit_test(hanging_up_leaves_the_outcome_open),
        cmocka_unit_test(half_an_answer_leaves_the_outcome_open),
        cmocka_unit_test(an_answer_beyond_the_limit_is_cut_off),
        cmocka_unit_test(forms_go_there_and_back),
        cmocka_unit_test(threads_share_one_client),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests_name(__FILE__, tests, setup, teardown);
}
