/* ukey.h - what the files of certdesk-ukey share. */
#ifndef CERTDESK_UKEY_UKEY_H
#define CERTDESK_UKEY_UKEY_H

#include "base/err.h"
#include "token/pub.h"
#include "token/ukey.h"

struct args {
    const char *reader, *server, *channel, *session; /* NULL: not given */
    const char *word;                                /* after the command: a file, a certificate */
    enum ukey_slot slot;
    int pin_fd; /* -1: the terminal */
};

/* Says on standard error what went wrong, in the language of the environment; 1. */
int complain(const struct fault *f);
/* A server's words must not steer a terminal. */
void print_clean(FILE *out, const char *text);

/* -- card.c ---- */

/* Runs work on the selected token, inside one transaction, and forgets the PIN afterwards. */
enum err with_ukey(const struct args *a, void *arg,
                   enum err (*work)(struct ukey *, const struct args *, void *arg, struct fault *),
                   struct fault *f);
/* The certificate and its key. NOT_FOUND: there is none. */
enum err read_certificate(struct ukey *u, const struct args *a, uint8_t der[static UKEY_CERT_MAX], size_t *n,
                          struct ukey_pub *pub, struct fault *f);
/* Asks for the PIN and tries it once. */
enum err give_pin(struct ukey *u, const struct args *a, struct fault *f);
/* DER, checked with the certificate's key; the PIN was given. The UKEY is logged out. */
enum err sign_bytes(struct ukey *u, const struct args *a, const struct ukey_pub *pub, const void *text,
                    size_t len, uint8_t sig[static UKEY_SIG_MAX], size_t *n, struct fault *f);

/* -- desk.c: the account at the desk (S3, S4) ---- */

enum err desk_login(const struct args *a, struct fault *f);
enum err desk_bind(const struct args *a, struct fault *f);
enum err desk_unbind(const struct args *a, struct fault *f);
enum err desk_bindings(const struct args *a, struct fault *f);

#endif
