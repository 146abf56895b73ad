/* card_store.c - the token's flash: a text file of `name hex`, one line a value, replaced as a whole. */
#include "card.h"

#include "base/str.h"

#include <openssl/evp.h>
#include <openssl/x509.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const struct card_style STYLE_A = {
    .chuid = true,
    .sm2 = true,
    .write_through = true,
    .blocked_63c0 = true,
    .admin_alg = ALG_3DES,
    .max_object = 3000,
};
static const struct card_style STYLE_B = {
    .answers_61 = true,
    .self_cert = true,
    .pin_survives_reset = true,
    .cuts_digest = true,
    .retries_settable = true,
    .admin_alg = ALG_AES192,
    .max_object = 2048,
};

void card_set_style(struct card *c, char style)
{
    c->style_name = style;
    c->style = style == 'b' ? STYLE_B : STYLE_A;
}

static void make_chuid(struct card *c)
{
    struct card_object *o = card_object(c, 0x5FC102, true);
    if (!o)
        return;
    static const uint8_t head[] = {0x53, 0x3B, 0x30, 0x19, 0xD4, 0xE7, 0x39, 0xDA, 0x73, 0x9C, 0xED,
                                   0x39, 0xCE, 0x73, 0x9D, 0x83, 0x68, 0x58, 0x21, 0x08, 0x42, 0x10,
                                   0x84, 0x21, 0xC8, 0x42, 0x10, 0xC3, 0xEB, 0x34, 0x10};
    static const uint8_t tail[] = {0x35, 0x08, '2', '0',  '5',  '0',  '0',
                                   '1',  '0',  '1', 0x3E, 0x00, 0xFE, 0x00};
    memcpy(o->data, head, sizeof head);
    random_bytes(o->data + sizeof head, 16);
    memcpy(o->data + sizeof head + 16, tail, sizeof tail);
    o->n = sizeof head + 16 + sizeof tail;
}

static void forget_keys(struct card *c)
{
    for (size_t i = 0; i < CARD_KEYS; i++)
        EVP_PKEY_free(c->keys[i].pkey);
    memset(c->keys, 0, sizeof c->keys);
}

void card_factory(struct card *c, char style, uint32_t serial)
{
    forget_keys(c);
    memset(c->objects, 0, sizeof c->objects);
    card_set_style(c, style);
    c->serial = serial;
    c->pin = (struct card_secret){
        .value = {'1', '2', '3', '4', '5', '6', 0xFF, 0xFF}, .left = 3, .max = 3, .is_default = true};
    c->puk = (struct card_secret){
        .value = {'1', '2', '3', '4', '5', '6', '7', '8'}, .left = 3, .max = 3, .is_default = true};
    c->admin_alg = c->style.admin_alg;
    c->admin_n = 24;
    c->admin_default = true;
    for (size_t i = 0; i < 24; i++)
        c->admin_key[i] = (uint8_t)(i % 8 + 1);
    if (c->style.chuid)
        make_chuid(c);
    card_reset(c);
}

static void put(FILE *f, const char *name, const void *p, size_t n)
{
    char hex[2 * CARD_OBJECT_MAX + 1];
    hex_encode(p, n, hex);
    fprintf(f, "%s %s\n", name, hex);
}

static void put_secret(FILE *f, const char *name, const struct card_secret *s)
{
    uint8_t b[11] = {s->left, s->max, s->is_default};
    memcpy(b + 3, s->value, 8);
    put(f, name, b, sizeof b);
}

static void put_key(FILE *f, const struct card_key *k)
{
    uint8_t der[512] = {k->slot, k->alg, k->pin_policy}, *p = der + 3;
    int n = i2d_PrivateKey(k->pkey, NULL);
    if (n > 0 && n <= (int)sizeof der - 3 && i2d_PrivateKey(k->pkey, &p) == n)
        put(f, "key", der, (size_t)n + 3);
}

bool card_save(const struct card *c)
{
    if (!c->path)
        return true;
    char tmp[512];
    snprintf(tmp, sizeof tmp, "%s.new", c->path);
    FILE *f = fopen(tmp, "w");
    if (!f)
        return false;
    fprintf(f, "style %02x\n", (unsigned)c->style_name);
    fprintf(f, "serial %08x\n", (unsigned)c->serial);
    put_secret(f, "pin", &c->pin);
    put_secret(f, "puk", &c->puk);
    uint8_t admin[2 + CARD_SECRET_MAX] = {c->admin_alg, c->admin_default};
    memcpy(admin + 2, c->admin_key, c->admin_n);
    put(f, "admin", admin, c->admin_n + 2);
    for (size_t i = 0; i < CARD_OBJECTS; i++) {
        char name[16];
        snprintf(name, sizeof name, "object-%06x", (unsigned)c->objects[i].tag);
        if (c->objects[i].tag)
            put(f, name, c->objects[i].data, c->objects[i].n);
    }
    for (size_t i = 0; i < CARD_KEYS; i++)
        if (c->keys[i].slot)
            put_key(f, &c->keys[i]);
    bool ok = !ferror(f);
    return fclose(f) == 0 && ok && rename(tmp, c->path) == 0;
}

static bool load_secret(struct card_secret *s, const uint8_t *b, size_t n)
{
    if (n != 11)
        return false;
    s->left = b[0];
    s->max = b[1];
    s->is_default = b[2];
    memcpy(s->value, b + 3, 8);
    return true;
}

static bool load_key(struct card *c, const uint8_t *b, size_t n)
{
    struct card_key *k = n > 3 ? card_key(c, b[0], true) : NULL;
    const uint8_t *p = b + 3;
    if (!k || !(k->pkey = d2i_AutoPrivateKey(NULL, &p, (long)n - 3)))
        return false;
    k->slot = b[0];
    k->alg = b[1];
    k->pin_policy = b[2];
    return true;
}

static bool load_line(struct card *c, const char *name, const uint8_t *b, size_t n)
{
    if (!strcmp(name, "style") && n == 1)
        card_set_style(c, (char)b[0]);
    else if (!strcmp(name, "serial") && n == 4)
        c->serial = (uint32_t)b[0] << 24 | (uint32_t)b[1] << 16 | (uint32_t)b[2] << 8 | b[3];
    else if (!strcmp(name, "pin"))
        return load_secret(&c->pin, b, n);
    else if (!strcmp(name, "puk"))
        return load_secret(&c->puk, b, n);
    else if (!strcmp(name, "key"))
        return load_key(c, b, n);
    else if (!strcmp(name, "admin") && n > 2 && n <= 2 + CARD_SECRET_MAX) {
        c->admin_alg = b[0];
        c->admin_default = b[1];
        c->admin_n = n - 2;
        memcpy(c->admin_key, b + 2, n - 2);
    } else if (!strncmp(name, "object-", 7) && n <= CARD_OBJECT_MAX) {
        struct card_object *o = card_object(c, (uint32_t)strtoul(name + 7, NULL, 16), true);
        if (!o)
            return false;
        memcpy(o->data, b, n);
        o->n = n;
    } else {
        return false;
    }
    return true;
}

static bool load(struct card *c, FILE *f)
{
    static const size_t cap = 2 * CARD_OBJECT_MAX + 64;
    char *line = malloc(cap);
    uint8_t bytes[CARD_OBJECT_MAX];
    bool ok = line != NULL;
    while (ok && fgets(line, (int)cap, f)) {
        char *hex = strchr(line, ' ');
        ok = hex != NULL;
        if (!ok)
            break;
        *hex++ = '\0';
        hex[strcspn(hex, "\n")] = '\0';
        ok = strlen(hex) / 2 <= sizeof bytes && hex_decode(hex, bytes, strlen(hex) / 2) &&
             load_line(c, line, bytes, strlen(hex) / 2);
    }
    free(line);
    return ok && c->style_name;
}

bool card_open(struct card *c, const char *path, char style, uint32_t serial)
{
    memset(c, 0, sizeof *c);
    c->path = path;
    FILE *f = path ? fopen(path, "r") : NULL;
    if (!f) {
        card_factory(c, style, serial);
        return card_save(c);
    }
    bool ok = load(c, f);
    fclose(f);
    return ok;
}

void card_close(struct card *c)
{
    forget_keys(c);
    wipe(c, sizeof *c);
}
