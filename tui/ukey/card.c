/* The UKEY in the reader: connecting, the PIN, a signature. */
#include "ukey/ukey.h"

#include "base/str.h"
#include "token/piv.h"
#include "token/reader.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

enum {
    WAIT_MS = 30000,
    LINE_SIZE = 80,
};

static void ask(void *arg, const char *text, const char *text_zh)
{
    (void)arg;
    fprintf(stderr, "%s\n", tr_chinese() ? text_zh : text);
}

enum err open_card(const struct args *a, struct channel **ch, struct fault *f)
{
    char name[READER_NAME];
    if (a->reader) {
        snprintf(name, sizeof name, "%s", a->reader);
    } else {
        TRY(reader_wait_card(WAIT_MS, ask, NULL, name, f));
    }
    return reader_connect(name, ch, f);
}

enum err with_ukey(const struct args *a, void *arg,
                   enum err (*work)(struct ukey *, const struct args *, void *arg, struct fault *),
                   struct fault *f)
{
    struct channel *ch = NULL;
    TRY(open_card(a, &ch, f));
    struct ukey u = {.ops = &PIV, .ch = ch};
    enum err e = ch->ops->begin(ch, f);
    if (e == OK) {
        e = u.ops->select(&u, f);
        if (e == OK)
            e = work(&u, a, arg, f);
        ch->ops->end(ch, true);
    }
    ch->ops->close(ch);
    return e;
}

enum err read_certificate(struct ukey *u, const struct args *a, uint8_t der[static UKEY_CERT_MAX], size_t *n,
                          struct ukey_pub *pub, struct fault *f)
{
    TRY(u->ops->read_cert(u, a->slot, der, UKEY_CERT_MAX, n, f));
    if (!*n)
        return refuse(f, ERR_NOT_FOUND, N_("there is no certificate on the UKEY"));
    return pub_of_cert(der, *n, pub, f);
}

/* One line; its end is cut off. */
static bool read_line(int fd, char line[static LINE_SIZE])
{
    size_t n = 0;
    char c;
    while (n < LINE_SIZE - 1 && read(fd, &c, 1) == 1 && c != '\n' && c != '\r')
        line[n++] = c;
    line[n] = '\0';
    return n > 0;
}

static bool ask_terminal(char line[static LINE_SIZE])
{
    int tty = open("/dev/tty", O_RDWR | O_CLOEXEC);
    struct termios shown, hidden;
    if (tty < 0 || tcgetattr(tty, &shown) != 0) {
        if (tty >= 0)
            close(tty);
        return false;
    }
    hidden = shown;
    hidden.c_lflag &= ~(tcflag_t)ECHO;
    tcsetattr(tty, TCSAFLUSH, &hidden);
    dprintf(tty, "%s", _("PIN: "));
    bool ok = read_line(tty, line);
    tcsetattr(tty, TCSAFLUSH, &shown);
    dprintf(tty, "\n");
    close(tty);
    return ok;
}

enum err take_pin(struct ukey *u, const struct args *a, char pin[static UKEY_SECRET_MAX + 1], struct fault *f)
{
    struct ukey_info i;
    char line[LINE_SIZE];
    int left = -1;
    TRY(u->ops->info(u, &i, f));
    if (i.pin_left == 0)
        return fail(f, ERR_PIN_BLOCKED, NULL);
    if (i.pin_left > 0 && i.pin_left < 3)
        fprintf(stderr, _("the PIN can be tried %d times more\n"), i.pin_left);
    if (!(a->pin_fd >= 0 ? read_line(a->pin_fd, line) : ask_terminal(line)))
        return refuse(f, ERR_INVALID, N_("no PIN was given"));
    enum err e = u->ops->verify_pin(u, line, &left, f); /* which takes no more than UKEY_SECRET_MAX */
    if (e == OK)
        snprintf(pin, UKEY_SECRET_MAX + 1, "%.*s", (int)UKEY_SECRET_MAX, line);
    wipe(line, sizeof line);
    if (e != ERR_PIN_WRONG)
        return e;
    return refuse(f, e, N_("the PIN is wrong; %d tries left"), left);
}

enum err give_pin(struct ukey *u, const struct args *a, struct fault *f)
{
    char pin[UKEY_SECRET_MAX + 1];
    enum err e = take_pin(u, a, pin, f);
    wipe(pin, sizeof pin);
    return e;
}

enum err take_admin_key(const struct args *a, struct ukey_admin_key *out, struct fault *f)
{
    char line[LINE_SIZE];
    *out = (struct ukey_admin_key){0};
    bool there = read_line(a->admin_fd, line);
    size_t n = strlen(line) / 2;
    bool fits = there && (n == 16 || n == 24 || n == 32) && strlen(line) == 2 * n;
    bool ok = fits && hex_decode(line, out->key, n);
    wipe(line, sizeof line);
    if (!ok)
        return refuse(f, ERR_INVALID, N_("a management key is 32, 48 or 64 digits of hex"));
    out->alg = n == 16 ? UKEY_AES128 : n == 32 ? UKEY_AES256 : (enum ukey_admin_alg)0;
    return OK;
}

enum err sign_bytes(struct ukey *u, const struct args *a, const struct ukey_pub *pub, const void *text,
                    size_t len, uint8_t sig[static UKEY_SIG_MAX], size_t *n, struct fault *f)
{
    uint8_t digest[UKEY_DIGEST];
    struct fault later;
    enum err e = pub_digest(pub, text, len, digest, f);
    if (e == OK)
        e = u->ops->sign(u, a->slot, pub->alg, digest, sig, n, f);
    fault_clear(&later);
    if (u->ops->logout(u, &later) != OK)
        complain(&later);
    TRY(e);
    return pub_verify(pub, digest, sig, *n, f) == OK
               ? OK
               : refuse(f, ERR_CARD_DOUBTFUL, N_("the key on the UKEY is not its certificate's"));
}
