#include "sandbox/html.h"

void html_text(struct buf *b, const char *text)
{
    for (; *text; text++) {
        const char *as = *text == '<'    ? "&lt;"
                         : *text == '>'  ? "&gt;"
                         : *text == '&'  ? "&amp;"
                         : *text == '"'  ? "&quot;"
                         : *text == '\'' ? "&#39;"
                                         : NULL;
        if (as)
            buf_str(b, as);
        else
            buf_add(b, text, 1);
    }
}
