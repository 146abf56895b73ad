#include "config.h"

#include "base/arena.h"
#include "base/str.h"
#include "provider/registry.h"

#include <ini.h>
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    SECRET_MAX = 64 * 1024
};

static const struct setting {
    const char *section, *key, *def, *meaning;
    enum config_kind kind;
} table[CONFIG_COUNT] = {
#define X(id, section, key, kind, def, meaning)                                                              \
    [CONFIG_##id] = {section, key, def, meaning, CONFIG_KIND_##kind},
    CONFIG_TABLE(X)
#undef X
};

struct extra {
    struct extra *next;
    const char *section, *key, *value;
};

struct config {
    struct arena arena;
    const char *folder; /* of the file: relative paths start there */
    const char *value[CONFIG_COUNT];
    struct extra *extras; /* settings of suppliers */
    struct fault *f;      /* while reading */
};

static const char *absolute(struct config *c, const char *path)
{
    if (!*path || *path == '/')
        return arena_strdup(&c->arena, path);
    return arena_printf(&c->arena, "%s/%s", c->folder, path);
}

static bool number_ok(const char *s)
{
    char *end;
    errno = 0;
    long v = strtol(s, &end, 10);
    return *s && !*end && !errno && v >= 0;
}

/* Of every number but ports: at least 1. */
static const char *number_wrong(const struct setting *s, const char *value)
{
    if (!number_ok(value))
        return "is not a number";
    long long n = strtoll(value, NULL, 10);
    if (n < 1)
        return "is at least 1";
    if (strcmp(s->key, "port") == 0 && n > 65535)
        return "is at most 65535";
    return n > 1000000 ? "is too large" : NULL;
}

static bool is_log_level(const char *value)
{
    static const char *const levels[] = {"debug", "info", "warn", "error"};
    for (size_t i = 0; i < sizeof levels / sizeof *levels; i++)
        if (strcmp(value, levels[i]) == 0)
            return true;
    return false;
}

static void complain(struct config *c, const char *section, const char *key, const char *why)
{
    char name[80];
    snprintf(name, sizeof name, "%s.%s", section, key);
    fault_field(c->f, name, "SETTING", why, why);
}

static void set(struct config *c, enum config_id id, const char *value)
{
    const struct setting *s = &table[id];
    const char *wrong = s->kind == CONFIG_KIND_NUMBER ? number_wrong(s, value) : NULL;
    if (wrong)
        complain(c, s->section, s->key, wrong);
    if (id == CONFIG_LOG_LEVEL && !is_log_level(value))
        complain(c, s->section, s->key, "is none of debug, info, warn, error");
    if (s->kind == CONFIG_KIND_FLAG && strcmp(value, "yes") != 0 && strcmp(value, "no") != 0)
        complain(c, s->section, s->key, "is neither yes nor no");
    c->value[id] = s->kind == CONFIG_KIND_FILE ? absolute(c, value) : arena_strdup(&c->arena, value);
}

static const struct provider_row *row_of(const char *section)
{
    const struct provider_row *r;
    for (size_t i = 0; (r = provider_row(i)); i++)
        if (strcmp(r->section, section) == 0)
            return r;
    return NULL;
}

/* "template.*" is the name of every key that begins so. */
static bool same_key(const char *known, const char *key, size_t n)
{
    size_t k = strlen(known);
    if (k && known[k - 1] == '*')
        return n >= k && strncmp(known, key, k - 1) == 0;
    return k == n && strncmp(known, key, n) == 0;
}

/* True when the supplier knows the key, with or without _file. */
static bool supplier_knows(const struct provider_row *r, const char *key)
{
    size_t n = strlen(key);
    if (n > 5 && strcmp(key + n - 5, "_file") == 0)
        n -= 5;
    for (const struct provider_setting *s = r->settings; s->key; s++)
        if (same_key(s->key, key, n))
            return true;
    return false;
}

static const char *unreadable(struct config *c, const char *path)
{
    return arena_printf(&c->arena, "cannot be read: %s", path);
}

static void set_extra(struct config *c, const char *section, const char *key, const char *value)
{
    size_t n = strlen(key);
    if (n > 5 && strcmp(key + n - 5, "_file") == 0) {
        const char *path = absolute(c, value);
        FILE *f = fopen(path, "re");
        if (!f)
            complain(c, section, key, unreadable(c, path));
        char *text = arena_alloc(&c->arena, SECRET_MAX);
        size_t got = f ? fread(text, 1, SECRET_MAX - 1, f) : (size_t)snprintf(text, SECRET_MAX, "unread");
        if (f)
            fclose(f);
        while (got && isspace((unsigned char)text[got - 1]))
            text[--got] = '\0';
        value = text;
        n -= 5;
    }
    struct extra *e = ARENA_NEW(&c->arena, struct extra);
    *e = (struct extra){c->extras, arena_strdup(&c->arena, section), arena_strndup(&c->arena, key, n),
                        arena_strdup(&c->arena, value)};
    c->extras = e;
}

static int on_line(void *user, const char *section, const char *key, const char *value)
{
    struct config *c = user;
    for (int i = 0; i < CONFIG_COUNT; i++)
        if (strcmp(table[i].section, section) == 0 && strcmp(table[i].key, key) == 0) {
            set(c, (enum config_id)i, value);
            return 1;
        }
    const struct provider_row *row = row_of(section);
    if (row && supplier_knows(row, key))
        set_extra(c, section, key, value);
    else
        complain(c, section, key, "is not a setting; `certdeskd config` lists all");
    return 1;
}

static void from_environment(struct config *c)
{
    for (int i = 0; i < CONFIG_COUNT; i++) {
        char name[96];
        snprintf(name, sizeof name, "CERTDESK_%s_%s", table[i].section, table[i].key);
        for (char *p = name; *p; p++)
            *p = (char)toupper((unsigned char)*p);
        const char *v = getenv(name);
        if (v)
            set(c, (enum config_id)i, v);
    }
}

/* Files to be read, not folders to be made, must be there. */
static void check_files(struct config *c)
{
    for (int i = 0; i < CONFIG_COUNT; i++) {
        const struct setting *s = &table[i];
        if (s->kind == CONFIG_KIND_FILE && i != CONFIG_STATE_DIR && i != CONFIG_CA_DIR && *c->value[i] &&
            access(c->value[i], R_OK) != 0)
            complain(c, s->section, s->key, unreadable(c, c->value[i]));
    }
}

/* Suppliers are opened late, after the database: what can be seen at once is said at once. */
static void check_supplier(struct config *c, const struct provider_row *r)
{
    for (const struct provider_setting *s = r->settings; s->key; s++) {
        const char *v = config_provider(c, r->section, s->key);
        if (s->required && !s->fallback && (!v || !*v))
            complain(c, r->section, s->secret ? arena_printf(&c->arena, "%s_file", s->key) : s->key,
                     arena_printf(&c->arena, "is needed by the supplier %s", r->supplier));
    }
}

static void check_suppliers(struct config *c)
{
    const struct provider_row *r;
    for (size_t i = 0; (r = provider_row(i)); i++)
        if (config_has_provider(c, r->section))
            check_supplier(c, r);
}

static void read_file(struct config *c, const char *file)
{
    const char *why = "cannot be read";
    int line = ini_parse(file, on_line, c);
    if (line > 0)
        why = arena_printf(&c->arena, "line %d is neither [section] nor key = value", line);
    if (line != 0)
        fault_field(c->f, file, "SETTING", why, why);
}

static const char *folder_of(struct arena *a, const char *file)
{
    const char *slash = file ? strrchr(file, '/') : NULL;
    char cwd[4096];
    const char *here = getcwd(cwd, sizeof cwd) ? cwd : ".";
    if (!slash)
        return arena_strdup(a, here);
    const char *dir = arena_strndup(a, file, (size_t)(slash - file));
    return *file == '/' ? dir : arena_printf(a, "%s/%s", here, dir);
}

enum err config_open(const char *file, struct config **out, struct fault *f)
{
    struct config *c = calloc(1, sizeof *c);
    if (!c)
        return fail(f, ERR_INTERNAL, "out of memory");
    arena_init(&c->arena, 0);
    c->f = f;
    c->folder = folder_of(&c->arena, file);
    for (int i = 0; i < CONFIG_COUNT; i++)
        set(c, (enum config_id)i, table[i].def);
    if (file)
        read_file(c, file);
    from_environment(c);
    check_files(c);
    check_suppliers(c);
    c->f = NULL;
    enum err e = fault_fields(f);
    if (e != OK) {
        config_close(c);
        return file ? fail(f, e, "the settings of %s cannot be used", file)
                    : fail(f, e, "the settings cannot be used");
    }
    *out = c;
    return OK;
}

void config_close(struct config *c)
{
    if (!c)
        return;
    arena_free(&c->arena);
    free(c);
}

const char *config_text(const struct config *c, enum config_id id)
{
    return c->value[id];
}

int64_t config_number(const struct config *c, enum config_id id)
{
    return strtoll(c->value[id], NULL, 10);
}

bool config_flag(const struct config *c, enum config_id id)
{
    return strcmp(c->value[id], "yes") == 0;
}

const char *config_provider(const struct config *c, const char *section, const char *key)
{
    for (const struct extra *e = c->extras; e; e = e->next)
        if (strcmp(e->section, section) == 0 && strcmp(e->key, key) == 0)
            return e->value;
    return NULL;
}

bool config_has_provider(const struct config *c, const char *section)
{
    for (const struct extra *e = c->extras; e; e = e->next)
        if (strcmp(e->section, section) == 0)
            return true;
    return false;
}

static void print_suppliers(const struct config *c)
{
    const struct provider_row *r;
    for (size_t i = 0; (r = provider_row(i)); i++) {
        printf("\n%s[%s]\n", config_has_provider(c, r->section) ? "" : "; ", r->section);
        for (const struct provider_setting *s = r->settings; s->key; s++) {
            const char *v = config_provider(c, r->section, s->key);
            printf("# %s%s\n", s->meaning, s->required ? " (needed)" : "");
            if (s->secret)
                printf("%s%s_file = %s\n", v ? "" : "; ", s->key, v ? "(set)" : "");
            else
                printf("%s%s = %s\n", v ? "" : "; ", s->key, v ? v : s->fallback ? s->fallback : "");
        }
    }
}

void config_print(const struct config *c)
{
    const char *section = "";
    for (int i = 0; i < CONFIG_COUNT; i++) {
        if (strcmp(section, table[i].section) != 0)
            printf("%s[%s]\n", *section ? "\n" : "", table[i].section);
        section = table[i].section;
        printf("# %s\n%s = %s\n", table[i].meaning, table[i].key, c->value[i]);
    }
    printf("\n# Who serves what: a section [port.supplier] for each. Without one the port's jobs wait.\n");
    print_suppliers(c);
}
