/* bench-echo-min: the smallest echo server that the gRPC core allows, as the measure for api/rpc.
 *
 * One thread, one queue, one registered method whose message comes with the call, one batch per answer; two
 * events a call. It decodes nothing, checks nothing and hears of no cancel. Prints "port N". */
#include <grpc/byte_buffer.h>
#include <grpc/grpc.h>
#include <grpc/grpc_security.h>
#include <grpc/support/time.h>
#include <stdio.h>
#include <stdlib.h>

struct call {
    int answered;
    grpc_call *core;
    gpr_timespec deadline;
    grpc_metadata_array metadata;
    grpc_byte_buffer *message;
    int cancelled;
};

static grpc_server *server;
static grpc_completion_queue *cq;
static void *method;

static void ask(void)
{
    struct call *c = calloc(1, sizeof *c);
    grpc_metadata_array_init(&c->metadata);
    grpc_server_request_registered_call(server, method, &c->core, &c->deadline, &c->metadata, &c->message, cq,
                                        cq, c);
}

static void answer(struct call *c)
{
    grpc_op ops[] = {
        {.op = GRPC_OP_SEND_INITIAL_METADATA},
        {.op = GRPC_OP_SEND_MESSAGE, .data.send_message.send_message = c->message},
        {.op = GRPC_OP_SEND_STATUS_FROM_SERVER},
        {.op = GRPC_OP_RECV_CLOSE_ON_SERVER, .data.recv_close_on_server.cancelled = &c->cancelled},
    };
    c->answered = 1;
    grpc_call_start_batch(c->core, ops, 4, c, NULL);
}

static void drop(struct call *c)
{
    grpc_byte_buffer_destroy(c->message);
    grpc_metadata_array_destroy(&c->metadata);
    grpc_call_unref(c->core);
    free(c);
}

int main(void)
{
    grpc_init();
    grpc_arg reuse = {
        .type = GRPC_ARG_INTEGER, .key = (char[]){GRPC_ARG_ALLOW_REUSEPORT}, .value.integer = 0};
    server = grpc_server_create(&(grpc_channel_args){.num_args = 1, .args = &reuse}, NULL);
    cq = grpc_completion_queue_create_for_next(NULL);
    grpc_server_register_completion_queue(server, cq, NULL);
    method = grpc_server_register_method(server, "/grpc.testing.TestService/UnaryCall", NULL,
                                         GRPC_SRM_PAYLOAD_READ_INITIAL_BYTE_BUFFER, 0);
    grpc_server_credentials *creds = grpc_insecure_server_credentials_create();
    printf("port %d\n", grpc_server_add_http2_port(server, "127.0.0.1:0", creds));
    fflush(stdout);
    grpc_server_credentials_release(creds);
    grpc_server_start(server);
    for (int i = 0; i < 64; i++)
        ask();
    for (;;) {
        grpc_event e = grpc_completion_queue_next(cq, gpr_inf_future(GPR_CLOCK_MONOTONIC), NULL);
        struct call *c = e.tag;
        if (c->answered) {
            drop(c);
        } else {
            ask();
            answer(c);
        }
    }
}
