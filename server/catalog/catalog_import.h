/* catalog_import.h - a channel's file into the database: `certdeskd channel import FILE`. */
#ifndef CERTDESK_CATALOG_CATALOG_IMPORT_H
#define CERTDESK_CATALOG_CATALOG_IMPORT_H

#include "core/ctx.h"

/* Reads the JSON text and stores it in the caller's transaction; what is in force changes at commit. INVALID
 * with one violation per fault in the file. */
enum err catalog_import(struct ctx *c, const char *json, size_t n);

#endif
