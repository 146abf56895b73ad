/* keys.h - the credentials that both sides of each supplier hold, made at the first start and kept in DIR.
 *
 * DIR/sandbox.json says everything a client needs (addresses, ids, secrets, names of the PEM files); the
 * secrets are worth nothing outside this machine.
 */
#ifndef CERTDESK_SANDBOX_KEYS_H
#define CERTDESK_SANDBOX_KEYS_H

#include "sandbox/sandbox.h"

struct keys {
    struct arena a;
    const char *tencent_id, *tencent_key, *tencent_rule, *sms_app_id;
    const char *mchid, *appid, *apiv3_key;
    const char *merchant_key, *merchant_public, *merchant_serial;
    const char *platform_key, *platform_public, *platform_id; /* "PUB_KEY_ID_…" */
    const char *platform_certificate, *platform_serial;       /* the older way of naming the same key */
    const char *forger_key;                                   /* signs what nobody should believe */
    const char *alipay_app_id, *alipay_seller_id;
    const char *alipay_app_key, *alipay_app_public, *alipay_key, *alipay_public;
    const char *alipay_app_certificate, *alipay_certificate,
        *alipay_roots; /* the same keys, named the other way */
    const char *alipay_app_cert_sn, *alipay_cert_sn, *alipay_root_cert_sn;
    const char *esign_app_id, *esign_secret, *generic_key;
    const char *kuaidi100_key, *kuaidi100_customer;
    const char *smtp_user, *smtp_password;
    const char *nuonuo_app_key, *nuonuo_app_secret, *nuonuo_tax;
};

/* Reads or makes them; they are in the state and in files of mode 0600. Lock held. */
struct keys *keys_open(struct sandbox *sb);
void keys_close(struct keys *k);
/* Writes DIR/sandbox.json whole, under another name first. */
int keys_publish(struct sandbox *sb);

#endif
