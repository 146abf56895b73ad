#include "certificate/certificate_rpc.h"

#include "app.h"
#include "certificate/certificate.h"
#include "convert/convert.h"
#include "core/page.h"
#include "pki/ca.h"

#include <certdesk/v1/certificate_service.pb-c.h>

static ProtobufCBinaryData to_bytes(struct ctx *c, const void *p, size_t n)
{
    return (ProtobufCBinaryData){n, arena_memdup(c->arena, p, n)};
}

static PB(Certificate) * to_certificate(struct ctx *c, const struct certificate *from)
{
    PB(Certificate) *out = ARENA_NEW(c->arena, PB(Certificate));
    PB_INIT(certificate, out);
    out->id = to_text(c->arena, from->id);
    out->order_id = to_text(c->arena, from->order);
    out->serial_number = to_text(c->arena, from->serial_hex);
    out->subject_name = to_text(c->arena, from->subject_name);
    out->subject_kind = (PB(SubjectKind))from->subject_kind;
    out->medium = (PB(Medium))from->medium;
    out->medium_number = to_text(c->arena, from->medium_number);
    out->state = from->revoked_ms                 ? CERTDESK__V1__CERTIFICATE_STATE__CERTIFICATE_STATE_REVOKED
                 : from->not_after_ms < c->now_ms ? CERTDESK__V1__CERTIFICATE_STATE__CERTIFICATE_STATE_EXPIRED
                                                  : CERTDESK__V1__CERTIFICATE_STATE__CERTIFICATE_STATE_VALID;
    out->not_before_time = to_timestamp(c->arena, from->not_before_ms);
    out->not_after_time = to_timestamp(c->arena, from->not_after_ms);
    out->der = to_bytes(c, from->der, from->der_n);
    return out;
}

RPC_HANDLER(get_certificate, GetCertificateRequest, GetCertificateResponse)
{
    struct certificate cert;
    TRY(certificate_load(c, in->certificate_id, &cert));
    out->certificate = to_certificate(c, &cert);
    const struct pki_ca *ca = cert.algorithm == PKI_SM2 ? c->app->ca_sm2 : c->app->ca_p256;
    struct pki_der chain[] = {pki_ca_issuing(ca), pki_ca_root(ca)};
    out->n_chain_der = 2;
    out->chain_der = ARENA_ARRAY(c->arena, ProtobufCBinaryData, 2);
    for (size_t i = 0; i < 2; i++)
        out->chain_der[i] = to_bytes(c, chain[i].p, chain[i].n);
    return OK;
}

RPC_HANDLER(list_certificates, ListCertificatesRequest, ListCertificatesResponse)
{
    struct certificate *list;
    int limit = page_size(in->page_size);
    if (*in->page_token && !id_valid("crt", in->page_token))
        return fail(c->fault, ERR_PAGE_TOKEN, NULL);
    /* The last id seen; the query is bound to the caller, so a made-up one shows nothing that is not theirs.
     */
    TRY(certificate_list(c, (int)in->medium, in->page_token, limit, &list, &out->n_certificates));
    out->certificates = ARENA_ARRAY(c->arena, PB(Certificate) *, out->n_certificates + 1);
    for (size_t i = 0; i < out->n_certificates; i++)
        out->certificates[i] = to_certificate(c, &list[i]);
    if (out->n_certificates == (size_t)limit)
        out->next_page_token = to_text(c->arena, list[limit - 1].id);
    return OK;
}

static const struct rpc_row rows[] = {
    {.service = PB_SERVICE(certificate_service),
     .method = "GetCertificate",
     .access = ACCESS_ANY,
     .roles = ROLE_REVIEWER | ROLE_OPERATOR | ROLE_SHIPPER | ROLE_ADMIN,
     .mode = MODE_READ,
     .handler = get_certificate},
    {.service = PB_SERVICE(certificate_service),
     .method = "ListCertificates",
     .access = ACCESS_ACCOUNT,
     .mode = MODE_READ,
     .handler = list_certificates},
};

const struct rpc_table certificate_rpc = {rows, sizeof rows / sizeof *rows};
