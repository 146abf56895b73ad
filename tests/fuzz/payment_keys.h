/* payment_keys.h - a supplier's adapter for fuzz targets, with a key pair that the target itself can sign
 * with: ours and the supplier's are the same one. */
#ifndef CERTDESK_TESTS_FUZZ_PAYMENT_KEYS_H
#define CERTDESK_TESTS_FUZZ_PAYMENT_KEYS_H

#include "provider/registry.h"
#include "provider/sign.h"

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <stdlib.h>
#include <string.h>

/* Made once a process. */
static struct {
    struct rsa_key *key;
    struct payment_port port;
    char pem[4096], pub[2048];
    const struct provider_pair *settings;
    size_t n;
} rig;

static const char *setting(void *arg, const char *key)
{
    (void)arg;
    for (size_t i = 0; i < rig.n; i++)
        if (strcmp(rig.settings[i].name, key) == 0)
            return rig.settings[i].value;
    return NULL;
}

static void need(int truth)
{
    if (!truth)
        abort();
}

/* Settings may point to rig.pem and rig.pub. */
static void payment_rig(const char *supplier, const struct provider_pair *settings, size_t n)
{
    EVP_PKEY *k = EVP_RSA_gen(2048);
    BIO *b = BIO_new(BIO_s_mem());
    need(PEM_write_bio_PrivateKey(b, k, NULL, NULL, 0, NULL, NULL));
    need(BIO_read(b, rig.pem, sizeof rig.pem - 1) > 0);
    need(PEM_write_bio_PUBKEY(b, k));
    need(BIO_read(b, rig.pub, sizeof rig.pub - 1) > 0);
    BIO_free(b);
    EVP_PKEY_free(k);
    rig.settings = settings;
    rig.n = n;
    struct fault f;
    struct provider_env env = {NULL, setting, NULL, NULL};
    need(rsa_private(rig.pem, &rig.key, &f) == OK);
    need(payment_open(supplier, &env, &rig.port, &f) == OK);
}

static const char *signature(const char *text, size_t n, struct arena *a)
{
    char *out = NULL;
    need(rsa_sha256_sign(rig.key, text, n, a, &out, NULL) == OK);
    return out;
}

#endif
