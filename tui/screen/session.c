#include "screen/session.h"

#include "base/str.h"

#include <fcntl.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* "" when there is no home at all. Makes the folder. */
static void path_of(char *out, size_t n)
{
    const char *state = getenv("XDG_STATE_HOME"), *home = getenv("HOME");
    char dir[400] = "";
    out[0] = 0;
    if (state && *state == '/')
        snprintf(dir, sizeof dir, "%s/certdesk", state);
    else if (home && *home == '/')
        snprintf(dir, sizeof dir, "%s/.local/state/certdesk", home);
    if (!*dir)
        return;
    for (char *p = strchr(dir + 1, '/'); p; p = strchr(p + 1, '/')) {
        *p = 0;
        mkdir(dir, 0700);
        *p = '/';
    }
    mkdir(dir, 0700);
    snprintf(out, n, "%s/session", dir);
}

static void take(const json_t *j, const char *key, char *out, size_t n)
{
    const char *v = json_string_value(json_object_get(j, key));
    snprintf(out, n, "%s", v ? v : "");
}

bool session_read(struct session *s, const char *server)
{
    char path[440];
    *s = (struct session){0};
    path_of(path, sizeof path);
    json_t *j = *path ? json_load_file(path, 0, NULL) : NULL;
    if (!j)
        return false;
    take(j, "server", s->server, sizeof s->server);
    take(j, "token", s->token, sizeof s->token);
    take(j, "login", s->login, sizeof s->login);
    take(j, "name", s->name, sizeof s->name);
    s->simulator = json_is_true(json_object_get(j, "simulator"));
    json_decref(j);
    if (strcmp(s->server, server) == 0 && *s->token)
        return true;
    *s = (struct session){0};
    return false;
}

bool session_write(const struct session *s)
{
    char path[440], fresh[450];
    path_of(path, sizeof path);
    if (!*path)
        return false;
    snprintf(fresh, sizeof fresh, "%s.new", path);
    unlink(fresh);
    int fd = open(fresh, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0)
        return false;
    json_t *j = json_pack("{s:s, s:s, s:s, s:s, s:b}", "server", s->server, "token", s->token, "login",
                          s->login, "name", s->name, "simulator", s->simulator ? 1 : 0);
    bool ok = j && json_dumpfd(j, fd, JSON_INDENT(1)) == 0;
    json_decref(j);
    ok = fsync(fd) == 0 && ok;
    close(fd);
    if (ok && rename(fresh, path) == 0)
        return true;
    unlink(fresh);
    return false;
}

void session_forget(struct session *s)
{
    char path[440];
    struct session old;
    path_of(path, sizeof path);
    if (*path && session_read(&old, s->server) && strcmp(old.token, s->token) == 0)
        unlink(path);
    wipe(&old, sizeof old);
    wipe(s->token, sizeof s->token);
}

void session_use(const struct session *s, struct rpc_channel *ch)
{
    char value[320];
    snprintf(value, sizeof value, "Bearer %s", s->token);
    rpc_channel_set_metadata(ch, "authorization", *s->token ? value : NULL);
    wipe(value, sizeof value);
}
