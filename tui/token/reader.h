/* reader.h - PC/SC readers, from a process that can be killed.
 *
 * A card that hangs blocks SCardTransmit for ever, and handles do not survive a fork. So every channel, and
 * every watch, has a child process of its own that talks to the PC/SC service; past a deadline it is killed
 * with SIGKILL, and the caller goes on. The child is this same program, started again through /proc/self/exe
 * with one hidden argument and caught before main() runs (child.c), so there is no second file to install or
 * to find, and no thread of the console (gRPC has several) is ever forked. It ends by itself when its parent
 * does, even with a card that hangs.
 *
 * Readers are told apart by name only to connect to them; a UKEY is known by its serial and GUID.
 */
#ifndef CERTDESK_TOKEN_READER_H
#define CERTDESK_TOKEN_READER_H

#include "token/channel.h"

enum {
    READER_NAME = 128, /* MAX_READERNAME of pcsc-lite */
    READER_MAX = 16,   /* readers that pcsc-lite can have */
};

struct reader {
    char name[READER_NAME];
    bool card;       /* a card is in, and answers to power-up */
    uint32_t events; /* grows with every insertion and removal, also between two looks */
};

struct reader_list {
    bool service; /* the PC/SC service answers; while false there are no readers */
    size_t n;
    struct reader at[READER_MAX];
};

struct reader_watch;

/* Watches all readers, through restarts of the PC/SC service. ERR_UNAVAILABLE: the child cannot be started.
 */
enum err reader_watch_open(struct reader_watch **out, struct fault *f);
/* Readable when reader_watch_next() has something to say; for an event loop. */
int reader_watch_fd(const struct reader_watch *w);
/* The state of all readers when it has changed since the last call (the first call: at once). ERR_DEADLINE:
 * no change within timeout_ms (0: look only). ERR_UNAVAILABLE: the child died; open a new watch. */
enum err reader_watch_next(struct reader_watch *w, int64_t timeout_ms, struct reader_list *out,
                           struct fault *f);
void reader_watch_close(struct reader_watch *w); /* NULL is fine */

/* The state of all readers now. */
enum err reader_list_now(struct reader_list *out, struct fault *f);
/* Why no reader of the list holds a card, in both languages: ERR_UNAVAILABLE without the service;
 * ERR_DEADLINE without a reader, or with empty ones. */
enum err reader_no_card(const struct reader_list *l, struct fault *f);
/* What a person has to do, each time that it is something else. */
typedef void reader_ask(void *arg, const char *text, const char *text_zh);
/* Waits until a reader holds a card and gives its name; asks for one while none does (want may be NULL).
 * Without the service nothing is waited for. Fails as reader_no_card(), in the end with ERR_DEADLINE. */
enum err reader_wait_card(int64_t timeout_ms, reader_ask *want, void *arg, char name[static READER_NAME],
                          struct fault *f);

/* Connects to the card in a reader, shared. ERR_CARD_GONE: no card; ERR_UNAVAILABLE: no service or reader, or
 * another program has the card for itself; ERR_CARD_DOUBTFUL: it hangs already.
 * The channel is closed by its ops->close. */
enum err reader_connect(const char *name, struct channel **out, struct fault *f);

/* Process number of the child behind a channel from reader_connect(), for tests that kill it. */
int reader_child_pid(const struct channel *ch);

#endif
