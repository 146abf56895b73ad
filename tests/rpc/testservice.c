#include "testservice.h"

#include <grpc/testing/test.pb-c.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef Grpc__Testing__SimpleRequest simple_request_t;
typedef Grpc__Testing__StreamingOutputCallRequest output_request_t;

static struct testservice *service_of(const struct rpc_call *c)
{
    return rpc_server_app(rpc_call_server(c));
}

static void note(const struct rpc_call *c, const char *event, _Atomic int *counter)
{
    (*counter)++;
    if (service_of(c)->told)
        service_of(c)->told(event, rpc_call_path(c));
}

static void on_cancel(struct rpc_call *c)
{
    note(c, "cancelled", &service_of(c)->cancelled);
}

static void on_end(struct rpc_call *c)
{
    note(c, "ended", &service_of(c)->ended);
}

/* custom_metadata: both of the test's keys come back, one in front and one behind. */
static void echo_metadata(struct rpc_call *c)
{
    const char *initial = rpc_call_metadata(c, "x-grpc-test-echo-initial");
    if (initial)
        rpc_call_add_header(c, "x-grpc-test-echo-initial", initial);
    size_t n;
    const void *trailing = rpc_call_metadata_bin(c, "x-grpc-test-echo-trailing-bin", &n);
    if (trailing)
        rpc_call_add_trailer_bin(c, "x-grpc-test-echo-trailing-bin", trailing, n);
}

static bool echo_status(struct rpc_call *c, const Grpc__Testing__EchoStatus *s)
{
    if (s && s->code)
        rpc_fail_status(c, (enum rpc_status)s->code, s->message);
    return s && s->code;
}

static Grpc__Testing__Payload *payload(struct arena *a, int32_t size)
{
    Grpc__Testing__Payload *p = ARENA_NEW(a, Grpc__Testing__Payload);
    grpc__testing__payload__init(p);
    p->body.len = size > 0 ? (size_t)size : 0;
    p->body.data = arena_alloc(a, p->body.len);
    return p;
}

/* -- unary -------------------------------------------------------------------------------------------------
 */

static void empty_call(struct rpc_call *c)
{
    Grpc__Testing__Empty r = GRPC__TESTING__EMPTY__INIT;
    note(c, "opened", &service_of(c)->opened);
    echo_metadata(c);
    rpc_reply(c, &r.base);
}

static void fill_fault(struct fault *f, const char *kind)
{
    fault_clear(f);
    if (strcmp(kind, "retry") == 0) {
        (void)fail(f, ERR_RATE_LIMITED, NULL);
        f->retry_ms = 61500;
    } else if (strcmp(kind, "resource") == 0) {
        (void)fail(f, ERR_ORDER_OPEN, "order %s is open", "ord_x");
        strcpy(f->resource, "ord_x");
    } else {
        int n = strcmp(kind, "big") == 0 ? FAULT_MAX_VIOLATIONS : 3;
        static const char long_text[] =
            "this sentence is long on purpose, so that all of them together cannot "
            "go into one answer";
        for (int i = 0; i < n; i++) {
            char field[32];
            snprintf(field, sizeof field, "items[%d].name", i);
            fault_field(f, field, i % 2 ? "FORMAT" : "REQUIRED", n > 3 ? long_text : "is needed", "此项必填");
        }
    }
}

static bool asked_to_fail(struct rpc_call *c)
{
    const char *kind = rpc_call_metadata(c, "x-test-fail");
    if (!kind)
        return false;
    struct fault f;
    fill_fault(&f, kind);
    rpc_fail(c, &f);
    return true;
}

static void answer_simple(void *call)
{
    struct rpc_call *c = call;
    const simple_request_t *q = (const simple_request_t *)rpc_call_request(c);
    struct arena a;
    arena_init(&a, 0);
    Grpc__Testing__SimpleResponse r = GRPC__TESTING__SIMPLE_RESPONSE__INIT;
    r.payload = payload(&a, q->response_size);
    if (rpc_call_metadata(c, "x-test-peer")) {
        const char *pem = rpc_call_peer_certificate(c);
        r.username = arena_strdup(&a, pem ? pem : "none");
    }
    rpc_reply(c, &r.base);
    arena_free(&a);
    rpc_call_unref(c);
}

static void unary_call(struct rpc_call *c)
{
    const simple_request_t *q = (const simple_request_t *)rpc_call_request(c);
    note(c, "opened", &service_of(c)->opened);
    echo_metadata(c);
    if (asked_to_fail(c) || echo_status(c, q->response_status))
        return;
    const char *delay = rpc_call_metadata(c, "x-test-delay-ms");
    rpc_call_ref(c);
    if (delay)
        rpc_after(rpc_call_server(c), atoi(delay), answer_simple, c);
    else
        answer_simple(c);
}

static void hang(struct rpc_call *c)
{
    note(c, "opened", &service_of(c)->opened);
}

/* -- streams out -------------------------------------------------------------------------------------------
 */

struct output { /* what a stream still has to say */
    const output_request_t *q;
    size_t next;
    void (*then)(struct rpc_call *c);
};

static void output_step(struct rpc_call *c);

static void output_sent(struct rpc_call *c, bool ok)
{
    if (ok)
        output_step(c);
}

static void output_say(void *call)
{
    struct rpc_call *c = call;
    struct output *o = rpc_call_user(c);
    struct arena a;
    arena_init(&a, 0);
    Grpc__Testing__StreamingOutputCallResponse r = GRPC__TESTING__STREAMING_OUTPUT_CALL_RESPONSE__INIT;
    r.payload = payload(&a, o->q->response_parameters[o->next++]->size);
    rpc_send(c, &r.base, output_sent);
    arena_free(&a);
    rpc_call_unref(c);
}

static void output_step(struct rpc_call *c)
{
    struct output *o = rpc_call_user(c);
    if (rpc_call_over(c))
        return;
    if (o->next == o->q->n_response_parameters) {
        if (!echo_status(c, o->q->response_status))
            o->then(c);
        return;
    }
    int32_t us = o->q->response_parameters[o->next]->interval_us;
    rpc_call_ref(c);
    if (us > 0)
        rpc_after(rpc_call_server(c), (us + 999) / 1000, output_say, c);
    else
        output_say(c);
}

static void finish(struct rpc_call *c)
{
    rpc_finish(c);
}

static struct output *output_new(struct rpc_call *c, void (*then)(struct rpc_call *))
{
    struct output *o = ARENA_NEW(rpc_call_arena(c), struct output);
    o->then = then;
    rpc_call_set_user(c, o);
    note(c, "opened", &service_of(c)->opened);
    echo_metadata(c);
    return o;
}

static void output_call(struct rpc_call *c)
{
    output_new(c, finish)->q = (const output_request_t *)rpc_call_request(c);
    output_step(c);
}

/* full duplex: each request is answered with all its responses before the next one is asked for */
static void duplex_call(struct rpc_call *c)
{
    output_new(c, rpc_next);
    rpc_next(c);
}

static void duplex_message(struct rpc_call *c, const ProtobufCMessage *m)
{
    struct output *o = rpc_call_user(c);
    o->q = (const output_request_t *)m;
    o->next = 0;
    output_step(c);
}

/* -- stream in ---------------------------------------------------------------------------------------------
 */

static void input_call(struct rpc_call *c)
{
    note(c, "opened", &service_of(c)->opened);
    rpc_call_set_user(c, ARENA_NEW(rpc_call_arena(c), int32_t));
    rpc_next(c);
}

static void input_message(struct rpc_call *c, const ProtobufCMessage *m)
{
    const Grpc__Testing__StreamingInputCallRequest *q = (const Grpc__Testing__StreamingInputCallRequest *)m;
    int32_t *sum = rpc_call_user(c);
    if (q->payload)
        *sum += (int32_t)q->payload->body.len;
    rpc_next(c);
}

static void input_end(struct rpc_call *c)
{
    Grpc__Testing__StreamingInputCallResponse r = GRPC__TESTING__STREAMING_INPUT_CALL_RESPONSE__INIT;
    r.aggregated_payload_size = *(int32_t *)rpc_call_user(c);
    rpc_reply(c, &r.base);
}

size_t testservice_routes(struct rpc_route *out)
{
    static const struct rpc_route routes[] = {
        {.method = "EmptyCall", .on_call = empty_call},
        {.method = "UnaryCall", .on_call = unary_call},
        {.method = "CacheableUnaryCall",
         .on_call = hang,
         .deadline_ms = TESTSERVICE_CAP_MS,
         .max_request = 2000},
        {.method = "StreamingOutputCall", .on_call = output_call},
        {.method = "StreamingInputCall",
         .on_call = input_call,
         .on_message = input_message,
         .on_half_close = input_end},
        {.method = "FullDuplexCall",
         .on_call = duplex_call,
         .on_message = duplex_message,
         .on_half_close = finish},
    };
    size_t n = sizeof routes / sizeof *routes;
    for (size_t i = 0; i < n; i++) {
        out[i] = routes[i];
        out[i].service = &grpc__testing__test_service__descriptor;
        out[i].on_cancel = on_cancel;
        out[i].on_end = on_end;
    }
    return n;
}
