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

void print_clean(FILE *out, const char *text)
{
    for (const unsigned char *p = (const unsigned char *)text; *p; p++) {
        bool c1 = p[0] == 0xC2 && p[1] >= 0x80 && p[1] < 0xA0; /* controls of two bytes */
        fputc(*p < ' ' || *p == 127 || c1 ? '?' : *p, out);
        p += c1;
    }
}

bool in_chinese(void)
{
    const char *lang = getenv("CERTDESK_LANG"); /* as at the console */
    if (!lang || !*lang)
        lang = getenv("LC_ALL");
    if (!lang || !*lang)
        lang = getenv("LANG");
    return lang && !strncmp(lang, "zh", 2);
}

int complain(const struct fault *f)
{
    bool zh = in_chinese();
    fputs("certdesk-ukey: ", stderr);
    print_clean(stderr, zh ? fault_text_zh(f) : fault_text(f));
    if (zh && !f->text_zh[0] &&
        f->text[0]) { /* what is said in one language only, beside the code's sentence */
        fputs("：", stderr);
        print_clean(stderr, f->text);
    }
    fputc('\n', stderr);
    for (size_t i = 0; i < f->n_violations; i++) {
        print_clean(stderr, zh ? f->violations[i].text_zh : f->violations[i].text);
        fputc('\n', stderr);
    }
    return (int)end_of(f->code);
}

/* ---- list, info, cert ---- */

static int do_list(struct fault *f)
{
    struct reader_list l;
    if (reader_list_now(&l, f) != OK)
        return complain(f);
    if (!l.service && reader_no_card(&l, f) != OK)
        return complain(f);
    if (!l.n)
        fprintf(stderr, "certdesk-ukey: %s\n", in_chinese() ? "未检测到读卡器" : "no reader");
    for (size_t i = 0; i < l.n; i++)
        printf("%s\t%s\n", l.at[i].card ? "card" : "empty", l.at[i].name);
    return 0;
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

static enum err cert(struct ukey *u, const struct args *a, void *arg, struct fault *f)
{
    (void)arg;
    uint8_t der[UKEY_CERT_MAX];
    size_t n = 0;
    struct ukey_pub pub;
    TRY(read_certificate(u, a, der, &n, &pub, f));
    return cert_print_pem(stdout, der, n) ? OK
                                          : fail(f, ERR_UNAVAILABLE, "the certificate could not be written");
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
        return fail(f, ERR_INVALID, "%s cannot be read, or is longer than 64 MiB", path);
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
        return fail(f, ERR_UNAVAILABLE, "the signature could not be written");
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
    const char *usage, *help, *help_zh;
} COMMANDS[] = {
    {"list", 0, NULL, "list", "readers, and whether a card is in", "读卡器，及其中是否有卡"},
    {"info", 0, do_info, "info", "the UKEY: medium number, tries left, certificate",
     "UKEY的介质号、密码剩余次数和证书"},
    {"cert", 0, do_cert, "cert", "its certificate, PEM", "UKEY中的证书（PEM）"},
    {"sign", 1, do_sign, "sign FILE", "a signature over FILE, DER: SHA-256 with ECDSA, or SM3 with SM2",
     "对FILE签名（DER）：SHA-256与ECDSA，或SM3与SM2"},
    {"login", 0, desk_login, "login", "log in with the UKEY; the session is printed, or kept in FILE",
     "用UKEY登录；会话输出到屏幕，或保存到FILE"},
    {"bind", 0, desk_bind, "bind", "let the UKEY log in to the session's account",
     "将UKEY绑定到会话的账号，用于登录"},
    {"unbind", 1, desk_unbind, "unbind CERTIFICATE", "no more; ends what it opened",
     "解除绑定，并结束由其登录的会话"},
    {"bindings", 0, desk_bindings, "bindings", "what is bound: certificate, medium number, since when",
     "已绑定的证书、介质号和绑定时间"},
    {"download", 1, desk_download, "download ORDER",
     "the order's certificate onto the UKEY; interrupted, run it again",
     "将订单的证书下载到UKEY；中断后可再次运行"},
};

static const char OPTIONS_EN[] =
    "Options\n"
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
    "                           - is standard input\n"
    "Ends with\n"
    "  0  done\n"
    "  1  failed, or refused; standard error says why\n"
    "  2  the words, a file or the UKEY that was given are wrong, or lack what was asked for\n"
    "  4  not yet: the server or the smart card service does not answer, or no UKEY was plugged in\n"
    "The language follows CERTDESK_LANG, LC_ALL or LANG (zh_CN, en).\n";

static const char OPTIONS_ZH[] =
    "选项\n"
    "  --reader NAME            使用哪个读卡器；默认为第一个有卡的\n"
    "  --slot a|b               使用UKEY的哪个密钥；默认为a，下载时默认为空闲的密钥槽。下载时\n"
    "                           指定，则改用当前的UKEY继续，即使先前用的是另一个；不报告已有\n"
    "                           密钥的UKEY会在该槽生成新密钥，原有密钥将被覆盖\n"
    "  --pin-fd N               从文件描述符N读取一行作为证书密码；默认在终端询问\n"
    "  --management-key-fd N    从文件描述符N读取一行作为管理密钥（十六进制）；用于下载，\n"
    "                           管理密钥为出厂值时无需指定\n"
    "  --csr FILE               密钥服务生成的证书请求（PKCS #10，PEM或DER）；用于下载云证书，\n"
    "                           证书及证书链输出到屏幕\n"
    "  --server ADDRESS         unix:/path/to/socket 或 host:port；默认取 CERTDESK_SERVER\n"
    "  --channel CHANNEL        账号所属渠道；用于登录\n"
    "  --session FILE           会话：login 写入（0600），其余命令读取；- 为标准输入\n"
    "退出码\n"
    "  0  完成\n"
    "  1  失败或被拒绝，原因见标准错误输出\n"
    "  2  命令、所给文件或UKEY有误，或所需对象不存在\n"
    "  4  暂时不行：服务器或智能卡服务无应答，或未插入UKEY\n"
    "语言取自 CERTDESK_LANG、LC_ALL 或 LANG（zh_CN、en）。\n";

static int usage(FILE *to)
{
    bool zh = in_chinese();
    fputs(zh ? "certdesk-ukey [选项] 命令\n" : "certdesk-ukey [OPTIONS] COMMAND\n", to);
    for (size_t i = 0; i < sizeof COMMANDS / sizeof *COMMANDS; i++)
        fprintf(to, "  %-23s  %s\n", COMMANDS[i].usage, zh ? COMMANDS[i].help_zh : COMMANDS[i].help);
    fputs(zh ? OPTIONS_ZH : OPTIONS_EN, to);
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
    for (int o; (o = getopt_long(argc, argv, "", OPTIONS, NULL)) != -1;)
        if (!option(&a, o))
            return usage(o == 'h' ? stdout : stderr);
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
