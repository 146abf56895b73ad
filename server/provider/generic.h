/* generic.h - signing and answers of the generic identity protocol (identity_http.c says what it is).
 */
#ifndef CERTDESK_PROVIDER_GENERIC_H
#define CERTDESK_PROVIDER_GENERIC_H

#include "provider/identity.h"
#include "provider/js.h"
#include "provider/settings.h"

enum {
    GENERIC_WINDOW_S = 300,
    GENERIC_NONCE = 32,
};

/* Lower-case hex of HMAC-SHA256 over "<kind>\n<timestamp>\n<nonce>\n<body>"; kind: "request", "answer". */
const char *generic_signature(struct arena *a, const char *key, const char *kind, const char *timestamp,
                              const char *nonce, const void *body, size_t n);

/* An answer with status 200: signature, age and nonce first. ERR_SIGNATURE_BAD. */
enum err generic_verify(const char *key, const char *nonce, const struct provider_pair *headers,
                        size_t n_headers, const void *body, size_t n, int64_t now_ms, struct arena *a,
                        struct fault *f);

/* Readers of a verified body. ERR_PROVIDER_UNKNOWN for what is not understood. */
enum err generic_read_verdict(const void *body, size_t n, bool face, struct identity_result *out,
                              struct fault *f);
enum err generic_read_session(const void *body, size_t n, struct identity_face *out, struct fault *f);

#endif
