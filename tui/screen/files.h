/* files.h - files that the console keeps for a person or takes from him. "~/" is the home folder. */
#ifndef CERTDESK_SCREEN_FILES_H
#define CERTDESK_SCREEN_FILES_H

#include "base/arena.h"

#include <stddef.h>

/* A new file that its owner alone may read, whole or not at all. NULL: it is there; else the sentence why
 * not. What is there already stays. */
const char *file_save(struct arena *a, const char *path, const void *bytes, size_t n);
/* Whether file_save could make it, asked before anything is done for it. NULL or the sentence. */
const char *file_could(struct arena *a, const char *path);
/* At most `most` bytes. NULL: it was read. */
const char *file_load(struct arena *a, const char *path, size_t most, void **bytes, size_t *n);

#endif
