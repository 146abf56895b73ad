/* order_sign.c - the application signature: what is signed, and by whom (S13, S14).
 *
 * Signed is one canonical JSON text (compact, sorted keys) that holds every field, every material's kind and
 * digest, the agreements and the quote. Reviewers compare materials with it, issuance takes the subject
 * from it; its SHA-256 stands in the audit trail.
 */
#include "account/code.h"
#include "core/crypt.h"
#include "material/material.h"
#include "order/order_json.h"
#include "order/order_steps.h"

#include <string.h>

static json_t *materials_json(const struct material *m, size_t n)
{
    json_t *list = json_array();
    for (size_t i = 0; i < n; i++) {
        char hex[2 * sizeof m[i].digest + 1];
        hex_encode(m[i].digest, sizeof m[i].digest, hex);
        json_array_append_new(list, json_pack("{s:s, s:s}", "kind", m[i].kind, "sha256", hex));
    }
    return list;
}

static json_t *agreements_json(const struct consent *consents, size_t n)
{
    json_t *list = json_array();
    for (size_t i = 0; i < n; i++)
        json_array_append_new(
            list, json_pack("{s:s, s:i}", "id", consents[i].agreement_id, "version", consents[i].version));
    return list;
}

static json_t *signed_json(const struct ctx *c, const struct order *o, const struct material *materials,
                           size_t n_materials, const struct consent *consents, size_t n)
{
    json_t *j = json_object();
    json_object_set_new(j, "format", json_string("certdesk-application-1"));
    json_object_set_new(j, "order", json_string(o->id));
    json_object_set_new(j, "channel", json_string(o->channel));
    json_object_set_new(j, "account", json_string(o->account));
    json_object_set_new(j, "kind", json_integer(o->kind));
    json_object_set_new(j, "subject_kind", json_integer(o->subject_kind));
    json_object_set_new(j, "medium", json_integer(o->medium));
    json_object_set_new(j, "method", json_integer(o->method));
    json_object_set_new(j, "subject", order_json_subject(&o->subject));
    json_object_set_new(j, "agent", order_json_agent(&o->agent));
    json_object_set_new(j, "purchase", order_json_purchase(&o->purchase));
    json_object_set_new(j, "quote", json_loads(o->quote_json, 0, NULL));
    json_object_set_new(j, "price_fen", json_integer(o->price_fen));
    json_object_set_new(j, "materials", materials_json(materials, n_materials));
    json_object_set_new(j, "agreements", agreements_json(consents, n));
    json_object_set_new(j, "signer_phone", json_string(order_contact(o).phone));
    json_object_set_new(j, "signed_ms", json_integer(c->now_ms));
    return j;
}

const char *order_form_text(struct ctx *c, const struct order *o)
{
    json_t *j = signed_json(c, o, NULL, 0, NULL, 0);
    json_object_set_new(j, "paper_route", json_true());
    return order_json_text(c->arena, j);
}

enum err order_request_signature(struct ctx *c, const char *id, struct order *out, int64_t *expires_ms)
{
    int to;
    TRY(order_load(c, id, out));
    TRY(order_next(out, EV_SIGNATURE_REQUESTED, &to, c->fault));
    TRY(material_complete(c, out));
    TRY(code_send(c, order_contact(out).phone, CODE_SIGN, out->id, SMS_SIGN_CODE, out->id, expires_ms));
    return order_move(c, out, EV_SIGNATURE_REQUESTED, NULL, NULL);
}

/* From CORRECTION the order was paid and goes back to the reviewers. */
static enum order_event signing_event(const struct order *o)
{
    return o->state == ORDER_CORRECTION ? EV_CORRECTED : EV_SIGNED;
}

static const char *digest_detail(struct ctx *c, const char *text)
{
    unsigned char digest[32];
    char hex[2 * sizeof digest + 1];
    crypt_sha256(text, strlen(text), digest);
    hex_encode(digest, sizeof digest, hex);
    return arena_printf(c->arena, "{\"sha256\":\"%s\"}", hex);
}

static enum err store_signature(struct ctx *c, struct order *o, const struct consent *consents, size_t n)
{
    const struct material *materials;
    size_t n_materials;
    TRY(material_list(c, o->id, &materials, &n_materials));
    const char *text = order_json_text(c->arena, signed_json(c, o, materials, n_materials, consents, n));
    struct order_change change = {.signed_text = text};
    int64_t due_ms = 0;
    if (o->state == ORDER_CORRECTION) {
        struct channel channel;
        TRY(catalog_channel(c, o->channel, &channel));
        TRY(catalog_working_days(c, o->channel, c->now_ms, channel.review_days, &due_ms));
        change.submitted_ms = &c->now_ms;
        change.due_ms = &due_ms;
    }
    return order_move(c, o, signing_event(o), &change, digest_detail(c, text));
}

enum err order_sign(struct ctx *c, const char *id, const char *code, const struct consent *consents, size_t n,
                    struct order *out)
{
    int to;
    TRY(order_load(c, id, out));
    TRY(order_next(out, signing_event(out), &to, c->fault));
    TRY(material_complete(c, out));
    /* before any write: a wrong try is committed */
    TRY(code_check(c, order_contact(out).phone, CODE_SIGN, out->id, code));
    TRY(catalog_consent(c, out->channel, out->id, "signature", consents, n));
    return store_signature(c, out, consents, n);
}
