/* certdesk-ukey: for the person with the key. What is in the readers, what is on a UKEY, its certificate, a
 * signature by it; the account that it opens: log in with it, bind it, unbind it; and the certificate of an
 * order, downloaded to it (S25).
 *
 * The PIN is asked for on the terminal, without echo, or read as one line from file descriptor N; never from
 * an argument, where every process could see it. It is tried once: the tries left are said before.
 * Certificate (PEM), signature (DER) and session go to standard output, so they can be given to others. */
#include "ukey/ukey.h"

#include "base/end.h"
#include "base/str.h"
#include "token/personalise.h"
#include "token/reader.h"

#include <getopt.h>
#include <stdlib.h>
#include <string.h>

enum {
    FILE_MAX = 64 << 20,
};

/* ---- list, info, cert ---- */

static int do_list(struct fault *f)
{
    struct reader_list l;
    if (reader_list_now(&l, f) != OK)
        return complain(f);
    if (!l.service && reader_no_card(&l, f) != OK)
        return complain(f);
    if (!l.n)
        fprintf(stderr, "certdesk-ukey: %s\n", _("no reader"));
    for (size_t i = 0; i < l.n; i++)
        printf("%s\t%s\n", l.at[i].card ? "card" : "empty", l.at[i].name);
    return 0;
}

static void print_tries(const char *label, int left, enum ukey_truth factory)
{
    const char *origin = factory == UKEY_YES ? _(", factory value") : "";
    if (left >= 0)
        print_row(label, _("%d tries left%s"), left, origin);
    else
        print_row(label, _("tries not told%s"), origin);
}

static enum err info(struct ukey *u, const struct args *a, void *arg, struct fault *f)
{
    (void)arg;
    struct ukey_info i;
    char medium[MEDIUM_NUMBER_SIZE], guid[2 * UKEY_GUID + 1];
    uint8_t der[UKEY_CERT_MAX];
    size_t n = 0;
    struct ukey_pub pub;
    TRY(u->ops->info(u, &i, f));
    TRY(personalise_medium_number(&i, medium, f));
    hex_encode(i.guid, UKEY_GUID, guid);
    print_row(_("medium number"), "%s", medium);
    print_row("GUID", "%s", i.has_guid ? guid : _("none"));
    print_row(_("dialect"), "%s %u.%u.%u", u->ops->name, i.version[0], i.version[1], i.version[2]);
    print_tries(_("PIN"), i.pin_left, i.pin_default);
    print_tries("PUK", i.puk_left, i.puk_default);
    print_row(_("management key"), "%s",
              i.admin_default == UKEY_YES  ? _("factory value")
              : i.admin_default == UKEY_NO ? _("set")
                                           : _("not told"));
    enum err e = read_certificate(u, a, der, &n, &pub, f);
    if (e == ERR_NOT_FOUND || e == ERR_INVALID) {
        print_row(_("certificate"), "%s", e == ERR_INVALID ? _("damaged") : _("none"));
        return OK;
    }
    TRY(e);
    print_row(_("certificate"), _("%zu bytes, %s"), n, pub.alg == UKEY_SM2 ? "SM2" : "P-256");
    return OK;
}

static enum err cert(struct ukey *u, const struct args *a, void *arg, struct fault *f)
{
    (void)arg;
    uint8_t der[UKEY_CERT_MAX];
    size_t n = 0;
    struct ukey_pub pub;
    TRY(read_certificate(u, a, der, &n, &pub, f));
    return cert_print_pem(stdout, der, n)
               ? OK
               : refuse(f, ERR_UNAVAILABLE, N_("the certificate could not be written"));
}

/* ---- sign ---- */

enum err read_file(const char *path, uint8_t **out, size_t *n, struct fault *f)
{
    FILE *in = fopen(path, "rb");
    uint8_t *p = in ? malloc(FILE_MAX + 1) : NULL;
    *n = p ? fread(p, 1, FILE_MAX + 1, in) : 0;
    bool ok = p && !ferror(in) && *n <= FILE_MAX;
    if (in)
        fclose(in);
    if (!ok) {
        free(p);
        return refuse(f, ERR_INVALID, N_("%s cannot be read, or is longer than 64 MiB"), path);
    }
    *out = p;
    return OK;
}

static enum err sign(struct ukey *u, const struct args *a, void *arg, struct fault *f)
{
    (void)arg;
    uint8_t der[UKEY_CERT_MAX], sig[UKEY_SIG_MAX], *text = NULL;
    size_t n = 0, ns = 0, len = 0;
    struct ukey_pub pub;
    TRY(read_certificate(u, a, der, &n, &pub, f));
    TRY(read_file(a->word, &text, &len, f));
    enum err e = give_pin(u, a, f);
    if (e == OK)
        e = sign_bytes(u, a, &pub, text, len, sig, &ns, f);
    free(text);
    TRY(e);
    if (fwrite(sig, 1, ns, stdout) != ns || fflush(stdout) != 0)
        return refuse(f, ERR_UNAVAILABLE, N_("the signature could not be written"));
    return OK;
}

static enum err do_info(const struct args *a, struct fault *f)
{
    return with_ukey(a, NULL, info, f);
}

static enum err do_cert(const struct args *a, struct fault *f)
{
    return with_ukey(a, NULL, cert, f);
}

static enum err do_sign(const struct args *a, struct fault *f)
{
    return with_ukey(a, NULL, sign, f);
}

/* ---- */

static const struct command {
    const char *name;
    int words; /* after it */
    enum err (*run)(const struct args *a, struct fault *f);
    const char *usage, *help; /* help: msgid */
} COMMANDS[] = {
    {"list", 0, NULL, "list", N_("readers, and whether a card is in")},
    {"info", 0, do_info, "info", N_("the UKEY: medium number, tries left, certificate")},
    {"cert", 0, do_cert, "cert", N_("its certificate, PEM")},
    {"sign", 1, do_sign, "sign FILE", N_("a signature over FILE, DER: SHA-256 with ECDSA, or SM3 with SM2")},
    {"login", 0, desk_login, "login", N_("log in with the UKEY; the session is printed, or kept in FILE")},
    {"bind", 0, desk_bind, "bind", N_("let the UKEY log in to the session's account")},
    {"unbind", 1, desk_unbind, "unbind CERTIFICATE", N_("no more; ends what it opened")},
    {"bindings", 0, desk_bindings, "bindings", N_("what is bound: certificate, medium number, since when")},
    {"download", 1, desk_download, "download ORDER",
     N_("the order's certificate onto the UKEY; interrupted, run it again")},
};

static const char OPTIONS_TEXT[] =
    N_("Options\n"
       "  --reader NAME            which reader; else the first that holds a card\n"
       "  --slot a|b               which key of the UKEY; else a, for download a free one. Given for\n"
       "                           download, it goes on with this UKEY though begun with another; a\n"
       "                           UKEY that does not tell its keys gets a new one there, in place\n"
       "                           of what may be there\n"
       "  --pin-fd N               the PIN is a line of file descriptor N; else it is asked for\n"
       "  --management-key-fd N    the management key, in hex, is a line of file descriptor N;\n"
       "                           for download, unless it is the factory's\n"
       "  --csr FILE               the request of a key service (PKCS #10, PEM or DER); for\n"
       "                           download of a cloud certificate: it is printed with its chain\n"
       "  --server ADDRESS         unix:/path/to/socket or host:port; else CERTDESK_SERVER\n"
       "  --channel CHANNEL        whose account; for login\n"
       "  --session FILE           the session: login writes it (0600), the commands after it read it;\n"
       "                           - is standard input\n");
static const char ENDS_TEXT[] =
    N_("Ends with\n"
       "  0  done\n"
       "  1  failed, or refused; standard error says why\n"
       "  2  the words, a file or the UKEY that was given are wrong, or lack what was asked for\n"
       "  4  not yet: the server or the smart card service does not answer, or no UKEY was plugged in\n"
       "The language follows CERTDESK_LANG (zh_CN, en), else LANGUAGE, LC_ALL or LANG; C names none.\n");

static int usage(FILE *to)
{
    fputs(_("certdesk-ukey [OPTIONS] COMMAND\n"), to);
    for (size_t i = 0; i < sizeof COMMANDS / sizeof *COMMANDS; i++)
        fprintf(to, "  %-23s  %s\n", COMMANDS[i].usage, tr(COMMANDS[i].help));
    fputs(tr(OPTIONS_TEXT), to);
    fputs(tr(ENDS_TEXT), to);
    return to == stdout ? END_DONE : END_MISUSED;
}

static const struct option OPTIONS[] = {{"reader", required_argument, NULL, 'r'},
                                        {"slot", required_argument, NULL, 's'},
                                        {"pin-fd", required_argument, NULL, 'p'},
                                        {"server", required_argument, NULL, 'S'},
                                        {"channel", required_argument, NULL, 'c'},
                                        {"session", required_argument, NULL, 'f'},
                                        {"management-key-fd", required_argument, NULL, 'm'},
                                        {"csr", required_argument, NULL, 'q'},
                                        {"help", no_argument, NULL, 'h'},
                                        {0}};

static int misused(const char *word)
{
    fprintf(stderr, _("certdesk-ukey: this word is wrong, or lacks one behind it: %s\n"), word);
    return usage(stderr);
}

static bool option(struct args *a, int o)
{
    switch (o) {
    case 'r':
        a->reader = optarg;
        return true;
    case 'p':
        a->pin_fd = atoi(optarg);
        return true;
    case 'S':
        a->server = optarg;
        return true;
    case 'c':
        a->channel = optarg;
        return true;
    case 'f':
        a->session = optarg;
        return true;
    case 'm':
        a->admin_fd = atoi(optarg);
        return true;
    case 'q':
        a->csr = optarg;
        return true;
    case 's':
        a->slot_given = true;
        a->slot = *optarg == 'a' ? UKEY_SIGN_A : UKEY_SIGN_B;
        return !strcmp(optarg, "a") || !strcmp(optarg, "b");
    default:
        return false;
    }
}

int main(int argc, char **argv)
{
    struct args a = {.pin_fd = -1, .admin_fd = -1, .server = getenv("CERTDESK_SERVER")};
    static struct fault f;
    tr_init();
    opterr = 0; /* what is wrong is said in the user's language */
    for (int o; (o = getopt_long(argc, argv, "", OPTIONS, NULL)) != -1;)
        if (o == 'h')
            return usage(stdout);
        else if (!option(&a, o))
            return misused(argv[optind - 1]);
    int left = argc - optind;
    for (size_t i = 0; left > 0 && i < sizeof COMMANDS / sizeof *COMMANDS; i++) {
        const struct command *c = &COMMANDS[i];
        if (strcmp(argv[optind], c->name) != 0 || left != 1 + c->words)
            continue;
        a.word = c->words ? argv[optind + 1] : NULL;
        if (!c->run)
            return do_list(&f);
        return c->run(&a, &f) == OK ? END_DONE : complain(&f);
    }
    return usage(stderr);
}
