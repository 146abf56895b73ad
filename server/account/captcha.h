/* captcha.h - a picture that a person reads before a code is sent (S2): single use, two minutes. How many one
 * address gets, and how many it may read wrong, is limited by the hour. */
#ifndef CERTDESK_ACCOUNT_CAPTCHA_H
#define CERTDESK_ACCOUNT_CAPTCHA_H

#include "core/ctx.h"

/* Makes one: id and PNG bytes in c->arena. In a transaction. RATE_LIMITED. */
enum err captcha_new(struct ctx *c, char id[static ID_SIZE], const void **png, size_t *n);
/* Uses it up, right or wrong: CAPTCHA_WRONG unless it is the first use, in time, with the right text (case
 * and spaces do not count); RATE_LIMITED after too many wrong ones. The use is kept even though the caller's
 * transaction fails. */
enum err captcha_use(struct ctx *c, const char *id, const char *text);

/* Draws text as a PNG that a program has to work for: turned letters, lines, dots. captcha_image.c. */
void captcha_draw(struct arena *a, const char *text, const void **png, size_t *n);

#endif
