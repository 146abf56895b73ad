/* Who asks for a certificate while another gives the order up, or puts the UKEY aside: one of the two begins
 * again, and nothing is left in work behind an order that ended (S19, S25). And a UKEY that two want. */
#include "world.h"

#include "config.h"
#include "core/tx.h"
#include "issue/issue.h"
#include "order/order_steps.h"
#include "pki/ca.h"

#include <openssl/evp.h>
#include <openssl/x509.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct world w;
static struct test_ctx other; /* the same holder by another connection */
static struct test_ctx desk, desk2;
static char dir[] = "/tmp/issue-race-XXXXXX";
static struct config *config;
static struct pki_ca *ca;
static unsigned char csr[1024];
static size_t csr_n;
static char order[ID_SIZE], personalisation[ID_SIZE];
static const char *number;

static void new_key(void)
{
    EVP_PKEY *k = EVP_PKEY_Q_keygen(NULL, NULL, "EC", "P-256");
    X509_REQ *r = X509_REQ_new();
    unsigned char *p = csr;
    assert_true(k && r && X509_REQ_set_pubkey(r, k) && X509_REQ_sign(r, k, EVP_sha256()) > 0);
    int n = i2d_X509_REQ(r, NULL);
    assert_true(n > 0 && (size_t)n <= sizeof csr);
    csr_n = (size_t)i2d_X509_REQ(r, &p);
    X509_REQ_free(r);
    EVP_PKEY_free(k);
}

/* A paid order that waits here; those before it are over. */
static void an_order(enum order_state state, enum delivery way, const char *medium)
{
    assert_ok(db_exec(w.c, NULL, SQL("UPDATE orders SET state = 19")));
    world_next(&w, 24 * 3600000);
    other.c.now_ms = desk.c.now_ms = desk2.c.now_ms = w.c->now_ms;
    order_to_payment(&w, order);
    assert_ok(db_exec(w.c, NULL, SQL("UPDATE orders SET state = ?, delivery = ? WHERE id = ?"), INT(state),
                      INT(way), TEXT(order)));
    number = medium;
    new_key();
}

static enum err ask(struct ctx *c, void *arg)
{
    (void)arg;
    return issue_download_prepare(c, order, number, csr, csr_n);
}

static enum err give_up(struct ctx *c, void *arg)
{
    (void)arg;
    struct order o;
    TRY(order_load(c, order, &o));
    return order_move(c, &o, EV_CANCELLED_PAID, NULL, NULL);
}

static enum err stock(struct ctx *c, void *arg)
{
    char *const numbers[] = {arg};
    const char **known;
    size_t n;
    return stock_register(c, numbers, 1, "soft", &known, &n);
}

static enum err begin(struct ctx *c, void *arg)
{
    static const enum key_algorithm p256 = KEY_P256;
    struct personalisation p;
    TRY(issue_begin(c, order, arg, &p256, 1, &p));
    memcpy(personalisation, p.id, ID_SIZE);
    return OK;
}

static enum err ask_at_the_desk(struct ctx *c, void *arg)
{
    (void)arg;
    return issue_prepare(c, personalisation, csr, csr_n);
}

static enum err put_aside(struct ctx *c, void *arg)
{
    (void)arg;
    struct order o;
    return issue_quarantine(c, personalisation, "does not sign", &o);
}

/* mine has looked at the order when theirs is done, from beginning to COMMIT. */
struct meeting {
    tx_body *mine, *theirs;
    struct ctx *their;
    bool met;
};

static enum err meet(struct ctx *c, void *arg)
{
    struct meeting *m = arg;
    struct order o;
    TRY(order_load(c, order, &o));
    if (!m->met) {
        m->met = true;
        assert_ok(tx_run(m->their, m->theirs, NULL));
    }
    return m->mine(c, NULL);
}

static int64_t left_in_work(void)
{
    return world_number(&w, SQL("SELECT (SELECT COUNT(*) FROM personalisation WHERE in_work = 1) + "
                                "(SELECT COUNT(*) FROM issuance WHERE live = 1)"));
}

static void given_up_while_a_download_looks(void **s)
{
    (void)s;
    an_order(ORDER_DOWNLOAD, DELIVERY_DOWNLOAD, "61000001");
    assert_err(tx_run(w.c, meet, &(struct meeting){ask, give_up, &other.c, false}), ERR_ORDER_STATE);
    assert_int_equal(left_in_work(), 0);
}

static void a_download_begins_while_who_gives_up_looks(void **s)
{
    (void)s;
    an_order(ORDER_DOWNLOAD, DELIVERY_DOWNLOAD, "61000002");
    assert_ok(tx_run(w.c, meet, &(struct meeting){give_up, ask, &other.c, false}));
    assert_state(&w, order, ORDER_REFUNDING);
    assert_int_equal(left_in_work(), 0);
}

static void a_ukey_is_put_aside_while_its_certificate_is_asked_for(void **s)
{
    (void)s;
    static char numbers[2][9] = {"71000001", "71000002"};
    for (int first = 0; first < 2; first++) {
        an_order(ORDER_ISSUE, DELIVERY_DESK, numbers[first]);
        assert_ok(tx_run(&desk.c, stock, numbers[first]));
        assert_ok(tx_run(&desk.c, begin, numbers[first]));
        struct meeting m = {first ? put_aside : ask_at_the_desk, first ? ask_at_the_desk : put_aside,
                            &desk2.c, false};
        enum err e = tx_run(&desk.c, meet, &m);
        assert_err(e, first ? OK : ERR_PRECONDITION);
        assert_int_equal(left_in_work(), 0);
        test_ctx_reset(&desk);
        test_ctx_reset(&desk2);
    }
}

/* The desk's stock may get a number that a holder is just downloading to: it is said, and who waits. */
static void a_ukey_that_is_being_downloaded_to_is_not_written_at_the_desk(void **s)
{
    (void)s;
    static char medium[] = "61000003";
    an_order(ORDER_DOWNLOAD, DELIVERY_DOWNLOAD, medium);
    assert_ok(tx_run(w.c, ask, NULL));
    an_order(ORDER_ISSUE, DELIVERY_DESK, medium);
    assert_ok(tx_run(&desk.c, stock, medium));
    assert_err(tx_run(&desk.c, begin, medium), ERR_PRECONDITION);
    assert_non_null(strstr(fault_text(desk.c.fault), "61000003"));
    assert_non_null(strstr(desk.c.fault->text_zh, "61000003"));
}

static void staff(struct test_ctx *t)
{
    world_ctx(&w, t, "stf_test");
    t->c.caller = (struct caller){.kind = CALLER_STAFF, .id = "stf_test", .roles = ROLE_OPERATOR};
}

static int setup(void **state)
{
    (void)state;
    if (world_open(&w) != 0 || !mkdtemp(dir))
        return -1;
    world_ctx(&w, &other, "acc_test");
    staff(&desk);
    staff(&desk2);
    struct pki_ca_plan plan = {.alg = PKI_P256,
                               .organization = "测试认证中心",
                               .root_name = "Test Root",
                               .issuing_name = "Test Issuing",
                               .not_before_ms = w.c->now_ms - 86400000,
                               .root_days = 7300,
                               .issuing_days = 3650,
                               .passphrase = "correct horse battery",
                               .kdf_iterations = 1000};
    assert_ok(pki_ca_create(dir, &plan, w.c->fault));
    assert_ok(pki_ca_open(dir, PKI_P256, plan.passphrase, &ca, w.c->fault));
    assert_ok(config_open(NULL, &config, w.c->fault));
    w.app.config = config;
    w.app.ca_p256 = ca;
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    char command[64];
    test_ctx_close(&other);
    test_ctx_close(&desk);
    test_ctx_close(&desk2);
    pki_ca_close(ca);
    config_close(config);
    snprintf(command, sizeof command, "rm -rf '%s'", dir);
    return system(command) | world_close(&w);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(given_up_while_a_download_looks),
        cmocka_unit_test(a_download_begins_while_who_gives_up_looks),
        cmocka_unit_test(a_ukey_is_put_aside_while_its_certificate_is_asked_for),
        cmocka_unit_test(a_ukey_that_is_being_downloaded_to_is_not_written_at_the_desk),
    };
    return CHECK_MAIN_WORLD(tests, setup, teardown);
}
