#include "core/sealed.h"
#include "payment/resolve.h"

static const char *place(struct ctx *c, const char *capture_id, enum resolved_what what)
{
    return arena_printf(c->arena, "%s:%d", capture_id, (int)what);
}

enum err resolved_insert(struct ctx *c, const char *capture_id, enum resolved_what what, const char *note)
{
    struct arg sealed;
    TRY(sealed_arg(c, "payment_resolved.note", place(c, capture_id, what), note, &sealed));
    return db_exec(
        c, NULL,
        SQL("INSERT INTO payment_resolved (capture_id, what, note, resolved_by, resolved_ms) VALUES "
            "(?, ?, ?, ?, ?)"),
        TEXT(capture_id), INT(what), sealed, TEXT(c->caller.id), INT(c->now_ms));
}

enum err resolved_read(struct ctx *c, const char *capture_id, enum resolved_what what, struct resolved *out)
{
    struct rows r;
    TRY(db_query(c, &r,
                 SQL("SELECT resolved_by, resolved_ms, note FROM payment_resolved WHERE capture_id = ? AND "
                     "what = ?"),
                 TEXT(capture_id), INT(what)));
    if (r.n == 0)
        return fail(c->fault, ERR_NOT_FOUND, NULL);
    *out = (struct resolved){.by = row_text(&r, 0, 0), .at_ms = row_int(&r, 0, 1)};
    return sealed_text(c, "payment_resolved.note", place(c, capture_id, what), row_cell(&r, 0, 2), "",
                       &out->note);
}
