/* loop.h - waits for whatever comes first: a key, an answer, a child, a timer, a signal. Nothing blocks.
 *
 * One thread. Signals (window size, termination) are blocked and read from a descriptor: they would otherwise
 * reach one of the rpc layer's threads, and poll() here would sleep on. loop_open() must therefore come
 * before anything that starts threads.
 */
#ifndef CERTDESK_UI_LOOP_H
#define CERTDESK_UI_LOOP_H

#include "base/err.h"

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>

enum {
    LOOP_FDS = 16,
    LOOP_TIMERS = 16,
};

typedef void loop_fn(void *arg);

struct loop {
    struct {
        int fd;
        loop_fn *fn;
        void *arg;
    } fds[LOOP_FDS];
    struct {
        int64_t due; /* monotonic ms; 0: free */
        loop_fn *fn;
        void *arg;
    } timers[LOOP_TIMERS];
    int signals; /* signalfd */
    bool resized, stopped;
};

bool loop_open(struct loop *l);
void loop_close(struct loop *l);

/* fn runs whenever fd is readable or its other end is closed. */
void loop_add(struct loop *l, int fd, loop_fn *fn, void *arg);
void loop_remove(struct loop *l, int fd);

/* fn runs once, after so many milliseconds. The same fn and arg again moves the time. */
void loop_after(struct loop *l, int64_t ms, loop_fn *fn, void *arg);
void loop_forget(struct loop *l, loop_fn *fn, void *arg);

/* Waits and runs what is due. After it `resized` says whether the window changed, `stopped` whether somebody
 * asked the program to end (SIGTERM, SIGHUP, SIGINT). */
void loop_turn(struct loop *l);

#endif
