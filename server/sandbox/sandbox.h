/* sandbox.h - the outside world on loopback: what every supplier in this program shares.
 *
 * certdesk-sandbox answers as the suppliers themselves would (Tencent Cloud, WeChat Pay, Alipay, kuaidi100, a
 * mail server): it verifies what they verify, keeps the states they keep, calls back as they call back. What
 * a person or the weather would do outside (pay, post a parcel, lose an answer) is steered under /sim/.
 *
 * It shares no code with the adapters: a mistake would otherwise agree with itself. It never listens beyond
 * loopback. Each connection has a thread; whoever touches the state holds `lock`.
 */
#ifndef CERTDESK_SANDBOX_SANDBOX_H
#define CERTDESK_SANDBOX_SANDBOX_H

#include "base/arena.h"
#include "base/str.h"

#include <jansson.h>
#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct state;   /* state.h */
struct keys;    /* keys.h */
struct deliver; /* deliver.h */
struct smtp;    /* smtp.h */
struct http;    /* http.h */

struct sandbox {
    const char *dir; /* where everything is kept */
    struct state *state;
    struct keys *keys;
    struct deliver *deliver;
    struct smtp *smtp;
    struct http *http;
    int port, smtp_port;
    bool seeded;
    uint64_t seed, drawn; /* with --seed, ids are drawn from the seed and can be repeated */
    pthread_mutex_t lock;
    pthread_cond_t stop; /* told when `stopping` becomes true */
    bool stopping;
};

/* One request as it came; owned by the connection. Text lives in the arena. */
struct request {
    struct arena a;
    const char *method;
    const char *target; /* path and query exactly as sent: what WeChat signs */
    const char *path;   /* without query; without the supplier's prefix when the Host did not name it */
    const char *host;
    const char *door; /* the supplier that was named: "sms"; NULL for control and page */
    const char *body; /* a NUL follows */
    size_t n_body;
    void *conn; /* http.c's own */
};

enum {
    REPLY_HEADERS = 12
};

/* What goes back, and what the log says about it. */
struct reply {
    struct arena *a;
    unsigned status;
    const char *type;
    const char *body;
    size_t n_body;
    struct {
        const char *name, *value;
    } headers[REPLY_HEADERS];
    size_t n_headers;
    int64_t delay_ms;       /* real time before the answer leaves */
    bool cut;               /* no answer: the connection is closed instead */
    const char *outcome;    /* the supplier's code, "ok" when it went well */
    const char *request_id; /* the supplier's number of the call */
    json_t *inputs;         /* masked; taken over by the log */
};

/* A parameter of a query or a form, decoded. */
struct param {
    const char *name, *value;
};

/* A fault that was ordered for this call; kind "" when none. */
struct plan {
    char kind[32];
    int64_t ms; /* -1: not told */
};

/* Header by name in any case; NULL when absent. */
const char *request_header(const struct request *r, const char *name);
/* Query argument, decoded; NULL when absent. */
const char *request_query(const struct request *r, const char *name);
/* Field of an application/x-www-form-urlencoded body, decoded, in the arena; NULL when absent. */
const char *request_form(struct request *r, const char *name);
/* All parameters of the query, then all of a form; in the arena. At most max; their number. */
size_t request_params(struct request *r, struct param *out, size_t max);
/* The body as a JSON object, NULL when it is none. The caller owns it. */
json_t *request_json(const struct request *r);

void reply_header(struct reply *p, const char *name, const char *value);
void reply_text(struct reply *p, unsigned status, const char *type, const char *text);
void reply_bytes(struct reply *p, unsigned status, const char *type, const void *body, size_t n);
/* Serialises once, keys in the order they were set; takes the value over. */
void reply_json(struct reply *p, unsigned status, json_t *value);

/* Waits in real time; false when the program is stopping. Not to be called with the lock held. */
bool sandbox_wait(struct sandbox *sb, int64_t ms);

/* Random bytes, from the seed when there is one. Lock held. */
void draw_bytes(struct sandbox *sb, void *out, size_t n);
/* n characters of 0-9, of a-z0-9, of A-Za-z0-9; in the arena. Lock held. */
const char *draw_digits(struct sandbox *sb, struct arena *a, size_t n);
const char *draw_lower(struct sandbox *sb, struct arena *a, size_t n);
const char *draw_letters(struct sandbox *sb, struct arena *a, size_t n);
/* A version 4 UUID. */
const char *draw_uuid(struct sandbox *sb, struct arena *a);

/* "2026-11-22T21:00:00+08:00", as Chinese suppliers write time; and "2026-11-22 21:00:00". In the arena. */
const char *beijing_rfc3339(struct arena *a, int64_t ms);
const char *beijing_plain(struct arena *a, int64_t ms);
/* Milliseconds of an RFC 3339 time with any offset; -1 when it is none. */
int64_t rfc3339_ms(const char *text);

/* For logs: 138****0000, 1101**********0134, 张*. In the arena; "" for NULL. */
const char *mask_tail(struct arena *a, const char *text);
const char *mask_person(struct arena *a, const char *name);

/* Member of a JSON object as text, "" when it is none; as a number, 0 when it is none. */
const char *member(const json_t *o, const char *key);
int64_t member_int(const json_t *o, const char *key);

#endif
