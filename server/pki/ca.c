#include "pki/ca.h"
#include "pki/ca_priv.h"
#include "pki/cert.h"

const struct ca_ops *pki_ca_ops(const struct pki_ca *ca)
{
    return ca->ops;
}

enum pki_alg pki_ca_alg(const struct pki_ca *ca)
{
    return ca->alg;
}

struct pki_der pki_ca_issuing(const struct pki_ca *ca)
{
    return ca->issuing_der;
}

struct pki_der pki_ca_root(const struct pki_ca *ca)
{
    return ca->root_der;
}

void pki_ca_close(struct pki_ca *ca)
{
    if (ca)
        ca->ops->close(ca);
}

char *pki_ca_chain_pem(const struct pki_ca *ca, struct pki_der certificate, struct arena *a)
{
    return arena_printf(a, "%s%s%s", pki_cert_pem(certificate, a), pki_cert_pem(ca->issuing_der, a),
                        pki_cert_pem(ca->root_der, a));
}
