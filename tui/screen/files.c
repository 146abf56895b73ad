#include "screen/files.h"

#include "tr/tr.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const char *expand(struct arena *a, const char *path)
{
    const char *home = getenv("HOME");
    return strncmp(path, "~/", 2) == 0 && home ? arena_printf(a, "%s/%s", home, path + 2) : path;
}

/* The likely ones in the user's language. */
static const char *why_not(int e)
{
    switch (e) {
    case ENOENT:
        return _("there is no such file or folder");
    case EACCES:
    case EPERM:
        return _("you may not");
    case ENOTDIR:
        return _("a part of the path is no folder");
    case EISDIR:
        return _("it is a folder");
    case ENOSPC:
    case EDQUOT:
        return _("there is no space left");
    case EROFS:
        return _("nothing can be written there");
    default:
        return strerror(e);
    }
}

const char *file_could(struct arena *a, const char *path)
{
    const char *to = expand(a, path), *slash = strrchr(to, '/');
    const char *folder = !slash ? "." : slash == to ? "/" : arena_strndup(a, to, (size_t)(slash - to));
    if (access(to, F_OK) == 0)
        return arena_printf(a, _("%s is there already."), path);
    return access(folder, W_OK | X_OK) == 0
               ? NULL
               : arena_printf(a, _("%s cannot be written: %s"), path, why_not(errno));
}

static bool put_all(int fd, const char *p, size_t n)
{
    while (n) {
        ssize_t k = write(fd, p, n);
        if (k < 0 && errno == EINTR)
            continue;
        if (k <= 0)
            return false;
        p += k;
        n -= (size_t)k;
    }
    return fsync(fd) == 0;
}

const char *file_save(struct arena *a, const char *path, const void *bytes, size_t n)
{
    const char *to = expand(a, path);
    int fd = open(to, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0)
        return errno == EEXIST ? arena_printf(a, _("%s is there already."), path)
                               : arena_printf(a, _("%s cannot be written: %s"), path, why_not(errno));
    bool ok = put_all(fd, bytes, n);
    int why = errno;
    if (close(fd) == 0 && ok)
        return NULL;
    unlink(to);
    return arena_printf(a, _("%s cannot be written: %s"), path, why_not(why));
}

const char *file_load(struct arena *a, const char *path, size_t most, void **bytes, size_t *n)
{
    struct stat is;
    int fd = open(expand(a, path), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd >= 0 && (fstat(fd, &is) != 0 || !S_ISREG(is.st_mode))) {
        close(fd);
        return arena_printf(a, _("%s is no file."), path);
    }
    char *to = arena_alloc(a, most + 1);
    ssize_t k = -1;
    *n = 0;
    while (fd >= 0 && *n <= most && (k = read(fd, to + *n, most + 1 - *n)) > 0)
        *n += (size_t)k;
    int why = errno;
    if (fd >= 0)
        close(fd);
    *bytes = to;
    if (fd < 0 || k < 0)
        return arena_printf(a, _("%s cannot be read: %s"), path, why_not(why));
    return *n > most ? arena_printf(a, _("%s is too large."), path) : NULL;
}
