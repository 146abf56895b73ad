/* E-mail to a real SMTP server (aiosmtpd), read back by another MIME parser; and to servers that break off.
 */
#include "peer.h"

#include "provider/js.h"
#include "provider/sign.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/wait.h>

static struct arena a;
static struct http *h;
static struct fault f;
static struct mail_port mail;
static char dir[] = "/tmp/certdesk-mail-XXXXXX";

static struct {
    pid_t pid;
    int in, plain, tls;
    FILE *out;
} server;

static int64_t fixed_now(void)
{
    return 1764000000000;
}

/* -- the server ------------------------------------------------------------------------------------------ */

/* Beside this file. Debian's own interpreter has aiosmtpd. */
static void server_start(const char *certificate)
{
    int in[2], out[2];
    assert_int_equal(pipe2(in, O_CLOEXEC), 0);
    assert_int_equal(pipe2(out, O_CLOEXEC), 0);
    const char *slash = strrchr(__FILE__, '/');
    const char *script =
        arena_printf(&a, "%.*smail_peer.py", slash ? (int)(slash - __FILE__) + 1 : 0, __FILE__);
    server.pid = fork();
    assert_true(server.pid >= 0);
    if (server.pid == 0) {
        dup2(in[0], 0);
        dup2(out[1], 1);
        execl("/usr/bin/python3", "python3", script, certificate, (char *)NULL);
        _exit(127);
    }
    close(in[0]);
    close(out[1]);
    server.in = in[1];
    server.out = fdopen(out[0], "r");
    char line[64] = "";
    assert_non_null(fgets(line, sizeof line, server.out));
    assert_int_equal(sscanf(line, "%d %d", &server.plain, &server.tls), 2);
}

static void server_stop(void)
{
    close(server.in);
    kill(server.pid, SIGTERM);
    waitpid(server.pid, NULL, 0);
    fclose(server.out);
}

/* The next message that the server took. The server prints it before it answers, so it is there. */
static json_t *taken(void)
{
    static char line[1 << 20];
    assert_non_null(fgets(line, sizeof line, server.out));
    json_t *j = js_parse(line, strlen(line));
    assert_non_null(j);
    return j;
}

static bool nothing_taken(void)
{
    struct pollfd p = {.fd = fileno(server.out), .events = POLLIN};
    return poll(&p, 1, 0) == 0;
}

/* -- messages -------------------------------------------------------------------------------------------- */

static const struct mail_message simple = {
    .id = "obx_1", .to = "zhang@example.com", .subject = "Hello", .text = "text\n"};

static enum err send_to(const struct mail_port *port, const char *to, struct mail_receipt *r)
{
    struct mail_message m = simple;
    m.to = to;
    fault_clear(&f);
    return port->ops->send(port->self, &m, &a, r, &f);
}

static void a_plain_message_arrives(void **state)
{
    (void)state;
    struct mail_receipt r;
    assert_ok(mail.ops->send(mail.self, &simple, &a, &r, &f));
    assert_int_equal(r.trace.http_status, 250);
    CLEANUP(js_free)
    json_t *j = taken();
    assert_string_equal(js_str(j, "from"), "desk@certdesk.example");
    assert_string_equal(json_string_value(json_array_get(json_object_get(j, "to"), 0)), "zhang@example.com");
    assert_string_equal(js_str(j, "header_from"), "证书服务 <desk@certdesk.example>");
    assert_string_equal(js_str(j, "header_to"), "zhang@example.com");
    assert_string_equal(js_str(j, "subject"), "Hello");
    assert_string_equal(js_str(j, "message_id"), "<obx_1@certdesk.example>");
    assert_string_equal(js_str(j, "date"), "1764000000.0");
    assert_string_equal(js_str(j, "text"), "text\n");
    assert_int_equal(json_array_size(json_object_get(j, "defects")), 0);
}

static void subjects_of_every_length_arrive_whole(void **state)
{
    (void)state;
    struct buf subject = BUF(&a);
    static const char *const more[] = {"证",       "书a",       "订单 ", "é", "\xF0\x9F\x98\x80",
                                       "=?UTF-8?", "\"x\" <y>;"};
    for (size_t i = 0; i < 70; i++) {
        buf_str(&subject, more[i % 7]);
        struct mail_message m = simple;
        struct mail_receipt r;
        /* Python's parser, as RFC 5322 lets it, does not keep a space at the end */
        m.subject = arena_printf(&a, "%s.", buf_text(&subject));
        m.to_name = m.subject;
        assert_ok(mail.ops->send(mail.self, &m, &a, &r, &f));
        CLEANUP(js_free)
        json_t *j = taken();
        assert_string_equal(js_str(j, "subject"), m.subject);
        assert_non_null(strstr(js_str(j, "header_to"), "<zhang@example.com>"));
        assert_int_equal(json_array_size(json_object_get(j, "defects")), 0);
        int64_t longest = 0;
        assert_true(js_int(j, "longest_line", &longest));
        assert_in_range(longest, 1, 90);
    }
}

static void text_html_and_files_arrive_whole(void **state)
{
    (void)state;
    unsigned char pdf[5000];
    for (size_t i = 0; i < sizeof pdf; i++)
        pdf[i] = (unsigned char)(i * 7 + i / 256);
    struct mail_attachment files[] = {
        {"form.pdf", "application/pdf", pdf, sizeof pdf},
        {"发票 \"一\";.pdf", "application/pdf", "%PDF", 4},
        {"empty.txt", "text/plain", "", 0},
    };
    struct mail_message m = simple;
    struct mail_receipt r;
    m.subject = "证书订单审核通过";
    m.text = "您好\n.\n..\nFrom 开头的一行\n";
    m.html = "<p>您好</p>\n";
    m.attachments = files;
    m.n_attachments = 3;
    assert_ok(mail.ops->send(mail.self, &m, &a, &r, &f));
    CLEANUP(js_free)
    json_t *j = taken();
    assert_string_equal(js_str(j, "text"), m.text);
    assert_string_equal(js_str(j, "html"), m.html);
    const json_t *list = json_object_get(j, "attachments");
    assert_int_equal(json_array_size(list), 3);
    for (size_t i = 0; i < 2; i++) {
        const json_t *one = json_array_get(list, i);
        size_t n;
        assert_string_equal(json_string_value(json_array_get(one, 0)), files[i].name);
        assert_string_equal(json_string_value(json_array_get(one, 1)), "application/pdf");
        const unsigned char *data = base64_decode(&a, json_string_value(json_array_get(one, 2)), &n);
        assert_int_equal(n, files[i].n);
        assert_memory_equal(data, files[i].data, n);
    }
    assert_int_equal(json_array_size(json_object_get(j, "defects")), 0);
}

static void what_could_forge_a_header_is_not_sent(void **state)
{
    (void)state;
    struct mail_receipt r;
    static const char *const addresses[] = {
        "",      "zhang",   "@example.com", "a@",      "a@b c", "a@b\r\nBcc: x@y", "a@b>",
        "<a@b>", "a@b,c@d", "a b@c",        "\"a\"@b", "a@b@c", "张@example.com",  NULL};
    for (size_t i = 0; i < sizeof addresses / sizeof *addresses; i++)
        assert_err(send_to(&mail, addresses[i], &r), ERR_INVALID);
    struct mail_message bad[6];
    for (size_t i = 0; i < 6; i++)
        bad[i] = simple;
    bad[0].subject = "x\r\nBcc: y@z";
    bad[1].subject = "\xff";
    bad[2].id = "a>\r\nX: y";
    bad[3].id = "";
    bad[4].to_name = "a\nb";
    bad[5].text = NULL;
    for (size_t i = 0; i < 6; i++)
        assert_err(mail.ops->send(mail.self, &bad[i], &a, &r, &f), ERR_INVALID);
    assert_true(nothing_taken());
}

/* -- outcomes -------------------------------------------------------------------------------------------- */

static void a_refusal_is_told_from_a_delay(void **state)
{
    (void)state;
    static const struct {
        const char *to;
        enum err e;
        int reply;
    } cases[] = {
        {"busy@example.com", ERR_PROVIDER_BUSY, 451},
        {"bounce@example.com", ERR_PROVIDER_REFUSED, 550},
        {"full@example.com", ERR_PROVIDER_BUSY, 452},
        {"spam@example.com", ERR_PROVIDER_REFUSED, 554},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct mail_receipt r;
        assert_err(send_to(&mail, cases[i].to, &r), cases[i].e);
        assert_int_equal(r.trace.http_status, cases[i].reply);
    }
    assert_true(nothing_taken());
}

static void a_connection_lost_before_the_message_is_told_from_one_lost_after(void **state)
{
    (void)state;
    struct mail_receipt r;
    assert_err(send_to(&mail, "cut@example.com", &r), ERR_UNAVAILABLE);
    assert_true(nothing_taken());
    assert_err(send_to(&mail, "lost@example.com", &r), ERR_PROVIDER_UNKNOWN);
    json_t *first = taken();
    assert_err(send_to(&mail, "lost@example.com", &r), ERR_PROVIDER_UNKNOWN);
    json_t *again = taken(); /* the repeat is the same message */
    assert_string_equal(js_str(first, "message_id"), js_str(again, "message_id"));
    json_decref(first);
    json_decref(again);
}

static struct mail_port port_at(struct http *client, const char *url, const char *user, const char *password)
{
    struct mail_port out;
    struct provider_pair settings[] = {{"url", url},
                                       {"from", "desk@certdesk.example"},
                                       {"from_name", "证书服务"},
                                       {"user", user},
                                       {"password", password},
                                       {0}};
    struct provider_env env = {client, pair_setting, settings, fixed_now};
    assert_ok(mail_open("smtp", &env, &out, &f));
    return out;
}

static enum err send_at(struct http *client, const char *url, const char *user, const char *password)
{
    struct mail_port port = port_at(client, url, user, password);
    struct mail_receipt r;
    enum err e = send_to(&port, "zhang@example.com", &r);
    port.ops->close(port.self);
    return e;
}

static void a_login_is_good_or_our_fault(void **state)
{
    (void)state;
    const char *url = arena_printf(&a, "smtp://127.0.0.1:%d", server.plain);
    assert_ok(send_at(h, url, "desk", "secret"));
    json_decref(taken());
    assert_err(send_at(h, url, "desk", "wrong"), ERR_PROVIDER_CONFIG);
    assert_true(nothing_taken());
}

static void tls_is_verified(void **state)
{
    (void)state;
    const char *url = arena_printf(&a, "smtps://mail.localhost:%d", server.tls);
    assert_err(send_at(h, url, NULL, NULL), ERR_UNAVAILABLE); /* signed by nobody we know */
    struct http *trusting = NULL;
    struct http_options o = {.ca_file = arena_printf(&a, "%s/cert.pem", dir)};
    assert_ok(http_open(&o, &trusting, &f));
    assert_ok(send_at(trusting, url, NULL, NULL));
    json_decref(taken());
    const char *other_name = arena_printf(&a, "smtps://other.localhost:%d", server.tls);
    assert_err(send_at(trusting, other_name, NULL, NULL), ERR_UNAVAILABLE);
    http_close(trusting);
    assert_true(nothing_taken());
}

static void servers_that_are_none(void **state)
{
    (void)state;
    int port, s = closed_port(&port);
    assert_err(send_at(h, arena_printf(&a, "smtp://127.0.0.1:%d", port), NULL, NULL), ERR_UNAVAILABLE);
    close(s);
    assert_err(send_at(h, "http://127.0.0.1", NULL, NULL), ERR_INVALID);
    assert_err(send_at(h, "mail.example.com", NULL, NULL), ERR_INVALID);
}

static void a_setting_that_is_no_address_is_named(void **state)
{
    (void)state;
    struct mail_port port;
    struct provider_pair settings[] = {{"url", "smtp://127.0.0.1:1"}, {"from", "not an address"}, {0}};
    struct provider_env env = {h, pair_setting, settings, fixed_now};
    assert_err(mail_open("smtp", &env, &port, &f), ERR_INVALID);
    assert_non_null(strstr(f.text, "from"));
}

static int setup(void **state)
{
    (void)state;
    arena_init(&a, 0);
    h = test_http();
    assert_non_null(mkdtemp(dir));
    const char *make =
        arena_printf(&a,
                     "openssl req -x509 -newkey rsa:2048 -nodes -keyout %s/key.pem -out %s/c.pem "
                     "-subj /CN=mail.localhost -addext subjectAltName=DNS:mail.localhost "
                     "2>/dev/null && cat %s/key.pem %s/c.pem > %s/both.pem && mv %s/c.pem %s/cert.pem",
                     dir, dir, dir, dir, dir, dir, dir);
    assert_int_equal(system(make), 0);
    server_start(arena_printf(&a, "%s/both.pem", dir));
    mail = port_at(h, arena_printf(&a, "smtp://127.0.0.1:%d", server.plain), NULL, NULL);
    assert_true(mail.simulator);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    mail.ops->close(mail.self);
    server_stop();
    http_close(h);
    int gone = system(arena_printf(&a, "rm -r %s", dir));
    arena_free(&a);
    return gone;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_plain_message_arrives),
        cmocka_unit_test(subjects_of_every_length_arrive_whole),
        cmocka_unit_test(text_html_and_files_arrive_whole),
        cmocka_unit_test(what_could_forge_a_header_is_not_sent),
        cmocka_unit_test(a_refusal_is_told_from_a_delay),
        cmocka_unit_test(a_connection_lost_before_the_message_is_told_from_one_lost_after),
        cmocka_unit_test(a_login_is_good_or_our_fault),
        cmocka_unit_test(tls_is_verified),
        cmocka_unit_test(servers_that_are_none),
        cmocka_unit_test(a_setting_that_is_no_address_is_named),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests_name(__FILE__, tests, setup, teardown);
}
