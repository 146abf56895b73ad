#include "pki/profile.h"

#include <string.h>

#define EKU_CLIENT_AUTH      "1.3.6.1.5.5.7.3.2"
#define EKU_EMAIL_PROTECTION "1.3.6.1.5.5.7.3.4"

enum {
    SIGNING = PKI_USAGE_DIGITAL_SIGNATURE | PKI_USAGE_NON_REPUDIATION,
    FIVE_YEARS = 5 * 366
};

#define PROFILE(n, k, a)                                                                                     \
    {                                                                                                        \
        .name = n, .kind = k, .alg = a, .usage = SIGNING,                                                    \
        .eku = {EKU_CLIENT_AUTH, EKU_EMAIL_PROTECTION, NULL}, .max_days = FIVE_YEARS                         \
    }

static const struct pki_profile profiles[] = {
    PROFILE("organization-signing-sm2", PKI_ORGANIZATION, PKI_SM2),
    PROFILE("organization-signing-p256", PKI_ORGANIZATION, PKI_P256),
    PROFILE("individual-signing-sm2", PKI_INDIVIDUAL, PKI_SM2),
    PROFILE("individual-signing-p256", PKI_INDIVIDUAL, PKI_P256),
};

const struct pki_profile *pki_profiles(size_t *n)
{
    *n = sizeof profiles / sizeof *profiles;
    return profiles;
}

const struct pki_profile *pki_profile(const char *name)
{
    for (size_t i = 0; i < sizeof profiles / sizeof *profiles; i++)
        if (strcmp(profiles[i].name, name) == 0)
            return &profiles[i];
    return NULL;
}

const struct pki_profile *pki_profile_for(enum pki_kind kind, enum pki_alg alg)
{
    for (size_t i = 0; i < sizeof profiles / sizeof *profiles; i++)
        if (profiles[i].kind == kind && profiles[i].alg == alg)
            return &profiles[i];
    return NULL;
}

void pki_validity_days(struct pki_request *r, int64_t start_ms, int days)
{
    r->not_before_ms = start_ms - start_ms % 1000;
    r->not_after_ms = r->not_before_ms + ((int64_t)days * 86400 - 1) * 1000;
}
