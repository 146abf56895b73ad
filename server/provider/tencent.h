/* tencent.h - Tencent Cloud API 3.0: TC3-HMAC-SHA256 signing and one call. (providers.md 3.1)
 */
#ifndef CERTDESK_PROVIDER_TENCENT_H
#define CERTDESK_PROVIDER_TENCENT_H

#include "provider/js.h"
#include "provider/settings.h"
#include "provider/sign.h"

/* What TC3 signs. action NULL: it is not among the signed headers (the older form). */
struct tc3_request {
    const char *secret_id, *secret_key;
    const char *service, *host, *content_type, *action;
    int64_t seconds; /* Unix time, UTC */
    const void *body;
    size_t n_body;
};

struct tc3_signed {
    char canonical_sha256[2 * SHA256_SIZE + 1];
    char signature[2 * SHA256_SIZE + 1];
    const char *authorization; /* in the arena */
};

void tc3_sign(const struct tc3_request *r, struct arena *a, struct tc3_signed *out);

/* One product of Tencent Cloud. */
struct tencent {
    struct arena arena; /* holds the copies of the settings; freed last */
    struct http *http;
    const char *url, *host, *secret_id, *secret_key, *region;
    int64_t (*now_ms)(void);
};

/* Copies url, secret_id, secret_key, region (may be absent) out of the settings. ERR_INVALID for a URL
 * without host. */
enum err tencent_init(struct tencent *t, const struct provider_env *env, const struct provider_setting *rows,
                      const char *url_key, struct fault *f);

struct tencent_call {
    const char *point;   /* http_request.point */
    const char *service; /* "faceid" */
    const char *action, *version;
    int64_t timeout_ms; /* 0: the usual */
};

/* Sends `params` (its reference is taken) and gives the "Response" object without Error, owned by the caller.
 * An Error is translated: ERR_PROVIDER_CONFIG, ERR_RATE_LIMITED, ERR_PROVIDER_BUSY or ERR_PROVIDER_REFUSED,
 * its code in trace->code. */
enum err tencent_send(const struct tencent *t, const struct tencent_call *call, json_t *params,
                      struct arena *a, json_t **response, struct provider_trace *trace, struct fault *f);

/* What tencent_send() makes of an answer. */
enum err tencent_read(const char *action, int status, const void *body, size_t n, json_t **response,
                      struct provider_trace *trace, struct fault *f);

/* Readers of "Response" objects: PhoneVerification, BankCard4EVerification, VerifyBizLicenseEnterprise4
 * (identity_tencent.c), DetectAuth, GetDetectInfoEnhanced (identity_tencent_face.c), SendSms for the message
 * with this id, PullSmsSendStatusByPhoneNumber (sms_tencent.c). ERR_PROVIDER_UNKNOWN for what is not
 * understood. */
enum err tencent_read_phone3(const json_t *r, struct identity_result *out, struct fault *f);
enum err tencent_read_bank4(const json_t *r, struct identity_result *out, struct fault *f);
enum err tencent_read_session(const json_t *r, struct identity_face *out, struct fault *f);
enum err tencent_read_face(const json_t *r, struct identity_result *out, struct fault *f);
enum err tencent_read_enterprise4(const json_t *r, struct identity_result *out, struct fault *f);
enum err tencent_read_receipt(const json_t *r, const char *id, struct sms_receipt *out, struct fault *f);
enum err tencent_read_reports(const json_t *r, const char *id, struct sms_settled *out, struct fault *f);

/* Our code for an error code, by the families of API 3.0 and, for SMS, by number; ERR_PROVIDER_REFUSED for
 * one that is not in the table. */
enum err tencent_translate(const char *code);

/* True when the code is the family or starts with "family.". */
bool tencent_code_in(const char *code, const char *family);

#endif
