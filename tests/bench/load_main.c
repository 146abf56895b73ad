/* bench-load: unary calls of any method from the command line; one JSON line.
 *
 *   bench-load -t target -m /package.Service/Method [-n in flight] [-c connections] [-s seconds | -k calls]
 *              [-w warm-up seconds] [-H key:value]... [-x request in hex] [-P server pid] [-l label] */
#include "load.h"

#include "base/str.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int usage(void)
{
    fprintf(stderr,
            "usage: bench-load -t target -m /package.Service/Method [-n in flight] [-c connections]\n"
            "       [-s seconds | -k calls] [-w warm-up] [-H key:value]... [-x hex] [-P pid] [-l label]\n");
    return 2;
}

struct line { /* the command line */
    struct load_options o;
    struct load_pair pairs[16];
    const char *label;
    bool bad;
};

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

static void set_request(struct line *l, const char *hex)
{
    size_t n = strlen(hex) / 2;
    void *p = malloc(n + 1);
    if (!p || !hex_decode(hex, p, n))
        l->bad = true;
    l->o.request = p;
    l->o.n_request = n;
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
    case 'l':
        l->label = arg;
        break;
    default:
        l->bad = true;
    }
}

int main(int argc, char **argv)
{
    struct line l = {.o = {.in_flight = 1, .connections = 1, .seconds = 1, .warmup_seconds = 0.2}};
    for (int c; (c = getopt(argc, argv, "t:m:n:c:s:k:w:H:x:P:l:")) != -1;)
        option(&l, c, optarg);
    if (l.bad || !l.o.target || !l.o.path)
        return usage();
    l.o.metadata = l.pairs;
    struct load_result r;
    if (load_run(&l.o, &r) != 0)
        return usage();
    load_print(stdout, l.label ? l.label : l.o.path, &l.o, &r);
    return r.calls && r.non_ok == 0 ? 0 : 1;
}
