/* Any bytes as a channel's file: what is read without a fault can be sold. */
#include "fuzz.h"

#include "catalog/channel_file.h"

#include <stdlib.h>

static void check_good(const struct channel_file *f)
{
    if (!*f->channel.code || !*f->channel.name || !f->n_offers)
        abort();
    for (size_t i = 0; i < f->n_offers; i++)
        if (!f->offers[i].offered.offer.methods || !f->offers[i].offered.subject)
            abort();
    for (size_t i = 0; i < f->n_products; i++)
        for (size_t k = 0; k < f->products[i].product.n_prices; k++)
            if (f->products[i].product.prices[k].price_fen <= 0)
                abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena a;
    arena_init(&a, 0);
    struct file_faults faults = {.arena = &a};
    struct yaml_tree tree;
    if (yaml_tree((const char *)data, size, &tree, &faults)) {
        struct channel_file file;
        struct policy policy;
        struct fact *facts;
        size_t n;
        channel_file_read(&a, &tree, &file, &faults);
        if (!faults.n)
            check_good(&file);
        channel_facts(&a, tree.root, NULL, 0, &facts, &n);
        policy_read(node_root(&(struct reader){.arena = &a}, tree.root), &policy);
        if (calendar_after(&policy.calendar, 0, 3) <= 0)
            abort();
    } else if (!faults.n) {
        abort();
    }
    yaml_tree_free(&tree);
    arena_free(&a);
    return 0;
}

FUZZ_TEST
