#include "account/captcha.h"

#include "account/allowance.h"
#include "app.h"
#include "config.h"
#include "core/crypt.h"

#include <ctype.h>
#include <string.h>

enum {
    CAPTCHA_LETTERS = 4,
    CAPTCHA_LIFE_MS = 2 * 60 * 1000,
    /* For an office behind one address: everybody there may log in, several times, and misread some. One of
     * 194481 texts is right, so the wrong ones are what a program that guesses needs. */
    CAPTCHAS_AN_HOUR = 300,
    WRONG_AN_HOUR = 60,
    HOUR_MS = 60 * 60 * 1000,
};

/* Letters that a turned font does not confuse. */
static const char letters[] = "34678abcdefhkmnprtwxy";

static void answer_digest(struct ctx *c, const char *id, const char *text, unsigned char out[static 32])
{
    struct buf b = BUF(c->arena);
    buf_printf(&b, "%s|", id);
    for (; *text; text++)
        if (!isspace((unsigned char)*text))
            buf_printf(&b, "%c", tolower((unsigned char)*text));
    crypt_lookup(c->app->keys, "captcha", b.p, out);
}

enum err captcha_new(struct ctx *c, char id[static ID_SIZE], const void **png, size_t *n)
{
    char text[CAPTCHA_LETTERS + 1] = {0};
    struct allowance wrong;
    TRY(allowance_look(c, ALLOW_CAPTCHA_WRONG, c->address, WRONG_AN_HOUR, HOUR_MS, &wrong));
    TRY(allowance_use(c, ALLOW_CAPTCHA, c->address, CAPTCHAS_AN_HOUR, HOUR_MS));
    for (size_t i = 0; i < CAPTCHA_LETTERS; i++) {
        unsigned char r;
        do
            random_bytes(&r, 1);
        while (r >= 252); /* 252 = 12 * 21: no letter is likelier */
        text[i] = letters[r % (sizeof letters - 1)];
    }
    const char *fixed = config_text(c->app->config, CONFIG_CAPTCHA_FIXED);
    if (*fixed)
        strncpy(text, fixed, CAPTCHA_LETTERS);
    unsigned char digest[32];
    id_new("cpt", id);
    answer_digest(c, id, text, digest);
    captcha_draw(c->arena, text, png, n);
    return db_exec(c, NULL, SQL("INSERT INTO captcha (id, answer, expires_ms) VALUES (?, ?, ?)"), TEXT(id),
                   BYTES(digest, sizeof digest), INT(c->now_ms + CAPTCHA_LIFE_MS));
}

enum err captcha_use(struct ctx *c, const char *id, const char *text)
{
    uint64_t first;
    struct allowance wrong;
    TRY(allowance_look(c, ALLOW_CAPTCHA_WRONG, c->address, WRONG_AN_HOUR, HOUR_MS, &wrong));
    TRY(db_exec(c, &first, SQL("UPDATE captcha SET used = 1 WHERE id = ? AND used = 0 AND expires_ms > ?"),
                TEXT(id), INT(c->now_ms)));
    struct rows r;
    unsigned char digest[32];
    TRY(db_query(c, &r, SQL("SELECT answer FROM captcha WHERE id = ?"), TEXT(id)));
    answer_digest(c, id, text, digest);
    if (first == 1 && r.n == 1 && same_bytes(row_text(&r, 0, 0), digest, sizeof digest))
        return OK;
    TRY(allowance_take(c, &wrong));
    c->keep = true;
    return fail(c->fault, ERR_CAPTCHA_WRONG, NULL);
}
