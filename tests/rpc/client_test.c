/* Our client against our server, over loopback and a Unix socket. */
#include "lib/check.h"

#include "base/clock.h"
#include "rpc/client.h"
#include "testservice.h"

#include <grpc/health/v1/health.pb-c.h>
#include <grpc/testing/test.pb-c.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

typedef Grpc__Testing__SimpleRequest simple_request_t;
typedef Grpc__Testing__SimpleResponse simple_response_t;
typedef Grpc__Testing__StreamingOutputCallRequest output_request_t;

#define METHOD(name) ((struct rpc_method){&grpc__testing__test_service__descriptor, (name)})
#define HEALTH(name) ((struct rpc_method){&grpc__health__v1__health__descriptor, (name)})

struct world {
    struct testservice service;
    struct rpc_server *server;
    struct rpc_channel *channel;
    struct arena arena;
    struct fault f;
};

static void open_channel(struct world *w)
{
    char target[64];
    snprintf(target, sizeof target, "127.0.0.1:%d", rpc_server_port(w->server, 0));
    assert_ok(rpc_channel_open(&(struct rpc_channel_options){.target = target}, &w->channel, &w->f));
}

static int setup(void **state)
{
    struct world *w = calloc(1, sizeof *w);
    struct rpc_route routes[TESTSERVICE_MAX_ROUTES];
    const char *address = "127.0.0.1:0";
    struct rpc_server_options o = {.addresses = &address, .n_addresses = 1, .app = &w->service};
    assert_ok(rpc_server_open(&o, routes, testservice_routes(routes), &w->server, &w->f));
    assert_ok(rpc_server_start(w->server, &w->f));
    open_channel(w);
    arena_init(&w->arena, 0);
    *state = w;
    return 0;
}

static int teardown(void **state)
{
    struct world *w = *state;
    rpc_channel_close(w->channel);
    rpc_server_close(w->server);
    arena_free(&w->arena);
    free(w);
    return 0;
}

/* Runs the channel's completions until the condition holds; fails after five seconds. */
#define DISPATCH_UNTIL(w, condition)                                                                         \
    do {                                                                                                     \
        int64_t end_ = clock_mono_ms() + 5000;                                                               \
        while (!(condition)) {                                                                               \
            assert_true(clock_mono_ms() < end_);                                                             \
            struct pollfd fd_ = {.fd = rpc_channel_fd((w)->channel), .events = POLLIN};                      \
            poll(&fd_, 1, 10);                                                                               \
            rpc_channel_dispatch((w)->channel);                                                              \
        }                                                                                                    \
    } while (0)

static enum err call_simple(struct world *w, int32_t size, const simple_response_t **out)
{
    simple_request_t q = GRPC__TESTING__SIMPLE_REQUEST__INIT;
    const ProtobufCMessage *m;
    q.response_size = size;
    enum err e = rpc_unary(w->channel, METHOD("UnaryCall"), &q.base, 5000, &w->arena, &m, &w->f);
    *out = (const simple_response_t *)m;
    return e;
}

/* -- blocking ----------------------------------------------------------------------------------------------
 */

static void unary_round_trip(void **state)
{
    struct world *w = *state;
    const simple_response_t *r;
    assert_ok(call_simple(w, 300000, &r));
    assert_int_equal(r->payload->body.len, 300000);
    assert_ok(call_simple(w, 0, &r));
    assert_int_equal(r->payload->body.len, 0);
    assert_int_equal(w->service.opened, 2);
}

static void unknown_method_is_said(void **state)
{
    struct world *w = *state;
    Grpc__Testing__Empty q = GRPC__TESTING__EMPTY__INIT;
    const ProtobufCMessage *m;
    assert_err(rpc_unary(w->channel, METHOD("UnimplementedCall"), &q.base, 5000, &w->arena, &m, &w->f),
               ERR_UNIMPLEMENTED);
    assert_null(m);
    assert_err(rpc_unary(w->channel, METHOD("NoSuchCall"), &q.base, 5000, &w->arena, &m, &w->f), ERR_INVALID);
}

static void violations_come_back_whole(void **state)
{
    struct world *w = *state;
    const simple_response_t *r;
    rpc_channel_set_metadata(w->channel, "x-test-fail", "violations");
    assert_err(call_simple(w, 1, &r), ERR_INVALID);
    assert_int_equal(w->f.n_violations, 3);
    assert_string_equal(w->f.violations[2].field, "items[2].name");
    assert_string_equal(w->f.violations[0].reason, "REQUIRED");
    assert_string_equal(w->f.violations[1].reason, "FORMAT");
    assert_string_equal(w->f.violations[1].text, "is needed");
    assert_string_equal(w->f.violations[1].text_zh, "此项必填");
    assert_string_equal(w->f.text, err_text(ERR_INVALID));
    assert_string_equal(w->f.text_zh, err_text_zh(ERR_INVALID));
    rpc_channel_set_metadata(w->channel, "x-test-fail", NULL);
    assert_ok(call_simple(w, 1, &r));
}

static void retry_and_resource_come_back(void **state)
{
    struct world *w = *state;
    const simple_response_t *r;
    rpc_channel_set_metadata(w->channel, "x-test-fail", "retry");
    assert_err(call_simple(w, 1, &r), ERR_RATE_LIMITED);
    assert_int_equal(w->f.retry_ms, 61500);
    rpc_channel_set_metadata(w->channel, "x-test-fail", "resource");
    assert_err(call_simple(w, 1, &r), ERR_ORDER_OPEN);
    assert_string_equal(w->f.resource, "ord_x");
    assert_string_equal(w->f.text, "order ord_x is open");
    assert_int_equal(w->f.retry_ms, 0);
}

static void bare_status_becomes_a_code(void **state)
{
    struct world *w = *state;
    static const struct {
        int status;
        enum err code;
    } rows[] = {{1, ERR_CANCELLED},    {2, ERR_INTERNAL},     {3, ERR_INVALID},    {4, ERR_DEADLINE},
                {5, ERR_NOT_FOUND},    {6, ERR_EXISTS},       {7, ERR_DENIED},     {8, ERR_EXHAUSTED},
                {9, ERR_PRECONDITION}, {10, ERR_CONFLICT},    {11, ERR_INVALID},   {12, ERR_UNIMPLEMENTED},
                {13, ERR_INTERNAL},    {14, ERR_UNAVAILABLE}, {15, ERR_DATA_LOSS}, {16, ERR_UNAUTHENTICATED}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        Grpc__Testing__EchoStatus s = GRPC__TESTING__ECHO_STATUS__INIT;
        simple_request_t q = GRPC__TESTING__SIMPLE_REQUEST__INIT;
        const ProtobufCMessage *m;
        s.code = rows[i].status;
        s.message = (char[]){"so it is"};
        q.response_status = &s;
        assert_err(rpc_unary(w->channel, METHOD("UnaryCall"), &q.base, 5000, &w->arena, &m, &w->f),
                   rows[i].code);
        assert_string_equal(w->f.text, "so it is");
    }
}

static void deadline_of_the_client(void **state)
{
    struct world *w = *state;
    simple_request_t q = GRPC__TESTING__SIMPLE_REQUEST__INIT;
    const ProtobufCMessage *m;
    int64_t begin = clock_mono_ms();
    assert_err(rpc_unary(w->channel, METHOD("CacheableUnaryCall"), &q.base, 300, &w->arena, &m, &w->f),
               ERR_DEADLINE);
    assert_true(clock_mono_ms() - begin >= 295);
    assert_non_null(strstr(
        w->f.text_zh,
        "未及时应答（Deadline Exceeded）")); /* the core's own word: the route's deadline has details */
    DISPATCH_UNTIL(w, w->service.cancelled == 1 && w->service.ended == 1);
}

/* The client waits longer than the route allows, and the route's work never comes back. */
static void deadline_of_the_route(void **state)
{
    struct world *w = *state;
    simple_request_t q = GRPC__TESTING__SIMPLE_REQUEST__INIT;
    const ProtobufCMessage *m;
    int64_t begin = clock_mono_ms();
    assert_err(rpc_unary(w->channel, METHOD("CacheableUnaryCall"), &q.base, 30000, &w->arena, &m, &w->f),
               ERR_DEADLINE);
    assert_in_range(clock_mono_ms() - begin, TESTSERVICE_CAP_MS - 5, 29000);
    assert_string_equal(w->f.text_zh, err_text_zh(ERR_DEADLINE)); /* ours, with details */
    DISPATCH_UNTIL(w, w->service.cancelled == 1 && w->service.ended == 1);
}

static void no_server_is_unavailable(void **state)
{
    struct world *w = *state;
    const simple_response_t *r;
    rpc_channel_close(w->channel);
    assert_ok(rpc_channel_open(&(struct rpc_channel_options){.target = "unix:/nonexistent/socket"},
                               &w->channel, &w->f));
    assert_err(call_simple(w, 1, &r), ERR_UNAVAILABLE);
    assert_true(w->f.text[0] != '\0');
}

/* -- upload ------------------------------------------------------------------------------------------------
 */

static void upload_adds_up(void **state)
{
    struct world *w = *state;
    struct rpc_upload *u;
    assert_ok(rpc_upload_open(w->channel, METHOD("StreamingInputCall"), 5000, &u, &w->f));
    Grpc__Testing__Payload p = GRPC__TESTING__PAYLOAD__INIT;
    Grpc__Testing__StreamingInputCallRequest q = GRPC__TESTING__STREAMING_INPUT_CALL_REQUEST__INIT;
    p.body.len = 100000;
    p.body.data = arena_alloc(&w->arena, p.body.len);
    q.payload = &p;
    for (int i = 0; i < 20; i++)
        assert_ok(rpc_upload_send(u, &q.base));
    const ProtobufCMessage *m;
    assert_ok(rpc_upload_finish(u, &w->arena, &m, &w->f));
    assert_int_equal(((const Grpc__Testing__StreamingInputCallResponse *)m)->aggregated_payload_size,
                     2000000);
    DISPATCH_UNTIL(w, w->service.ended == 1);
}

static void upload_says_why_it_broke(void **state)
{
    struct world *w = *state;
    struct rpc_upload *u;
    assert_ok(rpc_upload_open(w->channel, METHOD("StreamingInputCall"), 5000, &u, &w->f));
    Grpc__Testing__Payload p = GRPC__TESTING__PAYLOAD__INIT;
    Grpc__Testing__StreamingInputCallRequest q = GRPC__TESTING__STREAMING_INPUT_CALL_REQUEST__INIT;
    p.body.len = 2 << 20; /* the limit is 1 MiB */
    p.body.data = arena_alloc(&w->arena, p.body.len);
    q.payload = &p;
    enum err e = OK;
    for (int i = 0; i < 100 && e == OK; i++)
        e = rpc_upload_send(u, &q.base);
    assert_err(e, ERR_UNAVAILABLE);
    assert_err(rpc_upload_send(u, &q.base), ERR_UNAVAILABLE);
    const ProtobufCMessage *m;
    assert_err(rpc_upload_finish(u, &w->arena, &m, &w->f), ERR_EXHAUSTED);
    assert_null(m);
}

/* -- in the loop -------------------------------------------------------------------------------------------
 */

struct outcome {
    int messages, ends;
    size_t bytes;
    enum err e;
    char text[64];
    bool cancel_in_message;
    struct rpc_pending *pending;
};

static void on_done(void *arg, enum err e, const ProtobufCMessage *response, const struct fault *f)
{
    struct outcome *o = arg;
    o->ends++;
    o->e = e;
    snprintf(o->text, sizeof o->text, "%s", e == OK ? "" : fault_text(f));
    if (response)
        o->bytes += ((const simple_response_t *)response)->payload->body.len;
}

static void async_unary(void **state)
{
    struct world *w = *state;
    struct outcome o[50] = {0};
    simple_request_t q = GRPC__TESTING__SIMPLE_REQUEST__INIT;
    q.response_size = 10;
    for (size_t i = 0; i < 50; i++)
        rpc_start(w->channel, METHOD("UnaryCall"), &q.base, 5000, on_done, &o[i]);
    for (size_t i = 0; i < 50; i++) {
        DISPATCH_UNTIL(w, o[i].ends == 1);
        assert_ok(o[i].e);
        assert_int_equal(o[i].bytes, 10);
    }
}

static void async_failures_are_told_in_the_loop(void **state)
{
    struct world *w = *state;
    struct outcome a = {0}, b = {0};
    simple_request_t q = GRPC__TESTING__SIMPLE_REQUEST__INIT;
    rpc_start(w->channel, METHOD("NoSuchCall"), &q.base, 5000, on_done, &a);
    rpc_start(w->channel, METHOD("CacheableUnaryCall"), &q.base, 50, on_done, &b);
    assert_int_equal(a.ends, 0); /* not before the loop */
    DISPATCH_UNTIL(w, a.ends == 1 && b.ends == 1);
    assert_err(a.e, ERR_INVALID);
    assert_err(b.e, ERR_DEADLINE);
}

static void cancelled_calls_stay_silent(void **state)
{
    struct world *w = *state;
    struct outcome o = {0};
    simple_request_t q = GRPC__TESTING__SIMPLE_REQUEST__INIT;
    struct rpc_pending *p = rpc_start(w->channel, METHOD("CacheableUnaryCall"), &q.base, 5000, on_done, &o);
    DISPATCH_UNTIL(w, w->service.opened == 1);
    rpc_cancel(p);
    DISPATCH_UNTIL(w, w->service.ended == 1);
    assert_int_equal(w->service.cancelled, 1);
    assert_int_equal(o.ends, 0);
}

static void on_message(void *arg, const ProtobufCMessage *m)
{
    struct outcome *o = arg;
    o->messages++;
    o->bytes += ((const Grpc__Testing__StreamingOutputCallResponse *)m)->payload->body.len;
    if (o->cancel_in_message)
        rpc_cancel(o->pending);
}

static output_request_t *wanted(struct arena *a, size_t n, int32_t size, int32_t interval_us)
{
    output_request_t *q = ARENA_NEW(a, output_request_t);
    grpc__testing__streaming_output_call_request__init(q);
    q->n_response_parameters = n;
    q->response_parameters = ARENA_ARRAY(a, Grpc__Testing__ResponseParameters *, n);
    for (size_t i = 0; i < n; i++) {
        q->response_parameters[i] = ARENA_NEW(a, Grpc__Testing__ResponseParameters);
        grpc__testing__response_parameters__init(q->response_parameters[i]);
        q->response_parameters[i]->size = size;
        q->response_parameters[i]->interval_us = interval_us;
    }
    return q;
}

static void watch_hears_everything_then_the_end(void **state)
{
    struct world *w = *state;
    struct outcome o = {0};
    output_request_t *q = wanted(&w->arena, 200, 1000, 0);
    rpc_watch(w->channel, METHOD("StreamingOutputCall"), &q->base, on_message, on_done, &o);
    DISPATCH_UNTIL(w, o.ends == 1);
    assert_ok(o.e);
    assert_int_equal(o.messages, 200);
    assert_int_equal(o.bytes, 200000);
}

static void watch_ends_with_the_servers_reason(void **state)
{
    struct world *w = *state;
    struct outcome o = {0};
    output_request_t *q = wanted(&w->arena, 2, 1, 0);
    Grpc__Testing__EchoStatus s = GRPC__TESTING__ECHO_STATUS__INIT;
    s.code = RPC_PERMISSION_DENIED;
    s.message = (char[]){"not any more"};
    q->response_status = &s;
    rpc_watch(w->channel, METHOD("StreamingOutputCall"), &q->base, on_message, on_done, &o);
    DISPATCH_UNTIL(w, o.ends == 1);
    assert_err(o.e, ERR_DENIED);
    assert_string_equal(o.text, "not any more");
    assert_int_equal(o.messages, 2);
}

static void watch_can_be_given_up_from_inside(void **state)
{
    struct world *w = *state;
    struct outcome o = {.cancel_in_message = true};
    output_request_t *q = wanted(&w->arena, 100, 1, 1000);
    o.pending = rpc_watch(w->channel, METHOD("StreamingOutputCall"), &q->base, on_message, on_done, &o);
    DISPATCH_UNTIL(w, w->service.ended == 1);
    assert_int_equal(o.messages, 1);
    assert_int_equal(o.ends, 0);
    assert_int_equal(w->service.cancelled, 1);
}

/* -- health ------------------------------------------------------------------------------------------------
 */

static void on_health(void *arg, const ProtobufCMessage *m)
{
    struct outcome *o = arg;
    o->messages++;
    o->bytes = (size_t)((const Grpc__Health__V1__HealthCheckResponse *)m)->status;
}

static void health_is_watched(void **state)
{
    struct world *w = *state;
    struct outcome known = {0}, unknown = {0};
    Grpc__Health__V1__HealthCheckRequest q = GRPC__HEALTH__V1__HEALTH_CHECK_REQUEST__INIT;
    rpc_watch(w->channel, HEALTH("Watch"), &q.base, on_health, on_done, &known);
    q.service = (char[]){"later.Service"};
    rpc_watch(w->channel, HEALTH("Watch"), &q.base, on_health, on_done, &unknown);
    DISPATCH_UNTIL(w, known.messages == 1 && unknown.messages == 1);
    assert_int_equal(known.bytes, 1);   /* SERVING */
    assert_int_equal(unknown.bytes, 3); /* SERVICE_UNKNOWN */
    rpc_health_set(w->server, "", false);
    rpc_health_set(w->server, "later.Service", true);
    DISPATCH_UNTIL(w, known.messages == 2 && unknown.messages == 2);
    assert_int_equal(known.bytes, 2); /* NOT_SERVING */
    assert_int_equal(unknown.bytes, 1);
}

/* -- drain and close ---------------------------------------------------------------------------------------
 */

struct drainer {
    pthread_t thread;
    struct rpc_server *server;
    int64_t grace_ms;
    _Atomic bool done;
};

static void *run_drain(void *arg)
{
    struct drainer *d = arg;
    rpc_server_drain(d->server, d->grace_ms);
    d->done = true;
    return NULL;
}

static void drain_lets_running_calls_end(void **state)
{
    struct world *w = *state;
    struct outcome slow = {0}, watch = {0}, stream = {0};
    simple_request_t q = GRPC__TESTING__SIMPLE_REQUEST__INIT;
    Grpc__Health__V1__HealthCheckRequest h = GRPC__HEALTH__V1__HEALTH_CHECK_REQUEST__INIT;
    q.response_size = 7;
    rpc_watch(w->channel, HEALTH("Watch"), &h.base, on_health, on_done, &watch);
    rpc_channel_set_metadata(w->channel, "x-test-delay-ms", "300");
    rpc_start(w->channel, METHOD("UnaryCall"), &q.base, 5000, on_done, &slow);
    output_request_t *out = wanted(&w->arena, 3, 5, 50000);
    rpc_watch(w->channel, METHOD("StreamingOutputCall"), &out->base, on_message, on_done, &stream);
    DISPATCH_UNTIL(w, w->service.opened == 2 && watch.messages == 1);
    struct drainer d = {.server = w->server, .grace_ms = 4000};
    pthread_create(&d.thread, NULL, run_drain, &d);
    DISPATCH_UNTIL(w, d.done && slow.ends && watch.ends && stream.ends);
    pthread_join(d.thread, NULL);
    assert_ok(slow.e);
    assert_int_equal(slow.bytes, 7);
    assert_ok(stream.e);
    assert_int_equal(stream.messages, 3);
    assert_int_equal(watch.bytes, 2); /* NOT_SERVING was told before the end */
    assert_err(watch.e, ERR_UNAVAILABLE);
    struct outcome late = {0};
    rpc_start(w->channel, METHOD("UnaryCall"), &q.base, 1000, on_done, &late);
    DISPATCH_UNTIL(w, late.ends);
    assert_err(late.e, ERR_UNAVAILABLE);
}

static void drain_cuts_what_outlives_the_grace(void **state)
{
    struct world *w = *state;
    struct outcome o = {0};
    output_request_t *q = wanted(&w->arena, 1000, 1, 100000);
    rpc_watch(w->channel, METHOD("StreamingOutputCall"), &q->base, on_message, on_done, &o);
    DISPATCH_UNTIL(w, o.messages == 1);
    int64_t begin = clock_mono_ms();
    rpc_server_drain(w->server, 100);
    assert_in_range(clock_mono_ms() - begin, 95, 3000);
    DISPATCH_UNTIL(w, o.ends);
    assert_err(o.e, ERR_UNAVAILABLE);
    assert_int_equal(w->service.cancelled, 1);
    assert_int_equal(w->service.ended, 1);
}

/* teardown closes both ends over all of these; the sanitizers say what was left */
static void close_with_everything_open(void **state)
{
    struct world *w = *state;
    static struct outcome o[100];
    simple_request_t q = GRPC__TESTING__SIMPLE_REQUEST__INIT;
    Grpc__Health__V1__HealthCheckRequest h = GRPC__HEALTH__V1__HEALTH_CHECK_REQUEST__INIT;
    output_request_t *out = wanted(&w->arena, 1000, 100, 1000);
    for (size_t i = 0; i < 100; i += 4) {
        rpc_start(w->channel, METHOD("CacheableUnaryCall"), &q.base, 5000, on_done, &o[i]);
        rpc_watch(w->channel, METHOD("StreamingOutputCall"), &out->base, on_message, on_done, &o[i + 1]);
        rpc_watch(w->channel, HEALTH("Watch"), &h.base, on_health, on_done, &o[i + 2]);
        rpc_start(w->channel, METHOD("NoSuchCall"), &q.base, 5000, on_done, &o[i + 3]);
    }
    DISPATCH_UNTIL(w, w->service.opened == 50);
    struct rpc_upload *u;
    assert_ok(rpc_upload_open(w->channel, METHOD("StreamingInputCall"), 5000, &u, &w->f));
    DISPATCH_UNTIL(w, w->service.opened == 51);
    rpc_server_close(w->server);
    w->server = NULL;
    const ProtobufCMessage *m;
    assert_err(rpc_upload_finish(u, &w->arena, &m, &w->f), ERR_UNAVAILABLE);
    assert_int_equal(w->service.ended, 51);
}

/* -- addresses ---------------------------------------------------------------------------------------------
 */

static enum err try_open(const char *address, struct rpc_server **s, struct fault *f)
{
    struct rpc_server_options o = {.addresses = &address, .n_addresses = 1};
    return rpc_server_open(&o, NULL, 0, s, f);
}

static void addresses_beyond_this_machine_are_refused(void **state)
{
    (void)state;
    struct rpc_server *s;
    struct fault f;
    assert_err(try_open("0.0.0.0:0", &s, &f), ERR_INVALID);
    assert_err(try_open("[::]:0", &s, &f), ERR_INVALID);
    assert_err(try_open("192.0.2.1:80", &s, &f), ERR_INVALID);
    assert_err(try_open("127.0.0.1.example.org:80", &s, &f), ERR_INVALID);
}

static void taken_addresses_are_refused(void **state)
{
    (void)state;
    char dir[] = "/tmp/rpc-test-XXXXXX", address[64];
    struct rpc_server *a, *b;
    struct fault f;
    assert_non_null(mkdtemp(dir));
    snprintf(address, sizeof address, "unix:%s/s", dir);
    assert_ok(try_open(address, &a, &f));
    assert_ok(rpc_server_start(a, &f));
    assert_err(try_open(address, &b, &f), ERR_INVALID);
    rpc_server_close(a);
    assert_ok(try_open(address, &a, &f)); /* a file left behind is no obstacle */
    rpc_server_close(a);
    unlink(address + 5);
    rmdir(dir);
    assert_ok(try_open("127.0.0.1:0", &a, &f));
    snprintf(address, sizeof address, "127.0.0.1:%d", rpc_server_port(a, 0));
    assert_err(try_open(address, &b, &f), ERR_INVALID);
    rpc_server_close(a);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        T(unary_round_trip),
        T(unknown_method_is_said),
        T(violations_come_back_whole),
        T(retry_and_resource_come_back),
        T(bare_status_becomes_a_code),
        T(deadline_of_the_client),
        T(deadline_of_the_route),
        T(no_server_is_unavailable),
        T(upload_adds_up),
        T(upload_says_why_it_broke),
        T(async_unary),
        T(async_failures_are_told_in_the_loop),
        T(cancelled_calls_stay_silent),
        T(watch_hears_everything_then_the_end),
        T(watch_ends_with_the_servers_reason),
        T(watch_can_be_given_up_from_inside),
        T(health_is_watched),
        T(drain_lets_running_calls_end),
        T(drain_cuts_what_outlives_the_grace),
        T(close_with_everything_open),
        cmocka_unit_test(addresses_beyond_this_machine_are_refused),
        cmocka_unit_test(taken_addresses_are_refused),
    };
    return CHECK_MAIN(tests);
}
