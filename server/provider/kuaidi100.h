/* kuaidi100.h - the parts of kuaidi100's protocol that need no network: signatures, tracks, pushes.
 */
#ifndef CERTDESK_PROVIDER_KUAIDI100_H
#define CERTDESK_PROVIDER_KUAIDI100_H

#include "provider/courier.h"
#include "provider/js.h"

/* UPPER(md5hex(param + key + customer)), in the arena. */
const char *kuaidi100_query_sign(const char *param, const char *key, const char *customer, struct arena *a);

/* Reads {com, nu, state, ischeck, data[]}: a query's answer or a push's lastResult. ERR_PROVIDER_UNKNOWN when
 * it is not of that shape. */
enum err kuaidi100_read_track(const json_t *j, struct arena *a, struct courier_track *out, struct fault *f);

/* courier_ops.push_verify */
enum err kuaidi100_push_verify(void *self, const struct provider_pair *form, size_t n_form, const char *salt,
                               struct arena *a, struct courier_push *out, struct fault *f);

#endif
