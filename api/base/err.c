#include "base/err.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static const struct row {
    const char *name, *en, *zh;
    enum rpc_status status;
} table[ERR_COUNT] = {[OK] = {"OK", "", "", RPC_OK},
#define X(n, s, e, z) [ERR_##n] = {#n, e, z, s},
                      ERR_TABLE(X)
#undef X
};

static const struct row *row_of(enum err e)
{
    return &table[(unsigned)e < ERR_COUNT ? e : ERR_INTERNAL];
}

const char *err_name(enum err e)
{
    return row_of(e)->name;
}

enum rpc_status err_status(enum err e)
{
    return row_of(e)->status;
}

const char *err_text(enum err e)
{
    return row_of(e)->en;
}

const char *err_text_zh(enum err e)
{
    return row_of(e)->zh;
}

enum err err_by_name(const char *name)
{
    for (unsigned i = 0; i < ERR_COUNT; i++)
        if (strcmp(table[i].name, name) == 0)
            return (enum err)i;
    return ERR_INTERNAL;
}

void fault_clear(struct fault *f)
{
    f->code = OK;
    f->text[0] = f->text_zh[0] = f->state[0] = f->resource[0] = '\0';
    f->retry_ms = 0;
    f->n_violations = 0;
}

enum err fail(struct fault *f, enum err code, const char *fmt, ...)
{
    if (!f)
        return code;
    f->code = code;
    f->text[0] = f->text_zh[0] = f->state[0] = '\0';
    if (fmt) {
        va_list ap;
        va_start(ap, fmt);
        vsnprintf(f->text, sizeof f->text, fmt, ap);
        va_end(ap);
    }
    return code;
}

enum err fail_both(struct fault *f, enum err code, const char *text, const char *text_zh)
{
    enum err e = fail(f, code, "%s", text);
    if (f)
        snprintf(f->text_zh, sizeof f->text_zh, "%s", text_zh);
    return e;
}

enum err fail_in_both(struct fault *f, enum err code, const char *fmt, const char *fmt_zh, ...)
{
    char text[sizeof f->text], text_zh[sizeof f->text_zh];
    va_list ap, again;
    va_start(ap, fmt_zh);
    va_copy(again, ap);
    vsnprintf(text, sizeof text, fmt, ap);
    vsnprintf(text_zh, sizeof text_zh, fmt_zh, again);
    va_end(again);
    va_end(ap);
    return fail_both(f, code, text, text_zh);
}

void fault_field(struct fault *f, const char *field, const char *reason, const char *text,
                 const char *text_zh)
{
    f->code = ERR_INVALID;
    if (f->n_violations == FAULT_MAX_VIOLATIONS)
        return;
    struct violation *v = &f->violations[f->n_violations++];
    snprintf(v->field, sizeof v->field, "%s", field);
    snprintf(v->reason, sizeof v->reason, "%s", reason);
    snprintf(v->text, sizeof v->text, "%s", text);
    snprintf(v->text_zh, sizeof v->text_zh, "%s", text_zh);
}

enum err fault_fields(const struct fault *f)
{
    return f->n_violations ? ERR_INVALID : OK;
}

enum err found_or_not(struct fault *f, enum err e, bool *found)
{
    *found = e == OK;
    if (e != ERR_NOT_FOUND)
        return e;
    fault_clear(f);
    return OK;
}

const char *fault_text(const struct fault *f)
{
    return f->text[0] ? f->text : err_text(f->code);
}

const char *fault_text_zh(const struct fault *f)
{
    return f->text_zh[0] ? f->text_zh : err_text_zh(f->code);
}
