/* call.h - what the page stack needs of calls; screens use desk.h. */
#ifndef CERTDESK_SCREEN_CALL_H
#define CERTDESK_SCREEN_CALL_H

#include "screen/desk.h"

/* Gives up everything the page waits for. */
void page_cancel_calls(struct page *p);

#endif
