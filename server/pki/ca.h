/* ca.h - who signs certificates, behind one table of functions.
 *
 * Issuance is two steps with the caller's commit between them (Boulder's order): prepare() makes the intent,
 * the exact bytes of what will be asked for; the caller stores it; sign() turns a stored intent into a
 * certificate that agrees with it. Signing one intent twice makes two certificates: whether it may happen
 * again is the caller's to know. With the `local` back end the intent is the TBSCertificate.
 *
 * The local CA of one algorithm is a folder <dir>/<algorithm> with root.crt, issuing.crt (PEM) and root.key,
 * issuing.key (PKCS #8 PEM, AES-256 under PBKDF2-HMAC-SHA256). Only issuing.key is needed to issue; root.key
 * belongs somewhere else afterwards.
 *
 * An open CA is not changed any more: any number of threads may use it.
 */
#ifndef CERTDESK_PKI_CA_H
#define CERTDESK_PKI_CA_H

#include "pki/key.h"
#include "pki/profile.h"

struct pki_ca;

struct ca_ops {
    const char *name; /* "local" */
    /* Builds and lints what will be asked for. ERR_INVALID with violations for a subject that cannot be
     * certified; ERR_LINT with the findings. */
    enum err (*prepare)(const struct pki_ca *ca, const struct pki_request *r, struct arena *a,
                        struct pki_der *intent, struct fault *f);
    /* Signs a stored intent. ERR_LINT when it was not made for this CA. The certificate agrees with the
     * intent and its signature has been verified. */
    enum err (*sign)(const struct pki_ca *ca, struct pki_der intent, struct arena *a,
                     struct pki_der *certificate, struct fault *f);
    /* True when a certificate is what the intent asked for. */
    bool (*agrees)(struct pki_der intent, struct pki_der certificate);
    void (*close)(struct pki_ca *ca);
};

const struct ca_ops *pki_ca_ops(const struct pki_ca *ca);
enum pki_alg pki_ca_alg(const struct pki_ca *ca);
/* Certificates in DER; they live as long as the CA. */
struct pki_der pki_ca_issuing(const struct pki_ca *ca);
struct pki_der pki_ca_root(const struct pki_ca *ca);
/* Frees the CA by its ops; NULL is fine. */
void pki_ca_close(struct pki_ca *ca);

/* The chain that goes with a certificate, PEM: certificate, issuing CA, root. In the arena. */
char *pki_ca_chain_pem(const struct pki_ca *ca, struct pki_der certificate, struct arena *a);

/* -- the local back end --------------------------------------------------------------------------------- */

struct pki_ca_plan {
    enum pki_alg alg;         /* PKI_SM2 or PKI_P256 */
    const char *organization; /* O of both names */
    const char *root_name;    /* CN */
    const char *issuing_name; /* CN */
    int64_t not_before_ms;
    int root_days, issuing_days;
    const char *passphrase; /* at least 8 characters */
    int kdf_iterations;     /* 0: 600000 */
};

/* Makes root and issuing CA in dir, which must exist. All files are there afterwards, or none. ERR_EXISTS
 * when the algorithm's folder is there already; ERR_INVALID for a plan that cannot be. */
enum err pki_ca_create(const char *dir, const struct pki_ca_plan *plan, struct fault *f);

/* Opens the issuing CA for signing. ERR_NOT_FOUND without files; ERR_DENIED for a wrong passphrase;
 * ERR_DATA_LOSS when certificates, key and chain do not fit one another. Closed with pki_ca_close(). */
enum err pki_ca_open(const char *dir, enum pki_alg alg, const char *passphrase, struct pki_ca **out,
                     struct fault *f);

#endif
