/* mail.h - e-mail. (S11, S15, S18)
 *
 * The Message-ID is made from our id, so that a repeat after a lost answer is the same message to whoever
 * receives it.
 */
#ifndef CERTDESK_PROVIDER_MAIL_H
#define CERTDESK_PROVIDER_MAIL_H

#include "provider/provider.h"

struct mail_attachment {
    const char *name; /* file name, UTF-8 */
    const char *type; /* "application/pdf" */
    const void *data;
    size_t n;
};

struct mail_message {
    const char *id;      /* ours, the outbox id: letters, digits, '_', '-', '.' */
    const char *to;      /* one address, ASCII */
    const char *to_name; /* UTF-8, may be NULL */
    const char *subject; /* UTF-8, no line breaks */
    const char *text;
    const char *html; /* may be NULL */
    const struct mail_attachment *attachments;
    size_t n_attachments;
};

struct mail_receipt {
    struct provider_trace trace; /* http_status: the SMTP reply */
};

struct mail_ops {
    const char *name;
    /* OK: the server took it. ERR_PROVIDER_BUSY: 4yz, or no end of the talk before the message was handed
     * over. ERR_PROVIDER_REFUSED: 5yz, a bounce. ERR_PROVIDER_CONFIG: it refused our login.
     * ERR_PROVIDER_UNKNOWN: handed over, not acknowledged; sending again under the same id is all one can do.
     */
    enum err (*send)(void *self, const struct mail_message *m, struct arena *a, struct mail_receipt *out,
                     struct fault *f);
    void (*close)(void *self);
};

struct mail_port {
    const struct mail_ops *ops;
    void *self;
    bool simulator;
};

#endif
