/* The queue's thread: events, timers, and closures from other threads. */
#include "rpc/server_internal.h"

#include "base/clock.h"

#include <grpc/grpc_security.h>
#include <stdlib.h>

enum err loop_open(struct rpc_server *s, struct fault *f)
{
    pthread_mutex_init(&s->timers.mu, NULL);
    pthread_mutex_init(&s->post_mu, NULL);
    atomic_init(&s->timers.next_due, INT64_MAX);
    s->zero_ms = s->now = clock_mono_ms();
    s->zero = gpr_now(GPR_CLOCK_MONOTONIC);
    s->cq = grpc_completion_queue_create_for_next(NULL);
    s->lame = grpc_lame_client_channel_create("lame:", GRPC_STATUS_UNAVAILABLE, "goes nowhere");
    s->lame_call = grpc_channel_create_call(s->lame, NULL, GRPC_PROPAGATE_DEFAULTS, s->cq,
                                            grpc_slice_from_static_string("/"), NULL,
                                            gpr_inf_future(GPR_CLOCK_MONOTONIC), NULL);
    return s->lame_call ? OK : fail(f, ERR_INTERNAL, "gRPC core refused a call");
}

bool loop_post(struct rpc_server *s, struct tag *t)
{
    pthread_mutex_lock(&s->post_mu);
    bool open = !s->post_closed;
    hand_over(t);
    if (open)
        open = grpc_call_start_batch(s->lame_call, NULL, 0, t, NULL) == GRPC_CALL_OK;
    pthread_mutex_unlock(&s->post_mu);
    return open;
}

/* Whose loop this thread runs. */
static _Thread_local const struct rpc_server *looping;

/* -- the heap; timers.mu is held --------------------------------------------------------------------------
 */

static void place(struct timers *h, size_t i, struct timer *t)
{
    h->heap[i] = t;
    t->pos = i + 1;
}

static void sift_up(struct timers *h, size_t i, struct timer *t)
{
    while (i && h->heap[(i - 1) / 2]->due > t->due) {
        place(h, i, h->heap[(i - 1) / 2]);
        i = (i - 1) / 2;
    }
    place(h, i, t);
}

static void sift_down(struct timers *h, size_t i, struct timer *t)
{
    for (;;) {
        size_t kid = 2 * i + 1;
        if (kid + 1 < h->n && h->heap[kid + 1]->due < h->heap[kid]->due)
            kid++;
        if (kid >= h->n || h->heap[kid]->due >= t->due)
            break;
        place(h, i, h->heap[kid]);
        i = kid;
    }
    place(h, i, t);
}

static void take_out(struct timers *h, struct timer *t)
{
    size_t i = t->pos - 1;
    struct timer *last = h->heap[--h->n];
    t->pos = 0;
    if (last == t)
        return;
    if (i && h->heap[(i - 1) / 2]->due > last->due)
        sift_up(h, i, last);
    else
        sift_down(h, i, last);
}

static void note_first(struct timers *h)
{
    atomic_store(&h->next_due, h->n ? h->heap[0]->due : INT64_MAX);
}

/* -- timers ------------------------------------------------------------------------------------------------
 */

static void woken(struct tag *t, bool ok)
{
    (void)ok;
    free(t);
}

/* The queue's thread sleeps towards a later time: make it look again. */
static void wake(struct rpc_server *s)
{
    struct tag *t = calloc(1, sizeof *t);
    if (!t)
        abort();
    t->fn = woken;
    if (!loop_post(s, t))
        free(t);
}

void timer_set(struct rpc_server *s, struct timer *t, int64_t due)
{
    struct timers *h = &s->timers;
    pthread_mutex_lock(&h->mu);
    if (t->pos)
        take_out(h, t);
    if (h->n == h->cap) {
        h->cap = h->cap ? h->cap * 2 : 64;
        h->heap = realloc(h->heap, h->cap * sizeof(struct timer *));
        if (!h->heap)
            abort();
    }
    t->due = due;
    sift_up(h, h->n++, t);
    bool first = t->pos == 1;
    note_first(h);
    pthread_mutex_unlock(&h->mu);
    if (first && looping != s)
        wake(s);
}

void timer_cancel(struct rpc_server *s, struct timer *t)
{
    struct timers *h = &s->timers;
    pthread_mutex_lock(&h->mu);
    if (t->pos) {
        take_out(h, t);
        note_first(h);
    }
    pthread_mutex_unlock(&h->mu);
}

static void run_due(struct rpc_server *s)
{
    struct timers *h = &s->timers;
    while (atomic_load(&h->next_due) <= s->now) {
        pthread_mutex_lock(&h->mu);
        struct timer *t = h->n && h->heap[0]->due <= s->now ? h->heap[0] : NULL;
        if (t) {
            take_out(h, t);
            note_first(h);
        }
        pthread_mutex_unlock(&h->mu);
        if (t)
            t->fire(t);
    }
}

/* -- the loop ----------------------------------------------------------------------------------------------
 */

static gpr_timespec sleep_until(const struct rpc_server *s, int64_t due)
{
    if (due == INT64_MAX)
        return gpr_inf_future(GPR_CLOCK_MONOTONIC);
    return gpr_time_add(s->zero, gpr_time_from_millis(due - s->zero_ms, GPR_TIMESPAN));
}

void *loop_run(void *server)
{
    struct rpc_server *s = server;
    looping = s;
    for (;;) {
        int64_t due = atomic_load(&s->timers.next_due);
        grpc_event e = grpc_completion_queue_next(s->cq, sleep_until(s, due), NULL);
        if (e.type == GRPC_QUEUE_SHUTDOWN) {
            looping = NULL;
            return NULL;
        }
        s->now = clock_mono_ms();
        if (e.type == GRPC_OP_COMPLETE) {
            take_over(e.tag);
            ((struct tag *)e.tag)->fn(e.tag, e.success != 0);
        }
        if (atomic_load(&s->timers.next_due) <= s->now)
            run_due(s);
    }
}

void loop_close(struct rpc_server *s)
{
    pthread_mutex_lock(&s->post_mu);
    s->post_closed = true;
    pthread_mutex_unlock(&s->post_mu);
    grpc_call_unref(s->lame_call);
    grpc_channel_destroy(s->lame);
    grpc_completion_queue_shutdown(s->cq);
    if (s->thread_runs)
        pthread_join(s->thread, NULL);
    else
        loop_run(s);
    grpc_completion_queue_destroy(s->cq);
    for (size_t i = 0; i < s->timers.n; i++)
        free(s->timers.heap[i]); /* only rpc_after()'s are left: calls took theirs out when they ended */
    free(s->timers.heap);
    pthread_mutex_destroy(&s->timers.mu);
    pthread_mutex_destroy(&s->post_mu);
}

/* -- closures ----------------------------------------------------------------------------------------------
 */

struct after {
    struct timer timer; /* first: freed by loop_close() as such */
    struct tag tag;
    struct rpc_server *server;
    void (*fn)(void *arg);
    void *arg;
};

static void after_run(struct after *a)
{
    pthread_mutex_lock(&a->server->post_mu);
    bool open = !a->server->post_closed;
    pthread_mutex_unlock(&a->server->post_mu);
    if (open)
        a->fn(a->arg);
    free(a);
}

static void after_tag(struct tag *t, bool ok)
{
    (void)ok;
    after_run(HOLDER(t, struct after, tag));
}

static void after_timer(struct timer *t)
{
    after_run(HOLDER(t, struct after, timer));
}

void rpc_after(struct rpc_server *s, int64_t ms, void (*fn)(void *arg), void *arg)
{
    struct after *a = calloc(1, sizeof *a);
    if (!a)
        abort();
    a->server = s;
    a->fn = fn;
    a->arg = arg;
    a->tag.fn = after_tag;
    a->timer.fire = after_timer;
    if (ms > 0)
        timer_set(s, &a->timer, clock_mono_ms() + ms);
    else if (!loop_post(s, &a->tag))
        free(a);
}
