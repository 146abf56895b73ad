/* Any bytes as a certificate: read or refused; what was read survives PEM; a chain of it holds or does not.
 */
#include "fuzz.h"

#include "base/str.h"
#include "pki/cert.h"
#include "pki/issue.h"

#include <stdlib.h>
#include <string.h>

static void check(struct pki_der der, struct arena *a, const struct pki_cert *c)
{
    struct fault f;
    struct pki_der back;
    const char *const texts[] = {c->subject,    c->issuer,         c->subject_cn, c->subject_o,
                                 c->subject_ou, c->subject_number, c->issuer_cn,  c->identity};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        if (!texts[i] || !utf8_valid(texts[i], strlen(texts[i])))
            abort();
    if (!c->serial[0] || strlen(c->serial) % 2 || pki_cert_from_pem(pki_cert_pem(der, a), a, &back, &f) != OK)
        abort();
    if (pki_same_tbs((struct pki_der){der.p, 0}, der))
        abort();
    enum err e = pki_verify_chain(der, der, der, c->not_before_ms, &f);
    if (e != OK && e != ERR_SIGNATURE_BAD)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena a;
    struct fault f;
    struct pki_cert c;
    struct pki_der der = {data, size};
    arena_init(&a, 0);
    fault_clear(&f);
    enum err e = pki_cert_parse(der, &a, &c, &f);
    if (e == OK)
        check(der, &a, &c);
    else if (e != ERR_INVALID || !f.text[0])
        abort();
    arena_free(&a);
    return 0;
}

FUZZ_TEST
