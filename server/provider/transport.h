/* transport.h - libcurl under the rules that every call keeps (providers.md 10). Only http.c and the SMTP
 * adapter include it; nothing above sees libcurl.
 */
#ifndef CERTDESK_PROVIDER_TRANSPORT_H
#define CERTDESK_PROVIDER_TRANSPORT_H

#include "provider/http.h"

#include <curl/curl.h>
#include <pthread.h>

struct http {
    CURLSH *share;
    pthread_mutex_t locks[CURL_LOCK_DATA_LAST];
    char *ca_file, *proxy;
    long connect_ms;
};

struct transport {
    CURL *curl;
    struct curl_slist *resolve;
    bool loopback;
    bool refused; /* the name leads to an address that a guarded transfer must not reach */
    bool left;    /* a connection stood and the request was about to be sent */
};

struct transport_schemes {
    const char *secure, *plain; /* "https", "http" */
    bool upgrades;              /* the plain one turns to TLS before it says anything (STARTTLS) */
};

/* A handle with URL, limits, TLS and name rules set. A plain scheme that does not upgrade is allowed for
 * loopback hosts alone. ERR_INVALID for any other URL. */
enum err transport_open(struct http *h, const char *url, struct transport_schemes s, int64_t timeout_ms,
                        struct transport *t, struct fault *f);
/* For an address that is not ours: nothing but public addresses is connected to, whatever a name resolves to.
 * simulator: it came from one, and may lead to this machine. ERR_INVALID for a loopback name otherwise. */
enum err transport_guard(struct transport *t, bool simulator, struct fault *f);
void transport_close(struct transport *t);

/* Passes FI("<point>.<when>"). */
void transport_point(const char *point, const char *when);

/* What a failed curl_easy_perform() means, told by whether anything left this machine. ERR_INVALID: where it
 * leads was refused. */
enum err transport_failure(const struct transport *t, CURLcode code, const char *point, struct fault *f);

#endif
