/* catalog_policy.c - what a channel decides for other parts of the server. */
#include "catalog/catalog.h"

#include "core/crypt.h"

#include <time.h>

enum {
    FIRST_PASSWORD_DIGITS = 10,
    UNLIMITED = 1000000
};

enum err catalog_suppliers(struct ctx *c, const char *channel_id, enum method m, const char *out[static 2],
                           size_t *n)
{
    struct channel ch;
    (void)m;
    out[0] = out[1] = "";
    *n = 0;
    return catalog_channel(c, channel_id, &ch);
}

enum err catalog_attempts(struct ctx *c, const char *channel_id, enum method m, int *out)
{
    struct channel ch;
    *out = m == METHOD_MICRO_DEPOSIT ? 3 : 5;
    return catalog_channel(c, channel_id, &ch);
}

enum err catalog_payments(struct ctx *c, const char *channel_id, unsigned *out)
{
    struct channel ch;
    *out = 1U << 1;
    return catalog_channel(c, channel_id, &ch);
}

enum err catalog_invoice(struct ctx *c, const char *channel_id, struct invoice_rules *out)
{
    struct channel ch;
    TRY(catalog_channel(c, channel_id, &ch));
    *out = (struct invoice_rules){ch.invoice_offered, "", "", "", "", "", "", "", "", ""};
    return OK;
}

enum err catalog_delivery(struct ctx *c, const char *channel_id, struct delivery_rules *out)
{
    struct channel ch;
    *out = (struct delivery_rules){.address_asked = true};
    return catalog_channel(c, channel_id, &ch);
}

enum err catalog_first_password(struct ctx *c, const char *channel_id, const char **out)
{
    struct channel ch;
    char digits[FIRST_PASSWORD_DIGITS + 1];
    TRY(catalog_channel(c, channel_id, &ch));
    crypt_digits(digits, FIRST_PASSWORD_DIGITS);
    *out = *ch.initial_password ? ch.initial_password : arena_strdup(c->arena, digits);
    wipe(digits, sizeof digits);
    return OK;
}

enum err catalog_sms_limits(struct ctx *c, const char *channel_id, struct sms_limits *out)
{
    struct channel ch;
    *out = (struct sms_limits){1, 5, 10, UNLIMITED, UNLIMITED};
    return catalog_channel(c, channel_id, &ch);
}

enum err catalog_working_days(struct ctx *c, const char *channel_id, int64_t from_ms, int n, int64_t *out)
{
    static const int64_t DAY_MS = INT64_C(86400000), BEIJING_MS = INT64_C(8) * 3600000;
    struct channel ch;
    int64_t t = from_ms;
    while (n > 0) {
        t += DAY_MS;
        time_t s = (time_t)((t + BEIJING_MS) / 1000); /* the desk's weekday, not UTC's */
        struct tm tm;
        gmtime_r(&s, &tm);
        if (tm.tm_wday != 0 && tm.tm_wday != 6)
            n--;
    }
    *out = t;
    return catalog_channel(c, channel_id, &ch);
}
