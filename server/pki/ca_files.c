#include "pki/ca_files.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/pkcs12.h>
#include <openssl/rand.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const char *const files[] = {"root.crt", "root.key", "issuing.crt", "issuing.key"};

static enum err path_of(char out[static CA_PATH_MAX], const char *folder, const char *file, struct fault *f)
{
    int n = snprintf(out, CA_PATH_MAX, "%s/%s", folder, file);
    return n > 0 && n < CA_PATH_MAX ? OK : fail(f, ERR_INVALID, "the path of the CA's folder is too long");
}

/* -- the folder ----------------------------------------------------------------------------------------- */

enum err ca_folder_begin(const char *dir, const char *name, char out[static CA_PATH_MAX], struct fault *f)
{
    char there[CA_PATH_MAX];
    struct stat st;
    TRY(path_of(there, dir, name, f));
    if (lstat(there, &st) == 0)
        return fail(f, ERR_EXISTS, "%s is there already", there);
    int n = snprintf(out, CA_PATH_MAX, "%s/.%s.new-XXXXXX", dir, name);
    if (n < 0 || n >= CA_PATH_MAX)
        return fail(f, ERR_INVALID, "the path of the CA's folder is too long");
    if (!mkdtemp(out))
        return fail(f, ERR_INVALID, "no folder can be made in %s: %s", dir, strerror(errno));
    return OK;
}

static bool sync_path(const char *path)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    bool good = fd >= 0 && fsync(fd) == 0;
    if (fd >= 0)
        close(fd);
    return good;
}

enum err ca_folder_finish(const char *dir, const char *name, const char *folder, struct fault *f)
{
    char there[CA_PATH_MAX];
    TRY(path_of(there, dir, name, f));
    /* A folder replaces only an empty folder: two programs that make the same CA do not mix their files. */
    if (!sync_path(folder) || rename(folder, there) != 0)
        return fail(f, errno == ENOTEMPTY || errno == EEXIST ? ERR_EXISTS : ERR_INTERNAL,
                    "%s cannot be put in place: %s", there, strerror(errno));
    if (!sync_path(dir))
        return fail(f, ERR_INTERNAL, "%s cannot be synced: %s", dir, strerror(errno));
    return OK;
}

void ca_folder_drop(const char *folder)
{
    char path[CA_PATH_MAX];
    for (size_t i = 0; i < sizeof files / sizeof *files; i++)
        if (path_of(path, folder, files[i], NULL) == OK)
            unlink(path);
    rmdir(folder);
}

/* -- writing -------------------------------------------------------------------------------------------- */

static enum err write_file(const char *folder, const char *file, mode_t mode, BIO *text, struct fault *f)
{
    char path[CA_PATH_MAX], *p;
    TRY(path_of(path, folder, file, f));
    long n = BIO_get_mem_data(text, &p);
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, mode);
    bool good = fd >= 0 && write(fd, p, (size_t)n) == n && fsync(fd) == 0;
    int why = errno;
    if (fd >= 0 && close(fd) != 0)
        good = false;
    return good ? OK : fail(f, ERR_INTERNAL, "%s cannot be written: %s", path, strerror(why));
}

enum err ca_write_cert(const char *folder, const char *file, const X509 *x, struct fault *f)
{
    CLEANUP(drop_BIO)
    BIO *b = BIO_new(BIO_s_mem());
    if (!b || !PEM_write_bio_X509(b, x))
        return ossl_fail(f, ERR_INTERNAL, "the CA's certificate cannot be encoded");
    return write_file(folder, file, 0644, b, f);
}

/* OpenSSL's own PEM writer uses 2048 iterations; ours takes what the caller says. */
static X509_SIG *encrypt(const EVP_PKEY *key, const char *passphrase, int iterations)
{
    unsigned char salt[16], iv[16];
    CLEANUP(drop_PKCS8_PRIV_KEY_INFO)
    PKCS8_PRIV_KEY_INFO *info = EVP_PKEY2PKCS8(key);
    if (!info || RAND_bytes(salt, sizeof salt) != 1 || RAND_bytes(iv, sizeof iv) != 1)
        return NULL;
    X509_ALGOR *pbe =
        PKCS5_pbe2_set_iv(EVP_aes_256_cbc(), iterations, salt, sizeof salt, iv, NID_hmacWithSHA256);
    X509_SIG *out = pbe ? PKCS8_set0_pbe(passphrase, (int)strlen(passphrase), info, pbe) : NULL;
    if (!out)
        X509_ALGOR_free(pbe);
    return out;
}

enum err ca_write_key(const char *folder, const char *file, const EVP_PKEY *key, const char *passphrase,
                      int iterations, struct fault *f)
{
    CLEANUP(drop_BIO)
    BIO *b = BIO_new(BIO_s_mem());
    CLEANUP(drop_X509_SIG)
    X509_SIG *sealed = encrypt(key, passphrase, iterations);
    if (!b || !sealed || !PEM_write_bio_PKCS8(b, sealed))
        return ossl_fail(f, ERR_INTERNAL, "the CA's key cannot be encrypted");
    return write_file(folder, file, 0600, b, f);
}

/* -- reading -------------------------------------------------------------------------------------------- */

static enum err open_file(const char *folder, const char *file, bool secret, BIO **out, struct fault *f)
{
    char path[CA_PATH_MAX];
    struct stat st;
    TRY(path_of(path, folder, file, f));
    if (stat(path, &st) != 0)
        return fail(f, ERR_NOT_FOUND, "%s: %s", path, strerror(errno));
    if (secret && st.st_mode & 077)
        return fail(f, ERR_DATA_LOSS, "%s can be read by others (mode %03o); it must be 600", path,
                    (unsigned)st.st_mode & 0777);
    *out = BIO_new_file(path, "r");
    return *out ? OK : ossl_fail(f, ERR_NOT_FOUND, "the CA's file cannot be opened");
}

enum err ca_read_cert(const char *folder, const char *file, X509 **out, struct fault *f)
{
    CLEANUP(drop_BIO)
    BIO *b = NULL;
    TRY(open_file(folder, file, false, &b, f));
    *out = PEM_read_bio_X509(b, NULL, NULL, (void *)(uintptr_t) "");
    return *out ? OK : ossl_fail(f, ERR_DATA_LOSS, "the CA's file holds no certificate");
}

enum err ca_read_key(const char *folder, const char *file, const char *passphrase, EVP_PKEY **out,
                     struct fault *f)
{
    CLEANUP(drop_BIO)
    BIO *b = NULL;
    TRY(open_file(folder, file, true, &b, f));
    CLEANUP(drop_X509_SIG)
    X509_SIG *sealed = PEM_read_bio_PKCS8(b, NULL, NULL, (void *)(uintptr_t) "");
    if (!sealed)
        return ossl_fail(f, ERR_DATA_LOSS, "the CA's file holds no encrypted key");
    CLEANUP(drop_PKCS8_PRIV_KEY_INFO)
    PKCS8_PRIV_KEY_INFO *info = PKCS8_decrypt(sealed, passphrase, (int)strlen(passphrase));
    if (!info)
        return ossl_fail(f, ERR_DENIED, "the CA's passphrase is wrong");
    *out = EVP_PKCS82PKEY(info);
    return *out ? OK : ossl_fail(f, ERR_DATA_LOSS, "the CA's file holds no key that can be used");
}
