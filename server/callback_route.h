/* callback_route.h - a place where a provider tells us something: one row, in the feature that it is about.
 *
 * A callback is a hint: `serve` verifies it, stores it and acts on it, in transactions of its own (tx_run),
 * and what it returns is all that the provider is told. Rows are gathered in serve.c; callback.c speaks HTTP.
 */
#ifndef CERTDESK_CALLBACK_ROUTE_H
#define CERTDESK_CALLBACK_ROUTE_H

#include "core/ctx.h"
#include "provider/provider.h"

/* As it came; names and values are good for the call. */
struct callback_request {
    const char *rest; /* of the path, behind the route's; "" */
    const struct provider_pair *headers, *query;
    size_t n_headers, n_query;
    const char *body; /* a NUL follows */
    size_t n_body;
};

struct callback_answer {
    int status;                      /* HTTP */
    const char *content_type, *body; /* static storage */
};

struct callback_route {
    const char *name; /* "wechat", for the log */
    const char *path; /* "/callback/wechat"; one that ends with "/" is followed by a last part of any text */
    enum err (*serve)(struct ctx *c, const struct callback_request *r);
    struct callback_answer (*answer)(enum err e);
};

struct callback_table {
    const struct callback_route *rows;
    size_t n;
};

#endif
