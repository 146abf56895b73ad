#include "material/decoder.h"

#include "app.h"
#include "base/clock.h"
#include "base/log.h"
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
    WITHIN_MS = 10000,
    STARVED_MS = 1000, /* of work, when its time was up: the machine was slow, not the file */
    EXIT_USAGE = 2,    /* its own: main.c of certdesk-decode */
    EXIT_JAIL = 3,
    ARGUMENT = 16,
    PROGRAM = PATH_MAX + 32,
};

/* -- starting it ----------------------------------------------------------------------------------------- */

static void program(const struct ctx *c, char path[static PROGRAM])
{
    const char *set = config_text(c->app->config, CONFIG_DECODER);
    ssize_t n = *set ? -1 : readlink("/proc/self/exe", path, PATH_MAX);
    path[n > 0 ? n : 0] = '\0';
    char *slash = strrchr(path, '/');
    if (slash)
        snprintf(slash, 32, "/certdesk-decode");
    else
        snprintf(path, PROGRAM, "%s", set);
}

/* posix_spawn, because what a fork of a program with threads may do before exec is almost nothing. */
static int spawn(const char *path, int in, int out, char *const argv[], pid_t *pid)
{
    posix_spawn_file_actions_t files;
    posix_spawnattr_t attr;
    sigset_t none, all;
    sigemptyset(&none);
    sigfillset(&all);
    posix_spawn_file_actions_init(&files);
    posix_spawnattr_init(&attr);
    int e = posix_spawn_file_actions_adddup2(&files, in, STDIN_FILENO);
    e = e ? e : posix_spawn_file_actions_adddup2(&files, out, STDOUT_FILENO);
    e = e ? e : posix_spawn_file_actions_addopen(&files, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
    e = e ? e : posix_spawn_file_actions_addclosefrom_np(&files, STDERR_FILENO + 1);
    e = e ? e : posix_spawnattr_setsigmask(&attr, &none);
    e = e ? e : posix_spawnattr_setsigdefault(&attr, &all);
    e = e ? e : posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
    char *const nothing[] = {NULL};
    e = e ? e : posix_spawn(pid, path, &files, &attr, argv, nothing);
    posix_spawnattr_destroy(&attr);
    posix_spawn_file_actions_destroy(&files);
    return e;
}

/* -- waiting for its end --------------------------------------------------------------------------------- */

struct ended {
    int status;
    bool killed; /* by us: its time was up */
    int64_t cpu_ms;
};

static int64_t left_ms(int64_t until)
{
    int64_t left = until - clock_mono_ms();
    return left > 0 ? left : 0;
}

static void wait_for(pid_t pid, int64_t until, struct ended *out)
{
    struct rusage used = {0};
    *out = (struct ended){.status = -1};
    int fd = (int)syscall(SYS_pidfd_open, pid, 0);
    struct pollfd p = {.fd = fd, .events = POLLIN};
    int n = fd < 0 ? 0 : -1;
    while (n < 0 && (n = poll(&p, 1, (int)left_ms(until))) < 0 && errno == EINTR)
        ;
    if (n <= 0) {
        out->killed = true;
        kill(pid, SIGKILL);
    }
    while (wait4(pid, &out->status, 0, &used) < 0 && errno == EINTR)
        ;
    if (fd >= 0)
        close(fd);
    out->cpu_ms = (used.ru_utime.tv_sec + used.ru_stime.tv_sec) * 1000 +
                  (used.ru_utime.tv_usec + used.ru_stime.tv_usec) / 1000;
}

/* -- its answer ------------------------------------------------------------------------------------------ */

static bool believable(const struct decode_result *r, off_t size)
{
    return memcmp(r->magic, DECODE_MAGIC, sizeof r->magic) == 0 && r->verdict >= 0 &&
           r->verdict < DECODE_VERDICTS_COUNT && r->type >= DECODE_NOTHING && r->type <= DECODE_PDF &&
           r->width >= 0 && r->height >= 0 && r->pages >= 0 && r->out_width >= 0 &&
           r->out_width <= DECODE_OUT_SIDE && r->out_height >= 0 && r->out_height <= DECODE_OUT_SIDE &&
           r->bytes <= DECODE_OUT_BYTES && size == (off_t)(sizeof *r + r->bytes);
}

static bool read_answer(struct ctx *c, int fd, struct decoded *out)
{
    struct stat st;
    if (fstat(fd, &st) != 0 || pread(fd, &out->said, sizeof out->said, 0) != (ssize_t)sizeof out->said ||
        !believable(&out->said, st.st_size))
        return false;
    size_t n = out->said.bytes;
    char *jpeg = arena_alloc(c->arena, n + 1);
    if (n &&
        (n < 3 || pread(fd, jpeg, n, sizeof out->said) != (ssize_t)n || memcmp(jpeg, "\xFF\xD8\xFF", 3) != 0))
        return false;
    out->jpeg = jpeg;
    return true;
}

static enum err cannot(struct ctx *c)
{
    return fail(c->fault, ERR_UNAVAILABLE, "files cannot be looked into now; try again");
}

/* What its end means. Nothing of the file goes to the log. */
static enum err judge(struct ctx *c, const struct ended *end, int answer, struct decoded *out)
{
    bool ran = WIFEXITED(end->status);
    int code = ran ? WEXITSTATUS(end->status) : 0;
    if (ran && code == 0 && read_answer(c, answer, out))
        return OK;
    bool ours = ran && (code == EXIT_USAGE || code == EXIT_JAIL);
    bool starved = end->killed && end->cpu_ms < STARVED_MS;
    LOG(WARN, "decode.died", KV_S("request", c->request),
        KV_I("signal", WIFSIGNALED(end->status) ? WTERMSIG(end->status) : 0), KV_I("status", code),
        KV_I("cpu_ms", end->cpu_ms), KV_I("late", end->killed));
    if (ours || starved)
        return cannot(c);
    *out = (struct decoded){.said = {.verdict = DECODE_UNREADABLE}};
    return OK;
}

/* -- for others ------------------------------------------------------------------------------------------ */

/* Another view of the same file, which cannot be written to. */
static int read_only(int fd)
{
    char path[64];
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    return open(path, O_RDONLY | O_CLOEXEC);
}

enum err decoder_run(struct ctx *c, int fd, enum decode_want want, int side, int page, struct decoded *out)
{
    char path[PROGRAM], w[ARGUMENT], s[ARGUMENT], p[ARGUMENT];
    struct ended end;
    pid_t pid;
    program(c, path);
    snprintf(w, sizeof w, "%d", (int)want);
    snprintf(s, sizeof s, "%d", side);
    snprintf(p, sizeof p, "%d", page);
    char *const argv[] = {path, w, s, p, NULL};
    int in = read_only(fd), answer = memfd_create("decoded", MFD_CLOEXEC);
    int failed = in < 0 || answer < 0 ? errno : spawn(path, in, answer, argv, &pid);
    enum err e = OK;
    if (failed) {
        LOG(ERROR, "decode.not_started", KV_S("program", path), KV_I("errno", failed));
        e = cannot(c);
    } else {
        int64_t until = clock_mono_ms() + WITHIN_MS;
        wait_for(pid, c->deadline_ms && c->deadline_ms < until ? c->deadline_ms : until, &end);
        e = judge(c, &end, answer, out);
    }
    if (in >= 0)
        close(in);
    if (answer >= 0)
        close(answer);
    return e;
}

enum err decoder_run_bytes(struct ctx *c, const void *bytes, size_t n, enum decode_want want, int side,
                           int page, struct decoded *out)
{
    int fd = memfd_create("picture", MFD_CLOEXEC);
    bool ok = fd >= 0;
    for (size_t done = 0; ok && done < n;) {
        ssize_t k = write(fd, (const char *)bytes + done, n - done);
        ok = k > 0 || (k < 0 && errno == EINTR);
        done += k > 0 ? (size_t)k : 0;
    }
    enum err e = ok ? decoder_run(c, fd, want, side, page, out) : cannot(c);
    if (fd >= 0)
        close(fd);
    return e;
}

static const struct {
    const char *reason, *en, *zh;
} verdicts[] = {
#define X(name, reason, en, zh) {reason, en, zh},
    DECODE_VERDICTS(X)
#undef X
};

enum err decoder_verdict(struct ctx *c, const char *field, const struct decode_result *said)
{
    if (said->verdict == DECODE_OK)
        return OK;
    const char *en = verdicts[said->verdict].en, *zh = verdicts[said->verdict].zh;
    if (said->verdict == DECODE_PIXELS) {
        en = arena_printf(c->arena, "the picture has %d x %d pixels; at most %d a side, %d million in all",
                          said->width, said->height, DECODE_MAX_SIDE, DECODE_MAX_PIXELS / 1000000);
        zh = arena_printf(c->arena, "图片为 %d x %d 像素，每边最多 %d，总数最多 %d 万", said->width,
                          said->height, DECODE_MAX_SIDE, DECODE_MAX_PIXELS / 10000);
    }
    if (said->verdict == DECODE_PAGES) {
        en = arena_printf(c->arena, "the document has %d pages; 1 to %d are accepted", said->pages,
                          DECODE_MAX_PAGES);
        zh = arena_printf(c->arena, "文档有 %d 页，应为 1 至 %d 页", said->pages, DECODE_MAX_PAGES);
    }
    enum err e = fail(c->fault, ERR_MATERIAL_BAD, "%s", en);
    snprintf(c->fault->text_zh, sizeof c->fault->text_zh, "%s", zh);
    fault_field(c->fault, field, verdicts[said->verdict].reason, en, zh);
    c->fault->code = e;
    return e;
}

const char *decoder_content_type(enum decode_type type)
{
    static const char *const names[] = {"", "image/jpeg", "image/png", "application/pdf"};
    return names[type];
}
