/* config.h - every setting of certdeskd, as a table: name, default, meaning. `certdeskd config` prints it.
 *
 * Read from an ini file (--config FILE or CERTDESK_CONFIG), each overridden by CERTDESK_<SECTION>_<KEY>.
 * Unknown keys are refused by name. Secrets are names of files, never values. Read-only after config_open().
 */
#ifndef CERTDESK_CONFIG_H
#define CERTDESK_CONFIG_H

#include "base/err.h"

#include <stdbool.h>
#include <stdint.h>

struct config;

enum config_kind {
    CONFIG_KIND_TEXT,
    CONFIG_KIND_NUMBER,
    CONFIG_KIND_FLAG, /* yes or no */
    CONFIG_KIND_FILE, /* path; relative ones from the config file's folder */
};

/* X(id, section, key, kind, default, meaning) */
#define CONFIG_TABLE(X)                                                                                      \
    X(STATE_DIR, "server", "state_dir", FILE, "",                                                            \
      "folder for keys, uploads and the private database; needed")                                           \
    X(LISTEN, "server", "listen", TEXT, "127.0.0.1:8443",                                                    \
      "gRPC addresses, separated by blanks: 127.0.0.1:port, unix:/path. Loopback only: put nginx in front")  \
    X(LISTEN_ANYWHERE, "server", "listen_anywhere", FLAG, "no",                                              \
      "allow addresses beyond loopback although the gRPC library has open denial-of-service holes")          \
    X(TLS_CERT, "server", "tls_certificate", FILE, "", "PEM chain; empty: plain text on loopback")           \
    X(TLS_KEY, "server", "tls_key", FILE, "", "PEM key of tls_certificate")                                  \
    X(TLS_CLIENT_CA, "server", "tls_client_ca", FILE, "",                                                    \
      "PEM; not empty: client certificates are required")                                                    \
    X(CALLBACK_LISTEN, "server", "callback_listen", TEXT, "127.0.0.1:8444",                                  \
      "HTTP address for providers' callbacks")                                                               \
    X(PUBLIC_URL, "server", "public_url", TEXT, "",                                                          \
      "how providers reach callback_listen; empty: http://callback_listen")                                  \
    X(ADDRESS_HEADER, "server", "address_header", TEXT, "",                                                  \
      "metadata key, in lower case, in which the proxy on this machine tells the caller's address "          \
      "(x-real-ip); believed from loopback and Unix sockets alone. Empty: limits per address hold for "      \
      "callers beyond loopback only")                                                                        \
    X(WORKERS, "server", "workers", NUMBER, "10", "threads with a database connection each")                 \
    X(JOB_THREADS, "server", "job_threads", NUMBER, "2", "threads that call providers")                      \
    X(QUEUE, "server", "queue", NUMBER, "1024", "calls that may wait before others are turned away")         \
    X(DECODER, "server", "decoder", FILE, "",                                                                \
      "program that looks into uploads; empty: certdesk-decode beside certdeskd")                            \
    X(DECODERS, "server", "decoders", NUMBER, "2", "uploads that are looked into at a time")                 \
    X(LOG_LEVEL, "server", "log_level", TEXT, "info", "debug, info, warn or error")                          \
    X(DB_SOCKET, "database", "socket", TEXT, "",                                                             \
      "Unix socket of MariaDB; socket and host empty: a private MariaDB is kept")                            \
    X(DB_HOST, "database", "host", TEXT, "", "host of MariaDB when there is no socket")                      \
    X(DB_PORT, "database", "port", NUMBER, "3306", "its port")                                               \
    X(DB_USER, "database", "user", TEXT, "root", "user")                                                     \
    X(DB_PASSWORD, "database", "password_file", FILE, "", "file that holds the password")                    \
    X(DB_SCHEMA, "database", "schema", TEXT, "certdesk", "schema")                                           \
    X(DB_PATIENCE, "database", "patience_s", NUMBER, "30",                                                   \
      "how long a command waits for it; to serve: ever")                                                     \
    X(CAPTCHA_FIXED, "account", "captcha_fixed", TEXT, "",                                                   \
      "demonstrations and tests: every captcha reads this. Never set it where strangers call")               \
    X(CA_DIR, "ca", "dir", FILE, "",                                                                         \
      "keys and certificates of the local CA; empty: state_dir/ca, made when missing")                       \
    X(CA_PASSPHRASE, "ca", "passphrase_file", FILE, "",                                                      \
      "file with the CA keys' passphrase; empty: derived from the master key")                               \
    X(CRL_URL, "ca", "crl_url", TEXT, "", "CRL distribution point to write into certificates; empty: none")

enum config_id {
#define X(id, section, key, kind, def, meaning) CONFIG_##id,
    CONFIG_TABLE(X)
#undef X
    CONFIG_COUNT
};

/* file may be NULL: defaults and environment. ERR_INVALID with one violation per unknown key or bad value. */
enum err config_open(const char *file, struct config **out, struct fault *f);
void config_close(struct config *c);

/* "" when not set. Path settings are absolute. */
const char *config_text(const struct config *c, enum config_id id);
int64_t config_number(const struct config *c, enum config_id id);
bool config_flag(const struct config *c, enum config_id id);

/* One of a supplier's settings: section [port.supplier], "identity.tencent", has the supplier's own keys
 * (provider/registry.h); `key_file` names a file that holds the value of `key`. NULL when not set. The value
 * lives as long as the config; ones from files are wiped with it. */
const char *config_provider(const struct config *c, const char *section, const char *key);
/* The section is there: the supplier is to be used. */
bool config_has_provider(const struct config *c, const char *section);

/* Prints every setting with its value, default and meaning, as an ini file. */
void config_print(const struct config *c);

#endif
