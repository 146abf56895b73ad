/* sign.c - certificates per second, next to what the bare signatures would cost.
 *
 * One thread issues for the given seconds (default 3) an algorithm: serial, build, lint, sign, verify,
 * compare. `openssl speed` in the same run says how long one signature and one verification take by
 * themselves; their sum is the floor, because no certificate leaves without its signature having been
 * verified. The ratio is floor over measured: 1 would be free of any cost of our own.
 */
#include "base/clock.h"
#include "pki/ca.h"
#include "pki/issue.h"
#include "pki/ossl.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static void must(bool good, const char *what, const struct fault *f)
{
    if (good)
        return;
    fprintf(stderr, "bench-sign: %s: %s\n", what, fault_text(f));
    exit(1);
}

static double cpu_seconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static struct pki_ca *make_ca(const char *dir, enum pki_alg alg)
{
    struct fault f;
    struct pki_ca *ca = NULL;
    struct pki_ca_plan plan = {.alg = alg,
                               .organization = "Bench",
                               .root_name = "Bench Root",
                               .issuing_name = "Bench Issuing",
                               .not_before_ms = clock_now_ms() - 86400000,
                               .root_days = 7300,
                               .issuing_days = 3650,
                               .passphrase = "only for the bench",
                               .kdf_iterations = 1000};
    fault_clear(&f);
    must(pki_ca_create(dir, &plan, &f) == OK, "create", &f);
    must(pki_ca_open(dir, alg, plan.passphrase, &ca, &f) == OK, "open", &f);
    return ca;
}

static void issue(const struct pki_ca *ca, struct pki_request *r)
{
    struct arena a;
    struct fault f;
    struct pki_der intent, cert;
    arena_init(&a, 0);
    fault_clear(&f);
    r->serial = pki_serial_new();
    must(pki_ca_ops(ca)->prepare(ca, r, &a, &intent, &f) == OK, "prepare", &f);
    must(pki_ca_ops(ca)->sign(ca, intent, &a, &cert, &f) == OK, "sign", &f);
    arena_free(&a);
}

/* Certificates per CPU second. */
static double measure(const struct pki_ca *ca, struct pki_request *r, int seconds)
{
    int n = 0;
    int64_t end = clock_mono_ms() + seconds * 1000;
    double before = cpu_seconds();
    for (; n == 0 || clock_mono_ms() < end; n++)
        issue(ca, r);
    return n / (cpu_seconds() - before);
}

/* The last line of openssl speed ends in signatures and verifications per CPU second. */
static bool speed_of(const char *command, double *sign, double *verify)
{
    char line[512], last[512] = "";
    FILE *p = popen(command, "r");
    while (p && fgets(line, sizeof line, p))
        if (strstr(line, "bits"))
            strcpy(last, line);
    if (p)
        pclose(p);
    char *s = strrchr(last, 's');
    return s && sscanf(s + 1, "%lf %lf", sign, verify) == 2;
}

static void report(const char *dir, enum pki_alg alg, const char *speed, int seconds)
{
    double sign, verify;
    static const struct pki_policy policy = {.series = PKI_SERIES_2023,
                                             .crl_url = "http://ca.example/issuing.crl"};
    struct arena a;
    arena_init(&a, 0);
    struct pki_ca *ca = make_ca(dir, alg);
    EVP_PKEY *card =
        alg == PKI_SM2 ? EVP_PKEY_Q_keygen(NULL, NULL, "SM2") : EVP_PKEY_Q_keygen(NULL, NULL, "EC", "P-256");
    struct pki_request r = {
        .profile = pki_profile_for(PKI_ORGANIZATION, alg),
        .policy = &policy,
        .subject = {.name = "福州示例科技有限公司", .identity = "91350100M000100Y43"},
        .spki = OSSL_DER(&a, PUBKEY, card),
    };
    pki_validity_days(&r, clock_now_ms(), 365);
    double rate = measure(ca, &r, seconds);
    printf("%-6s %8.0f certificates/s %8.0f us each", pki_alg_name(alg), rate, 1e6 / rate);
    if (speed_of(speed, &sign, &verify)) {
        double floor_us = 1e6 / sign + 1e6 / verify;
        printf("   openssl speed: %.0f signatures/s, %.0f verifications/s, %.0f us together   ratio %.2f",
               sign, verify, floor_us, floor_us * rate / 1e6);
    }
    printf("\n");
    EVP_PKEY_free(card);
    pki_ca_close(ca);
    arena_free(&a);
}

int main(int argc, char **argv)
{
    int seconds = argc > 1 ? atoi(argv[1]) : 3;
    char dir[] = "/tmp/bench-sign-XXXXXX", cmd[256];
    if (seconds < 1 || !mkdtemp(dir)) {
        fprintf(stderr, "usage: bench-sign [seconds]\n");
        return 2;
    }
    snprintf(cmd, sizeof cmd, "openssl speed -seconds %d ecdsap256 2>/dev/null", seconds);
    report(dir, PKI_P256, cmd, seconds);
    snprintf(cmd, sizeof cmd, "openssl speed -seconds %d sm2 2>/dev/null", seconds);
    report(dir, PKI_SM2, cmd, seconds);
    snprintf(cmd, sizeof cmd, "rm -rf '%s'", dir);
    return system(cmd) == 0 ? 0 : 1;
}
