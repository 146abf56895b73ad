/* download_ways.h - what is on the holder's token, and the ways by which a download may go on with it. */
#ifndef CERTDESK_TOKEN_DOWNLOAD_WAYS_H
#define CERTDESK_TOKEN_DOWNLOAD_WAYS_H

#include "token/download.h"

enum {
    SLOTS = 2,
    WAYS = 4 * SLOTS,
};

struct view {
    bool issued;         /* a certificate that somebody issued */
    bool empty;          /* neither certificate nor key, as far as the token tells */
    bool untold;         /* whether there is a key, and which */
    struct ukey_pub pub; /* of a key that was made inside; alg 0: none is known */
    uint8_t der[UKEY_CERT_MAX];
    size_t n;
};

struct look {
    struct ukey_info info;
    struct view at[SLOTS];
};

struct way {
    enum ukey_slot slot;
    enum personalise_step from;
    struct ukey_pub pub;
    bool guess; /* whether the key is this one, a signature will tell */
};

struct ways {
    struct way at[WAYS];
    size_t n;
};

enum err download_look(struct ukey *u, struct look *out, struct fault *f);
/* In the order in which they are to be tried; PRECONDITION when there is none. Nothing is asked or made. */
enum err download_ways(const struct download_plan *p, const struct download_memory *m, const struct look *l,
                       struct ways *out, struct fault *f);
/* The token of which a record tells. */
struct ukey_info download_token(const struct personalise_record *r);

#endif
