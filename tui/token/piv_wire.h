/* piv_wire.h - shared by the files of the PIV dialect only. */
#ifndef CERTDESK_TOKEN_PIV_WIRE_H
#define CERTDESK_TOKEN_PIV_WIRE_H

#include "token/apdu.h"
#include "token/ukey.h"

enum {
    PIV_ADMIN = 0x9B,
    PIV_PIN = 0x80,
    PIV_PUK = 0x81,
    PIV_CHUID = 0x5FC102,
};

/* Slot number and certificate object of a logical slot; algorithm number. */
uint8_t piv_slot(enum ukey_slot slot);
uint32_t piv_cert_object(enum ukey_slot slot);
uint8_t piv_alg(enum ukey_alg alg);

/* Sends and translates the status word; a->data stays valid after an error too. */
enum err piv_command(struct ukey *u, const char *what, const struct apdu *cmd, struct answer *a, int *left,
                     struct fault *f);
/* GET DATA: the whole object, from its tag 53. ERR_NOT_FOUND: none. */
enum err piv_get_object(struct ukey *u, uint32_t object, struct answer *a, struct fault *f);
/* PUT DATA with the contents of tag 53. */
enum err piv_put_object(struct ukey *u, uint32_t object, const uint8_t *contents, size_t n, struct fault *f);

enum err piv_admin_auth(struct ukey *u, const struct ukey_admin_key *key, struct fault *f);
enum err piv_set_admin_key(struct ukey *u, const struct ukey_admin_key *key, struct fault *f);
enum err piv_verify_pin(struct ukey *u, const char *pin, int *left, struct fault *f);
enum err piv_change_pin(struct ukey *u, const char *old, const char *new_pin, int *left, struct fault *f);
enum err piv_change_puk(struct ukey *u, const char *old, const char *new_puk, int *left, struct fault *f);
enum err piv_unblock(struct ukey *u, const char *puk, const char *new_pin, int *left, struct fault *f);
enum err piv_logout(struct ukey *u, struct fault *f);
enum err piv_info(struct ukey *u, struct ukey_info *out, struct fault *f);
enum err piv_write_guid(struct ukey *u, const uint8_t guid[UKEY_GUID], struct fault *f);

#endif
