/* fixture.h - what the tests of server/pki share: a folder with one CA of each algorithm, cards that make
 * keys and requests, an order, and the openssl command line as a judge that is not ours.
 */
#ifndef CERTDESK_TESTS_PKI_FIXTURE_H
#define CERTDESK_TESTS_PKI_FIXTURE_H

#include "lib/check.h"

#include "base/clock.h"
#include "base/str.h"
#include "pki/asn1.h"
#include "pki/ca.h"
#include "pki/cert.h"
#include "pki/csr.h"
#include "pki/issue.h"
#include "pki/lint.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#define PASSPHRASE "correct horse battery"
#define USCC       "91350100M000100Y43"
#define RESIDENT   "11010519491231002X"

struct fixture {
    char dir[64];
    struct pki_ca *ca[PKI_ALG_COUNT];
    struct arena a;
    struct fault f;
    int64_t now;
};

static inline enum err make_ca(struct fixture *x, enum pki_alg alg)
{
    struct pki_ca_plan plan = {
        .alg = alg,
        .organization = "测试认证中心",
        .root_name = alg == PKI_SM2 ? "Test Root SM2" : "Test Root P-256",
        .issuing_name = alg == PKI_SM2 ? "Test Issuing SM2" : "Test Issuing P-256",
        .not_before_ms = x->now - 86400000,
        .root_days = 7300,
        .issuing_days = 3650,
        .passphrase = PASSPHRASE,
        .kdf_iterations = 1000,
    };
    return pki_ca_create(x->dir, &plan, &x->f);
}

/* Before cmocka runs, its assertions would end the program without a word. */
static inline void must(const struct fixture *x, bool good, const char *what)
{
    if (good)
        return;
    fprintf(stderr, "Bail out! %s: %s\n", what, fault_text(&x->f));
    exit(1);
}

static inline void fixture_open(struct fixture *x)
{
    memset(x, 0, sizeof *x);
    fault_clear(&x->f);
    arena_init(&x->a, 0);
    x->now = clock_now_ms() / 1000 * 1000;
    snprintf(x->dir, sizeof x->dir, "/tmp/pki-test-XXXXXX");
    must(x, mkdtemp(x->dir) != NULL, "no folder");
    for (enum pki_alg alg = PKI_SM2; alg <= PKI_P256; alg++) {
        must(x, make_ca(x, alg) == OK, "create");
        must(x, pki_ca_open(x->dir, alg, PASSPHRASE, &x->ca[alg], &x->f) == OK, "open");
    }
}

/* Runs a command of printf's making; its output goes into out when that is not NULL. The exit status. */
__attribute__((format(printf, 3, 4))) static inline int sh(struct fixture *x, char **out, const char *fmt,
                                                           ...)
{
    va_list ap;
    va_start(ap, fmt);
    char *cmd = arena_vprintf(&x->a, fmt, ap);
    va_end(ap);
    FILE *p = popen(arena_printf(&x->a, "cd '%s' && { %s; } 2>&1", x->dir, cmd), "r");
    assert_non_null(p);
    struct buf b = BUF(&x->a);
    char part[1024];
    for (size_t n; (n = fread(part, 1, sizeof part, p)) > 0;)
        buf_add(&b, part, n);
    if (out)
        *out = arena_strdup(&x->a, buf_text(&b));
    int status = pclose(p);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static inline void fixture_close(struct fixture *x)
{
    for (int i = 0; i < PKI_ALG_COUNT; i++)
        pki_ca_close(x->ca[i]);
    char cmd[128];
    snprintf(cmd, sizeof cmd, "rm -rf '%s'", x->dir);
    assert_int_equal(system(cmd), 0);
    arena_free(&x->a);
}

static inline void save(struct fixture *x, const char *name, const void *p, size_t n)
{
    char path[128];
    snprintf(path, sizeof path, "%s/%s", x->dir, name);
    FILE *o = fopen(path, "wb");
    assert_non_null(o);
    assert_int_equal(fwrite(p, 1, n, o), n);
    assert_int_equal(fclose(o), 0);
}

static inline struct pki_der load(struct fixture *x, const char *name)
{
    char path[128];
    snprintf(path, sizeof path, "%s/%s", x->dir, name);
    FILE *i = fopen(path, "rb");
    assert_non_null(i);
    unsigned char *p = arena_alloc(&x->a, 65536);
    size_t n = fread(p, 1, 65536, i);
    fclose(i);
    return (struct pki_der){p, n};
}

/* A copy that may be spoilt. */
static inline unsigned char *copy(struct fixture *x, struct pki_der d)
{
    return arena_memdup(&x->a, d.p, d.n);
}

static inline EVP_PKEY *new_card_key(enum pki_alg alg)
{
    EVP_PKEY *k = alg == PKI_SM2    ? EVP_PKEY_Q_keygen(NULL, NULL, "SM2")
                  : alg == PKI_P256 ? EVP_PKEY_Q_keygen(NULL, NULL, "EC", "P-256")
                                    : EVP_PKEY_Q_keygen(NULL, NULL, "RSA", (size_t)2048);
    assert_non_null(k);
    return k;
}

static inline struct pki_der spki_of(struct fixture *x, const EVP_PKEY *k)
{
    return OSSL_DER(&x->a, PUBKEY, k);
}

static inline struct pki_policy policy_2023(void)
{
    return (struct pki_policy){.series = PKI_SERIES_2023,
                               .policy_oid = "1.2.156.10197.999.1",
                               .crl_url = "http://ca.example/issuing.crl",
                               .ca_issuers_url = "http://ca.example/issuing.crt",
                               .ocsp_url = "http://ca.example/ocsp"};
}

/* An order's request for a fresh serial; a year from yesterday. */
static inline struct pki_request order(struct fixture *x, enum pki_kind kind, enum pki_alg alg,
                                       const struct pki_policy *policy, struct pki_der spki)
{
    struct pki_request r = {
        .profile = pki_profile_for(kind, alg),
        .policy = policy,
        .subject = {.name = kind == PKI_ORGANIZATION ? "福州示例科技有限公司" : "张三",
                    .unit = kind == PKI_ORGANIZATION ? "投标部" : NULL,
                    .subject_number = "H-0001",
                    .identity = kind == PKI_ORGANIZATION ? USCC : RESIDENT},
        .spki = spki,
        .serial = pki_serial_new(),
    };
    pki_validity_days(&r, x->now - 3600000, 365);
    return r;
}

#endif
