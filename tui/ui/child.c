#include "ui/child.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

enum {
    MAX_ARGS = 16
};

pid_t child_spawn(const char *const *argv, int in, int out)
{
    posix_spawn_file_actions_t fa;
    posix_spawnattr_t attr;
    sigset_t none;
    char *args[MAX_ARGS + 2] = {(char[]){"certdesk"}};
    for (int i = 0; i < MAX_ARGS && argv[i]; i++)
        args[i + 1] = (char *)(uintptr_t)argv[i];
    sigemptyset(&none);
    posix_spawnattr_init(&attr);
    posix_spawnattr_setsigmask(&attr, &none);
    posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETSIGMASK);
    posix_spawn_file_actions_init(&fa);
    posix_spawn_file_actions_adddup2(&fa, in, STDIN_FILENO);
    posix_spawn_file_actions_adddup2(&fa, out, STDOUT_FILENO);
    posix_spawn_file_actions_addopen(&fa, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
    pid_t pid = -1;
    if (posix_spawn(&pid, "/proc/self/exe", &fa, &attr, args, environ) != 0)
        pid = -1;
    posix_spawn_file_actions_destroy(&fa);
    posix_spawnattr_destroy(&attr);
    return pid;
}

static void take_lines(struct child *c)
{
    char *end;
    while ((end = memchr(c->line, '\n', c->n))) {
        char line[sizeof c->line];
        size_t n = (size_t)(end - c->line);
        memcpy(line, c->line, n);
        line[n] = 0;
        c->n -= n + 1;
        memmove(c->line, end + 1, c->n);
        c->on_line(c->arg, line);
        if (c->pid < 0)
            return; /* on_line has killed it */
    }
    if (c->n == sizeof c->line)
        c->n = 0; /* no line of ours is so long */
}

static int reap(struct child *c)
{
    int status = 0;
    loop_remove(c->loop, c->out);
    close(c->out);
    while (waitpid(c->pid, &status, 0) < 0 && errno == EINTR)
        continue;
    c->pid = -1;
    c->out = -1;
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static void on_output(void *arg)
{
    struct child *c = arg;
    ssize_t n = read(c->out, c->line + c->n, sizeof c->line - c->n);
    if (n < 0 && (errno == EINTR || errno == EAGAIN))
        return;
    if (n > 0) {
        c->n += (size_t)n;
        take_lines(c);
        return;
    }
    kill(c->pid, SIGKILL); /* it closed its output: it is over, or must be */
    int status = reap(c);
    c->on_end(c->arg, status);
}

bool child_start(struct child *c, struct loop *l, const char *const *argv, const char *input, size_t n)
{
    int pipes[2] = {-1, -1}, in = memfd_create("input", MFD_CLOEXEC);
    c->loop = l;
    c->pid = -1;
    c->n = 0;
    if (in >= 0 && pipe2(pipes, O_CLOEXEC) == 0 && write(in, input, n) == (ssize_t)n &&
        lseek(in, 0, SEEK_SET) == 0)
        c->pid = child_spawn(argv, in, pipes[1]);
    if (in >= 0)
        close(in);
    if (pipes[1] >= 0)
        close(pipes[1]);
    c->out = pipes[0];
    if (c->pid < 0) {
        if (c->out >= 0)
            close(c->out);
        c->out = -1;
        return false;
    }
    fcntl(c->out, F_SETFL, O_NONBLOCK);
    loop_add(l, c->out, on_output, c);
    return true;
}

void child_kill(struct child *c)
{
    if (c->pid < 0)
        return;
    kill(c->pid, SIGKILL);
    (void)reap(c);
}
