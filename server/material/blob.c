/* The bytes of materials as sealed files named by their digest. */
#include "material/material_store.h"

#include "app.h"
#include "base/fi.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const char *place(struct ctx *c, const char *hex)
{
    return arena_printf(c->arena, "blob:%s", hex);
}

static enum err broken(struct ctx *c, const char *what)
{
    return fail(c->fault, ERR_UNAVAILABLE, "%s: %s", what, strerror(errno));
}

static bool write_all(int fd, const char *p, size_t n)
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
    return true;
}

static bool sync_folder(const char *path)
{
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    bool ok = fd >= 0 && fsync(fd) == 0;
    if (fd >= 0)
        close(fd);
    return ok;
}

/* Under another name first, so that a name always means whole bytes. */
static enum err write_file(struct ctx *c, const char *folder, const char *path, const void *p, size_t n)
{
    char id[ID_SIZE];
    id_new("tmp", id);
    const char *temporary = arena_printf(c->arena, "%s/.%s", folder, id);
    int fd = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0)
        return broken(c, "a material cannot be stored");
    bool ok = write_all(fd, p, n) && fsync(fd) == 0;
    ok = close(fd) == 0 && ok;
    if (!ok || rename(temporary, path) != 0) {
        enum err e = broken(c, "a material cannot be stored");
        unlink(temporary);
        return e;
    }
    FI("blob.renamed");
    return sync_folder(folder) ? OK : broken(c, "a material cannot be stored");
}

enum err blob_put(struct ctx *c, const unsigned char digest[static 32], const void *bytes, size_t n)
{
    char hex[65];
    hex_encode(digest, 32, hex);
    const char *root = arena_printf(c->arena, "%s/materials", c->app->state_dir);
    const char *folder = arena_printf(c->arena, "%s/%.2s", root, hex);
    const char *path = arena_printf(c->arena, "%s/%s", folder, hex);
    if (access(path, F_OK) == 0)
        return OK;
    if ((mkdir(root, 0700) != 0 && errno != EEXIST) || (mkdir(folder, 0700) != 0 && errno != EEXIST) ||
        !sync_folder(root))
        return broken(c, "a material cannot be stored");
    const void *sealed;
    size_t sealed_n;
    TRY(crypt_seal(c->keys, c->arena, place(c, hex), bytes, n, &sealed, &sealed_n));
    return write_file(c, folder, path, sealed, sealed_n);
}

enum err blob_get(struct ctx *c, const unsigned char digest[static 32], const void **bytes, size_t *n)
{
    char hex[65];
    hex_encode(digest, 32, hex);
    const char *path = arena_printf(c->arena, "%s/materials/%.2s/%s", c->app->state_dir, hex, hex);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    struct stat st;
    if (fd < 0 || fstat(fd, &st) != 0) {
        enum err e = errno == ENOENT ? fail(c->fault, ERR_DATA_LOSS, "the bytes of a material are not there")
                                     : broken(c, "a material cannot be read");
        if (fd >= 0)
            close(fd);
        return e;
    }
    size_t size = (size_t)st.st_size, got = 0;
    char *sealed = arena_alloc(c->arena, size);
    for (ssize_t k; got < size && (k = read(fd, sealed + got, size - got)) > 0;)
        got += (size_t)k;
    close(fd);
    if (got != size)
        return fail(c->fault, ERR_DATA_LOSS, "a material's file is shorter than it was");
    const char *clear;
    TRY(crypt_open(c->keys, c->arena, place(c, hex), sealed, size, &clear, n, c->fault));
    unsigned char again[32];
    crypt_sha256(clear, *n, again);
    if (!same_bytes(again, digest, 32))
        return fail(c->fault, ERR_DATA_LOSS, "a material's bytes do not have their digest");
    *bytes = clear;
    return OK;
}
