/* identity_tencent.h - what the files of Tencent Cloud's identity adapter share.
 */
#ifndef CERTDESK_PROVIDER_IDENTITY_TENCENT_H
#define CERTDESK_PROVIDER_IDENTITY_TENCENT_H

#include "provider/identity.h"
#include "provider/tencent.h"

struct tencent_identity {
    struct tencent faceid, ocr;
    const char *rule_id; /* NULL: no faces */
};

/* Sends and reads. An error that the supplier told is a verdict: OK, with out->verdict. */
enum err tencent_ask(const struct tencent *t, const struct tencent_call *call, json_t *params,
                     enum err (*read)(const json_t *, struct identity_result *, struct fault *),
                     struct arena *a, struct identity_result *out, struct fault *f);
enum err tencent_verdict(enum err e, struct identity_result *out);

/* identity_tencent_face.c */
enum err tencent_face_start(void *self, const struct identity_person *who,
                            const struct identity_face_order *o, struct arena *a, struct identity_face *out,
                            struct fault *f);
enum err tencent_face_query(void *self, const char *token, struct arena *a, struct identity_result *out,
                            struct fault *f);

#endif
