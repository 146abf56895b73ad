/* ukey.h - what the files of certdesk-ukey share. */
#ifndef CERTDESK_UKEY_UKEY_H
#define CERTDESK_UKEY_UKEY_H

#include "base/arena.h"
#include "base/err.h"
#include "rpc/client.h"
#include "token/pub.h"
#include "token/ukey.h"
#include "tr/tr.h"

#include <stdio.h>

struct args {
    const char *reader, *server, *channel, *session; /* NULL: not given */
    const char *word;                                /* after the command: a file, a certificate, an order */
    const char *csr;                                 /* NULL: not given */
    enum ukey_slot slot;
    bool slot_given;
    int pin_fd;   /* -1: the terminal */
    int admin_fd; /* -1: the management key is the factory's */
};

/* Up to 64 MiB; freed by the caller. */
enum err read_file(const char *path, uint8_t **out, size_t *n, struct fault *f);

/* -- words.c ---- */

/* A server's words must not steer a terminal: a copy in the arena without controls. */
char *clean(struct arena *a, const char *text);

/* Says on standard error what went wrong; the exit code. */
int complain(const struct fault *f);
/* Fails with a sentence in English and in the user's language. msgid: N_("…"). */
enum err refuse(struct fault *f, enum err code, const char *msgid, ...) __attribute__((format(printf, 3, 4)));
/* A line of two columns on standard output. */
void print_row(const char *label, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* -- card.c ---- */

/* Runs work on the selected token, inside one transaction, and forgets the PIN afterwards. */
enum err with_ukey(const struct args *a, void *arg,
                   enum err (*work)(struct ukey *, const struct args *, void *arg, struct fault *),
                   struct fault *f);
/* The certificate and its key. NOT_FOUND: there is none. */
enum err read_certificate(struct ukey *u, const struct args *a, uint8_t der[static UKEY_CERT_MAX], size_t *n,
                          struct ukey_pub *pub, struct fault *f);
/* The channel to the card, once one is in. */
enum err open_card(const struct args *a, struct channel **ch, struct fault *f);
/* Asks for the PIN and tries it once; take_pin gives it, too. */
enum err give_pin(struct ukey *u, const struct args *a, struct fault *f);
enum err take_pin(struct ukey *u, const struct args *a, char pin[static UKEY_SECRET_MAX + 1],
                  struct fault *f);
/* The management key, in hex, from a->admin_fd: 16, 24 or 32 bytes. */
enum err take_admin_key(const struct args *a, struct ukey_admin_key *out, struct fault *f);
/* DER, checked with the certificate's key; the PIN was given. The UKEY is logged out. */
enum err sign_bytes(struct ukey *u, const struct args *a, const struct ukey_pub *pub, const void *text,
                    size_t len, uint8_t sig[static UKEY_SIG_MAX], size_t *n, struct fault *f);

/* -- rpc.c ---- */

/* A connection and what it was told. */
struct desk {
    struct rpc_channel *channel;
    struct arena arena;
};
enum err at_the_desk(const struct args *a,
                     enum err (*work)(struct desk *, const struct args *, struct fault *), struct fault *f);
/* Calls as the session's account from now on. */
enum err desk_session(struct desk *d, const struct args *a, struct fault *f);
/* The response is of the method's type, in the arena. */
enum err desk_ask(struct desk *d, struct rpc_method method, const ProtobufCMessage *request,
                  const void **response, struct fault *f);
char *desk_request_id(struct desk *d);
/* Readable by its owner alone, written whole or not at all. */
enum err keep_file(const char *path, const char *line, struct fault *f);

/* -- desk.c: the account at the desk (S3, S4) ---- */

enum err desk_login(const struct args *a, struct fault *f);
enum err desk_bind(const struct args *a, struct fault *f);
enum err desk_unbind(const struct args *a, struct fault *f);
enum err desk_bindings(const struct args *a, struct fault *f);

/* -- download.c: the certificate of an order (S25) ---- */

enum err desk_download(const struct args *a, struct fault *f);

#endif
