/* card_data.c - keys in slots, data objects, metadata. */
#include "card.h"

#include <openssl/evp.h>

#include <string.h>

struct card_object *card_object(struct card *c, uint32_t tag, bool create)
{
    struct card_object *free_one = NULL;
    for (size_t i = 0; i < CARD_OBJECTS; i++) {
        if (c->objects[i].tag == tag)
            return &c->objects[i];
        if (!c->objects[i].tag && !free_one)
            free_one = &c->objects[i];
    }
    if (!create || !free_one)
        return NULL;
    free_one->tag = tag;
    free_one->n = 0;
    return free_one;
}

struct card_key *card_key(struct card *c, uint8_t slot, bool create)
{
    struct card_key *free_one = NULL;
    if (!slot)
        return NULL;
    for (size_t i = 0; i < CARD_KEYS; i++) {
        if (c->keys[i].slot == slot)
            return &c->keys[i];
        if (!c->keys[i].slot && !free_one)
            free_one = &c->keys[i];
    }
    return create ? free_one : NULL;
}

/* SP 800-73-4 part 1, table 3: where the certificate of a slot is kept. 0: not a key slot. */
static uint32_t cert_tag(uint8_t slot)
{
    switch (slot) {
    case 0x9A:
        return 0x5FC105;
    case 0x9C:
        return 0x5FC10A;
    case 0x9D:
        return 0x5FC10B;
    case 0x9E:
        return 0x5FC101;
    default:
        return slot >= 0x82 && slot <= 0x95 ? 0x5FC10Du + slot - 0x82u : 0;
    }
}

static void self_cert(struct card *c, const struct card_key *k)
{
    struct card_object *o = card_object(c, cert_tag(k->slot), true);
    if (!o)
        return;
    uint8_t der[1000];
    size_t n = card_self_cert(k->pkey, der, sizeof der);
    c->answer_n = 0;
    answer_tlv(c, 0x53, der, n);
    memcpy(o->data, c->answer, c->answer_n);
    o->n = c->answer_n;
    c->answer_n = 0;
}

uint16_t card_do_generate(struct card *c, const struct card_cmd *cmd)
{
    if (!c->admin_ok)
        return 0x6982;
    size_t n, na = 0, np = 0;
    const uint8_t *t = tlv_get(cmd->body, cmd->n, 0xAC, &n), *alg, *policy;
    if (cmd->p1 != 0x00 || !cert_tag(cmd->p2))
        return 0x6A86;
    if (!t || !(alg = tlv_get(t, n, 0x80, &na)) || na != 1 || (*alg == ALG_SM2 && !c->style.sm2))
        return 0x6A80;
    policy = tlv_get(t, n, 0xAA, &np);
    if (policy && (np != 1 || *policy > 3))
        return 0x6A80;
    EVP_PKEY *pkey = card_keygen(*alg);
    struct card_key *k = pkey ? card_key(c, cmd->p2, true) : NULL;
    if (!k)
        return pkey ? 0x6A84 : 0x6A80;
    EVP_PKEY_free(k->pkey);
    uint8_t usual = cmd->p2 == 0x9C ? 3 : cmd->p2 == 0x9E ? 1 : 2;
    *k = (struct card_key){
        .slot = cmd->p2, .alg = *alg, .pin_policy = policy && *policy ? *policy : usual, .pkey = pkey};
    if (c->style.self_cert)
        self_cert(c, k);
    card_save(c);
    uint8_t point[2 + 65] = {0x86, 65};
    if (!card_point(pkey, point + 2))
        return 0x6F00;
    answer_tlv(c, 0x7F49, point, sizeof point);
    return 0x9000;
}

static void secret_metadata(struct card *c, const struct card_secret *s)
{
    answer_tlv(c, 0x01, "\xFF", 1);
    answer_tlv(c, 0x05, s->is_default ? "\x01" : "\x00", 1);
    uint8_t tries[2] = {s->max, s->left};
    answer_tlv(c, 0x06, tries, 2);
}

uint16_t card_do_metadata(struct card *c, const struct card_cmd *cmd)
{
    if (c->options.no_metadata)
        return 0x6D00;
    if (cmd->p1 || cmd->n)
        return 0x6A86;
    if (cmd->p2 == 0x80 || cmd->p2 == 0x81) {
        secret_metadata(c, cmd->p2 == 0x80 ? &c->pin : &c->puk);
        return 0x9000;
    }
    if (cmd->p2 == 0x9B) {
        answer_tlv(c, 0x01, &c->admin_alg, 1);
        answer_tlv(c, 0x02, "\x00\x01", 2);
        answer_tlv(c, 0x05, c->admin_default ? "\x01" : "\x00", 1);
        return 0x9000;
    }
    struct card_key *k = card_key(c, cmd->p2, false);
    if (!k)
        return 0x6A88;
    uint8_t policy[2] = {k->pin_policy, 1}, point[2 + 65] = {0x86, 65};
    if (!card_point(k->pkey, point + 2))
        return 0x6F00;
    answer_tlv(c, 0x01, &k->alg, 1);
    answer_tlv(c, 0x02, policy, 2);
    answer_tlv(c, 0x03, "\x01", 1);
    answer_tlv(c, 0x04, point, sizeof point);
    return 0x9000;
}

static uint32_t object_tag(const uint8_t *p, size_t n)
{
    size_t l;
    const uint8_t *t = tlv_get(p, n, 0x5C, &l);
    if (!t || l < 1 || l > 3)
        return 0;
    uint32_t tag = 0;
    for (size_t i = 0; i < l; i++)
        tag = tag << 8 | t[i];
    return tag;
}

uint16_t card_do_get(struct card *c, const struct card_cmd *cmd)
{
    if (cmd->p1 != 0x3F || cmd->p2 != 0xFF)
        return 0x6A86;
    uint32_t tag = object_tag(cmd->body, cmd->n);
    if (!tag)
        return 0x6A80;
    if (tag == 0x7E) { /* discovery object: AID, and that the PIV PIN alone is used */
        static const uint8_t d[] = {0x4F, 0x0B, 0xA0, 0x00, 0x00, 0x03, 0x08, 0x00, 0x00,
                                    0x10, 0x00, 0x01, 0x00, 0x5F, 0x2F, 0x02, 0x40, 0x00};
        answer_tlv(c, 0x7E, d, sizeof d);
        return 0x9000;
    }
    struct card_object *o = card_object(c, tag, false);
    if (!o || !o->n)
        return 0x6A82;
    answer_add(c, o->data, o->n);
    return 0x9000;
}

uint16_t card_put_part(struct card *c)
{
    if (!c->admin_ok)
        return 0x6982;
    if (!c->style.write_through || c->chain_n < 5 || c->chain_n - 5 > c->style.max_object)
        return 0x9000;
    uint32_t tag = object_tag(c->chain, 5);
    struct card_object *o = tag > 0xFFFF ? card_object(c, tag, true) : NULL;
    if (!o)
        return 0x6A84;
    o->n = c->chain_n - 5;
    memcpy(o->data, c->chain + 5, o->n);
    card_save(c);
    return 0x9000;
}

uint16_t card_do_put(struct card *c, const struct card_cmd *cmd)
{
    if (!c->admin_ok)
        return 0x6982;
    if (cmd->p1 != 0x3F || cmd->p2 != 0xFF)
        return 0x6A86;
    uint32_t tag = object_tag(cmd->body, cmd->n);
    size_t head = cmd->n > 1 ? 2u + cmd->body[1] : 0, l = 0;
    if (!tag || cmd->n < head + 2)
        return 0x6A80;
    const uint8_t *value = tlv_get(cmd->body + head, cmd->n - head, 0x53, &l);
    if (!value)
        return 0x6A80;
    if (cmd->n - head > c->style.max_object || cmd->n - head > CARD_OBJECT_MAX)
        return c->style.write_through ? 0x6A84 : 0x6700;
    struct card_object *o = card_object(c, tag, true);
    if (!o)
        return 0x6A84;
    o->n = l ? cmd->n - head : 0;
    memcpy(o->data, cmd->body + head, o->n);
    if (!l)
        o->tag = 0;
    card_save(c);
    return 0x9000;
}
