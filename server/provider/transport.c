#include "provider/transport.h"

#include "base/fi.h"
#include "provider/address.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum {
    CONNECT_MS = 3000,
    TIMEOUT_MS = 10000
};

static void lock(CURL *c, curl_lock_data what, curl_lock_access how, void *arg)
{
    (void)c, (void)how;
    pthread_mutex_lock(&((struct http *)arg)->locks[what]);
}

static void unlock(CURL *c, curl_lock_data what, void *arg)
{
    (void)c;
    pthread_mutex_unlock(&((struct http *)arg)->locks[what]);
}

/* Connections are not shared: libcurl cannot share them between threads. */
static bool share_init(struct http *h)
{
    h->share = curl_share_init();
    return h->share && curl_share_setopt(h->share, CURLSHOPT_LOCKFUNC, lock) == CURLSHE_OK &&
           curl_share_setopt(h->share, CURLSHOPT_UNLOCKFUNC, unlock) == CURLSHE_OK &&
           curl_share_setopt(h->share, CURLSHOPT_USERDATA, h) == CURLSHE_OK &&
           curl_share_setopt(h->share, CURLSHOPT_SHARE, CURL_LOCK_DATA_DNS) == CURLSHE_OK &&
           curl_share_setopt(h->share, CURLSHOPT_SHARE, CURL_LOCK_DATA_SSL_SESSION) == CURLSHE_OK;
}

enum err http_open(const struct http_options *o, struct http **out, struct fault *f)
{
    struct http *h = calloc(1, sizeof *h);
    if (!h || curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK) {
        free(h);
        return fail(f, ERR_UNAVAILABLE, "libcurl does not start");
    }
    for (size_t i = 0; i < CURL_LOCK_DATA_LAST; i++)
        pthread_mutex_init(&h->locks[i], NULL);
    h->connect_ms = o && o->connect_ms > 0 ? (long)o->connect_ms : CONNECT_MS;
    h->ca_file = o && o->ca_file ? strdup(o->ca_file) : NULL;
    h->proxy = o && o->proxy ? strdup(o->proxy) : NULL;
    if (!share_init(h)) {
        http_close(h);
        return fail(f, ERR_UNAVAILABLE, "libcurl does not start");
    }
    *out = h;
    return OK;
}

void http_close(struct http *h)
{
    if (!h)
        return;
    curl_share_cleanup(h->share);
    for (size_t i = 0; i < CURL_LOCK_DATA_LAST; i++)
        pthread_mutex_destroy(&h->locks[i]);
    free(h->ca_file);
    free(h->proxy);
    free(h);
    curl_global_cleanup();
}

static bool ends_with(const char *s, const char *tail)
{
    size_t n = strlen(s), k = strlen(tail);
    return n > k && strcasecmp(s + n - k, tail) == 0;
}

/* 127.0.0.0/8, ::1 and the names that RFC 6761 6.3 reserves. "127.evil.example" is none. */
static bool host_is_loopback(const char *host)
{
    return strcasecmp(host, "localhost") == 0 || ends_with(host, ".localhost") ||
           strcmp(host, "[::1]") == 0 ||
           (strncmp(host, "127.", 4) == 0 && strspn(host, "0123456789.") == strlen(host));
}

struct url_parts {
    char *scheme, *host, *port;
};

static void parts_free(struct url_parts *p)
{
    curl_free(p->scheme);
    curl_free(p->host);
    curl_free(p->port);
}

static bool parts_read(const char *url, struct url_parts *p)
{
    CURLU *u = curl_url();
    bool good = u && curl_url_set(u, CURLUPART_URL, url, CURLU_NON_SUPPORT_SCHEME) == CURLUE_OK &&
                curl_url_get(u, CURLUPART_SCHEME, &p->scheme, 0) == CURLUE_OK &&
                curl_url_get(u, CURLUPART_HOST, &p->host, 0) == CURLUE_OK &&
                curl_url_get(u, CURLUPART_PORT, &p->port, CURLU_DEFAULT_PORT) == CURLUE_OK;
    curl_url_cleanup(u);
    return good;
}

bool provider_is_simulator(const char *base_url)
{
    CLEANUP(parts_free)
    struct url_parts p = {0};
    return base_url && parts_read(base_url, &p) && host_is_loopback(p.host);
}

static int on_prereq(void *arg, char *peer, char *local, int peer_port, int local_port)
{
    (void)peer, (void)local, (void)peer_port, (void)local_port;
    ((struct transport *)arg)->left = true;
    return CURL_PREREQFUNC_OK;
}

/* Names under .localhost name this machine whatever the resolver says. */
static void pin_localhost(struct transport *t, const struct url_parts *p)
{
    if (!ends_with(p->host, ".localhost"))
        return;
    char line[320];
    snprintf(line, sizeof line, "%s:%s:127.0.0.1", p->host, p->port);
    t->resolve = curl_slist_append(NULL, line);
    curl_easy_setopt(t->curl, CURLOPT_RESOLVE, t->resolve);
}

static void set_rules(struct http *h, struct transport *t, const char *schemes, int64_t timeout_ms)
{
    CURL *c = t->curl;
    curl_easy_setopt(c, CURLOPT_SHARE, h->share);
    curl_easy_setopt(c, CURLOPT_PROTOCOLS_STR, schemes);
    curl_easy_setopt(c, CURLOPT_FOLLOWLOCATION, 0L);
    curl_easy_setopt(c, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(c, CURLOPT_CONNECTTIMEOUT_MS, h->connect_ms);
    curl_easy_setopt(c, CURLOPT_TIMEOUT_MS, (long)(timeout_ms > 0 ? timeout_ms : TIMEOUT_MS));
    curl_easy_setopt(c, CURLOPT_SSL_VERIFYPEER, 1L);
    curl_easy_setopt(c, CURLOPT_SSL_VERIFYHOST, 2L);
    curl_easy_setopt(c, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
    if (h->ca_file)
        curl_easy_setopt(c, CURLOPT_CAINFO, h->ca_file);
    curl_easy_setopt(c, CURLOPT_PROXY, h->proxy && !t->loopback ? h->proxy : "");
    curl_easy_setopt(c, CURLOPT_PREREQFUNCTION, on_prereq);
    curl_easy_setopt(c, CURLOPT_PREREQDATA, t);
}

enum err transport_open(struct http *h, const char *url, struct transport_schemes s, int64_t timeout_ms,
                        struct transport *t, struct fault *f)
{
    *t = (struct transport){0};
    CLEANUP(parts_free)
    struct url_parts p = {0};
    if (!parts_read(url, &p))
        return fail(f, ERR_INVALID, "the provider's address is not a URL");
    t->loopback = host_is_loopback(p.host);
    bool is_plain = strcmp(p.scheme, s.plain) == 0;
    if (strcmp(p.scheme, s.secure) != 0 && !(is_plain && (s.upgrades || t->loopback)))
        return fail(f, ERR_INVALID, "the provider's address must be %s", s.secure);
    t->curl = curl_easy_init();
    if (!t->curl)
        return fail(f, ERR_UNAVAILABLE, "libcurl does not start");
    set_rules(h, t, is_plain ? s.plain : s.secure, timeout_ms);
    pin_localhost(t, &p);
    if (curl_easy_setopt(t->curl, CURLOPT_URL, url) != CURLE_OK) {
        transport_close(t);
        return fail(f, ERR_INVALID, "the provider's address is not a URL");
    }
    return OK;
}

/* After the name was resolved, for every address of it: a name can lead anywhere, and elsewhere the next time
 * it is asked about. */
static curl_socket_t on_socket(void *arg, curlsocktype purpose, struct curl_sockaddr *to)
{
    (void)purpose;
    if (!address_is_public(&to->addr, to->addrlen)) {
        ((struct transport *)arg)->refused = true;
        return CURL_SOCKET_BAD;
    }
    return socket(to->family, to->socktype | SOCK_CLOEXEC, to->protocol);
}

enum err transport_guard(struct transport *t, bool simulator, struct fault *f)
{
    if (t->loopback && simulator)
        return OK;
    if (t->loopback)
        return fail(f, ERR_INVALID, "the provider's link leads into this machine");
    curl_easy_setopt(t->curl, CURLOPT_PROXY, ""); /* which would resolve the name, and not tell */
    curl_easy_setopt(t->curl, CURLOPT_OPENSOCKETFUNCTION, on_socket);
    curl_easy_setopt(t->curl, CURLOPT_OPENSOCKETDATA, t);
    return OK;
}

void transport_close(struct transport *t)
{
    curl_easy_cleanup(t->curl);
    curl_slist_free_all(t->resolve);
    t->curl = NULL;
    t->resolve = NULL;
}

void transport_point(const char *point, const char *when)
{
#ifdef CERTDESK_FAULTS
    char label[48];
    snprintf(label, sizeof label, "%s.%s", point, when);
    FI(label);
#else
    (void)point, (void)when;
#endif
}

enum err transport_failure(const struct transport *t, CURLcode code, const char *point, struct fault *f)
{
    if (t->refused && !t->left)
        return fail(f, ERR_INVALID, "%s: the provider's link leads into a private network", point);
    if (t->left)
        return fail(f, ERR_PROVIDER_UNKNOWN, "%s: sent, but %s", point, curl_easy_strerror(code));
    return fail(f, ERR_UNAVAILABLE, "%s: not sent: %s", point, curl_easy_strerror(code));
}
