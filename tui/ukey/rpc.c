/* The connection to the desk, the session of a login, and files that are kept between runs. */
#include "ukey/ukey.h"

#include "base/str.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum {
    TIMEOUT_MS = 20000,
    TOKEN_MAX = 200,
    PATH_SIZE = 4096,
};

static enum err desk_open(struct desk *d, const struct args *a, struct fault *f)
{
    arena_init(&d->arena, 0);
    d->channel = NULL;
    if (!a->server || !*a->server)
        return refuse(f, ERR_INVALID, N_("say --server ADDRESS, or set CERTDESK_SERVER"));
    return rpc_channel_open(&(struct rpc_channel_options){.target = a->server}, &d->channel, f);
}

static void desk_close(struct desk *d)
{
    if (d->channel)
        rpc_channel_close(d->channel);
    arena_free(&d->arena);
}

enum err at_the_desk(const struct args *a,
                     enum err (*work)(struct desk *, const struct args *, struct fault *), struct fault *f)
{
    struct desk d;
    enum err e = desk_open(&d, a, f);
    if (e == OK)
        e = work(&d, a, f);
    desk_close(&d);
    return e != OK || fflush(stdout) == 0 ? e
                                          : refuse(f, ERR_UNAVAILABLE, N_("the answer could not be written"));
}

enum err desk_ask(struct desk *d, struct rpc_method method, const ProtobufCMessage *request,
                  const void **response, struct fault *f)
{
    const ProtobufCMessage *m = NULL;
    TRY(rpc_unary(d->channel, method, request, TIMEOUT_MS, &d->arena, &m, f));
    *response = m;
    return OK;
}

char *desk_request_id(struct desk *d)
{
    char id[ID_SIZE];
    id_new("req", id);
    return arena_strdup(&d->arena, id);
}

enum err desk_session(struct desk *d, const struct args *a, struct fault *f)
{
    char token[TOKEN_MAX] = "", value[TOKEN_MAX + 8];
    if (!a->session)
        return refuse(f, ERR_INVALID,
                      N_("say --session FILE, with the session of a login (- for standard input)"));
    FILE *in = strcmp(a->session, "-") == 0 ? stdin : fopen(a->session, "re");
    bool ok = in && fgets(token, sizeof token, in);
    if (in && in != stdin)
        fclose(in);
    token[strcspn(token, "\r\n")] = '\0';
    if (!ok || !*token)
        return refuse(f, ERR_INVALID, N_("%s holds no session"), a->session);
    snprintf(value, sizeof value, "Bearer %s", token);
    rpc_channel_set_metadata(d->channel, "authorization", value);
    wipe(token, sizeof token);
    wipe(value, sizeof value);
    return OK;
}

enum err keep_file(const char *path, const char *line, struct fault *f)
{
    char fresh[PATH_SIZE];
    if (snprintf(fresh, sizeof fresh, "%s.new", path) >= (int)sizeof fresh)
        return refuse(f, ERR_INVALID, N_("the name of the file is too long"));
    unlink(fresh);
    int fd = open(fresh, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    bool ok = fd >= 0 && dprintf(fd, "%s\n", line) > 0 && fsync(fd) == 0;
    if (fd >= 0)
        close(fd);
    if (ok && rename(fresh, path) == 0)
        return OK;
    unlink(fresh);
    return refuse(f, ERR_UNAVAILABLE, N_("%s cannot be written"), path);
}
