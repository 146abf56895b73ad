#include "core/embedded.h"

#include "base/clock.h"
#include "base/log.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum {
    STOP_MS = 20000, /* mariadbd's time to stop in good order before it is killed */
    SHORT_LIFE_MS = 1000,
    PAUSE_MAX_MS = 1000, /* between starts of a server that does not stay up */
    PATHS = 512,
};

/* The keeper's own state: a single-threaded process of its own. */
struct keeper {
    const char *dir;
    sigset_t signals; /* blocked; waited for */
    int lock;         /* held, and inherited by mariadbd: free only when the last of both is gone */
    bool stop;
};

static void path(char out[static PATHS], const char *dir, const char *name)
{
    snprintf(out, PATHS, "%s/%s", dir, name);
}

/* Waits for SIGTERM or the end of `child` (0: none), at most ms. True when the child has ended. */
static bool wait_signal(struct keeper *k, pid_t child, int64_t ms)
{
    int64_t until = clock_mono_ms() + ms;
    for (;;) {
        if (child && waitpid(child, NULL, WNOHANG) == child)
            return true;
        int64_t left = until - clock_mono_ms();
        if (left < 0)
            return false;
        struct timespec t = {.tv_sec = left / 1000, .tv_nsec = left % 1000 * 1000000};
        if (sigtimedwait(&k->signals, NULL, &t) == SIGTERM) {
            k->stop = true;
            return child && waitpid(child, NULL, WNOHANG) == child;
        }
    }
}

/* Runs argv in a child that gets `death` when the keeper dies. Its words go to dir/mariadb.log. */
static pid_t spawn(struct keeper *k, const char *const argv[], int death)
{
    pid_t keeper = getpid(), pid = fork();
    if (pid != 0)
        return pid;
    prctl(PR_SET_PDEATHSIG, death);
    if (getppid() != keeper)
        _exit(1);
    char log[PATHS];
    path(log, k->dir, "mariadb.log");
    int fd = open(log, O_WRONLY | O_CREAT | O_APPEND, 0600), null = open("/dev/null", O_RDONLY);
    dup2(null, 0);
    dup2(fd, 1);
    dup2(fd, 2);
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    /* an ordinary user's PATH has no sbin, where Debian keeps mariadbd */
    const char *usual = getenv("PATH");
    char places[4096];
    snprintf(places, sizeof places, "%s:/usr/bin:/usr/sbin", usual ? usual : "/bin");
    setenv("PATH", places, 1);
    execvp(argv[0], (char *const *)(uintptr_t)argv); /* exec does not write to it */
    _exit(127);
}

/* SIGCONT too: a stopped process does not see SIGTERM. */
static void end_child(struct keeper *k, pid_t child)
{
    kill(child, SIGTERM);
    kill(child, SIGCONT);
    int64_t until = clock_mono_ms() + STOP_MS;
    while (clock_mono_ms() < until)
        if (wait_signal(k, child, until - clock_mono_ms()))
            return;
    kill(child, SIGKILL);
    waitpid(child, NULL, 0);
}

static bool exists(const char *dir, const char *name)
{
    char p[PATHS];
    path(p, dir, name);
    struct stat st;
    return stat(p, &st) == 0;
}

/* Removes what a first start that was cut off has left: rm, because a recursive removal is its trade. */
static void discard(struct keeper *k, const char *name)
{
    char p[PATHS];
    path(p, k->dir, name);
    const char *argv[] = {"rm", "-rf", "--", p, NULL};
    pid_t pid = spawn(k, argv, SIGKILL);
    if (pid > 0)
        waitpid(pid, NULL, 0);
}

/* The data folder is made beside its place and renamed when whole. */
static bool make_data(struct keeper *k)
{
    if (exists(k->dir, "data"))
        return true;
    discard(k, "data.new");
    char fresh[PATHS], data[PATHS], datadir[PATHS + 16];
    path(fresh, k->dir, "data.new");
    path(data, k->dir, "data");
    snprintf(datadir, sizeof datadir, "--datadir=%s", fresh);
    const char *argv[] = {"mariadb-install-db",
                          "--no-defaults",
                          datadir,
                          "--auth-root-authentication-method=normal",
                          "--skip-test-db",
                          "--innodb-log-file-size=10M",
                          geteuid() == 0 ? "--user=root" : NULL,
                          NULL};
    pid_t pid = spawn(k, argv, SIGTERM);
    int status = 0;
    while (pid > 0 && waitpid(pid, &status, 0) < 0 && errno == EINTR)
        ;
    if (pid <= 0 || !WIFEXITED(status) || WEXITSTATUS(status) != 0) {
        LOG(ERROR, "embedded.install", KV_S("folder", k->dir), KV_I("status", status));
        return false;
    }
    return rename(fresh, data) == 0;
}

/* reliability 6.1, for one node on a small machine. */
static pid_t start_server(struct keeper *k)
{
    char data[PATHS + 16], socket[PATHS + 16], pid_file[PATHS + 16], tmp[PATHS + 16];
    snprintf(data, sizeof data, "--datadir=%s/data", k->dir);
    snprintf(socket, sizeof socket, "--socket=%s/db.sock", k->dir);
    snprintf(pid_file, sizeof pid_file, "--pid-file=%s/mariadbd.pid", k->dir);
    snprintf(tmp, sizeof tmp, "--tmpdir=%s/tmp", k->dir);
    const char *argv[] = {"mariadbd",
                          "--no-defaults",
                          data,
                          socket,
                          pid_file,
                          tmp,
                          "--skip-networking",
                          "--skip-name-resolve",
                          "--skip-log-bin",
                          "--performance-schema=0",
                          "--max-connections=200",
                          "--max-prepared-stmt-count=200000",
                          "--max-allowed-packet=16M",
                          "--character-set-server=utf8mb4",
                          "--collation-server=utf8mb4_bin",
                          "--sql-mode=STRICT_TRANS_TABLES,STRICT_ALL_TABLES,ERROR_FOR_DIVISION_BY_ZERO,"
                          "NO_ZERO_DATE,NO_ZERO_IN_DATE,NO_ENGINE_SUBSTITUTION",
                          "--default-time-zone=+00:00",
                          "--transaction-isolation=REPEATABLE-READ",
                          "--innodb-flush-log-at-trx-commit=1",
                          "--innodb-doublewrite=ON",
                          "--innodb-snapshot-isolation=ON",
                          "--innodb-rollback-on-timeout=ON",
                          "--innodb-lock-wait-timeout=2",
                          "--innodb-deadlock-detect=ON",
                          "--innodb-print-all-deadlocks=ON",
                          "--innodb-buffer-pool-size=64M",
                          "--innodb-log-file-size=48M",
                          "--idle-transaction-timeout=30",
                          "--idle-write-transaction-timeout=10",
                          geteuid() == 0 ? "--user=root" : NULL,
                          NULL};
    return spawn(k, argv, SIGTERM);
}

/* Starts mariadbd again whenever it ends; a server that does not stay up is given growing pauses. */
static void keep(struct keeper *k)
{
    int64_t pause = 0;
    while (!k->stop) {
        int64_t born = clock_mono_ms();
        pid_t pid = start_server(k);
        if (pid > 0) {
            while (!k->stop && !wait_signal(k, pid, INT32_MAX))
                ;
            if (k->stop) {
                end_child(k, pid);
                return;
            }
            LOG(WARN, "embedded.ended", KV_I("lived_ms", clock_mono_ms() - born));
        }
        bool short_life = clock_mono_ms() - born < SHORT_LIFE_MS;
        pause = !short_life ? 0 : pause ? pause * 2 : 50;
        if (pause > PAUSE_MAX_MS)
            pause = PAUSE_MAX_MS;
        wait_signal(k, 0, pause);
    }
}

/* Waits until an earlier mariadbd on this folder is gone: it holds the lock as long as it lives. */
static bool own_folder(struct keeper *k)
{
    char p[PATHS];
    path(p, k->dir, "keeper.lock");
    k->lock = open(p, O_RDWR | O_CREAT, 0600); /* no O_CLOEXEC: mariadbd inherits it */
    while (k->lock >= 0 && !k->stop) {
        if (flock(k->lock, LOCK_EX | LOCK_NB) == 0)
            return true;
        wait_signal(k, 0, 20);
    }
    return false;
}

static _Noreturn void keeper_main(const char *dir, pid_t parent)
{
    struct keeper k = {.dir = dir, .lock = -1};
    sigemptyset(&k.signals);
    sigaddset(&k.signals, SIGTERM);
    sigaddset(&k.signals, SIGCHLD);
    sigprocmask(SIG_BLOCK, &k.signals, NULL);
    setsid(); /* Ctrl-C is for the server, which then stops us */
    close_range(3, ~0U, 0);
    int null = open("/dev/null", O_RDWR | O_CLOEXEC);
    dup2(null, 0);
    dup2(null, 1);
    prctl(PR_SET_NAME, "certdesk-keeper");
    prctl(PR_SET_PDEATHSIG, SIGTERM);
    if (getppid() != parent)
        _exit(0);
    char tmp[PATHS];
    path(tmp, dir, "tmp");
    mkdir(tmp, 0700);
    if (own_folder(&k)) {
        while (!k.stop && !make_data(&k))
            wait_signal(&k, 0, PAUSE_MAX_MS);
        keep(&k);
    }
    _exit(0);
}

enum err embedded_start(const char *dir, struct embedded *out, struct fault *f)
{
    *out = (struct embedded){0};
    if (mkdir(dir, 0700) != 0 && errno != EEXIST)
        return fail(f, ERR_PRECONDITION, "the database folder cannot be made: %s", strerror(errno));
    struct stat st;
    if (stat(dir, &st) != 0 || !S_ISDIR(st.st_mode) || st.st_uid != geteuid() || (st.st_mode & 077))
        return fail(f, ERR_PRECONDITION, "the database folder must be ours with mode 0700");
    char *real = realpath(dir, NULL);
    int n = real ? snprintf(out->socket, sizeof out->socket, "%s/db.sock", real) : -1;
    if (n < 0 || (size_t)n >= sizeof out->socket) {
        free(real);
        return fail(f, ERR_PRECONDITION, "the database folder's path is too long for a socket");
    }
    pid_t parent = getpid(), pid = fork();
    if (pid == 0)
        keeper_main(real, parent);
    free(real);
    if (pid < 0)
        return fail(f, ERR_UNAVAILABLE, "the database keeper cannot be started: %s", strerror(errno));
    out->keeper = pid;
    return OK;
}

void embedded_stop(struct embedded *e)
{
    if (e->keeper <= 0)
        return;
    kill(e->keeper, SIGTERM);
    while (waitpid(e->keeper, NULL, 0) < 0 && errno == EINTR)
        ;
    e->keeper = 0;
}
