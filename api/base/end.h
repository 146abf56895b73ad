/* end.h - how a program ended, for scripts: one table for certdeskd, certdesk and certdesk-ukey. README and
 * the help of each tell them. */
#ifndef CERTDESK_BASE_END_H
#define CERTDESK_BASE_END_H

#include "base/err.h"

/* Exit codes. */
enum end {
    END_DONE = 0,
    END_FAILED = 1,
    END_MISUSED = 2, /* what was given or named is wrong or not there; nothing was done */
    END_DIFFERS = 3, /* done, but what was compared differs, or part was refused */
    END_NOT_YET = 4, /* the same again, later, is right: somebody who is needed does not answer */
};

/* Of a program that ends because of this. */
enum end end_of(enum err e);

#endif
