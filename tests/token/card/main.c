/* ukey-sim: the simulated card behind vpcd.
 *
 * A TCP client of vpcd's port (one card a port): messages of a 2-byte big-endian length and a body, both
 * ways. A body of one byte from the reader is power off (0), power on (1), reset (2) or "send the ATR" (4).
 * A Unix socket takes orders, one a connection: `fault SPEC` (trouble.h), `clear`, `pull`, `insert`,
 * `factory`, `status`, `quit`; the answer is `ok WHERE commands=N fault=armed|none`, WHERE one of out,
 * looking (for the reader), in, ready (powered), hung. `ukey-sim --tell SOCKET ORDER` sends one. What is
 * logged: instruction, lengths, status word; never a body.
 */
#include "card.h"
#include "trouble.h"

#include "base/clock.h"
#include "base/str.h"

#include <arpa/inet.h>
#include <errno.h>
#include <getopt.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum {
    BODY_MAX = 65535,
    RETRY_MS = 50,
};

struct sim {
    struct card card;
    struct trouble trouble;
    uint16_t port;
    int reader, control; /* -1: none */
    bool out, hung, quit, verbose;
    bool powered; /* since it was put in: clients can reach it */
    unsigned commands;
    uint8_t in[2 + BODY_MAX], answer[2 + BODY_MAX];
    size_t in_n;
};

/* T=0 and T=1; historical bytes in compact TLV name the PIV application (ISO 7816-4 12.1.1), by which other
 * programs know that the card has elliptic curves. The last byte makes the exclusive-or of all after 3B zero.
 */
static const uint8_t ATR[] = {0x3B, 0x8D, 0x80, 0x01, 0x80, 0xFB, 0xA0, 0x00, 0x00,
                              0x03, 0x08, 0x00, 0x00, 0x10, 0x00, 0x01, 0x00, 0xCD};

static void leave(struct sim *s)
{
    if (s->reader >= 0)
        close(s->reader);
    s->reader = -1;
    s->in_n = 0;
    s->hung = s->powered = false;
    card_reset(&s->card);
}

static void try_connect(struct sim *s)
{
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(s->port)};
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return;
    if (connect(fd, (struct sockaddr *)&to, sizeof to) != 0) {
        close(fd);
        return;
    }
    int one = 1;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    s->reader = fd;
}

static void say(struct sim *s, const void *p, size_t n)
{
    s->answer[0] = (uint8_t)(n >> 8);
    s->answer[1] = (uint8_t)n;
    if (n && p != s->answer + 2)
        memcpy(s->answer + 2, p, n);
    if (send(s->reader, s->answer, n + 2, MSG_NOSIGNAL) != (ssize_t)n + 2)
        leave(s);
}

static void garbage(struct sim *s, size_t n)
{
    for (size_t i = 0; i < n; i++)
        s->answer[2 + i] = (uint8_t)(i * 37 + 11);
    say(s, s->answer + 2, n);
}

static void command(struct sim *s, const uint8_t *in, size_t n)
{
    s->commands++;
    enum trouble_kind k = trouble_due(&s->trouble, in, n);
    if (k == TROUBLE_PULL_BEFORE) {
        s->out = true;
        leave(s);
        return;
    }
    if (k == TROUBLE_HANG_BEFORE) {
        s->hung = true;
        return;
    }
    uint8_t *out = s->answer + 2;
    size_t m = card_apdu(&s->card, in, n, out);
    if (s->verbose)
        fprintf(stderr, "card: ins %02X, %zu bytes in, %zu out, %02X%02X\n", n > 1 ? in[1] : 0, n, m,
                out[m - 2], out[m - 1]);
    if (k == TROUBLE_PULL_AFTER) {
        s->out = true;
        leave(s);
    } else if (k == TROUBLE_HANG_AFTER) {
        s->hung = true;
    } else if (k == TROUBLE_LOSE) {
        say(s, out, 0);
    } else if (k == TROUBLE_GARBAGE) {
        garbage(s, s->trouble.value);
    } else {
        if (k == TROUBLE_DELAY)
            poll(NULL, 0, (int)s->trouble.value);
        say(s, out, m);
    }
}

static void message(struct sim *s, const uint8_t *body, size_t n)
{
    if (n != 1)
        command(s, body, n);
    else if (body[0] == 4)
        say(s, ATR, sizeof ATR);
    else {
        s->powered |= body[0] != 0;
        card_reset(&s->card);
    }
}

static void read_reader(struct sim *s)
{
    int one = 1; /* vpcd writes length and body in two sends; a delayed ACK costs 40 ms each time */
    setsockopt(s->reader, IPPROTO_TCP, TCP_QUICKACK, &one, sizeof one);
    ssize_t r = recv(s->reader, s->in + s->in_n, sizeof s->in - s->in_n, 0);
    if (r <= 0) {
        if (r == 0 || errno != EINTR)
            leave(s);
        return;
    }
    s->in_n += (size_t)r;
    while (s->in_n >= 2 && s->reader >= 0 && !s->hung) {
        size_t need = 2 + (size_t)(s->in[0] << 8 | s->in[1]);
        if (s->in_n < need)
            return;
        message(s, s->in + 2, need - 2);
        if (s->reader < 0)
            return;
        s->in_n -= need;
        memmove(s->in, s->in + need, s->in_n);
    }
}

static const char *order(struct sim *s, char *line)
{
    if (!strncmp(line, "fault ", 6))
        return trouble_parse(line + 6, &s->trouble) ? "ok" : "what?";
    if (!strcmp(line, "clear")) {
        s->trouble.kind = TROUBLE_NONE;
    } else if (!strcmp(line, "pull")) {
        s->out = true;
        leave(s);
    } else if (!strcmp(line, "insert")) {
        s->out = false;
        if (s->hung)
            leave(s);
    } else if (!strncmp(line, "factory", 7)) { /* "factory 30000002": another one, while this one is out */
        uint32_t serial = line[7] == ' ' ? (uint32_t)strtoul(line + 8, NULL, 10) : s->card.serial;
        card_factory(&s->card, s->card.style_name, serial);
        card_save(&s->card);
    } else if (!strcmp(line, "quit")) {
        s->quit = true;
    } else if (strcmp(line, "status") != 0) {
        return "what?";
    }
    return "ok";
}

static void take_order(struct sim *s)
{
    int fd = accept4(s->control, NULL, NULL, SOCK_CLOEXEC);
    if (fd < 0)
        return;
    char line[200], reply[240];
    ssize_t n = recv(fd, line, sizeof line - 1, 0);
    if (n > 0) {
        line[n] = '\0';
        line[strcspn(line, "\r\n")] = '\0';
        const char *word = order(s, line);
        const char *where = s->out          ? "out"
                            : s->reader < 0 ? "looking"
                            : s->hung       ? "hung"
                            : s->powered    ? "ready"
                                            : "in";
        n = snprintf(reply, sizeof reply, "%s %s commands=%u fault=%s\n", word, where, s->commands,
                     s->trouble.kind ? "armed" : "none");
        send(fd, reply, (size_t)n, MSG_NOSIGNAL);
    }
    close(fd);
}

static bool socket_name(struct sockaddr_un *at, const char *path)
{
    *at = (struct sockaddr_un){.sun_family = AF_UNIX};
    return snprintf(at->sun_path, sizeof at->sun_path, "%s", path) < (int)sizeof at->sun_path;
}

static int tell(const char *path, const char *text)
{
    struct sockaddr_un to;
    char reply[240];
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || !socket_name(&to, path) || connect(fd, (struct sockaddr *)&to, sizeof to) != 0 ||
        send(fd, text, strlen(text), MSG_NOSIGNAL) < 0)
        return 1;
    ssize_t n = recv(fd, reply, sizeof reply - 1, 0);
    close(fd);
    if (n <= 0)
        return 1;
    fwrite(reply, 1, (size_t)n, stdout);
    return strncmp(reply, "ok", 2) != 0;
}

static bool listen_control(struct sim *s, const char *path)
{
    struct sockaddr_un at;
    if (!socket_name(&at, path))
        return false;
    unlink(path);
    s->control = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    return s->control >= 0 && bind(s->control, (struct sockaddr *)&at, sizeof at) == 0 &&
           listen(s->control, 8) == 0;
}

static void run(struct sim *s)
{
    while (!s->quit) {
        if (s->reader < 0 && !s->out)
            try_connect(s);
        struct pollfd p[2] = {{.fd = s->control, .events = POLLIN},
                              {.fd = s->hung ? -1 : s->reader, .events = POLLIN}};
        bool looking = s->reader < 0 && !s->out;
        if (poll(p, 2, looking ? RETRY_MS : -1) < 0 && errno != EINTR)
            return;
        if (p[1].revents && s->reader >= 0)
            read_reader(s);
        if (p[0].revents)
            take_order(s);
    }
}

static const struct option OPTIONS[] = {
    {"port", required_argument, NULL, 'p'},    {"state", required_argument, NULL, 's'},
    {"style", required_argument, NULL, 't'},   {"serial", required_argument, NULL, 'n'},
    {"control", required_argument, NULL, 'c'}, {"fault", required_argument, NULL, 'f'},
    {"no-metadata", no_argument, NULL, 'M'},   {"no-serial", no_argument, NULL, 'S'},
    {"exact-le", no_argument, NULL, 'E'},      {"out", no_argument, NULL, 'o'},
    {"verbose", no_argument, NULL, 'v'},       {0},
};

static int usage(void)
{
    fputs("ukey-sim [--port N] [--state FILE] [--style a|b] [--serial N] [--control SOCKET] [--fault SPEC]\n"
          "         [--no-metadata] [--no-serial] [--exact-le] [--out] [--verbose]\n"
          "ukey-sim --tell SOCKET ORDER\n",
          stderr);
    return 2;
}

int main(int argc, char **argv)
{
    static struct sim s = {.port = 35963, .reader = -1, .control = -1};
    struct card_options options = {0};
    const char *state = NULL;
    char style = 'a';
    uint32_t serial = 10000001;
    if (argc == 4 && !strcmp(argv[1], "--tell"))
        return tell(argv[2], argv[3]);
    for (int o; (o = getopt_long(argc, argv, "", OPTIONS, NULL)) != -1;) {
        if (o == 'p')
            s.port = (uint16_t)strtoul(optarg, NULL, 10);
        else if (o == 's')
            state = optarg;
        else if (o == 't' && (optarg[0] == 'a' || optarg[0] == 'b'))
            style = optarg[0];
        else if (o == 'n')
            serial = (uint32_t)strtoul(optarg, NULL, 10);
        else if (o == 'c' && listen_control(&s, optarg))
            continue;
        else if (o == 'f' && trouble_parse(optarg, &s.trouble))
            continue;
        else if (o == 'M')
            options.no_metadata = true;
        else if (o == 'S')
            options.no_serial = true;
        else if (o == 'E')
            options.exact_le = true;
        else if (o == 'o')
            s.out = true;
        else if (o == 'v')
            s.verbose = true;
        else
            return usage();
    }
    if (!card_open(&s.card, state, style, serial)) {
        fprintf(stderr, "ukey-sim: %s is not a card's state\n", state);
        return 1;
    }
    s.card.options = options;
    run(&s);
    card_close(&s.card);
    return 0;
}
