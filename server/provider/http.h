/* http.h - one HTTPS request, and the one question that matters afterwards: did it leave this machine?
 *
 * Rules for every adapter (providers.md 10): https only, http for loopback alone; certificates are always
 * verified; no redirects; 3 s to connect, a limit for the whole, a limit for the answer's size; a handle per
 * call, with the DNS and TLS session cache shared. An address that a supplier told us is held to more: see
 * struct http_request.
 */
#ifndef CERTDESK_PROVIDER_HTTP_H
#define CERTDESK_PROVIDER_HTTP_H

#include "provider/provider.h"

struct http_options {
    const char *ca_file; /* PEM; NULL: the system's */
    const char *proxy;   /* NULL: none (the environment's proxy variables are not obeyed) */
    int64_t connect_ms;  /* 0: 3000 */
};

/* ERR_UNAVAILABLE when libcurl cannot start. Closed with http_close(), after every port that uses it. */
enum err http_open(const struct http_options *o, struct http **out, struct fault *f);
void http_close(struct http *h);

struct http_request {
    const char *point; /* "sms": passes FI("sms.before") and FI("sms.after"), and names the call in the log */
    const char *method; /* "GET", "POST" */
    const char *url;
    /* Who told us `url`, when it is no setting: the supplier's own base URL. It may then lead to public
     * addresses alone, looked at after the name was resolved; a simulator's link also to this machine. */
    const char *told_by;
    const struct provider_pair *headers;
    size_t n_headers;
    const void *body; /* NULL: none */
    size_t n_body;
    int64_t timeout_ms; /* whole call; 0: 10 000 */
    size_t max_answer;  /* bytes; 0: 1 MiB */
};

struct http_response {
    int status;
    const struct provider_pair *headers; /* in the arena; names as they came */
    size_t n_headers;
    char *body; /* in the arena, a NUL follows */
    size_t n_body;
};

/* OK: answered, with whatever status. ERR_UNAVAILABLE: nothing left this machine. ERR_PROVIDER_UNKNOWN: it
 * left, and no whole answer came. ERR_INVALID: the URL is not allowed, or leads where it must not. */
enum err http_send(struct http *h, const struct http_request *req, struct arena *a, struct http_response *out,
                   struct fault *f);

/* Value of a header (any case), NULL when absent. A header that comes twice has no value that can be trusted:
 * NULL. */
const char *http_header(const struct provider_pair *headers, size_t n, const char *name);

/* Percent-encodes all but RFC 3986's unreserved characters. */
const char *url_escape(struct arena *a, const char *s);

/* application/x-www-form-urlencoded. Encodes the pairs; decodes a body of n bytes: ERR_INVALID for more than
 * 64 fields or a decoded NUL. */
const char *form_encode(struct arena *a, const struct provider_pair *pairs, size_t n);
enum err form_decode(struct arena *a, const char *body, size_t n, struct provider_pair **out, size_t *n_out);
/* Value of a field, NULL when absent or when it comes twice. */
const char *form_value(const struct provider_pair *pairs, size_t n, const char *name);

#endif
