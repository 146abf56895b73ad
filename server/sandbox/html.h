/* html.h - text in the sandbox's pages. */
#ifndef CERTDESK_SANDBOX_HTML_H
#define CERTDESK_SANDBOX_HTML_H

#include "base/str.h"

/* Adds text with what HTML would read as markup escaped; fit for attributes in double quotes too. */
void html_text(struct buf *b, const char *text);

#endif
