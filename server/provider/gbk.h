/* gbk.h - text of suppliers that still write GBK. */
#ifndef CERTDESK_PROVIDER_GBK_H
#define CERTDESK_PROVIDER_GBK_H

#include "base/arena.h"

/* UTF-8 in the arena, a NUL follows; NULL when the bytes are no GBK (GB 18030 is understood, which holds it).
 */
char *gbk_to_utf8(struct arena *a, const void *p, size_t n, size_t *n_out);

#endif
