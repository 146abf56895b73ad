/* settings.h - reads a supplier's settings, and lists what the suppliers export to the registry.
 */
#ifndef CERTDESK_PROVIDER_SETTINGS_H
#define CERTDESK_PROVIDER_SETTINGS_H

#include "provider/registry.h"

/* ERR_INVALID names every required setting that is missing. */
enum err settings_check(const struct provider_env *env, const struct provider_setting *rows, struct fault *f);
/* The value, else the row's fallback, else NULL; copied into the arena (whose end wipes it). */
const char *settings_get(const struct provider_env *env, const struct provider_setting *rows, const char *key,
                         struct arena *a);
/* A whole number; the fallback must be one. ERR_INVALID names a value that is none or is below 0. */
enum err settings_number(const struct provider_env *env, const struct provider_setting *rows, const char *key,
                         struct arena *a, int64_t *out, struct fault *f);
/* env->now_ms or the wall clock. */
int64_t (*settings_clock(const struct provider_env *env))(void);

/* identity_tencent.c */
extern const struct provider_setting tencent_identity_settings[];
enum err tencent_identity_open(const struct provider_env *env, struct identity_port *out, struct fault *f);
/* identity_esign.c */
extern const struct provider_setting esign_identity_settings[];
enum err esign_identity_open(const struct provider_env *env, struct identity_port *out, struct fault *f);
/* identity_http.c */
extern const struct provider_setting http_identity_settings[];
enum err http_identity_open(const struct provider_env *env, struct identity_port *out, struct fault *f);
/* sms_tencent.c */
extern const struct provider_setting tencent_sms_settings[];
enum err tencent_sms_open(const struct provider_env *env, struct sms_port *out, struct fault *f);
/* mail_smtp.c */
extern const struct provider_setting smtp_settings[];
enum err smtp_open(const struct provider_env *env, struct mail_port *out, struct fault *f);
/* payment_wechat.c */
extern const struct provider_setting wechat_settings[];
enum err wechat_payment_open(const struct provider_env *env, struct payment_port *out, struct fault *f);
/* payment_alipay.c */
extern const struct provider_setting alipay_settings[];
enum err alipay_payment_open(const struct provider_env *env, struct payment_port *out, struct fault *f);
/* courier_kuaidi100.c */
extern const struct provider_setting kuaidi100_settings[];
enum err kuaidi100_open(const struct provider_env *env, struct courier_port *out, struct fault *f);
/* invoice_nuonuo.c */
extern const struct provider_setting nuonuo_settings[];
enum err nuonuo_open(const struct provider_env *env, struct invoice_port *out, struct fault *f);

#endif
