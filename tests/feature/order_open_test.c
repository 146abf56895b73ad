/* One open order per identity number (S10, I-8), also when eight ask at once; one of eight confirmations and
 * of eight settlements takes effect. */
#include "world.h"

#include "core/tx.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>

enum {
    THREADS = 8
};
static struct world w;

static int setup(void **state)
{
    (void)state;
    return world_open(&w);
}

static int teardown(void **state)
{
    (void)state;
    return world_close(&w);
}

struct runner {
    struct test_ctx t;
    char order[ID_SIZE];
    const char *text; /* the runner's own */
    enum err result;
    pthread_barrier_t *start;
    pthread_t thread;
};

/* Runs fn on a connection each, all at once. */
static void race(struct runner r[static THREADS], void *(*fn)(void *))
{
    pthread_barrier_t start;
    pthread_barrier_init(&start, NULL, THREADS);
    for (int i = 0; i < THREADS; i++) {
        r[i].start = &start;
        assert_int_equal(pthread_create(&r[i].thread, NULL, fn, &r[i]), 0);
    }
    for (int i = 0; i < THREADS; i++)
        pthread_join(r[i].thread, NULL);
    pthread_barrier_destroy(&start);
}

static void *submit(void *arg)
{
    struct runner *r = arg;
    pthread_barrier_wait(r->start);
    r->result = submit_organization(&r->t.c, r->order, USCC, LEGAL_REP_PHONE);
    return NULL;
}

static int with(const struct runner r[static THREADS], enum err e)
{
    int n = 0;
    for (int i = 0; i < THREADS; i++)
        n += r[i].result == e;
    return n;
}

static void eight_orders_for_one_number(void **s)
{
    (void)s;
    struct runner r[THREADS] = {0};
    for (int i = 0; i < THREADS; i++) {
        world_ctx(&w, &r[i].t, i % 2 ? "acc_test" : "acc_other");
        make_order(&w, &r[i].t.c, r[i].order);
    }
    race(r, submit);
    assert_int_equal(with(r, OK), 1);
    assert_int_equal(with(r, ERR_ORDER_OPEN), THREADS - 1);
    const struct runner *winner = NULL;
    for (int i = 0; i < THREADS; i++)
        winner = r[i].result == OK ? &r[i] : winner;
    for (int i = 0; i < THREADS; i++) {
        if (&r[i] == winner)
            continue;
        bool own = strcmp(r[i].t.c.caller.id, winner->t.c.caller.id) == 0;
        assert_string_equal(r[i].t.fault.resource, own ? winner->order : "");
    }
    assert_int_equal(world_number(&w, SQL("SELECT COUNT(*) FROM orders WHERE open_key IS NOT NULL")), 1);
    assert_int_equal(world_number(&w, SQL("SELECT COUNT(*) FROM outbox WHERE kind = 'identity.check'")), 1);
    for (int i = 0; i < THREADS; i++)
        test_ctx_close(&r[i].t);
}

static void *submit_same(void *arg)
{
    struct runner *r = arg;
    pthread_barrier_wait(r->start);
    r->result = submit_organization(&r->t.c, r->text, OTHER_USCC, LEGAL_REP_PHONE);
    return NULL;
}

/* All may be answered OK (submitting again is allowed), but each version is moved by one of them. */
static void eight_steps_of_one_order_go_one_after_the_other(void **s)
{
    (void)s;
    struct runner r[THREADS] = {0};
    char order[ID_SIZE];
    make_order(&w, w.c, order);
    for (int i = 0; i < THREADS; i++) {
        world_ctx(&w, &r[i].t, "acc_test");
        r[i].text = order;
    }
    race(r, submit_same);
    struct order o;
    assert_ok(order_load(w.c, order, &o));
    int passed = with(r, OK);
    assert_true(passed >= 1 && passed <= 5); /* the day's attempts hold, too */
    assert_int_equal(o.version, 1 + passed);
    struct rows rows;
    assert_ok(db_query(w.c, &rows, SQL("SELECT COUNT(*) FROM verification WHERE order_id = ?"), TEXT(order)));
    assert_int_equal(row_int(&rows, 0, 0), passed);
    for (int i = 0; i < THREADS; i++)
        test_ctx_close(&r[i].t);
}

static enum err do_settle(struct ctx *c, void *arg)
{
    return payment_settle(c, arg);
}

static void *settle(void *arg)
{
    struct runner *r = arg;
    struct receipt receipt = {PROVIDER_WECHAT, "42000000000007", r->text, "CNY", 28000, r->t.c.now_ms};
    pthread_barrier_wait(r->start);
    r->result = tx_run(&r->t.c, do_settle, &receipt);
    return NULL;
}

static void eight_tellings_of_one_capture_pay_once(void **s) /* I-1, I-11 */
{
    (void)s;
    struct runner r[THREADS] = {0};
    char order[ID_SIZE], payment[ID_SIZE];
    assert_ok(db_exec(w.c, NULL, SQL("UPDATE orders SET state = 19")));
    world_next(&w, 24 * 3600000);
    order_to_payment(&w, order);
    wait_for_payment(&w, order, payment);
    for (int i = 0; i < THREADS; i++) {
        world_ctx(&w, &r[i].t, "system");
        r[i].t.c.caller = (struct caller){.kind = CALLER_SYSTEM, .id = "system"};
        r[i].text = payment;
    }
    race(r, settle);
    assert_int_equal(with(r, OK), THREADS);
    assert_int_equal(world_number(&w, SQL("SELECT COUNT(*) FROM payment_settlement")), 1);
    assert_int_equal(world_number(&w, SQL("SELECT COUNT(*) FROM payment_capture WHERE state = 1")), 1);
    assert_int_equal(world_number(&w, SQL("SELECT COUNT(*) FROM audit WHERE action = 'order.paid'")), 1);
    assert_int_equal(world_number(&w, SQL("SELECT COUNT(*) FROM outbox WHERE dedupe LIKE 'sms:paid:%'")), 1);
    for (int i = 0; i < THREADS; i++)
        test_ctx_close(&r[i].t);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(eight_orders_for_one_number),
        cmocka_unit_test(eight_steps_of_one_order_go_one_after_the_other),
        cmocka_unit_test(eight_tellings_of_one_capture_pay_once),
    };
    return CHECK_MAIN_WORLD(tests, setup, teardown);
}
