#include "decode/jail.h"

#include "decode/result.h"

#include <errno.h>
#include <fcntl.h>
#include <seccomp.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#if defined(__SANITIZE_ADDRESS__)
#define SANITIZED true
#elif defined(__has_feature)
#define SANITIZED __has_feature(address_sanitizer)
#else
#define SANITIZED false
#endif

enum {
    FILES = 3
};

static bool limit(__rlimit_resource_t what, rlim_t n)
{
    struct rlimit l = {n, n};
    return setrlimit(what, &l) == 0;
}

void jail_begin(void)
{
    prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
    prctl(PR_SET_DUMPABLE, 0, 0, 0, 0); /* the picture is somebody's identity card */
    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
}

static bool limits(int seconds)
{
    return limit(RLIMIT_CPU, (rlim_t)seconds) && limit(RLIMIT_CORE, 0) && limit(RLIMIT_NPROC, 0) &&
           limit(RLIMIT_NOFILE, FILES) && limit(RLIMIT_FSIZE, DECODE_OUT_BYTES) &&
           (SANITIZED || limit(RLIMIT_AS, DECODE_MEMORY)); /* the sanitizer reserves terabytes */
}

/* Memory, locks within the process, the clock, the end. */
static const int needed[] = {
    SCMP_SYS(brk),          SCMP_SYS(munmap),      SCMP_SYS(mremap),     SCMP_SYS(madvise),
    SCMP_SYS(futex),        SCMP_SYS(getrandom),   SCMP_SYS(exit_group), SCMP_SYS(clock_gettime),
    SCMP_SYS(gettimeofday), SCMP_SYS(getpid),      SCMP_SYS(gettid),     SCMP_SYS(rt_sigprocmask),
    SCMP_SYS(rt_sigreturn), SCMP_SYS(sched_yield),
};

/* abort() of a library that has no memory: a signal to itself alone would need tgkill(pid, tid); being
 * killed for it is as good an end. */

/* What poppler, cairo and fontconfig try on their own. */
static const int looked_for[] = {
    SCMP_SYS(openat),
    SCMP_SYS(open),
    SCMP_SYS(access),
    SCMP_SYS(faccessat),
    SCMP_SYS(faccessat2),
    SCMP_SYS(stat),
    SCMP_SYS(newfstatat),
    SCMP_SYS(statx),
    SCMP_SYS(lstat),
    SCMP_SYS(readlink),
    SCMP_SYS(statfs),
    SCMP_SYS(uname),
    SCMP_SYS(getcwd),
    SCMP_SYS(mkdir),
    SCMP_SYS(readlinkat),
    SCMP_SYS(getuid),
    SCMP_SYS(geteuid),
    SCMP_SYS(getgid),
    SCMP_SYS(getegid),
    SCMP_SYS(sysinfo),
    SCMP_SYS(prctl),
    SCMP_SYS(ioctl),
    SCMP_SYS(fcntl),
    SCMP_SYS(socket),
    SCMP_SYS(sched_getaffinity),
};

/* Memory that is both written and run is what a taken-over decoder would want first. */
static int allow_memory(scmp_filter_ctx f)
{
    int e = seccomp_rule_add(f, SCMP_ACT_ALLOW, SCMP_SYS(mmap), 1, SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0));
    return e ? e
             : seccomp_rule_add(f, SCMP_ACT_ALLOW, SCMP_SYS(mprotect), 1,
                                SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0));
}

static bool rules(scmp_filter_ctx f, bool document)
{
    int e = allow_memory(f);
    for (size_t i = 0; !e && i < sizeof needed / sizeof *needed; i++)
        e = seccomp_rule_add(f, SCMP_ACT_ALLOW, needed[i], 0);
    if (!e)
        e = seccomp_rule_add(f, SCMP_ACT_ALLOW, SCMP_SYS(write), 1, SCMP_A0(SCMP_CMP_EQ, STDOUT_FILENO, 0));
    if (!e && SANITIZED) /* it looks for its stack before each longjmp */
        e = seccomp_rule_add(f, SCMP_ACT_ALLOW, SCMP_SYS(sigaltstack), 0);
    for (size_t i = 0; !e && document && i < sizeof looked_for / sizeof *looked_for; i++)
        e = seccomp_rule_add(f, SCMP_ACT_ERRNO(EACCES), looked_for[i], 0);
    if (!e && document) /* what libraries have to say about a document is for nobody */
        e = seccomp_rule_add(f, SCMP_ACT_ERRNO(EBADF), SCMP_SYS(write), 1,
                             SCMP_A0(SCMP_CMP_EQ, STDERR_FILENO, 0));
    return e == 0;
}

bool jail_close(bool document, int seconds)
{
    scmp_filter_ctx f = seccomp_init(SCMP_ACT_KILL_PROCESS);
    if (!f || !rules(f, document) || !limits(seconds) || seccomp_load(f) != 0)
        return false;
    return true; /* f stays: the process is short, and the filter is the kernel's now */
}

#ifdef CERTDESK_FAULTS
static int try_exec(void)
{
    char *const none[] = {NULL};
    return execve("/bin/true", none, none);
}

static int try_code(void)
{
    void *p = mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return p == MAP_FAILED ? -1 : 0;
}

static int try_time(void)
{
    volatile unsigned long i = 1;
    while (i)
        i++;
    return 0;
}

static int try_memory(void)
{
    for (size_t n = 0; n < 4096; n++) {
        char *p = malloc(1 << 20);
        if (!p)
            return -1;
        memset(p, 1, 1 << 20);
    }
    return 0;
}

int jail_escape(const char *what)
{
    int got = -1;
    if (strcmp(what, "open") == 0)
        got = open("/etc/passwd", O_RDONLY | O_CLOEXEC);
    else if (strcmp(what, "socket") == 0)
        got = socket(AF_INET, SOCK_STREAM, 0);
    else if (strcmp(what, "exec") == 0)
        got = try_exec();
    else if (strcmp(what, "fork") == 0)
        got = (int)fork();
    else if (strcmp(what, "kill") == 0)
        got = kill(getppid(), 0);
    else if (strcmp(what, "read") == 0)
        got = (int)read(STDIN_FILENO, &got, 1);
    else if (strcmp(what, "code") == 0)
        got = try_code();
    else if (strcmp(what, "time") == 0)
        got = try_time();
    else if (strcmp(what, "memory") == 0)
        got = try_memory();
    return got < 0 ? 0 : 1;
}
#endif
