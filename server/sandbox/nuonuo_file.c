/* nuonuo_file.c - an invoice's files behind links that expire: a PDF by cairo, an OFD, an XML. */
#include "sandbox/nuonuo.h"

#include "base/clock.h"
#include "sandbox/crypto.h"
#include "sandbox/keys.h"
#include "sandbox/state.h"

#include <cairo-pdf.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum {
    LINK_MS = 7 * 86400 * 1000,
    WIDTH = 610,
    HEIGHT = 396,
};

/* A zip archive with one stored file, OFD.xml: what every OFD begins with (GB/T 33190 5). */
static const unsigned char ofd[] = {
    0x50, 0x4B, 0x03, 0x04, 0x14, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x21, 0x5C, 0x74, 0x3A, 0x3B,
    0xE6, 0x76, 0x00, 0x00, 0x00, 0x76, 0x00, 0x00, 0x00, 0x07, 0x00, 0x00, 0x00, 0x4F, 0x46, 0x44, 0x2E,
    0x78, 0x6D, 0x6C, 0x3C, 0x3F, 0x78, 0x6D, 0x6C, 0x20, 0x76, 0x65, 0x72, 0x73, 0x69, 0x6F, 0x6E, 0x3D,
    0x22, 0x31, 0x2E, 0x30, 0x22, 0x20, 0x65, 0x6E, 0x63, 0x6F, 0x64, 0x69, 0x6E, 0x67, 0x3D, 0x22, 0x55,
    0x54, 0x46, 0x2D, 0x38, 0x22, 0x3F, 0x3E, 0x0A, 0x3C, 0x6F, 0x66, 0x64, 0x3A, 0x4F, 0x46, 0x44, 0x20,
    0x78, 0x6D, 0x6C, 0x6E, 0x73, 0x3A, 0x6F, 0x66, 0x64, 0x3D, 0x22, 0x68, 0x74, 0x74, 0x70, 0x3A, 0x2F,
    0x2F, 0x77, 0x77, 0x77, 0x2E, 0x6F, 0x66, 0x64, 0x73, 0x70, 0x65, 0x63, 0x2E, 0x6F, 0x72, 0x67, 0x2F,
    0x32, 0x30, 0x31, 0x36, 0x22, 0x20, 0x44, 0x6F, 0x63, 0x54, 0x79, 0x70, 0x65, 0x3D, 0x22, 0x4F, 0x46,
    0x44, 0x22, 0x20, 0x56, 0x65, 0x72, 0x73, 0x69, 0x6F, 0x6E, 0x3D, 0x22, 0x31, 0x2E, 0x31, 0x22, 0x2F,
    0x3E, 0x0A, 0x50, 0x4B, 0x01, 0x02, 0x14, 0x03, 0x14, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x21,
    0x5C, 0x74, 0x3A, 0x3B, 0xE6, 0x76, 0x00, 0x00, 0x00, 0x76, 0x00, 0x00, 0x00, 0x07, 0x00, 0x00, 0x00,
    0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x80, 0x01, 0x00, 0x00, 0x00, 0x00, 0x4F, 0x46, 0x44,
    0x2E, 0x78, 0x6D, 0x6C, 0x50, 0x4B, 0x05, 0x06, 0x00, 0x00, 0x00, 0x00, 0x01, 0x00, 0x01, 0x00, 0x35,
    0x00, 0x00, 0x00, 0x9B, 0x00, 0x00, 0x00, 0x00, 0x00,
};

static const char *seal(struct sandbox *sb, struct arena *a, const char *file, int64_t until)
{
    return sha256_hex(a, arena_printf(a, "%s|%s|%" PRId64, sb->keys->nuonuo_app_secret, file, until),
                      strlen(sb->keys->nuonuo_app_secret) + strlen(file) + 15);
}

const char *nn_link(struct sandbox *sb, struct arena *a, const json_t *invoice, const char *suffix)
{
    const char *file = arena_printf(a, "%s.%s", member(invoice, "serialNo"), suffix);
    int64_t until = clock_now_ms() + LINK_MS;
    return arena_printf(a, "http://nuonuo.localhost:%d/file/%s?until=%" PRId64 "&s=%.32s", sb->port, file,
                        until, seal(sb, a, file, until));
}

static cairo_status_t collect(void *arg, const unsigned char *p, unsigned n)
{
    buf_add(arg, p, n);
    return CAIRO_STATUS_SUCCESS;
}

/* The same bytes whenever it is asked for: nothing in it but the invoice. */
static struct buf pdf(struct arena *a, const json_t *v)
{
    struct buf out = BUF(a);
    cairo_surface_t *s = cairo_pdf_surface_create_for_stream(collect, &out, WIDTH, HEIGHT);
    char created[CLOCK_TEXT_SIZE];
    clock_rfc3339(member_int(v, "done_ms"), created);
    created[19] = 'Z';
    created[20] = '\0';
    cairo_pdf_surface_set_metadata(s, CAIRO_PDF_METADATA_CREATE_DATE, created);
    cairo_pdf_surface_set_metadata(s, CAIRO_PDF_METADATA_TITLE, member(v, "number"));
    cairo_t *c = cairo_create(s);
    const char *lines[] = {
        strcmp(member(v, "type"), "2") == 0 ? "E-INVOICE (RED) - SIMULATOR" : "E-INVOICE - SIMULATOR",
        arena_printf(a, "Number %s", member(v, "number")), arena_printf(a, "Order %s", member(v, "orderNo")),
        arena_printf(a, "Total %s yuan, tax %s", nn_yuan(a, member_int(v, "total_fen")),
                     nn_yuan(a, member_int(v, "tax_fen")))};
    cairo_select_font_face(c, "sans-serif", CAIRO_FONT_SLANT_NORMAL, CAIRO_FONT_WEIGHT_NORMAL);
    cairo_set_font_size(c, 16);
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
        cairo_move_to(c, 40, 60 + 30 * (double)i);
        cairo_show_text(c, lines[i]);
    }
    cairo_destroy(c);
    cairo_surface_finish(s);
    cairo_surface_destroy(s);
    return out;
}

static void give(struct reply *p, const char *type, const void *bytes, size_t n)
{
    p->status = 200;
    p->type = type;
    p->body = arena_memdup(p->a, bytes, n);
    p->n_body = n;
}

/* Links given out before somebody made them expire are no good, however young. */
static bool link_good(struct sandbox *sb, struct request *r, const char *file)
{
    const char *until = request_query(r, "until"), *s = request_query(r, "s");
    int64_t at = until ? strtoll(until, NULL, 10) : 0;
    int64_t from = json_integer_value(state_get(sb->state, "config", "nuonuo_links_from"));
    return s && at > clock_now_ms() && at - LINK_MS > from &&
           strncmp(s, seal(sb, &r->a, file, at), 32) == 0 && strlen(s) == 32;
}

void nn_file(struct sandbox *sb, struct request *r, struct reply *p)
{
    const char *file = r->path + 6, *dot = strrchr(file, '.');
    const json_t *v = dot ? nn_by_serial(sb, arena_strndup(&r->a, file, (size_t)(dot - file))) : NULL;
    if (!v || strcmp(nn_status(v), "2") != 0) {
        reply_text(p, 404, "text/plain", "no such file\n");
    } else if (!link_good(sb, r, file)) {
        reply_text(p, 403, "text/html", "<html>链接已失效</html>");
    } else if (strcmp(dot, ".pdf") == 0) {
        struct buf b = pdf(&r->a, v);
        give(p, "application/pdf", b.p, b.n);
    } else if (strcmp(dot, ".ofd") == 0) {
        give(p, "application/ofd", ofd, sizeof ofd);
    } else {
        const char *xml =
            arena_printf(&r->a,
                         "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<EInvoice><Number>%s</Number>"
                         "<Total>%s</Total><Tax>%s</Tax></EInvoice>\n",
                         member(v, "number"), nn_yuan(&r->a, member_int(v, "total_fen")),
                         nn_yuan(&r->a, member_int(v, "tax_fen")));
        give(p, "application/xml", xml, strlen(xml));
    }
    if (p->status != 200)
        p->outcome = p->status == 403 ? "expired" : "not found";
}
