/* material_store.h - rows of `material`, and the files of the bytes. */
#ifndef CERTDESK_MATERIAL_MATERIAL_STORE_H
#define CERTDESK_MATERIAL_MATERIAL_STORE_H

#include "material/material.h"

enum err material_insert(struct ctx *c, const struct material *m);
/* Takes the current material of the kind out of use; OK when there is none. */
enum err material_retire(struct ctx *c, const char *order_id, const char *kind);
/* Current and not refused, of orders that are over, of the same account and identity number; newest first. */
enum err material_of_earlier_orders(struct ctx *c, const char *order_id, const struct material **out,
                                    size_t *n);
enum err material_by_id(struct ctx *c, const char *id, struct material *out);
/* Only a current material of this order: CONFLICT otherwise. */
enum err material_set_verdict(struct ctx *c, const char *order_id, const char *id, enum material_verdict v,
                              const char *reason);

/* Files: state_dir/materials/ab/<sha256>, sealed, written and fsynced before the row (I-12). Putting what is
 * there already is OK. */
enum err blob_put(struct ctx *c, const unsigned char digest[static 32], const void *bytes, size_t n);
enum err blob_get(struct ctx *c, const unsigned char digest[static 32], const void **bytes, size_t *n);

#endif
