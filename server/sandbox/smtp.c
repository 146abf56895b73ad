#include "sandbox/smtp.h"

#include "base/clock.h"
#include "sandbox/call.h"
#include "sandbox/keys.h"
#include "sandbox/state.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define PYTHON "/usr/bin/python3" /* Debian's: python3-aiosmtpd is there */

enum {
    CHILD_SOCKET = 3,
    AT_ONCE_MS = 1000
};

struct smtp {
    struct sandbox *sb;
    int fd, port;
    pid_t pid;
    int64_t started_ms;
};

static int listen_on(int port)
{
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), yes = 1;
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
    if (fd < 0 || bind(fd, (struct sockaddr *)&at, sizeof at) || listen(fd, 64)) {
        if (fd >= 0)
            close(fd);
        return -1;
    }
    return fd;
}

/* Between fork and exec: only calls that are safe there. */
static void become_child(const struct smtp *s, pid_t parent, char *const argv[], char *const env[])
{
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent) /* it died before the call above */
        _exit(1);
    if (s->fd == CHILD_SOCKET ? 0 : dup2(s->fd, CHILD_SOCKET) < 0)
        _exit(1);
    execve(PYTHON, argv, env);
    _exit(127);
}

static bool start_child(struct smtp *s)
{
    struct arena a;
    arena_init(&a, 0);
    const struct sandbox *sb = s->sb;
    char *argv[] = {arena_strdup(&a, PYTHON), arena_strdup(&a, "-u"), arena_strdup(&a, SMTP_HANDLER), NULL};
    char *env[] = {arena_printf(&a, "SANDBOX_URL=http://127.0.0.1:%d", sb->port),
                   arena_printf(&a, "SANDBOX_MAIL=%s/mail", sb->dir),
                   arena_printf(&a, "SANDBOX_SOCKET=%d", CHILD_SOCKET),
                   arena_printf(&a, "SANDBOX_USER=%s", sb->keys->smtp_user),
                   arena_printf(&a, "SANDBOX_PASSWORD=%s", sb->keys->smtp_password),
                   arena_strdup(&a, "PATH=/usr/bin:/bin"),
                   arena_strdup(&a, "PYTHONDONTWRITEBYTECODE=1"),
                   NULL};
    pid_t parent = getpid();
    s->started_ms = clock_mono_ms();
    s->pid = fork();
    if (s->pid == 0)
        become_child(s, parent, argv, env);
    arena_free(&a);
    if (s->pid < 0)
        perror("certdesk-sandbox: fork");
    return s->pid > 0;
}

struct smtp *smtp_start(struct sandbox *sb, int port)
{
    struct arena a;
    arena_init(&a, 0);
    mkdir(arena_printf(&a, "%s/mail", sb->dir), 0700);
    arena_free(&a);
    struct smtp *s = calloc(1, sizeof *s);
    if (!s)
        abort();
    s->sb = sb;
    s->fd = listen_on(port);
    if (s->fd < 0 && port)
        s->fd = listen_on(0); /* somebody else has it now */
    struct sockaddr_in at;
    socklen_t n = sizeof at;
    if (s->fd < 0 || getsockname(s->fd, (struct sockaddr *)&at, &n) || !start_child(s)) {
        fprintf(stderr, "certdesk-sandbox: no mail server: %s\n", strerror(errno));
        smtp_stop(s);
        return NULL;
    }
    s->port = ntohs(at.sin_port);
    return s;
}

int smtp_port(const struct smtp *s)
{
    return s->port;
}

bool smtp_revive(struct smtp *s)
{
    int status;
    if (waitpid(s->pid, &status, WNOHANG) != s->pid)
        return true;
    s->pid = 0;
    if (clock_mono_ms() - s->started_ms < AT_ONCE_MS) {
        fprintf(stderr,
                "certdesk-sandbox: the mail server does not start (is python3-aiosmtpd installed?)\n");
        return false;
    }
    return start_child(s);
}

void smtp_stop(struct smtp *s)
{
    if (!s)
        return;
    if (s->pid > 0) {
        kill(s->pid, SIGTERM);
        waitpid(s->pid, NULL, 0);
    }
    if (s->fd >= 0)
        close(s->fd);
    free(s);
}

static const struct {
    const char *kind, *reply;
} refusals[] = {
    {"fail", "550 5.1.1 mailbox unavailable"},
    {"busy", "451 4.3.0 try again later"},
    {"rate_limited", "452 4.2.1 too many messages"},
    {"full", "552 5.2.2 mailbox full"},
};

static const char *refusal(const char *kind)
{
    for (size_t i = 0; i < sizeof refusals / sizeof *refusals; i++)
        if (strcmp(refusals[i].kind, kind) == 0)
            return refusals[i].reply;
    return NULL;
}

static void remember(struct sandbox *sb, const json_t *step)
{
    char key[24], now[CLOCK_TEXT_SIZE];
    int64_t seq = state_next(sb->state, "mails", key);
    clock_rfc3339(clock_now_ms(), now);
    json_t *mail = json_deep_copy(step);
    json_object_del(mail, "step");
    json_object_set_new(mail, "seq", json_integer(seq));
    json_object_set_new(mail, "time", json_string(now));
    state_put(sb->state, "mails", key, mail);
}

json_t *smtp_verdict(struct sandbox *sb, const json_t *step)
{
    const char *action = member(step, "step");
    struct arena a;
    arena_init(&a, 0);
    bool data = strcmp(action, "DATA") == 0;
    struct plan plan = fault_take(sb, "smtp", data ? "DATA" : "RCPT");
    const char *no = refusal(plan.kind);
    bool silent = strcmp(plan.kind, "timeout") == 0;
    bool lost = silent || strcmp(plan.kind, "lose_request") == 0;
    bool keep = data && !no && !lost;
    int64_t delay = silent ? 30000 : strcmp(plan.kind, "slow") == 0 ? 3000 : 0;
    if (delay && plan.ms >= 0)
        delay = plan.ms;
    if (keep)
        remember(sb, step);
    if (data || *plan.kind)
        call_log(sb, "smtp", data ? "DATA" : "RCPT", member(step, "file"),
                 no     ? no
                 : lost ? "nothing happened"
                        : "ok",
                 plan.kind, json_pack("{s:s}", "to", mask_tail(&a, member(step, "address"))));
    arena_free(&a);
    return json_pack("{s:s,s:I,s:b,s:b}", "reply",
                     no     ? no
                     : data ? "250 2.0.0 queued"
                            : "250 2.1.5 OK",
                     "delay_ms", (json_int_t)delay, "cut", lost || strcmp(plan.kind, "lose_answer") == 0,
                     "keep", keep);
}
