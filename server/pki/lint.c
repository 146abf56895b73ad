#include "pki/lint.h"
#include "pki/asn1.h"
#include "pki/ca_priv.h"
#include "pki/lint_rules.h"

#include <openssl/err.h>
#include <stdarg.h>
#include <stdio.h>

static const struct {
    const char *name, *source;
} rules[PKI_RULE_COUNT] = {
#define X(name, source) [PKI_RULE_##name] = {#name, source},
    PKI_RULES(X)
#undef X
};

const char *pki_rule_name(enum pki_rule r)
{
    return (unsigned)r < PKI_RULE_COUNT ? rules[r].name : "";
}

const char *pki_rule_source(enum pki_rule r)
{
    return (unsigned)r < PKI_RULE_COUNT ? rules[r].source : "";
}

bool pki_findings_has(const struct pki_findings *fs, enum pki_rule rule)
{
    for (size_t i = 0; i < fs->n; i++)
        if (fs->at[i].rule == rule)
            return true;
    return false;
}

void lint_say(struct lint *l, enum pki_rule rule, const char *fmt, ...)
{
    if (pki_findings_has(l->out, rule))
        return;
    struct pki_finding *one = &l->out->at[l->out->n++];
    va_list ap;
    va_start(ap, fmt);
    one->rule = rule;
    vsnprintf(one->text, sizeof one->text, fmt, ap);
    va_end(ap);
}

/* OpenSSL reads BER and forgives much; what it writes is DER. */
static bool der_holds(struct lint *l)
{
    CLEANUP(drop_SIGNED)
    SIGNED *s = asn1_signed(l->der);
    l->x = s ? ossl_x509(l->der) : NULL;
    if (!l->x)
        return false;
    unsigned char *tbs = NULL;
    int n = i2d_re_X509_tbs(l->x, &tbs);
    bool same = n > 0 && pki_der_equal((struct pki_der){tbs, (size_t)n}, asn1_body(s)) &&
                pki_der_equal(OSSL_DER(l->a, SIGNED, s), l->der);
    OPENSSL_free(tbs);
    return same;
}

static enum err run(const struct pki_ca *ca, const struct pki_request *r, struct pki_der certificate,
                    struct arena *a, struct pki_findings *out, struct fault *f)
{
    struct lint l = {.ca = ca, .r = r, .der = certificate, .a = a, .out = out};
    out->n = 0;
    if (!der_holds(&l))
        lint_say(&l, PKI_RULE_DER, "it cannot be read, or reads back differently");
    if (l.x) {
        lint_body(&l);
        lint_extensions(&l);
    }
    X509_free(l.x);
    ERR_clear_error();
    if (out->n == 0)
        return OK;
    return fail(f, ERR_LINT, "%s: %s%s", rules[out->at[0].rule].name, out->at[0].text,
                out->n > 1 ? " (and more)" : "");
}

enum err pki_lint_cert(const struct pki_ca *ca, const struct pki_request *r, struct pki_der certificate,
                       struct pki_findings *out, struct fault *f)
{
    struct arena a;
    arena_init(&a, 0);
    enum err e = run(ca, r, certificate, &a, out, f);
    arena_free(&a);
    return e;
}

enum err pki_lint_tbs(const struct pki_ca *ca, const struct pki_request *r, struct pki_der tbs,
                      struct pki_findings *out, struct fault *f)
{
    static const unsigned char unsigned_yet[1] = {0};
    struct arena a;
    arena_init(&a, 0);
    struct pki_der c = asn1_wrap(&a, tbs, ca->alg, (struct pki_der){unsigned_yet, sizeof unsigned_yet});
    enum err e = run(ca, r, c, &a, out, f);
    arena_free(&a);
    return e;
}
