/* chrome.h - between the parts of the desk that draw and those that act. */
#ifndef CERTDESK_SCREEN_CHROME_H
#define CERTDESK_SCREEN_CHROME_H

#include "screen/desk.h"

/* The i-th row of keys that work on this page: the screen's own, then those that work everywhere. */
const struct action *page_action(const struct page *p, size_t i);

/* The box that explains the keys. */
void desk_help(struct page *p);

/* Something is under way: the spinner turns. */
bool desk_busy(const struct desk *d);

#endif
