/* alipay_keys.h - an adapter of Alipay's for fuzz targets, whose answers the target itself can sign. */
#ifndef CERTDESK_TESTS_FUZZ_ALIPAY_KEYS_H
#define CERTDESK_TESTS_FUZZ_ALIPAY_KEYS_H

#include "provider/alipay.h"
#include "provider/registry.h"

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <stdlib.h>
#include <string.h>

/* Made once a process. */
static struct {
    struct rsa_key *key; /* Alipay's */
    struct payment_port port;
    char pem[4096], pub[2048];
} rig;

static const char *setting(void *arg, const char *key)
{
    (void)arg;
    const struct provider_pair all[] = {
        {"app_id", "2021000000000001"},
        {"seller_id", "2088000000000001"},
        {"app_key", rig.pem},
        {"alipay_public_key", rig.pub},
    };
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        if (strcmp(all[i].name, key) == 0)
            return all[i].value;
    return NULL;
}

static void need(int truth)
{
    if (!truth)
        abort();
}

static void set_up(void)
{
    EVP_PKEY *k = EVP_RSA_gen(2048);
    BIO *b = BIO_new(BIO_s_mem());
    need(PEM_write_bio_PrivateKey(b, k, NULL, NULL, 0, NULL, NULL));
    need(BIO_read(b, rig.pem, sizeof rig.pem - 1) > 0);
    need(PEM_write_bio_PUBKEY(b, k));
    need(BIO_read(b, rig.pub, sizeof rig.pub - 1) > 0);
    BIO_free(b);
    EVP_PKEY_free(k);
    struct fault f;
    struct provider_env env = {NULL, setting, NULL, NULL};
    need(rsa_private(rig.pem, &rig.key, &f) == OK);
    need(payment_open("alipay", &env, &rig.port, &f) == OK);
}

static const char *signature(const char *text, size_t n, struct arena *a)
{
    char *out = NULL;
    need(rsa_sha256_sign(rig.key, text, n, a, &out, NULL) == OK);
    return out;
}

#endif
