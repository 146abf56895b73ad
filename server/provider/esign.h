/* esign.h - e签宝's open platform, identity service v2: signing, one call, callbacks. (providers.md 5; result
 * codes and states as in the supplier's documents, open.esign.cn/doc/opendoc/identity_service.)
 *
 * Answers are not signed; TLS alone says whose they are. The text does not say whether a query is signed as
 * it is sent or decoded; the gateway is of the kind that signs it decoded. Only a bank branch looked up by
 * its name depends on it: to be tried when the contract is there.
 */
#ifndef CERTDESK_PROVIDER_ESIGN_H
#define CERTDESK_PROVIDER_ESIGN_H

#include "provider/identity.h"
#include "provider/js.h"
#include "provider/settings.h"

enum {
    ESIGN_WINDOW_S = 15 * 60, /* how far a time stamp may be off */
};

/* Codes that mean something in more than one call. */
enum {
    ESIGN_OK = 0,
    ESIGN_BROKEN = 30500000,       /* 操作出错: nothing is known of what was done */
    ESIGN_FLOW_FAILED = 30500001,  /* opening: the data do not match; asking: no such flow */
    ESIGN_FLOW_OVER = 30500002,    /* 认证流程已结束 */
    ESIGN_FLOW_EXPIRED = 30500003, /* 认证流程已失效 */
    ESIGN_NO_FLOW = 30500004,      /* 认证流程不存在 */
};

struct esign {
    struct arena arena;
    struct http *http;
    const char *url, *app_id, *app_secret, *face_mode;
    bool detail; /* the comparisons that say which field differs were bought */
    int64_t (*now_ms)(void);
};

enum err esign_init(struct esign *e, const struct provider_env *env, const struct provider_setting *rows,
                    struct fault *f);

/* The parts of a signature, pure. md5: of esign_content_md5, "" without body. target: path and query, the
 * values as they are before any encoding, names in order. */
const char *esign_content_md5(struct arena *a, const void *body, size_t n);
const char *esign_string_to_sign(struct arena *a, const char *method, const char *md5, const char *target);
const char *esign_signature(struct arena *a, const char *app_secret, const char *string_to_sign);

/* What was answered: code 0 or one of the supplier's; data may be NULL. Freed with esign_answer_free. */
struct esign_answer {
    int64_t code;
    json_t *root, *data; /* data is inside root */
};
void esign_answer_free(struct esign_answer *x);

struct esign_call {
    const char *method, *path;
    const char *query_name, *query_value; /* one at most; NULL: none */
    int64_t timeout_ms;                   /* 0: the usual */
};

/* Sends body (its reference is taken; NULL: none). OK: answered with a code that is for the caller to judge,
 * also in trace. ERR_PROVIDER_CONFIG: the gateway did not let us in. */
enum err esign_send(const struct esign *e, const struct esign_call *call, json_t *body, struct arena *a,
                    struct esign_answer *out, struct provider_trace *trace, struct fault *f);
/* What esign_send() makes of an answer. */
enum err esign_read(int status, const void *body, size_t n, struct esign_answer *out,
                    struct provider_trace *trace, struct fault *f);

/* Readers of answers (identity_esign.c, identity_esign_face.c, identity_esign_transfer.c). A code that they
 * do not know is ERR_PROVIDER_REFUSED, what is not understood ERR_PROVIDER_UNKNOWN. */
enum err esign_read_verdict(const struct esign_answer *x, struct identity_result *out, struct fault *f);
enum err esign_read_enterprise4(const struct esign_answer *x, struct identity_result *out, struct fault *f);
enum err esign_read_session(const struct esign_answer *x, struct identity_face *out, struct fault *f);
enum err esign_read_face(const struct esign_answer *x, struct identity_result *out, struct fault *f);
enum err esign_read_transfer(const struct esign_answer *x, struct identity_transfer *out, struct fault *f);
enum err esign_read_confirm(const struct esign_answer *x, struct identity_transfer *out,
                            struct identity_result *result, struct fault *f);

/* As identity_ops says; identity_esign_face.c, identity_esign_transfer.c, identity_esign_event.c. */
enum err esign_face_start(void *self, const struct identity_person *who, const struct identity_face_order *o,
                          struct arena *a, struct identity_face *out, struct fault *f);
enum err esign_face_query(void *self, const char *token, struct arena *a, struct identity_result *out,
                          struct fault *f);
enum err esign_transfer_open(void *self, const struct identity_transfer_order *o, struct arena *a,
                             struct identity_transfer *out, struct identity_result *result, struct fault *f);
enum err esign_transfer_start(void *self, const struct identity_transfer_order *o, struct arena *a,
                              struct identity_transfer *out, struct identity_result *result, struct fault *f);
enum err esign_transfer_query(void *self, const char *flow, struct arena *a, struct identity_transfer *out,
                              struct fault *f);
enum err esign_transfer_confirm(void *self, const char *flow, int64_t amount_fen, struct arena *a,
                                struct identity_transfer *out, struct identity_result *result,
                                struct fault *f);
enum err esign_callback_verify(void *self, const struct identity_callback *in, int64_t now_ms,
                               struct arena *a, struct identity_event *out, struct fault *f);

/* A flow's number as part of a path: digits and letters, '-' and '_'. */
bool esign_flow_ok(const char *flow);

#endif
