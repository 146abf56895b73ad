/* Any bytes as an answer of Tencent Cloud's: a verdict that is one of ours, or an outcome that is open. */
#include "fuzz.h"

#include "base/str.h"
#include "provider/tencent.h"

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

static void read_all(const json_t *r, struct fault *f)
{
    struct identity_result person = {0}, company = {0}, card = {0}, face = {0};
    struct identity_face session = {0};
    struct sms_receipt receipt = {0};
    struct sms_settled settled = {0};
    enum err e = tencent_read_phone3(r, &person, f);
    need(e == OK ? *identity_verdict_name(person.verdict) != '\0' : e == ERR_PROVIDER_UNKNOWN);
    e = tencent_read_enterprise4(r, &company, f);
    need(e == OK ? company.verdict != IDENTITY_MATCH || company.fields == 0 : e == ERR_PROVIDER_UNKNOWN);
    e = tencent_read_bank4(r, &card, f);
    need(e == OK ? *identity_verdict_name(card.verdict) != '\0' : e == ERR_PROVIDER_UNKNOWN);
    e = tencent_read_face(r, &face, f);
    need(e == OK ? face.verdict != IDENTITY_MATCH || face.billed : e == ERR_PROVIDER_UNKNOWN);
    e = tencent_read_session(r, &session, f);
    need(e == OK ? session.token[0] && session.url[0] : e == ERR_PROVIDER_UNKNOWN);
    e = tencent_read_receipt(r, "obx_1", &receipt, f);
    need(e != OK || strcmp(receipt.trace.code, "Ok") == 0);
    e = tencent_read_reports(r, "obx_1", &settled, f);
    need(e == OK ? settled.fate != SMS_NOT_SENT : e == ERR_PROVIDER_UNKNOWN);
    sane(&person.trace);
    sane(&company.trace);
    sane(&card.trace);
    sane(&face.trace);
    sane(&receipt.trace);
    sane(&settled.trace);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fault f = {0};
    struct provider_trace trace = {0};
    json_t *r = NULL;
    enum err e = tencent_read("Fuzz", 200, data, size, &r, &trace, &f);
    need((e == OK) == (r != NULL));
    need(e == OK || e == ERR_PROVIDER_UNKNOWN || trace.code[0]);
    sane(&trace);
    if (r)
        read_all(r, &f);
    json_decref(r);
    return 0;
}

FUZZ_TEST
