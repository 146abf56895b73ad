/* e签宝's callbacks: what is believed, and every way to lie. */
#include "esign_rig.h"

static const char paid[] =
    "{\"result\":\"PAY_SUCCESS\",\"payedTime\":1721035680000,\"pizId\":\"trf_1\","
    "\"serviceId\":\"675bf01e\",\"flowId\":\"34611\",\"action\":\"identity_org_payed\"}";

struct callback {
    struct provider_pair headers[6], query[2];
    size_t n_headers, n_query;
    char *body;
};

static const char *sign(const char *key, const char *text)
{
    unsigned char d[SHA256_SIZE];
    char *hex = arena_alloc(&a, 2 * SHA256_SIZE + 1);
    hmac_sha256(key, strlen(key), text, strlen(text), d);
    hex_encode(d, sizeof d, hex);
    return hex;
}

static struct callback signed_callback(const char *body, const char *values)
{
    const char *ts = arena_printf(&a, "%lld", (long long)now);
    struct callback c = {.body = arena_strdup(&a, body), .n_headers = 4};
    c.headers[0] = (struct provider_pair){"X-Tsign-Open-App-Id", "7438000001"};
    c.headers[1] = (struct provider_pair){"x-tsign-open-timestamp", ts};
    c.headers[2] = (struct provider_pair){"X-Tsign-Open-SIGNATURE-ALGORITHM", "hmac-sha256"};
    c.headers[3] = (struct provider_pair){"X-Tsign-Open-SIGNATURE",
                                          sign("secret", arena_printf(&a, "%s%s%s", ts, values, body))};
    return c;
}

static enum err verify(const struct callback *c, int64_t at, struct identity_event *e)
{
    struct identity_callback in = {c->headers, c->query, c->n_headers, c->n_query, c->body, strlen(c->body)};
    return plain.ops->callback_verify(plain.self, &in, at, &a, e, &f);
}

static void a_callback_of_the_suppliers_is_believed(void **state)
{
    (void)state;
    struct identity_event e;
    struct callback c = signed_callback(paid, "");
    assert_ok(verify(&c, now, &e));
    assert_string_equal(e.flow, "34611");
    assert_string_equal(e.our_no, "trf_1");
    assert_string_equal(e.id, "675bf01e");
    c = signed_callback(
        "{\"flowId\":\"346\",\"success\":true,\"contextId\":\"fac_1\",\"verifycode\":\"0400\","
        "\"serviceId\":\"346\",\"status\":true}",
        "");
    assert_ok(verify(&c, now + 899999, &e));
    assert_string_equal(e.our_no, "fac_1");
    assert_string_equal(e.id, "0400");
    c = signed_callback("{\"flowId\":\"346\",\"success\":false,\"serviceId\":\"346\"}", "");
    assert_ok(verify(&c, now - 899999, &e));
    assert_string_equal(e.id, "");
    assert_string_equal(e.our_no, "");
    c = signed_callback(paid, "21"); /* a=2, b=1, whatever their order */
    c.query[0] = (struct provider_pair){"b", "1"};
    c.query[1] = (struct provider_pair){"a", "2"};
    c.n_query = 2;
    assert_ok(verify(&c, now, &e));
    struct provider_pair swap = c.query[0];
    c.query[0] = c.query[1];
    c.query[1] = swap;
    assert_ok(verify(&c, now, &e));
}

static void callbacks_that_lie_are_found_out(void **state)
{
    (void)state;
    struct identity_event e;
    struct callback c = signed_callback(paid, "");
    for (size_t i = 0; i < strlen(paid); i++)
        for (int bit = 0; bit < 8; bit++) { /* one bit of the body */
            c.body[i] = (char)(c.body[i] ^ (1 << bit));
            if (c.body[i])
                assert_err(verify(&c, now, &e), ERR_SIGNATURE_BAD);
            c.body[i] = paid[i];
        }
    char *signature = arena_strdup(&a, c.headers[3].value);
    c.headers[3].value = signature;
    for (size_t i = 0; i < strlen(signature); i++) { /* one bit of the signature */
        char was = signature[i];
        signature[i] = (char)(was ^ 1);
        assert_err(verify(&c, now, &e), ERR_SIGNATURE_BAD);
        signature[i] = was;
    }
    assert_ok(verify(&c, now, &e));
    assert_err(verify(&c, now + 900000, &e), ERR_SIGNATURE_BAD); /* replayed, late */
    assert_err(verify(&c, now - 900000, &e), ERR_SIGNATURE_BAD);
    for (size_t i = 0; i < 4; i++) { /* one header missing, or twice */
        struct callback less = c;
        less.headers[i] = less.headers[--less.n_headers];
        assert_err(verify(&less, now, &e), ERR_SIGNATURE_BAD);
        struct callback more = c;
        more.headers[more.n_headers++] = c.headers[i];
        assert_err(verify(&more, now, &e), ERR_SIGNATURE_BAD);
    }
    static const struct {
        size_t header;
        const char *value;
    } wrong[] = {{0, "7438000002"},
                 {0, ""},
                 {1, ""},
                 {1, "-1"},
                 {1, "1700000000000x"},
                 {1, "99999999999999999"},
                 {1, "1700000000001"},
                 {2, "none"},
                 {2, "HMAC-SHA256"},
                 {3, ""},
                 {3, "00"}};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        struct callback x = c;
        x.headers[wrong[i].header].value = wrong[i].value;
        assert_err(verify(&x, now, &e), ERR_SIGNATURE_BAD);
    }
    struct callback asked = c; /* a query that was not signed */
    asked.query[0] = (struct provider_pair){"a", "1"};
    asked.n_query = 1;
    assert_err(verify(&asked, now, &e), ERR_SIGNATURE_BAD);
    c.headers[3].value = sign("Secret", arena_printf(&a, "%lld%s", (long long)now, paid));
    assert_err(verify(&c, now, &e), ERR_SIGNATURE_BAD);
    assert_string_equal(e.flow, "");
}

static void what_is_signed_can_still_be_nonsense(void **state)
{
    (void)state;
    static const char *const bad[] = {"",
                                      "{",
                                      "[]",
                                      "{}",
                                      "{\"flowId\":7}",
                                      "{\"flowId\":\"\"}",
                                      "{\"flowId\":\"../x\"}",
                                      "{\"flowId\":\"1\",\"flowId\":\"2\"}"};
    struct identity_event e;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct callback c = signed_callback(bad[i], "");
        assert_err(verify(&c, now, &e), ERR_INVALID);
    }
    struct identity_callback huge = {.n_body = (1 << 20) + 1, .body = ""};
    assert_err(plain.ops->callback_verify(plain.self, &huge, now, &a, &e, &f), ERR_INVALID);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_callback_of_the_suppliers_is_believed),
        cmocka_unit_test(callbacks_that_lie_are_found_out),
        cmocka_unit_test(what_is_signed_can_still_be_nonsense),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests_name(__FILE__, tests, setup, teardown);
}
