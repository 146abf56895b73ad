#include "ui/loop.h"

#include "base/clock.h"

#include <poll.h>
#include <sys/signalfd.h>
#include <unistd.h>

bool loop_open(struct loop *l)
{
    sigset_t set;
    *l = (struct loop){.signals = -1};
    for (int i = 0; i < LOOP_FDS; i++)
        l->fds[i].fd = -1;
    sigemptyset(&set);
    sigaddset(&set, SIGWINCH);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGHUP);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGPIPE);
    if (sigprocmask(SIG_BLOCK, &set, NULL) != 0)
        return false;
    sigdelset(&set, SIGPIPE); /* only blocked: writing to a dead peer is an error code */
    l->signals = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
    return l->signals >= 0;
}

void loop_close(struct loop *l)
{
    if (l->signals >= 0)
        close(l->signals);
    l->signals = -1;
}

void loop_add(struct loop *l, int fd, loop_fn *fn, void *arg)
{
    loop_remove(l, fd);
    for (int i = 0; i < LOOP_FDS; i++) {
        if (l->fds[i].fd >= 0)
            continue;
        l->fds[i].fd = fd;
        l->fds[i].fn = fn;
        l->fds[i].arg = arg;
        return;
    }
}

void loop_remove(struct loop *l, int fd)
{
    for (int i = 0; i < LOOP_FDS; i++)
        if (fd >= 0 && l->fds[i].fd == fd)
            l->fds[i].fd = -1;
}

void loop_forget(struct loop *l, loop_fn *fn, void *arg)
{
    for (int i = 0; i < LOOP_TIMERS; i++)
        if (l->timers[i].fn == fn && l->timers[i].arg == arg)
            l->timers[i].due = 0;
}

void loop_after(struct loop *l, int64_t ms, loop_fn *fn, void *arg)
{
    loop_forget(l, fn, arg);
    for (int i = 0; i < LOOP_TIMERS; i++) {
        if (l->timers[i].due)
            continue;
        l->timers[i].due = clock_mono_ms() + (ms > 0 ? ms : 1);
        l->timers[i].fn = fn;
        l->timers[i].arg = arg;
        return;
    }
}

static int wait_ms(const struct loop *l)
{
    int64_t now = clock_mono_ms(), least = -1;
    for (int i = 0; i < LOOP_TIMERS; i++) {
        if (!l->timers[i].due)
            continue;
        int64_t left = l->timers[i].due > now ? l->timers[i].due - now : 0;
        if (least < 0 || left < least)
            least = left;
    }
    return least > 60000 ? 60000 : (int)least;
}

static void run_timers(struct loop *l)
{
    int64_t now = clock_mono_ms();
    for (int i = 0; i < LOOP_TIMERS; i++) {
        if (!l->timers[i].due || l->timers[i].due > now)
            continue;
        l->timers[i].due = 0;
        l->timers[i].fn(l->timers[i].arg);
    }
}

static void read_signals(struct loop *l)
{
    struct signalfd_siginfo s;
    while (read(l->signals, &s, sizeof s) == sizeof s) {
        if (s.ssi_signo == SIGWINCH)
            l->resized = true;
        else
            l->stopped = true;
    }
}

void loop_turn(struct loop *l)
{
    struct pollfd p[LOOP_FDS + 1];
    nfds_t n = 0;
    l->resized = false;
    p[n++] = (struct pollfd){l->signals, POLLIN, 0};
    for (int i = 0; i < LOOP_FDS; i++)
        if (l->fds[i].fd >= 0)
            p[n++] = (struct pollfd){l->fds[i].fd, POLLIN, 0};
    if (poll(p, n, wait_ms(l)) > 0) {
        if (p[0].revents)
            read_signals(l);
        for (nfds_t k = 1; k < n; k++) {
            /* by number, because a function may have removed another one meanwhile */
            for (int i = 0; p[k].revents && i < LOOP_FDS; i++) {
                if (l->fds[i].fd == p[k].fd) {
                    l->fds[i].fn(l->fds[i].arg);
                    break;
                }
            }
        }
    }
    run_timers(l);
}
