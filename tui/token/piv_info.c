/* piv_info.c - who the token is and what state its secrets are in. */
#include "piv_wire.h"
#include "tlv.h"

#include <string.h>

/* Not having a vendor command or an object is an answer, not a failure. */
static enum err optional(enum err e, bool *there)
{
    *there = e == OK;
    return e == ERR_NOT_FOUND || e == ERR_UNIMPLEMENTED || e == ERR_CARD_REFUSED ? OK : e;
}

static enum err read_serial(struct ukey *u, struct ukey_info *out, struct fault *f)
{
    struct apdu cmd = {.ins = 0xF8, .asks = true};
    struct answer a;
    bool there;
    TRY(optional(piv_command(u, "GET SERIAL", &cmd, &a, NULL, f), &there));
    if (!there || a.n != 4)
        return OK;
    out->has_serial = true;
    out->serial =
        (uint32_t)a.data[0] << 24 | (uint32_t)a.data[1] << 16 | (uint32_t)a.data[2] << 8 | a.data[3];
    return OK;
}

static enum err read_version(struct ukey *u, struct ukey_info *out, struct fault *f)
{
    struct apdu cmd = {.ins = 0xFD, .asks = true};
    struct answer a;
    bool there;
    TRY(optional(piv_command(u, "GET VERSION", &cmd, &a, NULL, f), &there));
    if (there && a.n == 3)
        memcpy(out->version, a.data, 3);
    return OK;
}

/* SP 800-73-4 part 1, table 9: the GUID is tag 34 of the CHUID. */
static enum err read_guid(struct ukey *u, struct ukey_info *out, struct fault *f)
{
    struct answer a;
    bool there;
    TRY(optional(piv_get_object(u, PIV_CHUID, &a, f), &there));
    size_t n = 0, ng = 0;
    const uint8_t *chuid = there ? tlv_find(a.data, a.n, 0x53, &n) : NULL,
                  *guid = chuid ? tlv_find(chuid, n, 0x34, &ng) : NULL;
    if (guid && ng == UKEY_GUID) {
        out->has_guid = true;
        memcpy(out->guid, guid, UKEY_GUID);
    }
    return OK;
}

static enum err read_metadata(struct ukey *u, uint8_t ref, bool *there, enum ukey_truth *is_default,
                              int *left, enum ukey_admin_alg *alg, struct fault *f)
{
    struct apdu cmd = {.ins = 0xF7, .p2 = ref, .asks = true};
    struct answer a;
    TRY(optional(piv_command(u, "GET METADATA", &cmd, &a, NULL, f), there));
    if (!*there)
        return OK;
    size_t n = 0;
    const uint8_t *v = tlv_find(a.data, a.n, 0x05, &n);
    if (v && n == 1)
        *is_default = *v ? UKEY_YES : UKEY_NO;
    v = tlv_find(a.data, a.n, 0x06, &n);
    if (v && n == 2 && left)
        *left = v[1];
    v = tlv_find(a.data, a.n, 0x01, &n);
    if (v && n == 1 && alg && ukey_admin_len((enum ukey_admin_alg) * v))
        *alg = (enum ukey_admin_alg) * v;
    return OK;
}

/* VERIFY without a body asks for the state; not counted as a try. Says nothing while the PIN is verified. */
static enum err read_pin_left(struct ukey *u, int *left, struct fault *f)
{
    struct apdu cmd = {.ins = 0x20, .p2 = PIV_PIN};
    struct answer a;
    TRY(apdu_send(u->ch, &cmd, &a, f));
    int told;
    enum err e = apdu_status(a.sw, "VERIFY", &told, f);
    if (told >= 0)
        *left = told;
    return e == ERR_CARD_DOUBTFUL ? e : OK;
}

enum err piv_info(struct ukey *u, struct ukey_info *out, struct fault *f)
{
    *out = (struct ukey_info){.pin_left = -1,
                              .puk_left = -1,
                              .pin_default = UKEY_UNKNOWN,
                              .puk_default = UKEY_UNKNOWN,
                              .admin_default = UKEY_UNKNOWN};
    TRY(read_serial(u, out, f));
    TRY(read_version(u, out, f));
    TRY(read_guid(u, out, f));
    bool there;
    TRY(read_metadata(u, PIV_ADMIN, &out->has_metadata, &out->admin_default, NULL, &out->admin_alg, f));
    TRY(read_metadata(u, PIV_PIN, &there, &out->pin_default, &out->pin_left, NULL, f));
    TRY(read_metadata(u, PIV_PUK, &there, &out->puk_default, &out->puk_left, NULL, f));
    TRY(read_pin_left(u, &out->pin_left, f));
    if (f)
        fault_clear(f);
    return OK;
}

enum err piv_write_guid(struct ukey *u, const uint8_t guid[UKEY_GUID], struct fault *f)
{
    /* A FASC-N of all nines: for cards that the US government did not issue (SP 800-73-4 part 1, 3.1.2). */
    static const uint8_t fascn[25] = {0xD4, 0xE7, 0x39, 0xDA, 0x73, 0x9C, 0xED, 0x39, 0xCE,
                                      0x73, 0x9D, 0x83, 0x68, 0x58, 0x21, 0x08, 0x42, 0x10,
                                      0x84, 0x21, 0xC8, 0x42, 0x10, 0xC3, 0xEB};
    uint8_t chuid[80];
    size_t n = 0;
    bool fits = tlv_put(chuid, sizeof chuid, &n, 0x30, fascn, sizeof fascn) &&
                tlv_put(chuid, sizeof chuid, &n, 0x34, guid, UKEY_GUID) &&
                tlv_put(chuid, sizeof chuid, &n, 0x35, "20991231", 8) &&
                tlv_put(chuid, sizeof chuid, &n, 0x3E, NULL, 0) &&
                tlv_put(chuid, sizeof chuid, &n, 0xFE, NULL, 0);
    if (!fits)
        return fail(f, ERR_INTERNAL, NULL);
    return piv_put_object(u, PIV_CHUID, chuid, n, f);
}
