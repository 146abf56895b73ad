/* ca_files.h - the CA's folder: certificates in PEM, keys in encrypted PKCS #8. Private to this folder. */
#ifndef CERTDESK_PKI_CA_FILES_H
#define CERTDESK_PKI_CA_FILES_H

#include "pki/ossl.h"

enum {
    CA_PATH_MAX = 512
};

/* Makes <dir>/.<name>.new-XXXXXX to be filled; out gets its path. */
enum err ca_folder_begin(const char *dir, const char *name, char out[static CA_PATH_MAX], struct fault *f);
/* Gives the filled folder its name, durably. ERR_EXISTS when the name is taken. */
enum err ca_folder_finish(const char *dir, const char *name, const char *folder, struct fault *f);
/* Removes a folder that was begun, and the files that this module writes. */
void ca_folder_drop(const char *folder);

/* Mode 0644, synced. */
enum err ca_write_cert(const char *folder, const char *file, const X509 *x, struct fault *f);
/* Mode 0600, synced. */
enum err ca_write_key(const char *folder, const char *file, const EVP_PKEY *key, const char *passphrase,
                      int iterations, struct fault *f);

/* ERR_NOT_FOUND, or ERR_DATA_LOSS for a file that is no certificate. The caller frees *out. */
enum err ca_read_cert(const char *folder, const char *file, X509 **out, struct fault *f);
/* ERR_NOT_FOUND, ERR_DENIED for a wrong passphrase, ERR_DATA_LOSS for a file that is no encrypted key, or one
 * that others can read. The caller frees *out. */
enum err ca_read_key(const char *folder, const char *file, const char *passphrase, EVP_PKEY **out,
                     struct fault *f);

#endif
