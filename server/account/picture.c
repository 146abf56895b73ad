#include "account/picture.h"

#include "account/picture_store.h"
#include "core/audit.h"

enum err picture_check(struct ctx *c, size_t n)
{
    if (n > PICTURE_MAX_BYTES)
        fault_field(c->fault, "image", "RANGE", "a picture has at most 5 MB", "图片不能超过 5 MB");
    return fault_fields(c->fault);
}

enum err picture_set(struct ctx *c, const void *jpeg, size_t n)
{
    bool changed = true;
    if (n)
        TRY(picture_store(c, jpeg, n));
    else
        TRY(picture_remove(c, &changed));
    const char *what = n ? "account.picture" : "account.picture_removed";
    return changed ? audit_add(c, &(struct audit_entry){what, c->caller.id, 0, NULL}) : OK;
}

enum err picture_get(struct ctx *c, const void **jpeg, size_t *n)
{
    return picture_load(c, jpeg, n);
}
