/* sms.h - text messages: send one, and find out what became of one whose answer was lost.
 *
 * A message is known to the supplier by our id, which must be the outbox id: one id, one message (I-11).
 */
#ifndef CERTDESK_PROVIDER_SMS_H
#define CERTDESK_PROVIDER_SMS_H

#include "provider/provider.h"

struct sms_message {
    const char *id;       /* ours; 1..64 bytes of ASCII, given back in reports */
    const char *phone;    /* 11 digits of the mainland, or E.164 with + */
    const char *template; /* our name of the template, or the supplier's number when we have no name for it */
    const char *const *params;
    size_t n_params;
};

struct sms_receipt {
    char serial[64]; /* the supplier's number of the message */
    int64_t fee;     /* messages charged */
    struct provider_trace trace;
};

enum sms_fate {
    SMS_UNKNOWN,  /* not to be seen yet; ask again */
    SMS_SENT,     /* the supplier took it: never send it again */
    SMS_NOT_SENT, /* the supplier has had time enough to report it and does not know it: send it again */
};

struct sms_settled {
    enum sms_fate fate;
    bool delivered; /* the carrier says that the phone has it (only with SMS_SENT) */
    struct provider_trace trace;
};

struct sms_ops {
    const char *name;
    /* OK: accepted for delivery. ERR_RATE_LIMITED: the number's own limits, or ours. ERR_PROVIDER_REFUSED:
     * this number or these parameters. ERR_PROVIDER_CONFIG: signature, template, credentials, balance.
     * ERR_PROVIDER_UNKNOWN: settle() before sending again. */
    enum err (*send)(void *self, const struct sms_message *m, struct arena *a, struct sms_receipt *out,
                     struct fault *f);
    /* What became of the message with our id to this phone. last_sent_ms is when the last attempt began, not
     * when the message was first wanted: "not sent" is told by how long nothing has been reported since then.
     * Reports of the day before it are looked at too. ERR_UNIMPLEMENTED where a supplier cannot tell. */
    enum err (*settle)(void *self, const char *phone, const char *id, int64_t last_sent_ms, struct arena *a,
                       struct sms_settled *out, struct fault *f);
    void (*close)(void *self);
};

struct sms_port {
    const struct sms_ops *ops;
    void *self;
    bool simulator;
};

#endif
