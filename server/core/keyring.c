#include "core/keyring.h"

#include "base/str.h"
#include "core/crypt.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    PEM_MAX = 8192
};

/* A whole file of at most max bytes; secret files must be ours alone. Returns its length, -1 with a fault, or
 * -2 when there is none. */
static ssize_t read_file(int dir, const char *name, bool secret, char *out, size_t max, struct fault *f)
{
    int fd = openat(dir, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0 && errno == ENOENT)
        return -2;
    struct stat st;
    ssize_t n = -1;
    if (fd < 0 || fstat(fd, &st) != 0 || !S_ISREG(st.st_mode))
        (void)!fail(f, ERR_PRECONDITION, "key file %s cannot be read: %s", name, strerror(errno));
    else if (secret && ((st.st_mode & 077) || (st.st_uid != geteuid() && st.st_uid != 0)))
        (void)!fail(f, ERR_PRECONDITION, "key file %s must be mode 0600 and belong to this user", name);
    else if ((n = read(fd, out, max)) < 0)
        (void)!fail(f, ERR_PRECONDITION, "key file %s cannot be read: %s", name, strerror(errno));
    if (fd >= 0)
        close(fd);
    return n;
}

/* Written beside, synced, and linked into place: a crash leaves a whole file or none, and two processes that
 * start at once keep one key. An existing file stays. */
static enum err write_file(int dir, const char *name, mode_t mode, const void *p, size_t n, struct fault *f)
{
    char beside[64];
    snprintf(beside, sizeof beside, ".%s.%d", name, (int)getpid());
    unlinkat(dir, beside, 0);
    int fd = openat(dir, beside, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    bool ok = fd >= 0 && write(fd, p, n) == (ssize_t)n && fchmod(fd, mode) == 0 && fsync(fd) == 0;
    if (fd >= 0)
        close(fd);
    ok = ok && (linkat(dir, beside, dir, name, 0) == 0 || errno == EEXIST);
    int why = errno;
    unlinkat(dir, beside, 0);
    fsync(dir);
    return ok ? OK : fail(f, ERR_PRECONDITION, "key file %s cannot be written: %s", name, strerror(why));
}

static int by_id(const void *a, const void *b)
{
    const struct master_key *x = a, *y = b;
    return x->id - y->id;
}

static enum err load_master(struct keyring *k, int dir, const char *name, struct fault *f)
{
    int id = 0, end = 0;
    if (sscanf(name, "master.%d.key%n", &id, &end) != 1 || end == 0 || name[end] || id < 1 || id > KEYS_MAX)
        return OK; /* some other file */
    char bytes[KEY_BYTES + 1];
    ssize_t n = read_file(dir, name, true, bytes, sizeof bytes, f);
    if (n < 0)
        return ERR_PRECONDITION;
    if (n != KEY_BYTES)
        return fail(f, ERR_PRECONDITION, "key file %s must have %d bytes", name, KEY_BYTES);
    struct master_key *m = &k->keys[k->n++];
    m->id = (unsigned char)id;
    memcpy(m->bytes, bytes, KEY_BYTES);
    wipe(bytes, sizeof bytes);
    return OK;
}

static enum err load_masters(struct keyring *k, int dir, struct fault *f)
{
    k->n = 0;
    DIR *d = fdopendir(openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!d)
        return fail(f, ERR_PRECONDITION, "the key folder cannot be read: %s", strerror(errno));
    enum err e = OK;
    for (struct dirent *x; e == OK && k->n < KEYS_MAX && (x = readdir(d));)
        e = load_master(k, dir, x->d_name, f);
    closedir(d);
    qsort(k->keys, k->n, sizeof k->keys[0], by_id);
    return e;
}

static enum err masters(struct keyring *k, int dir, bool create, struct fault *f)
{
    TRY(load_masters(k, dir, f));
    if (k->n == 0 && create) {
        unsigned char fresh[KEY_BYTES];
        random_bytes(fresh, sizeof fresh);
        enum err e = write_file(dir, "master.1.key", 0600, fresh, sizeof fresh, f);
        wipe(fresh, sizeof fresh);
        TRY(e);
        TRY(load_masters(k, dir, f));
    }
    return k->n ? OK : fail(f, ERR_PRECONDITION, "the key folder has no master.<id>.key");
}

static enum err seal_key(struct keyring *k, int dir, bool create, struct fault *f)
{
    char pem[PEM_MAX];
    ssize_t n = read_file(dir, "seal.key.pem", true, pem, sizeof pem - 1, f);
    if (n == -2 && create) {
        size_t made_n;
        char *made = keyring_new_seal(&made_n);
        enum err e = write_file(dir, "seal.key.pem", 0600, made, made_n, f);
        wipe(made, made_n);
        free(made);
        TRY(e);
        n = read_file(dir, "seal.key.pem", true, pem, sizeof pem - 1, f);
    }
    if (n == -2)
        return fail(f, ERR_PRECONDITION, "the key folder has no seal.key.pem");
    if (n < 0)
        return ERR_PRECONDITION;
    pem[n] = '\0';
    enum err e = keyring_load_seal(k, pem, f);
    wipe(pem, sizeof pem);
    TRY(e);
    n = read_file(dir, "seal.pub.pem", false, pem, sizeof pem, NULL);
    if (!create || (n == (ssize_t)strlen(k->seal_public) && memcmp(pem, k->seal_public, (size_t)n) == 0))
        return OK;
    unlinkat(dir, "seal.pub.pem", 0);
    return write_file(dir, "seal.pub.pem", 0644, k->seal_public, strlen(k->seal_public), f);
}

enum err keyring_open(const char *path, bool create, struct keyring **out, struct fault *f)
{
    if (create && mkdir(path, 0700) != 0 && errno != EEXIST)
        return fail(f, ERR_PRECONDITION, "the key folder cannot be made: %s", strerror(errno));
    int dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (dir < 0)
        return fail(f, ERR_PRECONDITION, "the key folder cannot be opened: %s", strerror(errno));
    struct keyring *k = mmap(NULL, sizeof *k, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (k == MAP_FAILED)
        abort();
    mlock(k, sizeof *k); /* refused by a low limit: then it may be swapped, which we accept */
    madvise(k, sizeof *k, MADV_DONTDUMP);
    enum err e = masters(k, dir, create, f);
    if (e == OK)
        e = seal_key(k, dir, create, f);
    close(dir);
    if (e != OK) {
        keyring_close(k);
        return e;
    }
    keyring_derive(k);
    mprotect(k, sizeof *k, PROT_READ);
    *out = k;
    return OK;
}

void keyring_close(struct keyring *k)
{
    if (!k)
        return;
    mprotect(k, sizeof *k, PROT_READ | PROT_WRITE);
    keyring_free_seal(k);
    wipe(k, sizeof *k);
    munmap(k, sizeof *k);
}
