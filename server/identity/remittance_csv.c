/* Remittance files as text: RFC 4180 by libcsv, characters by iconv. */
#include "identity/remittance.h"

#include "base/str.h"

#include <csv.h>
#include <iconv.h>
#include <stdio.h>
#include <string.h>

enum {
    LINES_MAX = 5000
};

void csv_line(struct buf *b, const char *const *cells, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        size_t size = strlen(cells[i]), room = csv_write(NULL, 0, cells[i], size);
        char *cell = arena_alloc(b->arena, room + 1);
        csv_write(cell, room, cells[i], size);
        if (i)
            buf_add(b, ",", 1);
        buf_add(b, cell, room);
    }
    buf_add(b, "\r\n", 2);
}

struct reading {
    struct arena *a;
    struct result_line *lines;
    size_t n;
    struct result_line now;
    int line, column; /* of the character that is read, as an editor counts */
};

static const char *trimmed(struct arena *a, const char *s, size_t n)
{
    while (n && (s[0] == ' ' || s[0] == '\t'))
        s++, n--;
    while (n && (s[n - 1] == ' ' || s[n - 1] == '\t'))
        n--;
    return arena_strndup(a, s, n);
}

static void on_cell(void *text, size_t size, void *arg)
{
    struct reading *r = arg;
    if (r->now.n < RESULT_COLUMNS)
        r->now.cell[r->now.n] = trimmed(r->a, text ? text : "", size);
    r->now.n++;
}

static void on_line(int end, void *arg)
{
    struct reading *r = arg;
    (void)end;
    for (size_t i = r->now.n; i < RESULT_COLUMNS; i++)
        r->now.cell[i] = "";
    if (r->n < LINES_MAX)
        r->lines[r->n++] = r->now;
    r->now = (struct result_line){0};
}

static void close_iconv(iconv_t *i)
{
    if (*i != (iconv_t)-1)
        iconv_close(*i);
}

/* Banks answer in GB18030 (GBK is part of it) or in UTF-8. */
static enum err to_utf8(struct arena *a, const char **text, size_t *size, struct fault *f)
{
    static const char mark[] = "\xEF\xBB\xBF";
    if (*size >= 3 && memcmp(*text, mark, 3) == 0) {
        *text += 3;
        *size -= 3;
    }
    if (utf8_valid(*text, *size))
        return OK;
    CLEANUP(close_iconv)
    iconv_t i = iconv_open("UTF-8", "GB18030");
    size_t room = *size * 2 + 16, left = room, in_left = *size;
    char *out = arena_alloc(a, room), *at = out, *in = (char *)(uintptr_t)*text;
    if (i == (iconv_t)-1 || iconv(i, &in, &in_left, &at, &left) == (size_t)-1)
        return fail(f, ERR_INVALID, "the file is neither UTF-8 nor GB18030");
    *text = out;
    *size = room - left;
    return OK;
}

static void free_parser(struct csv_parser *p)
{
    csv_free(p);
}

/* A byte at a time, to know where a line begins: cells may have line breaks in them, and lines may be empty.
 */
static bool parse(struct csv_parser *p, const char *text, size_t size, struct reading *r)
{
    r->line = 1;
    for (size_t i = 0; i < size; i++) {
        unsigned char b = (unsigned char)text[i];
        r->column += (b & 0xC0) != 0x80; /* a character, not a byte of one */
        if (!r->now.line && b != '\r' && b != '\n')
            r->now.line = r->line;
        if (csv_parse(p, text + i, 1, on_cell, on_line, r) != 1)
            return false;
        if (b == '\n') {
            r->line++;
            r->column = 0;
        }
    }
    return true;
}

enum err csv_read(struct arena *a, const char *text, size_t size, const struct result_line **out, size_t *n,
                  struct fault *f)
{
    CLEANUP(free_parser)
    struct csv_parser p;
    struct reading r = {.a = a, .lines = ARENA_ARRAY(a, struct result_line, LINES_MAX)};
    if (csv_init(&p, CSV_STRICT | CSV_STRICT_FINI) != 0)
        return fail(f, ERR_UNAVAILABLE, "no memory");
    text = size ? text : ""; /* no bytes have no place */
    TRY(to_utf8(a, &text, &size, f));
    if (memchr(text, '\0', size))
        return fail(f, ERR_INVALID, "the file is no text");
    if (!parse(&p, text, size, &r) || csv_fini(&p, on_cell, on_line, &r) != 0) {
        enum err e = fail(f, ERR_INVALID, "line %d, character %d: this is no CSV: %s", r.line, r.column,
                          csv_strerror(csv_error(&p)));
        snprintf(f->text_zh, sizeof f->text_zh, "第%d行第%d个字符处：不是有效的CSV", r.line, r.column);
        return e;
    }
    if (r.n >= LINES_MAX)
        return fail(f, ERR_INVALID, "the file has more than %d lines", LINES_MAX - 1);
    *out = r.lines;
    *n = r.n;
    return OK;
}
