/* piv.h - the PIV dialect (NIST SP 800-73-4) with the usual vendor commands: F7 metadata, F8 serial, FD
 * version, FF set management key. SM2 is algorithm 54, where the token has it.
 *
 * SIGN_A is slot 9A, SIGN_B is slot 9C: every PIV program finds these without a key history object.
 */
#ifndef CERTDESK_TOKEN_PIV_H
#define CERTDESK_TOKEN_PIV_H

#include "token/ukey.h"

extern const struct ukey_ops PIV;

/* Factory values, the same on every maker's token. */
extern const char PIV_FACTORY_PIN[], PIV_FACTORY_PUK[];
/* Factory management key for an algorithm with 24-byte keys (3DES, AES-192). */
struct ukey_admin_key piv_factory_admin(enum ukey_admin_alg alg);

#endif
