/* child.h - this program again, for work that may hang or be killed: lines come out of it into the loop.
 *
 * Started by posix_spawn of /proc/self/exe, never by fork alone: the rpc layer has threads.
 */
#ifndef CERTDESK_UI_CHILD_H
#define CERTDESK_UI_CHILD_H

#include "ui/loop.h"

#include <stddef.h>
#include <sys/types.h>

struct child {
    struct loop *loop;
    pid_t pid; /* -1: none */
    int out;
    char line[2048];
    size_t n;
    void (*on_line)(void *arg, char *line);
    void (*on_end)(void *arg, int status); /* exit status; 128 + signal */
    void *arg;
};

/* Starts it with arguments (NULL at the end, the program's name not among them) and some bytes on its
 * standard input, which no other process can read. on_line and on_end run in the loop. */
bool child_start(struct child *c, struct loop *l, const char *const *argv, const char *input, size_t n);
/* Ends it at once; on_end does not run. */
void child_kill(struct child *c);

/* Starts this program with these descriptors; the signal mask is empty. -1 on failure. */
pid_t child_spawn(const char *const *argv, int in, int out);

#endif
