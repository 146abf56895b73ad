/* Any bytes as a certificate request: refused with a sentence, or a key that is acceptable everywhere else.
 */
#include "fuzz.h"

#include "pki/csr.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena a;
    struct fault f;
    struct pki_csr c;
    enum pki_alg alg;
    unsigned allowed = 1u << PKI_SM2 | 1u << PKI_P256 | 1u << PKI_RSA;
    arena_init(&a, 0);
    fault_clear(&f);
    enum err e = pki_csr_parse((struct pki_der){data, size}, allowed, &a, &c, &f);
    if (e == OK ? pki_spki_alg(c.spki, &alg, &f) != OK || alg != c.alg : e != ERR_CSR_BAD || !f.text[0])
        abort();
    arena_free(&a);
    return 0;
}

FUZZ_TEST
