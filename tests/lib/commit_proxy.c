#include "lib/commit_proxy.h"

#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum {
    PAIRS = 64
};

struct pair {
    int client, server;
    bool answer_doomed;
};

struct commit_proxy {
    char path[108], target[108];
    int listener, stop_pipe[2];
    pthread_t thread;
    _Atomic int how, times, lost;
    struct pair pairs[PAIRS];
    int n;
};

static int unix_socket(const char *path, bool serve)
{
    struct sockaddr_un a = {.sun_family = AF_UNIX};
    snprintf(a.sun_path, sizeof a.sun_path, "%s", path);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    int rc = serve ? bind(fd, (struct sockaddr *)&a, sizeof a) : connect(fd, (struct sockaddr *)&a, sizeof a);
    if (rc != 0 || (serve && listen(fd, PAIRS) != 0)) {
        close(fd);
        return -1;
    }
    return fd;
}

static bool forward(int to, const char *p, size_t n)
{
    while (n) {
        ssize_t k = send(to, p, n, MSG_NOSIGNAL);
        if (k <= 0)
            return false;
        p += k;
        n -= (size_t)k;
    }
    return true;
}

static bool is_commit(const char *p, size_t n)
{
    static const char command[] = "\3COMMIT"; /* COM_QUERY, after the packet's four bytes of header */
    return n == 4 + sizeof command - 1 && memcmp(p + 4, command, sizeof command - 1) == 0;
}

/* Moves what is there to read. False when the pair is to end. */
static bool from_client(struct commit_proxy *x, struct pair *p)
{
    char buf[65536];
    ssize_t n = recv(p->client, buf, sizeof buf, 0);
    if (n <= 0)
        return false;
    if (is_commit(buf, (size_t)n) && x->how != LOSE_NOTHING && x->times > 0) {
        x->times--;
        x->lost++;
        if (x->how == LOSE_REQUEST)
            return false;
        p->answer_doomed = true;
    }
    return forward(p->server, buf, (size_t)n);
}

static bool from_server(struct pair *p)
{
    char buf[65536];
    ssize_t n = recv(p->server, buf, sizeof buf, 0);
    return n > 0 && !p->answer_doomed && forward(p->client, buf, (size_t)n);
}

static void end_pair(struct commit_proxy *x, int i)
{
    close(x->pairs[i].client);
    close(x->pairs[i].server);
    x->pairs[i] = x->pairs[--x->n];
}

static void accept_one(struct commit_proxy *x)
{
    int client = accept4(x->listener, NULL, NULL, SOCK_CLOEXEC);
    int server = client >= 0 && x->n < PAIRS ? unix_socket(x->target, false) : -1;
    if (server >= 0)
        x->pairs[x->n++] = (struct pair){.client = client, .server = server};
    else if (client >= 0)
        close(client);
}

static void *serve(void *arg)
{
    struct commit_proxy *x = arg;
    struct pollfd fds[2 + 2 * PAIRS];
    for (;;) {
        int n = x->n;
        fds[0] = (struct pollfd){.fd = x->stop_pipe[0], .events = POLLIN};
        fds[1] = (struct pollfd){.fd = x->listener, .events = POLLIN};
        for (int i = 0; i < n; i++) {
            fds[2 + 2 * i] = (struct pollfd){.fd = x->pairs[i].client, .events = POLLIN};
            fds[3 + 2 * i] = (struct pollfd){.fd = x->pairs[i].server, .events = POLLIN};
        }
        poll(fds, (nfds_t)(2 + 2 * n), -1);
        if (fds[0].revents)
            break;
        for (int i = n - 1; i >= 0; i--)
            if ((fds[2 + 2 * i].revents && !from_client(x, &x->pairs[i])) ||
                (fds[3 + 2 * i].revents && !from_server(&x->pairs[i])))
                end_pair(x, i);
        if (fds[1].revents)
            accept_one(x);
    }
    while (x->n)
        end_pair(x, 0);
    return NULL;
}

struct commit_proxy *commit_proxy_start(const char *path, const char *target)
{
    struct commit_proxy *x = calloc(1, sizeof *x);
    if (!x)
        return NULL;
    snprintf(x->path, sizeof x->path, "%s", path);
    snprintf(x->target, sizeof x->target, "%s", target);
    unlink(path);
    x->listener = unix_socket(path, true);
    if (x->listener < 0 || pipe(x->stop_pipe) != 0 || pthread_create(&x->thread, NULL, serve, x) != 0) {
        free(x);
        return NULL;
    }
    return x;
}

void commit_proxy_lose(struct commit_proxy *x, enum commit_loss how, int times)
{
    x->times = times;
    x->how = how;
}

int commit_proxy_lost(struct commit_proxy *x)
{
    return x->lost;
}

void commit_proxy_stop(struct commit_proxy *x)
{
    (void)!write(x->stop_pipe[1], "x", 1);
    pthread_join(x->thread, NULL);
    close(x->listener);
    close(x->stop_pipe[0]);
    close(x->stop_pipe[1]);
    unlink(x->path);
    free(x);
}
