/* direct.h - CreateOrder and GetOrder as their bare SQL, on a connection of their own. Any error ends the
 * program: it would be no measurement. */
#ifndef CERTDESK_TESTS_BENCH_DIRECT_H
#define CERTDESK_TESTS_BENCH_DIRECT_H

#include "base/str.h"

enum {
    DIRECT_ORDERS = 4096, /* that direct_get() chooses from */
};

struct direct_target {
    const char *socket, *schema, *user, *password;
    /* direct_learn() */
    char channel[ID_SIZE];
    struct {
        char id[ID_SIZE], account[ID_SIZE];
    } orders[DIRECT_ORDERS];
    size_t n_orders;
};

struct direct;

/* Which channel there is, and some of its orders. */
void direct_learn(struct direct_target *t);
/* A connection with its statements prepared and somebody logged in; belongs to one thread. */
struct direct *direct_open(struct direct_target *t);
void direct_create(struct direct *d);
/* One of the orders, at random; there must be some. */
void direct_get(struct direct *d);
void direct_close(struct direct *d);

__attribute__((noreturn)) void direct_die(const char *what, const char *why);

#endif
