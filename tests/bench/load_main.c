/* bench-load: unary calls of any method from the command line; one JSON line.
 *
 *   bench-load -t target -m /package.Service/Method [-n in flight] [-c connections] [-s seconds | -k calls]
 *              [-w warm-up seconds] [-H key:value]... [-x request in hex] [-P server pid] [-D database pid]
 *              [-l label] [-f file] [-u text]
 *
 * -f: every call takes a line of the file at random, "hex" or "hex authorization": many objects, many
 * callers. -u: the first place in the request where this text stands gets a fresh id of the same length, at
 * most 30. */
#include "load.h"

#include "base/err.h"
#include "base/str.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int usage(void)
{
    fprintf(stderr,
            "usage: bench-load -t target -m /package.Service/Method [-n in flight] [-c connections]\n"
            "       [-s seconds | -k calls] [-w warm-up] [-H key:value]... [-x hex | -f file] [-u text]\n"
            "       [-P server pid] [-D database pid] [-l label]\n");
    return 2;
}

struct request {
    unsigned char *bytes;
    size_t n;
    char *authorization; /* NULL: none of its own */
};

struct requests {
    struct request *list;
    size_t n;
    const char *unique; /* NULL: requests go out as they are */
    uint64_t seed;
};

struct line {
    struct load_options o;
    struct load_pair pairs[16];
    struct requests requests;
    const char *label;
    bool bad;
};

static void check_memory(const void *p)
{
    if (!p)
        abort();
}

/* -- requests ----------------------------------------------------------------------------------------------
 */

static bool add_request(struct requests *r, char *line)
{
    char *space = strchr(line, ' ');
    if (space)
        *space = '\0';
    struct request q = {.n = strlen(line) / 2};
    q.bytes = malloc(q.n + 1);
    check_memory(q.bytes);
    if (!hex_decode(line, q.bytes, q.n)) {
        free(q.bytes);
        return false;
    }
    if (space) {
        q.authorization = strdup(space + 1);
        check_memory(q.authorization);
    }
    if ((r->n & (r->n - 1)) == 0) {
        r->list = realloc(r->list, (r->n ? 2 * r->n : 1) * sizeof *r->list);
        check_memory(r->list);
    }
    r->list[r->n++] = q;
    return true;
}

static bool read_requests(struct requests *r, const char *path)
{
    char *line = NULL;
    size_t size = 0;
    FILE *f = fopen(path, "r");
    bool good = f != NULL;
    for (ssize_t n; good && (n = getline(&line, &size, f)) > 0;) {
        line[strcspn(line, "\n")] = '\0';
        good = add_request(r, line);
    }
    free(line);
    if (f)
        fclose(f);
    return good && r->n;
}

/* splitmix64: cheap, and good enough to spread calls over rows. */
static uint64_t roll(struct requests *r)
{
    uint64_t z = r->seed += UINT64_C(0x9E3779B97F4A7C15);
    z = (z ^ z >> 30) * UINT64_C(0xBF58476D1CE4E5B9);
    z = (z ^ z >> 27) * UINT64_C(0x94D049BB133111EB);
    return z ^ z >> 31;
}

static size_t make_request(void *arg, uint64_t index, void *out, size_t max, const char **authorization)
{
    (void)index;
    struct requests *r = arg;
    const struct request *q = &r->list[roll(r) % r->n];
    size_t n = q->n <= max ? q->n : max;
    memcpy(out, q->bytes, n);
    *authorization = q->authorization;
    char *at = r->unique ? memmem(out, n, r->unique, strlen(r->unique)) : NULL;
    if (at) {
        char id[ID_SIZE];
        id_new("req", id);
        size_t room = strlen(r->unique), length = strlen(id);
        memcpy(at, id + (length > room ? length - room : 0), length < room ? length : room);
    }
    return n;
}

/* -- the command line --------------------------------------------------------------------------------------
 */

static void add_pair(struct line *l, char *text)
{
    char *colon = strchr(text, ':');
    if (!colon || l->o.n_metadata == sizeof l->pairs / sizeof *l->pairs) {
        l->bad = true;
        return;
    }
    *colon = '\0';
    l->pairs[l->o.n_metadata++] = (struct load_pair){text, colon + 1};
}

static void set_request(struct line *l, char *hex)
{
    l->bad |= !add_request(&l->requests, hex);
}

static void option(struct line *l, int c, char *arg)
{
    switch (c) {
    case 't':
        l->o.target = arg;
        break;
    case 'm':
        l->o.path = arg;
        break;
    case 'n':
        l->o.in_flight = atoi(arg);
        break;
    case 'c':
        l->o.connections = atoi(arg);
        break;
    case 's':
        l->o.seconds = atof(arg);
        break;
    case 'k':
        l->o.calls = (uint64_t)atoll(arg);
        break;
    case 'w':
        l->o.warmup_seconds = atof(arg);
        break;
    case 'H':
        add_pair(l, arg);
        break;
    case 'x':
        set_request(l, arg);
        break;
    case 'P':
        l->o.server_pid = atoi(arg);
        break;
    case 'D':
        l->o.database_pid = atoi(arg);
        break;
    case 'f':
        l->bad |= !read_requests(&l->requests, arg);
        break;
    case 'u':
        l->requests.unique = arg;
        break;
    case 'l':
        l->label = arg;
        break;
    default:
        l->bad = true;
    }
}

static void free_line(struct line *l)
{
    for (size_t i = 0; i < l->requests.n; i++) {
        free(l->requests.list[i].bytes);
        free(l->requests.list[i].authorization);
    }
    free(l->requests.list);
}

int main(int argc, char **argv)
{
    CLEANUP(free_line)
    struct line l = {.o = {.in_flight = 1, .connections = 1, .seconds = 1, .warmup_seconds = 0.2}};
    for (int c; (c = getopt(argc, argv, "t:m:n:c:s:k:w:H:x:P:D:l:f:u:")) != -1;)
        option(&l, c, optarg);
    if (l.bad || !l.o.target || !l.o.path)
        return usage();
    l.o.metadata = l.pairs;
    const struct request *only = l.requests.list;
    if (l.requests.n == 1 && !l.requests.unique && !only->authorization) {
        l.o.request = only->bytes;
        l.o.n_request = only->n;
    } else if (l.requests.n) {
        random_bytes(&l.requests.seed, sizeof l.requests.seed);
        l.o.make = make_request;
        l.o.arg = &l.requests;
    }
    struct load_result r;
    if (load_run(&l.o, &r) != 0)
        return usage();
    load_print(stdout, l.label ? l.label : l.o.path, &l.o, &r);
    return r.calls && r.non_ok == 0 ? 0 : 1;
}
