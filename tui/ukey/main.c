/* certdesk-ukey: for the person with the key. What is in the readers, what is on a UKEY, its certificate, and
 * a signature by it.
 *
 *   certdesk-ukey [--reader NAME] [--slot a|b] list | info | cert | sign FILE [--pin-fd N]
 *
 * The PIN is asked for on the terminal, without echo, or read as one line from file descriptor N; never from
 * an argument, where every process could see it. It is tried once: the tries left are said before.
 * Certificate (PEM) and signature (DER) go to standard output, so both can be given to openssl. */
#include "base/str.h"
#include "token/personalise.h"
#include "token/piv.h"
#include "token/pub.h"
#include "token/reader.h"

#include <fcntl.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

enum {
    WAIT_MS = 30000,
    FILE_MAX = 64 << 20,
    PIN_LINE = 64,
};

struct args {
    const char *reader, *file;
    enum ukey_slot slot;
    int pin_fd; /* -1: the terminal */
};

static int complain(const struct fault *f)
{
    const char *lang = getenv("LC_ALL");
    if (!lang || !*lang)
        lang = getenv("LANG");
    bool zh = lang && !strncmp(lang, "zh", 2);
    fprintf(stderr, "certdesk-ukey: %s\n", zh && !f->text[0] ? fault_text_zh(f) : fault_text(f));
    return 1;
}

/* ---- the card ---- */

static enum err open_card(const struct args *a, struct channel **ch, struct fault *f)
{
    char name[READER_NAME];
    if (a->reader) {
        snprintf(name, sizeof name, "%s", a->reader);
    } else {
        struct reader_list l;
        TRY(reader_list_now(&l, f));
        bool any = false;
        for (size_t i = 0; i < l.n; i++)
            any |= l.at[i].card;
        if (!any)
            fprintf(stderr, "plug in the UKEY\n");
        TRY(reader_wait_card(WAIT_MS, name, f));
    }
    return reader_connect(name, ch, f);
}

/* Runs work on the selected token, inside one transaction, and forgets the PIN afterwards. */
static enum err with_ukey(const struct args *a,
                          enum err (*work)(struct ukey *, const struct args *, struct fault *),
                          struct fault *f)
{
    struct channel *ch = NULL;
    TRY(open_card(a, &ch, f));
    struct ukey u = {.ops = &PIV, .ch = ch};
    enum err e = ch->ops->begin(ch, f);
    if (e == OK) {
        e = u.ops->select(&u, f);
        if (e == OK)
            e = work(&u, a, f);
        ch->ops->end(ch, true);
    }
    ch->ops->close(ch);
    return e;
}

static enum err read_certificate(struct ukey *u, const struct args *a, uint8_t der[static UKEY_CERT_MAX],
                                 size_t *n, struct ukey_pub *pub, struct fault *f)
{
    TRY(u->ops->read_cert(u, a->slot, der, UKEY_CERT_MAX, n, f));
    if (!*n)
        return fail(f, ERR_NOT_FOUND, "there is no certificate on the UKEY");
    return pub_of_cert(der, *n, pub, f);
}

/* ---- list, info, cert ---- */

static int do_list(struct fault *f)
{
    struct reader_list l;
    if (reader_list_now(&l, f) != OK)
        return complain(f);
    if (!l.service)
        fprintf(stderr, "the PC/SC service does not answer\n");
    for (size_t i = 0; i < l.n; i++)
        printf("%s\t%s\n", l.at[i].card ? "card" : "empty", l.at[i].name);
    return l.service ? 0 : 1;
}

static void print_tries(const char *what, int left, enum ukey_truth factory)
{
    printf("%-18s", what);
    if (left >= 0)
        printf("%d tries left", left);
    else
        printf("tries not told");
    printf("%s\n", factory == UKEY_YES ? ", factory value" : "");
}

static enum err info(struct ukey *u, const struct args *a, struct fault *f)
{
    struct ukey_info i;
    char medium[MEDIUM_NUMBER_SIZE], guid[2 * UKEY_GUID + 1];
    uint8_t der[UKEY_CERT_MAX];
    size_t n = 0;
    struct ukey_pub pub;
    TRY(u->ops->info(u, &i, f));
    TRY(personalise_medium_number(&i, medium, f));
    hex_encode(i.guid, UKEY_GUID, guid);
    printf("%-18s%s\n", "medium number", medium);
    printf("%-18s%s\n", "GUID", i.has_guid ? guid : "none");
    printf("%-18s%s %u.%u.%u\n", "dialect", u->ops->name, i.version[0], i.version[1], i.version[2]);
    print_tries("PIN", i.pin_left, i.pin_default);
    print_tries("PUK", i.puk_left, i.puk_default);
    printf("%-18s%s\n", "management key",
           i.admin_default == UKEY_YES  ? "factory value"
           : i.admin_default == UKEY_NO ? "set"
                                        : "not told");
    enum err e = read_certificate(u, a, der, &n, &pub, f);
    if (e == ERR_NOT_FOUND || e == ERR_INVALID) {
        printf("%-18s%s\n", "certificate", e == ERR_INVALID ? "damaged" : "none");
        return OK;
    }
    TRY(e);
    printf("%-18s%zu bytes, %s\n", "certificate", n, pub.alg == UKEY_SM2 ? "SM2" : "P-256");
    return OK;
}

static enum err cert(struct ukey *u, const struct args *a, struct fault *f)
{
    uint8_t der[UKEY_CERT_MAX];
    size_t n = 0;
    struct ukey_pub pub;
    TRY(read_certificate(u, a, der, &n, &pub, f));
    return cert_print_pem(stdout, der, n) ? OK
                                          : fail(f, ERR_UNAVAILABLE, "the certificate could not be written");
}

/* ---- sign ---- */

static enum err read_file(const char *path, uint8_t **out, size_t *n, struct fault *f)
{
    FILE *in = fopen(path, "rb");
    uint8_t *p = in ? malloc(FILE_MAX + 1) : NULL;
    *n = p ? fread(p, 1, FILE_MAX + 1, in) : 0;
    bool ok = p && !ferror(in) && *n <= FILE_MAX;
    if (in)
        fclose(in);
    if (!ok) {
        free(p);
        return fail(f, ERR_INVALID, "%s cannot be read, or is longer than 64 MiB", path);
    }
    *out = p;
    return OK;
}

/* One line; its end is cut off. */
static bool read_line(int fd, char line[static PIN_LINE])
{
    size_t n = 0;
    char c;
    while (n < PIN_LINE - 1 && read(fd, &c, 1) == 1 && c != '\n' && c != '\r')
        line[n++] = c;
    line[n] = '\0';
    return n > 0;
}

static bool ask_terminal(char line[static PIN_LINE])
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
    dprintf(tty, "PIN: ");
    bool ok = read_line(tty, line);
    tcsetattr(tty, TCSAFLUSH, &shown);
    dprintf(tty, "\n");
    close(tty);
    return ok;
}

static enum err give_pin(struct ukey *u, const struct args *a, struct fault *f)
{
    struct ukey_info i;
    char line[PIN_LINE];
    int left = -1;
    TRY(u->ops->info(u, &i, f));
    if (i.pin_left == 0)
        return fail(f, ERR_PIN_BLOCKED, NULL);
    if (i.pin_left > 0 && i.pin_left < 3)
        fprintf(stderr, "%d tries left\n", i.pin_left);
    if (!(a->pin_fd >= 0 ? read_line(a->pin_fd, line) : ask_terminal(line)))
        return fail(f, ERR_INVALID, "no PIN was given");
    enum err e = u->ops->verify_pin(u, line, &left, f);
    wipe(line, sizeof line);
    if (e == ERR_PIN_WRONG)
        return fail(f, e, "the PIN is wrong; %d tries left", left);
    return e;
}

static enum err sign(struct ukey *u, const struct args *a, struct fault *f)
{
    uint8_t der[UKEY_CERT_MAX], digest[UKEY_DIGEST], sig[UKEY_SIG_MAX], *text = NULL;
    size_t n = 0, ns = 0, len = 0;
    struct ukey_pub pub;
    struct fault later;
    TRY(read_certificate(u, a, der, &n, &pub, f));
    TRY(read_file(a->file, &text, &len, f));
    enum err e = pub_digest(&pub, text, len, digest, f);
    free(text);
    TRY(e);
    TRY(give_pin(u, a, f));
    e = u->ops->sign(u, a->slot, pub.alg, digest, sig, &ns, f);
    fault_clear(&later);
    if (u->ops->logout(u, &later) != OK)
        fprintf(stderr, "certdesk-ukey: %s\n", fault_text(&later));
    TRY(e);
    if (pub_verify(&pub, digest, sig, ns, f) != OK)
        return fail(f, ERR_CARD_DOUBTFUL, "the key on the UKEY is not its certificate's");
    if (fwrite(sig, 1, ns, stdout) != ns || fflush(stdout) != 0)
        return fail(f, ERR_UNAVAILABLE, "the signature could not be written");
    return OK;
}

/* ---- */

static int usage(void)
{
    fputs("certdesk-ukey [--reader NAME] [--slot a|b] COMMAND\n"
          "  list                     readers, and whether a card is in\n"
          "  info                     the UKEY: medium number, tries left, certificate\n"
          "  cert                     its certificate, PEM\n"
          "  sign FILE [--pin-fd N]   a signature over FILE, DER: SHA-256 with ECDSA, or SM3 with SM2\n",
          stderr);
    return 2;
}

static const struct option OPTIONS[] = {{"reader", required_argument, NULL, 'r'},
                                        {"slot", required_argument, NULL, 's'},
                                        {"pin-fd", required_argument, NULL, 'p'},
                                        {0}};

int main(int argc, char **argv)
{
    struct args a = {.pin_fd = -1};
    static struct fault f;
    for (int o; (o = getopt_long(argc, argv, "", OPTIONS, NULL)) != -1;) {
        if (o == 'r')
            a.reader = optarg;
        else if (o == 's' && (!strcmp(optarg, "a") || !strcmp(optarg, "b")))
            a.slot = *optarg == 'a' ? UKEY_SIGN_A : UKEY_SIGN_B;
        else if (o == 'p')
            a.pin_fd = atoi(optarg);
        else
            return usage();
    }
    int left = argc - optind;
    const char *command = left ? argv[optind] : "";
    a.file = left == 2 ? argv[optind + 1] : NULL;
    enum err e;
    if (!strcmp(command, "list") && left == 1)
        return do_list(&f);
    if (!strcmp(command, "info") && left == 1)
        e = with_ukey(&a, info, &f);
    else if (!strcmp(command, "cert") && left == 1)
        e = with_ukey(&a, cert, &f);
    else if (!strcmp(command, "sign") && a.file)
        e = with_ukey(&a, sign, &f);
    else
        return usage();
    return e == OK ? 0 : complain(&f);
}
