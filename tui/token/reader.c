/* reader.c - the parent's half: starts card children, gives them deadlines, kills them. */
#include "reader.h"

#include "child.h"

#include "base/clock.h"
#include "base/str.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

enum {
    START_MS = 10000, /* connecting powers a card up */
    END_MS = 3000,
};

struct process {
    pid_t pid; /* 0: none */
    int fd;
};

static void process_stop(struct process *p)
{
    if (!p->pid)
        return;
    close(p->fd);
    kill(p->pid, SIGKILL);
    while (waitpid(p->pid, NULL, 0) < 0 && errno == EINTR)
        ;
    p->pid = 0;
}

/* File descriptors above CHILD_FD stay behind: a child that held a socket of the console would keep it open.
 */
static int spawn(pid_t *pid, int fd)
{
    static char name[] = "certdesk-card", argument[] = CHILD_ARGUMENT;
    char *argv[] = {name, argument, NULL};
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attr;
    sigset_t none, defaults;
    sigemptyset(&none);
    sigfillset(&defaults);
    posix_spawn_file_actions_init(&actions);
    posix_spawnattr_init(&attr);
    posix_spawn_file_actions_adddup2(&actions, fd, CHILD_FD);
    posix_spawn_file_actions_addclosefrom_np(&actions, CHILD_FD + 1);
    posix_spawnattr_setsigmask(&attr, &none);
    posix_spawnattr_setsigdefault(&attr, &defaults);
    posix_spawnattr_setpgroup(&attr, 0); /* ^C at the terminal is the console's business */
    posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETPGROUP);
    int r = posix_spawn(pid, "/proc/self/exe", &actions, &attr, argv, environ);
    posix_spawn_file_actions_destroy(&actions);
    posix_spawnattr_destroy(&attr);
    return r;
}

static enum err process_start(struct process *p, struct fault *f)
{
    child_is_here();
    int pair[2];
    p->pid = 0;
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) != 0)
        return fail_in_both(f, ERR_UNAVAILABLE, "no socket for the card process: %s",
                            "无法建立与读卡进程的连接：%s", strerror(errno));
    if (pair[1] == CHILD_FD) { /* dup2 onto itself would leave close-on-exec set */
        int other = dup(pair[1]);
        close(pair[1]);
        pair[1] = other;
    }
    int r = spawn(&p->pid, pair[1]);
    close(pair[1]);
    p->fd = pair[0];
    if (r == 0)
        return OK;
    close(pair[0]);
    p->pid = 0;
    return fail_in_both(f, ERR_UNAVAILABLE, "the card process could not be started: %s",
                        "无法启动读卡进程：%s", strerror(r));
}

/* One message from the child: its length, 0 when it is gone, -1 when the time is up. */
static ssize_t process_read(struct process *p, int64_t timeout_ms, uint8_t *in, size_t cap)
{
    int64_t until = clock_mono_ms() + timeout_ms;
    for (;;) {
        int64_t left = until - clock_mono_ms();
        struct pollfd d = {.fd = p->fd, .events = POLLIN};
        int r = poll(&d, 1, left > 0 ? (int)left : 0);
        if (r < 0 && errno == EINTR)
            continue;
        if (r <= 0)
            return -1;
        ssize_t n = recv(p->fd, in, cap, 0);
        if (n < 0 && errno == EINTR)
            continue;
        return n < 0 ? 0 : n;
    }
}

struct card_channel {
    struct channel base;
    struct process process;
};

/* A request and its answer; the child does not outlive a missed deadline, which is ERR_DEADLINE here. */
static enum err ask(struct card_channel *c, enum child_op op, const void *body, size_t n, int64_t timeout_ms,
                    uint8_t *out, size_t cap, size_t *nout, struct fault *f)
{
    uint8_t message[CHILD_MESSAGE_MAX];
    if (!c->process.pid)
        return fail_in_both(f, ERR_CARD_GONE, "the connection to the UKEY is closed", "与UKEY的连接已关闭");
    if (n > sizeof message - 2)
        return fail(f, ERR_INVALID, NULL);
    message[0] = (uint8_t)op;
    if (n)
        memcpy(message + 1, body, n);
    ssize_t r = send(c->process.fd, message, n + 1, MSG_NOSIGNAL);
    r = r < 0 ? 0 : process_read(&c->process, timeout_ms, message, sizeof message - 1);
    if (r <= 0 || message[0] >= ERR_COUNT) {
        process_stop(&c->process);
        wipe(message, sizeof message);
        return r < 0 ? ERR_DEADLINE
                     : fail_in_both(f, ERR_CARD_GONE, "the card process died", "读卡进程已退出");
    }
    enum err e = (enum err)message[0];
    size_t len = (size_t)r - 1;
    message[r] = '\0';
    if (e != OK) {
        e = fail(f, e, len ? "%s" : NULL, (const char *)message + 1);
    } else if (out) {
        *nout = len < cap ? len : cap;
        memcpy(out, message + 1, *nout);
    }
    wipe(message, sizeof message);
    return e;
}

static enum err hangs(enum err e, struct fault *f)
{
    return e == ERR_DEADLINE
               ? fail_in_both(f, ERR_CARD_DOUBTFUL, "the UKEY hangs; pull it out and plug it in again",
                              "UKEY无响应，请拔出后重新插入")
               : e;
}

static struct card_channel *of(struct channel *ch)
{
    return (struct card_channel *)ch;
}

static enum err channel_begin(struct channel *ch, struct fault *f)
{
    enum err e = ask(of(ch), CHILD_BEGIN, NULL, 0, ch->patience_ms, NULL, 0, NULL, f);
    return e == ERR_DEADLINE ? fail_in_both(f, ERR_UNAVAILABLE, "another program keeps the UKEY for itself",
                                            "UKEY正被其他程序占用")
                             : e;
}

static enum err channel_transmit(struct channel *ch, const uint8_t *tx, size_t ntx, uint8_t *rx, size_t cap,
                                 size_t *nrx, int64_t timeout_ms, struct fault *f)
{
    return hangs(ask(of(ch), CHILD_TRANSMIT, tx, ntx, timeout_ms, rx, cap, nrx, f), f);
}

static void channel_end(struct channel *ch, bool reset)
{
    uint8_t how = reset;
    struct fault ignored;
    fault_clear(&ignored);
    if (of(ch)->process.pid && ask(of(ch), CHILD_END, &how, 1, END_MS, NULL, 0, NULL, &ignored) != OK)
        process_stop(&of(ch)->process);
}

static void channel_close(struct channel *ch)
{
    process_stop(&of(ch)->process);
    free(ch);
}

static const struct channel_ops CARD = {
    .begin = channel_begin,
    .transmit = channel_transmit,
    .end = channel_end,
    .close = channel_close,
};

/* PC/SC's own word for it (in f) stands when it is neither the service nor the name. */
static enum err why_unavailable(const char *name, struct fault *f)
{
    struct reader_list l;
    struct fault ignored;
    fault_clear(&ignored);
    if (reader_list_now(&l, &ignored) != OK)
        return f->code;
    if (!l.service)
        return reader_no_card(&l, f);
    for (size_t i = 0; i < l.n; i++)
        if (strcmp(l.at[i].name, name) == 0)
            return f->code;
    return fail_in_both(f, ERR_UNAVAILABLE, "there is no reader %.100s", "没有读卡器 %.100s", name);
}

enum err reader_connect(const char *name, struct channel **out, struct fault *f)
{
    struct card_channel *c = calloc(1, sizeof *c);
    if (!c)
        abort();
    c->base = (struct channel){
        .ops = &CARD, .patience_ms = CHANNEL_PATIENCE_MS, .generate_ms = CHANNEL_GENERATE_MS};
    uint8_t t0 = 0;
    size_t n = 0;
    enum err e = process_start(&c->process, f);
    if (e == OK)
        e = hangs(ask(c, CHILD_CONNECT, name, strlen(name), START_MS, &t0, 1, &n, f), f);
    if (e != OK) {
        channel_close(&c->base);
        return e == ERR_UNAVAILABLE ? why_unavailable(name, f) : e;
    }
    c->base.t0 = t0;
    *out = &c->base;
    return OK;
}

int reader_child_pid(const struct channel *ch)
{
    return ((const struct card_channel *)ch)->process.pid;
}

/* ---- watching ---- */

struct reader_watch {
    struct process process;
};

enum err reader_watch_open(struct reader_watch **out, struct fault *f)
{
    struct reader_watch *w = calloc(1, sizeof *w);
    if (!w)
        abort();
    enum err e = process_start(&w->process, f);
    uint8_t op = CHILD_WATCH;
    if (e == OK && send(w->process.fd, &op, 1, MSG_NOSIGNAL) != 1)
        e = fail_in_both(f, ERR_UNAVAILABLE, "the card process died", "读卡进程已退出");
    if (e != OK) {
        reader_watch_close(w);
        return e;
    }
    *out = w;
    return OK;
}

int reader_watch_fd(const struct reader_watch *w)
{
    return w->process.fd;
}

enum err reader_watch_next(struct reader_watch *w, int64_t timeout_ms, struct reader_list *out,
                           struct fault *f)
{
    uint8_t message[1 + sizeof *out];
    ssize_t n = process_read(&w->process, timeout_ms, message, sizeof message);
    if (n < 0)
        return fail(f, ERR_DEADLINE, NULL);
    if (n != (ssize_t)sizeof message)
        return fail_in_both(f, ERR_UNAVAILABLE, "the card process died", "读卡进程已退出");
    memcpy(out, message + 1, sizeof *out);
    return OK;
}

void reader_watch_close(struct reader_watch *w)
{
    if (!w)
        return;
    process_stop(&w->process);
    free(w);
}

enum err reader_list_now(struct reader_list *out, struct fault *f)
{
    struct reader_watch *w = NULL;
    TRY(reader_watch_open(&w, f));
    enum err e = reader_watch_next(w, START_MS, out, f);
    reader_watch_close(w);
    return e;
}

/* ---- no card ---- */

#define NO_SERVICE                                                                                           \
    "the smart card service (pcscd) does not run; start it: sudo systemctl start pcscd.socket (package "     \
    "pcscd)"
#define NO_SERVICE_ZH "智能卡服务（pcscd）未运行，请先启动：sudo systemctl start pcscd.socket（软件包 pcscd）"

enum err reader_no_card(const struct reader_list *l, struct fault *f)
{
    if (!l->service)
        return fail_both(f, ERR_UNAVAILABLE, NO_SERVICE, NO_SERVICE_ZH);
    if (!l->n)
        return fail_both(f, ERR_DEADLINE, "no reader was plugged in", "未检测到读卡器");
    return fail_both(f, ERR_DEADLINE, "no UKEY was plugged in", "未检测到UKEY");
}

static const char *held_by(const struct reader_list *l)
{
    for (size_t i = 0; i < l->n; i++)
        if (l->at[i].card)
            return l->at[i].name;
    return NULL;
}

/* A UKEY is its own reader: without one it may still be the UKEY that is missing. */
static void ask_for_card(const struct reader_list *l, reader_ask *want, void *arg)
{
    if (!want)
        return;
    if (!l->service)
        want(arg, NO_SERVICE, NO_SERVICE_ZH);
    else if (!l->n)
        want(arg, "no reader: plug in the UKEY, or its reader", "未检测到读卡器，请插入UKEY或连接读卡器");
    else
        want(arg, "plug in the UKEY", "请插入UKEY");
}

static bool same_want(const struct reader_list *a, const struct reader_list *b)
{
    return a->service == b->service && !a->n == !b->n;
}

static enum err wait_card(struct reader_watch *w, int64_t timeout_ms, reader_ask *want, void *arg,
                          char name[static READER_NAME], struct fault *f)
{
    int64_t until = clock_mono_ms() + timeout_ms;
    struct reader_list l, before;
    TRY(reader_watch_next(w, START_MS, &l, f));
    if (!l.service)
        return reader_no_card(&l, f);
    for (bool first = true; !held_by(&l); first = false) {
        if (first || !same_want(&l, &before))
            ask_for_card(&l, want, arg);
        before = l;
        int64_t left = until - clock_mono_ms();
        enum err e = reader_watch_next(w, left > 0 ? left : 0, &l, f);
        if (e == ERR_DEADLINE)
            return reader_no_card(&before, f);
        TRY(e);
    }
    memcpy(name, held_by(&l), READER_NAME);
    return OK;
}

enum err reader_wait_card(int64_t timeout_ms, reader_ask *want, void *arg, char name[static READER_NAME],
                          struct fault *f)
{
    struct reader_watch *w = NULL;
    TRY(reader_watch_open(&w, f));
    enum err e = wait_card(w, timeout_ms, want, arg, name, f);
    reader_watch_close(w);
    return e;
}
