/* child.c - the process that calls PC/SC. The only file that knows winscard.h. */
#include "child.h"

#include "reader.h"

#include "base/str.h"

#include <assert.h>

#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>
#include <winscard.h>

enum {
    RX_MAX = MAX_BUFFER_SIZE_EXTENDED,
    SHORT_ANSWER_MAX = 258,
    RETRY_FIRST_MS = 50,
    RETRY_LAST_MS = 1000,
};

struct child {
    SCARDCONTEXT context;
    SCARDHANDLE card;
    DWORD protocol;
    bool lost; /* a command got no answer */
};

void child_is_here(void)
{
}

/* ---- answers ---- */

static void answer(enum err e, const void *p, size_t n)
{
    uint8_t out[CHILD_MESSAGE_MAX];
    out[0] = (uint8_t)e;
    if (n > sizeof out - 1)
        n = sizeof out - 1;
    if (n)
        memcpy(out + 1, p, n);
    if (send(CHILD_FD, out, n + 1, MSG_NOSIGNAL) < 0)
        _exit(0);
    wipe(out, sizeof out);
}

static void answer_text(enum err e, const char *text)
{
    answer(e, text, strlen(text));
}

/* The one translation of PC/SC's codes. */
static enum err translate(LONG rv)
{
    switch (rv) {
    case SCARD_S_SUCCESS:
        return OK;
    case SCARD_E_NO_SMARTCARD:
    case SCARD_W_REMOVED_CARD:
    case SCARD_W_UNPOWERED_CARD:
    case SCARD_W_RESET_CARD:
    case SCARD_E_READER_UNAVAILABLE:
    case SCARD_E_NOT_TRANSACTED:
    case SCARD_E_COMM_DATA_LOST:
    case SCARD_F_COMM_ERROR:
        return ERR_CARD_GONE;
    case SCARD_W_UNRESPONSIVE_CARD:
    case SCARD_W_UNSUPPORTED_CARD:
    case SCARD_E_PROTO_MISMATCH:
    case SCARD_E_INSUFFICIENT_BUFFER:
        return ERR_CARD_DOUBTFUL;
    default: /* no service, no such reader, held by another program, handle lost with the service */
        return ERR_UNAVAILABLE;
    }
}

static void answer_code(LONG rv)
{
    if (rv == SCARD_S_SUCCESS)
        answer(OK, NULL, 0);
    else
        answer_text(translate(rv), pcsc_stringify_error(rv));
}

/* ---- one card ---- */

static void do_connect(struct child *c, const char *reader)
{
    LONG rv = SCardEstablishContext(SCARD_SCOPE_SYSTEM, NULL, NULL, &c->context);
    if (rv == SCARD_S_SUCCESS)
        rv = SCardConnect(c->context, reader, SCARD_SHARE_SHARED, SCARD_PROTOCOL_T0 | SCARD_PROTOCOL_T1,
                          &c->card, &c->protocol);
    if (rv != SCARD_S_SUCCESS) {
        answer_code(rv);
        return;
    }
    uint8_t t0 = c->protocol == SCARD_PROTOCOL_T0;
    answer(OK, &t0, 1);
}

/* Another program's reset is no harm here: nothing was selected yet. */
static void do_begin(struct child *c)
{
    LONG rv = SCARD_W_RESET_CARD;
    for (int i = 0; i < 3 && rv == SCARD_W_RESET_CARD; i++) {
        rv = SCardBeginTransaction(c->card);
        if (rv == SCARD_W_RESET_CARD &&
            SCardReconnect(c->card, SCARD_SHARE_SHARED, SCARD_PROTOCOL_T0 | SCARD_PROTOCOL_T1,
                           SCARD_LEAVE_CARD, &c->protocol) != SCARD_S_SUCCESS)
            break;
    }
    answer_code(rv);
}

static void do_transmit(struct child *c, const uint8_t *tx, size_t n)
{
    static uint8_t rx[RX_MAX];
    DWORD nrx = sizeof rx;
    const SCARD_IO_REQUEST *pci = c->protocol == SCARD_PROTOCOL_T0 ? SCARD_PCI_T0 : SCARD_PCI_T1;
    LONG rv = SCardTransmit(c->card, pci, tx, (DWORD)n, NULL, rx, &nrx);
    c->lost |= rv != SCARD_S_SUCCESS || nrx < 2;
    if (rv != SCARD_S_SUCCESS)
        answer_code(rv);
    else if (nrx < 2) /* a card pulled in mid-command can look like success */
        answer_text(ERR_CARD_GONE, "the UKEY went away in the middle of a command");
    else if (nrx > SHORT_ANSWER_MAX)
        answer_text(ERR_CARD_DOUBTFUL, "the UKEY answered more than a short answer may hold");
    else
        answer(OK, rx, nrx);
    if (rv == SCARD_S_SUCCESS)
        wipe(rx, nrx <= sizeof rx ? nrx : sizeof rx);
}

/* A card that may be gone is not reset: pcscd then calls the reader empty by itself and, when the card is
 * back before its next look, never sees it come in. */
static void do_end(struct child *c, bool reset)
{
    answer_code(SCardEndTransaction(c->card, reset && !c->lost ? SCARD_RESET_CARD : SCARD_LEAVE_CARD));
}

/* ---- all readers ---- */

static_assert(sizeof(struct reader_list) < CHILD_MESSAGE_MAX, "one message holds all readers");

struct watch {
    SCARDCONTEXT context;
    bool connected;
    SCARD_READERSTATE states[READER_MAX + 1]; /* the last: readers that come and go */
    char names[READER_MAX][READER_NAME];
    DWORD n;
};

static const char PNP[] = "\\\\?PnP?\\Notification";

static void pause_ms(long ms)
{
    nanosleep(&(struct timespec){.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000}, NULL);
}

static void report(const struct watch *w)
{
    struct reader_list l = {.service = w->connected, .n = w->n};
    for (DWORD i = 0; i < w->n; i++) {
        DWORD s = w->states[i].dwEventState;
        memcpy(l.at[i].name, w->names[i], READER_NAME);
        l.at[i].card = (s & SCARD_STATE_PRESENT) && !(s & SCARD_STATE_MUTE);
        l.at[i].events = (uint32_t)(s >> 16);
    }
    answer(OK, &l, sizeof l);
}

/* Names from the service, states unaware: the next look tells all of them. */
static LONG take_readers(struct watch *w)
{
    char names[READER_MAX * READER_NAME + 1] = "";
    DWORD len = sizeof names;
    LONG rv = SCardListReaders(w->context, NULL, names, &len);
    w->n = 0;
    memset(w->states, 0, sizeof w->states);
    if (rv != SCARD_S_SUCCESS && rv != SCARD_E_NO_READERS_AVAILABLE)
        return rv;
    if (rv == SCARD_S_SUCCESS)
        for (const char *p = names; *p && w->n < READER_MAX; p += strlen(p) + 1) {
            snprintf(w->names[w->n], READER_NAME, "%s", p);
            w->states[w->n].szReader = w->names[w->n];
            w->n++;
        }
    w->states[w->n].szReader = PNP;
    w->states[w->n].dwCurrentState = w->n << 16;
    return w->n ? SCardGetStatusChange(w->context, 0, w->states, w->n) : SCARD_S_SUCCESS;
}

/* Blocks until something changes. */
static LONG wait_change(struct watch *w)
{
    for (DWORD i = 0; i < w->n; i++)
        w->states[i].dwCurrentState = w->states[i].dwEventState & ~(DWORD)SCARD_STATE_CHANGED;
    return SCardGetStatusChange(w->context, INFINITE, w->states, w->n + 1);
}

/* A service that is down is asked again and again, less and less often. */
static void reach_service(struct watch *w)
{
    bool told = false;
    for (long ms = RETRY_FIRST_MS;; ms = ms * 2 < RETRY_LAST_MS ? ms * 2 : RETRY_LAST_MS) {
        if (SCardEstablishContext(SCARD_SCOPE_SYSTEM, NULL, NULL, &w->context) == SCARD_S_SUCCESS)
            break;
        if (!told)
            report(w);
        told = true;
        pause_ms(ms);
    }
    w->connected = true;
}

static void do_watch(void)
{
    static struct watch w;
    for (;;) {
        reach_service(&w);
        LONG rv = take_readers(&w);
        while (rv == SCARD_S_SUCCESS) {
            report(&w);
            rv = wait_change(&w);
            bool came_or_went = w.states[w.n].dwEventState & SCARD_STATE_CHANGED;
            if (rv == SCARD_E_UNKNOWN_READER || (rv == SCARD_S_SUCCESS && came_or_went))
                rv = take_readers(&w);
        }
        SCardReleaseContext(w.context);
        w = (struct watch){0};
        pause_ms(RETRY_FIRST_MS);
    }
}

/* ---- the process ---- */

/* Ends the process with its parent although a card may hold the other thread for ever. */
static void *mourn(void *unused)
{
    struct pollfd p = {.fd = CHILD_FD, .events = POLLRDHUP};
    while (poll(&p, 1, -1) < 0)
        ;
    _exit(0);
    return unused;
}

static void serve(void)
{
    static struct child c;
    static uint8_t in[CHILD_MESSAGE_MAX + 1];
    for (;;) {
        ssize_t n = recv(CHILD_FD, in, CHILD_MESSAGE_MAX, 0);
        if (n <= 0)
            _exit(0);
        in[n] = '\0';
        switch ((enum child_op)in[0]) {
        case CHILD_CONNECT:
            do_connect(&c, (const char *)in + 1);
            break;
        case CHILD_BEGIN:
            do_begin(&c);
            break;
        case CHILD_TRANSMIT:
            do_transmit(&c, in + 1, (size_t)n - 1);
            break;
        case CHILD_END:
            do_end(&c, n > 1 && in[1]);
            break;
        case CHILD_WATCH:
            do_watch();
            break;
        }
        wipe(in, (size_t)n);
    }
}

/* Before main() and before any thread: a program that links this library cannot forget to look at its
 * arguments. glibc hands them to constructors. */
__attribute__((constructor)) static void become_child(int argc, char **argv)
{
    if (argc != 2 || strcmp(argv[1], CHILD_ARGUMENT) != 0)
        return;
    pthread_t t;
    setrlimit(RLIMIT_CORE, &(struct rlimit){0}); /* PINs pass through here */
    if (pthread_create(&t, NULL, mourn, NULL) != 0)
        _exit(1);
    serve();
}
