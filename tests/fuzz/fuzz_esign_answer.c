/* Any bytes as an answer of e签宝's: a verdict or a state that is one of ours, or an outcome that is open. */
#include "fuzz.h"

#include "base/str.h"
#include "provider/esign.h"

#include <stdlib.h>
#include <string.h>

static void need(int truth)
{
    if (!truth)
        abort();
}

static void sane(const struct provider_trace *t)
{
    need(utf8_valid(t->code, strlen(t->code)) && utf8_valid(t->message, strlen(t->message)) &&
         utf8_valid(t->request_id, strlen(t->request_id)));
}

/* What a reader may say of an answer that came. */
static void told(enum err e)
{
    need(e == OK || e == ERR_PROVIDER_UNKNOWN || e == ERR_PROVIDER_REFUSED || e == ERR_PROVIDER_BUSY ||
         e == ERR_PROVIDER_CONFIG || e == ERR_RATE_LIMITED || e == ERR_NOT_FOUND);
}

static void read_checks(const struct esign_answer *x, struct fault *f)
{
    struct identity_result person = {0}, company = {0}, face = {0};
    struct identity_face session = {0};
    enum err e = esign_read_verdict(x, &person, f);
    told(e);
    need(e != OK || (person.verdict == IDENTITY_MATCH) == (x->code == 0));
    e = esign_read_enterprise4(x, &company, f);
    told(e);
    need(e != OK || company.verdict != IDENTITY_MATCH || company.fields == 0);
    e = esign_read_face(x, &face, f);
    told(e);
    need(e != OK || face.verdict != IDENTITY_MATCH || face.billed);
    e = esign_read_session(x, &session, f);
    told(e);
    need(e != OK || (esign_flow_ok(session.token) && session.url[0] && session.expires_ms > 0));
    sane(&company.trace);
    sane(&face.trace);
}

static void read_money(const struct esign_answer *x, struct fault *f)
{
    struct identity_transfer t = {0}, c = {0};
    struct identity_result r = {.verdict = IDENTITY_ABANDONED};
    enum err e = esign_read_transfer(x, &t, f);
    told(e);
    need(e != OK || t.state != TRANSFER_SENT || x->code == 0);
    e = esign_read_confirm(x, &c, &r, f);
    told(e);
    need(e != OK || (r.verdict == IDENTITY_MATCH) == (x->code == 0));
    sane(&t.trace);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fault f = {0};
    struct provider_trace trace = {0};
    struct esign_answer x;
    enum err e = esign_read(200, data, size, &x, &trace, &f);
    told(e);
    need((e == OK) == (x.root != NULL));
    sane(&trace);
    if (e == OK) {
        read_checks(&x, &f);
        read_money(&x, &f);
    }
    esign_answer_free(&x);
    return 0;
}

FUZZ_TEST
