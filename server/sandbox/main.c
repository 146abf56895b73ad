/* main.c - certdesk-sandbox --listen 127.0.0.1:PORT --state DIR [--seed N]
 *
 * Prints one JSON line when it is ready, {"port":…,"smtp_port":…}, and runs until SIGTERM or SIGINT.
 */
#include "sandbox/deliver.h"
#include "sandbox/http.h"
#include "sandbox/keys.h"
#include "sandbox/smtp.h"
#include "sandbox/state.h"

#include <curl/curl.h>
#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <fcntl.h>
#include <unistd.h>

static int usage(void)
{
    fprintf(stderr, "usage: certdesk-sandbox --listen 127.0.0.1:PORT --state DIR [--seed N]\n"
                    "  --listen  loopback only; port 0 takes the one of the last start, or any\n"
                    "  --state   folder for the journal, keys, mail and sandbox.json\n"
                    "  --seed    draw ids from this number, so that runs can be compared\n");
    return 2;
}

/* -1 for anything but a port of 127.0.0.1. */
static int listen_port(const char *text)
{
    int port = -1, end = 0;
    if (sscanf(text, "127.0.0.1:%5d%n", &port, &end) != 1 || text[end] || port < 0 || port > 65535)
        return -1;
    return port;
}

static bool parse(int argc, char **argv, struct sandbox *sb, int *port)
{
    static const struct option options[] = {{"listen", required_argument, NULL, 'l'},
                                            {"state", required_argument, NULL, 's'},
                                            {"seed", required_argument, NULL, 'n'},
                                            {0}};
    *port = 0;
    for (int c; (c = getopt_long(argc, argv, "", options, NULL)) != -1;) {
        char *end = NULL;
        if (c == 'l' && (*port = listen_port(optarg)) < 0)
            return false;
        if (c == 's')
            sb->dir = optarg;
        if (c == 'n') {
            sb->seeded = true;
            sb->seed = strtoull(optarg, &end, 10);
        }
        if (c == '?' || (end && *end))
            return false;
    }
    return sb->dir && optind == argc;
}

/* The folder, and the lock that keeps a second sandbox out of it; the lock goes with the process. */
static bool take_folder(struct sandbox *sb)
{
    if (mkdir(sb->dir, 0700) && errno != EEXIST) {
        fprintf(stderr, "certdesk-sandbox: %s: %s\n", sb->dir, strerror(errno));
        return false;
    }
    sb->dir = realpath(sb->dir, NULL);
    struct arena a;
    arena_init(&a, 0);
    int fd = sb->dir ? open(arena_printf(&a, "%s/lock", sb->dir), O_RDWR | O_CREAT | O_CLOEXEC, 0600) : -1;
    arena_free(&a);
    if (fd < 0 || flock(fd, LOCK_EX | LOCK_NB)) {
        fprintf(stderr, "certdesk-sandbox: the folder is in use or not ours\n");
        return false;
    }
    return true;
}

/* The same ports as at the last start when they are free: clients have them in their configuration. */
static bool start(struct sandbox *sb, int port)
{
    const json_t *last = state_get(sb->state, "ports", "http");
    int old = (int)json_integer_value(last);
    sb->keys = keys_open(sb);
    if (!sb->keys)
        return false;
    struct http *h = http_start(sb, port ? port : old);
    if (!h && !port)
        h = http_start(sb, 0);
    if (!h) {
        fprintf(stderr, "certdesk-sandbox: cannot listen on port %d: %s\n", port, strerror(errno));
        return false;
    }
    sb->http = h;
    sb->port = http_port(h);
    sb->smtp = smtp_start(sb, (int)json_integer_value(state_get(sb->state, "ports", "smtp")));
    sb->deliver = sb->smtp ? deliver_start(sb) : NULL;
    if (!sb->deliver)
        return false;
    sb->smtp_port = smtp_port(sb->smtp);
    pthread_mutex_lock(&sb->lock);
    state_put(sb->state, "ports", "http", json_integer(sb->port));
    state_put(sb->state, "ports", "smtp", json_integer(sb->smtp_port));
    pthread_mutex_unlock(&sb->lock);
    return keys_publish(sb) == 0;
}

static void run(struct sandbox *sb, const sigset_t *signals)
{
    printf("{\"port\":%d,\"smtp_port\":%d}\n", sb->port, sb->smtp_port);
    fflush(stdout);
    for (int sig = 0;;) {
        if (sigwait(signals, &sig))
            continue;
        if (sig != SIGCHLD || !smtp_revive(sb->smtp))
            return;
    }
}

static void stop(struct sandbox *sb)
{
    pthread_mutex_lock(&sb->lock);
    sb->stopping = true;
    pthread_cond_broadcast(&sb->stop);
    pthread_mutex_unlock(&sb->lock);
    deliver_stop(sb->deliver);
    smtp_stop(sb->smtp); /* before the port that it asks */
    http_stop(sb->http);
    keys_close(sb->keys);
    state_close(sb->state);
    free((char *)(uintptr_t)sb->dir);
}

int main(int argc, char **argv)
{
    struct sandbox sb = {.lock = PTHREAD_MUTEX_INITIALIZER};
    int port = 0;
    if (!parse(argc, argv, &sb, &port))
        return usage();
    if (!take_folder(&sb))
        return 1;
    pthread_condattr_t attr;
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(&sb.stop, &attr);
    sigset_t signals;
    sigemptyset(&signals);
    sigaddset(&signals, SIGTERM);
    sigaddset(&signals, SIGINT);
    sigaddset(&signals, SIGCHLD);
    pthread_sigmask(SIG_BLOCK, &signals, NULL); /* before any thread: they inherit it */
    signal(SIGPIPE, SIG_IGN);
    curl_global_init(CURL_GLOBAL_DEFAULT);
    sb.state = state_open(sb.dir);
    bool ok = sb.state != NULL;
    if (ok) {
        sb.drawn = (uint64_t)state_age(sb.state) << 32;
        ok = start(&sb, port);
    }
    if (ok)
        run(&sb, &signals);
    stop(&sb);
    return ok ? 0 : 1;
}
