#include "catalog/catalog_import.h"

#include "catalog/catalog_store.h"
#include "catalog/channel_file.h"
#include "core/audit.h"
#include "core/crypt.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* -- reading -----------------------------------------------------------------------------------------------
 */

static int by_line(const void *a, const void *b)
{
    const struct file_fault *x = a, *y = b;
    return x->line != y->line ? (x->line > y->line) - (x->line < y->line) : strcmp(x->path, y->path);
}

static enum err refuse(struct ctx *c, struct file_faults *f)
{
    size_t kept = f->n < FILE_FAULTS_MAX ? f->n : FILE_FAULTS_MAX;
    if (!f->n)
        return OK;
    qsort(f->list, kept, sizeof *f->list, by_line);
    for (size_t i = 0; i < kept; i++) {
        const struct file_fault *one = &f->list[i];
        const char *where = *one->path ? one->path : "file";
        const char *text =
            one->line ? arena_printf(c->arena, "%s (line %d)", one->text, one->line) : one->text;
        fault_field(c->fault, where, "FILE", text, text);
    }
    snprintf(c->fault->text, sizeof c->fault->text, "the file has %zu fault%s", f->n, f->n == 1 ? "" : "s");
    return ERR_INVALID;
}

/* -- comparing ---------------------------------------------------------------------------------------------
 */

struct facts {
    struct fact *list;
    size_t n;
};

static struct fact version_fact(struct arena *a, const char *code, int version)
{
    return (struct fact){arena_printf(a, "agreements[%s].version", code), arena_printf(a, "%d", version)};
}

/* What the text that is in force says, with the versions of its agreements. Nothing is known of a channel
 * that was imported before its text was kept. */
static enum err facts_before(struct ctx *c, const struct channel_head *head, struct facts *out)
{
    const struct agreement *list;
    size_t n;
    *out = (struct facts){0};
    if (!head->n)
        return OK;
    TRY(agreement_heads(c, head->id, &list, &n));
    struct fact *versions = ARENA_ARRAY(c->arena, struct fact, n + 1);
    for (size_t i = 0; i < n; i++)
        versions[i] = version_fact(c->arena, list[i].code, list[i].version);
    struct yaml_tree tree;
    struct file_faults ignored = {.arena = c->arena};
    yaml_tree(head->text, head->n, &tree, &ignored);
    channel_facts(c->arena, tree.root, versions, n, &out->list, &out->n);
    yaml_tree_free(&tree);
    return OK;
}

static enum err facts_after(struct ctx *c, const struct channel_head *head, const struct channel_file *file,
                            const struct yaml_tree *tree, struct facts *out)
{
    struct fact *versions = ARENA_ARRAY(c->arena, struct fact, file->n_agreements + 1);
    for (size_t i = 0; i < file->n_agreements; i++) {
        struct agreement_next next;
        TRY(agreement_next(c, head->id, file->agreements[i].code, file->agreements[i].text, &next));
        versions[i] = version_fact(c->arena, file->agreements[i].code, next.version);
    }
    channel_facts(c->arena, tree->root, versions, file->n_agreements, &out->list, &out->n);
    return OK;
}

/* Both are sorted by path. */
static void compare(struct import *i, struct arena *a, const struct facts *old, const struct facts *new)
{
    size_t x = 0, y = 0;
    i->changes = ARENA_ARRAY(a, struct change, old->n + new->n + 1);
    i->n_changes = 0;
    while (x < old->n || y < new->n) {
        int d = x == old->n ? 1 : y == new->n ? -1 : strcmp(old->list[x].path, new->list[y].path);
        const struct fact *from = d <= 0 ? &old->list[x++] : NULL, *to = d >= 0 ? &new->list[y++] : NULL;
        if (!from || !to || strcmp(from->value, to->value) != 0)
            i->changes[i->n_changes++] =
                (struct change){(from ? from : to)->path, from ? from->value : NULL, to ? to->value : NULL};
    }
}

/* -- storing -----------------------------------------------------------------------------------------------
 */

static enum err put_offers(struct ctx *c, const char *channel, const struct channel_file *f)
{
    TRY(material_rules_clear(c, channel));
    for (size_t i = 0; i < f->n_offers; i++) {
        const struct file_offer *o = &f->offers[i];
        TRY(offer_put(c, channel, &o->offered));
        for (size_t k = 0; k < o->n_materials; k++)
            TRY(material_rule_put(c, channel, &o->offered, (int)k, &o->materials[k]));
    }
    return OK;
}

static enum err put_lists(struct ctx *c, const char *channel, const struct channel_file *f)
{
    TRY(products_retire(c, channel));
    for (size_t i = 0; i < f->n_products; i++)
        TRY(product_put(c, channel, f->products[i].code, &f->products[i].product));
    TRY(agreements_retire(c, channel));
    for (size_t i = 0; i < f->n_agreements; i++)
        TRY(agreement_put(c, channel, f->agreements[i].code, f->agreements[i].title, f->agreements[i].text));
    return OK;
}

static const char *audit_detail(struct arena *a, const char *by, const unsigned char digest[static 32])
{
    char hex[65];
    hex_encode(digest, 32, hex);
    json_t *j = json_pack("{s:s, s:s}", "by", by, "sha256", hex);
    char *text = json_dumps(j, JSON_COMPACT);
    const char *kept = arena_strdup(a, text);
    free(text);
    json_decref(j);
    return kept;
}

static enum err store(struct ctx *c, const struct import *i, struct channel_file *f,
                      const unsigned char digest[static 32])
{
    TRY(channel_put(c, &f->channel, digest));
    TRY(channel_version_put(c, f->channel.id, i, digest));
    TRY(put_offers(c, f->channel.id, f));
    TRY(put_lists(c, f->channel.id, f));
    return audit_add(c, &(struct audit_entry){"channel.import", f->channel.id, i->stored,
                                              audit_detail(c->arena, i->by, digest)});
}

/* -- the whole ---------------------------------------------------------------------------------------------
 */

static enum err run(struct ctx *c, struct import *i, const struct yaml_tree *tree)
{
    struct channel_file file;
    struct channel_head head;
    struct facts before, after;
    unsigned char digest[32];
    if (tree->root)
        channel_file_read(c->arena, tree, &file, &i->faults);
    TRY(refuse(c, &i->faults));
    crypt_sha256(i->text, i->n, digest);
    TRY(channel_head(c, file.channel.code, i->apply, &head));
    TRY(facts_before(c, &head, &before));
    TRY(facts_after(c, &head, &file, tree, &after));
    compare(i, c->arena, &before, &after);
    i->code = file.channel.code;
    i->version = head.version;
    i->same_text = head.n && same_bytes(head.digest, digest, sizeof digest);
    i->stored = i->same_text ? i->version : i->version + 1;
    if (!i->apply || i->same_text)
        return OK;
    if (!head.version)
        id_new("chn", head.id);
    memcpy(file.channel.id, head.id, ID_SIZE);
    file.channel.version = i->stored;
    return store(c, i, &file, digest);
}

enum err catalog_import_file(struct ctx *c, struct import *i)
{
    struct yaml_tree tree;
    i->faults = (struct file_faults){.arena = c->arena};
    yaml_tree(i->text, i->n, &tree, &i->faults);
    enum err e = run(c, i, &tree);
    yaml_tree_free(&tree);
    return e;
}

enum err catalog_import(struct ctx *c, const char *text, size_t n)
{
    return catalog_import_file(c, &(struct import){.text = text, .n = n, .by = c->caller.id, .apply = true});
}
