/* tencent.h - Tencent Cloud API 3.0 between its products: signature (TC3), parameters, answers.
 *
 * providers.md 3. HTTP is always 200; {"Response":{…,"RequestId":…}} holds the result or an Error. What was
 * signed is rebuilt from the headers as they came; the parameters of an action are a table, and anything else
 * is refused as the supplier refuses it.
 */
#ifndef CERTDESK_SANDBOX_TENCENT_H
#define CERTDESK_SANDBOX_TENCENT_H

#include "sandbox/sandbox.h"

/* One call that was proved to be our customer's. */
struct tc_call {
    struct sandbox *sb;
    struct request *r;
    struct reply *p;
    const struct plan *plan;
    const json_t *in; /* checked against the action's table */
};

struct tc_param {
    const char *name;
    char type; /* s text, i integer, t array of text, o object */
    bool required;
};

struct tc_action {
    const char *service, *version, *name;
    bool region;                   /* X-TC-Region is needed */
    bool once;                     /* has an effect: the same signature is not taken twice */
    const struct tc_param *params; /* ends with a NULL name */
    void (*serve)(struct tc_call *c);
};

/* The actions of tencent_id.c, tencent_face.c and tencent_sms.c; end with a NULL name. */
extern const struct tc_action tencent_id_actions[], tencent_face_actions[], tencent_sms_actions[];

/* Answers; takes the fields over and adds RequestId. */
void tc_ok(struct tc_call *c, json_t *fields);
void tc_error(struct tc_call *c, const char *code, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* The signature that a request should have (TC3-HMAC-SHA256), hex in the arena. Pure. */
const char *tc3_signature(struct arena *a, const char *secret_key, const char *service, int64_t timestamp,
                          const char *canonical_headers, const char *signed_headers, const char *body,
                          size_t n_body);

#endif
