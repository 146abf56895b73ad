/* certdesk-decode - the only program that looks into what strangers upload (S13).
 *
 * It is started by the server for one file, with nothing else open and an empty environment, takes away from
 * itself whatever it does not need, decodes, answers and ends. What breaks in here breaks nothing else.
 */
#include "decode/jail.h"
#include "decode/picture.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

enum {
    EXIT_USAGE = 2,
    EXIT_JAIL = 3,
    EXIT_OUTPUT = 4,
    EXIT_ESCAPED = 9,
};

/* By what it is, not by what its name says. */
static enum decode_type type_of(const struct input *in)
{
    static const struct {
        const char *magic;
        size_t n;
        enum decode_type type;
    } known[] = {
        {"\xFF\xD8\xFF", 3, DECODE_JPEG}, {"\x89PNG\r\n\x1A\n", 8, DECODE_PNG}, {"%PDF-", 5, DECODE_PDF}};
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (in->n > known[i].n && memcmp(in->bytes, known[i].magic, known[i].n) == 0)
            return known[i].type;
    return DECODE_NOTHING;
}

static bool map_input(struct input *in)
{
    struct stat st;
    if (fstat(STDIN_FILENO, &st) != 0 || st.st_size < 1 || st.st_size > DECODE_MAX_BYTES)
        return false;
    in->n = (size_t)st.st_size;
    in->bytes = mmap(NULL, in->n, PROT_READ, MAP_PRIVATE, STDIN_FILENO, 0);
    return in->bytes != MAP_FAILED;
}

static bool write_all(const void *p, size_t n)
{
    for (const char *c = p; n > 0;) {
        ssize_t k = write(STDOUT_FILENO, c, n);
        if (k <= 0)
            return false;
        c += k;
        n -= (size_t)k;
    }
    return true;
}

static void decode(const struct input *in, struct decode_result *r, uint8_t **jpeg)
{
    struct picture p = {0};
    bool ok = false;
    if (!edges_clean(in, (enum decode_type)r->type)) {
        r->verdict = DECODE_POLYGLOT;
        return;
    }
    switch ((enum decode_type)r->type) {
    case DECODE_JPEG:
        ok = decode_jpeg(in, &p, r);
        break;
    case DECODE_PNG:
        ok = decode_png(in, &p, r);
        break;
    case DECODE_PDF:
        ok = decode_pdf(in, &p, r);
        break;
    case DECODE_NOTHING:
        r->verdict = DECODE_TYPE;
    }
    if (ok)
        picture_end(&p, r, jpeg);
}

/* Not exit(), nor _exit(), which a sanitizer takes for its own: what is done at an end is not allowed in
 * here. */
static _Noreturn void end(int code)
{
    for (;;)
        syscall(SYS_exit_group, code);
}

static bool well_asked(const struct input *in)
{
#ifndef CERTDESK_FAULTS /* 0: what must not be possible is tried */
    if (in->want < DECODE_CHECK)
        return false;
#endif
    return in->want <= DECODE_SQUARE && in->side >= 0 && in->side <= DECODE_OUT_SIDE;
}

int main(int argc, char **argv)
{
    struct input in = {0};
    struct decode_result r = {.magic = DECODE_MAGIC};
    uint8_t *jpeg = NULL;
    jail_begin();
    if (argc != 4)
        return EXIT_USAGE;
    in.want = (enum decode_want)atoi(argv[1]);
    in.side = atoi(argv[2]);
    in.page = atoi(argv[3]);
    if (!well_asked(&in) || !map_input(&in))
        return EXIT_USAGE;
    r.type = (int)type_of(&in);
    if (!jail_close(r.type == DECODE_PDF, in.want ? DECODE_CPU_S : 1))
        return EXIT_JAIL;
#ifdef CERTDESK_FAULTS
    if (in.want == 0)
        end(jail_escape(argv[1]) ? EXIT_ESCAPED : EXIT_SUCCESS);
#endif
    decode(&in, &r, &jpeg);
    end(write_all(&r, sizeof r) && write_all(jpeg, r.bytes) ? EXIT_SUCCESS : EXIT_OUTPUT);
}
