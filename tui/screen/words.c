#include "screen/words.h"

#include "base/clock.h"
#include "base/str.h"
#include "tr/tr.h"

#include <certdesk/v1/shipment_service.pb-c.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static const char *pick(const char *const *words, size_t n, int value)
{
    return value >= 0 && (size_t)value < n && words[value] ? tr(words[value]) : "?";
}
#define PICK(words, value) pick(words, sizeof(words) / sizeof *(words), value)

const char *word_order_state(int state)
{
    static const char *const w[] = {
        N_("unknown"),
        N_("Subject data"),
        N_("Verifying subject"),
        N_("Agent data"),
        N_("Verifying agent"),
        N_("Purchase"),
        N_("To confirm"),
        N_("Materials"),
        N_("Application signature"),
        N_("To pay"),
        N_("Waiting for papers"),
        N_("To review"),
        N_("Sent back"),
        N_("To issue"),
        N_("Writing UKEY"),
        N_("To ship"),
        N_("Shipped"),
        N_("To download"),
        N_("Finished"),
        N_("Cancelled"),
        N_("Refunding"),
    };
    return PICK(w, state);
}

const char *word_order_kind(int kind)
{
    static const char *const w[] = {N_("unknown"),        N_("New certificate"), N_("Renewal"),
                                    N_("Change of data"), N_("Reissue"),         N_("Unlock")};
    return PICK(w, kind);
}

const char *word_subject(int kind)
{
    static const char *const w[] = {N_("unknown"), N_("Organization certificate"),
                                    N_("Individual certificate")};
    return PICK(w, kind);
}

char *word_business(struct arena *a, int subject, int kind)
{
    static const char *const who[] = {N_("unknown"), N_("organization"), N_("individual")};
    static const char *const what[] = {N_("unknown"), N_("new"),     N_("renewal"),
                                       N_("change"),  N_("reissue"), N_("unlock")};
    return tr_chinese() ? arena_printf(a, "%s%s", PICK(who, subject), PICK(what, kind))
                        : arena_printf(a, "%s %s", PICK(what, kind), PICK(who, subject));
}

const char *word_method(int method)
{
    static const char *const w[] = {N_("none"), N_("Micro-deposit"), N_("Phone three-factor"),
                                    N_("Bank four-factor"), N_("Face")};
    return PICK(w, method);
}

const char *word_medium(int medium)
{
    static const char *const w[] = {N_("unknown"), N_("UKEY"), N_("Cloud certificate")};
    return PICK(w, medium);
}

const char *word_delivery(int way)
{
    static const char *const w[] = {N_("unknown"), N_("Written and posted by the desk"),
                                    N_("Downloaded by the holder")};
    return PICK(w, way);
}

const char *word_document(int type)
{
    static const char *const w[] = {N_("unknown"), N_("Resident ID"), N_("Foreign permanent resident card"),
                                    N_("Hong Kong, Macao, Taiwan residence permit"), N_("Passport")};
    return PICK(w, type);
}

const char *word_verification(int state)
{
    static const char *const w[] = {N_("unknown"),
                                    N_("Being checked"),
                                    N_("Code sent"),
                                    N_("Passed"),
                                    N_("Does not match"),
                                    N_("Check failed"),
                                    N_("Waits for the face"),
                                    N_("Waits for the deposit"),
                                    N_("Code held back by a limit")};
    return PICK(w, state);
}

const char *word_shipment(int state)
{
    static const char *const w[] = {
        N_("unknown"),  N_("Posted"),  N_("In transit"), N_("Out for delivery"),
        N_("Received"), N_("Problem"), N_("Returned"),   N_("Lost"),
    };
    return PICK(w, state);
}

const char *word_shipment_named(const char *name)
{
    char whole[64];
    snprintf(whole, sizeof whole, "SHIPMENT_STATE_%s", name);
    const ProtobufCEnumValue *v =
        protobuf_c_enum_descriptor_get_value_by_name(&certdesk__v1__shipment_state__descriptor, whole);
    return word_shipment(v ? v->value : 0);
}

/* "UTC+8": what the times on the screens are told in. */
const char *word_zone(struct arena *a)
{
    time_t now = (time_t)(clock_now_ms() / 1000);
    struct tm tm;
    if (!localtime_r(&now, &tm))
        return "";
    long minutes = tm.tm_gmtoff / 60, rest = labs(minutes) % 60;
    const char *sign = minutes < 0 ? "-" : "+";
    if (!minutes)
        return "UTC";
    return rest ? arena_printf(a, "UTC%s%ld:%02ld", sign, labs(minutes) / 60, rest)
                : arena_printf(a, "UTC%s%ld", sign, labs(minutes) / 60);
}

enum style style_shipment(int state)
{
    static const enum style s[] = {STYLE_NORMAL, STYLE_NORMAL, STYLE_NORMAL, STYLE_NORMAL,
                                   STYLE_GOOD,   STYLE_BAD,    STYLE_BAD,    STYLE_BAD};
    return state >= 0 && (size_t)state < sizeof s / sizeof *s ? s[state] : STYLE_NORMAL;
}

const char *word_token(int state)
{
    static const char *const w[] = {N_("unknown"), N_("Blank"),  N_("Being written"),
                                    N_("Written"), N_("Posted"), N_("Quarantined")};
    return PICK(w, state);
}

const char *word_job(int state)
{
    static const char *const w[] = {N_("unknown"), N_("Waiting"), N_("Running"),
                                    N_("Done"),    N_("Failed"),  N_("Needs a hand")};
    return PICK(w, state);
}

const char *word_verdict(int verdict)
{
    static const char *const w[] = {N_("not decided"), N_("approved"), N_("refused")};
    return PICK(w, verdict);
}

const char *word_media(struct arena *a, char *const *numbers, size_t n)
{
    struct buf b = BUF(a);
    for (size_t i = 0; i < n; i++)
        buf_printf(&b, "%s%s", i ? " " : "", numbers[i]);
    return buf_text(&b);
}

const char *word_media_short(struct arena *a, char *const *numbers, size_t n)
{
    return n > 1 ? arena_printf(a, "%s +%zu", numbers[0], n - 1) : word_media(a, numbers, n);
}

const char *word_step(int step)
{
    static const char *const w[] = {
        N_("Waiting to begin"),
        N_("Tie the UKEY to the order"),
        N_("Identify the UKEY"),
        N_("Authenticate with the management key"),
        N_("Set the PIN"),
        N_("Set the PUK"),
        N_("Generate the key on the UKEY"),
        N_("Issue the certificate"),
        N_("Write the certificate"),
        N_("Read back and test a signature"),
        N_("Set the management key"),
        N_("Finish"),
    };
    return PICK(w, step);
}

struct named {
    const char *name, *word;
};

static const char *by_name(const struct named *rows, size_t n, const char *name)
{
    for (size_t i = 0; i < n; i++)
        if (strcmp(rows[i].name, name) == 0)
            return tr(rows[i].word);
    return name;
}

const char *word_check(const char *check)
{
    static const struct named w[] = {{"enterprise4", N_("Organization four-factor")},
                                     {"phone3", N_("Phone three-factor")},
                                     {"bank4", N_("Bank four-factor")},
                                     {"face", N_("Face")}};
    return by_name(w, sizeof w / sizeof *w, check);
}

const char *word_outcome(const char *outcome)
{
    static const struct named w[] = {{"MATCH", N_("match")},
                                     {"MISMATCH", N_("no match")},
                                     {"NOT_FOUND", N_("not on record")},
                                     {"INVALID_INPUT", N_("input not accepted")}};
    return by_name(w, sizeof w / sizeof *w, outcome);
}

char *word_term(struct arena *a, int months)
{
    if (months > 0 && months % 12 == 0)
        return arena_printf(a, _("%d yr"), months / 12);
    return arena_printf(a, _("%d months"), months);
}

const struct courier couriers[] = {
    {"shunfeng", N_("SF Express")},       {"ems", N_("EMS")},
    {"youzhengguonei", N_("China Post")}, {"jd", N_("JD Logistics")},
    {"yuantong", N_("YTO Express")},      {"zhongtong", N_("ZTO Express")},
    {"shentong", N_("STO Express")},      {"yunda", N_("Yunda Express")},
};
const size_t n_couriers = sizeof couriers / sizeof *couriers;

const char *word_courier(const char *code)
{
    for (size_t i = 0; i < n_couriers; i++)
        if (strcmp(couriers[i].code, code) == 0)
            return tr(couriers[i].name);
    return code;
}

static char *format_time(struct arena *a, const Google__Protobuf__Timestamp *t, const char *format)
{
    char out[40];
    struct tm tm;
    if (!t)
        return arena_strdup(a, "");
    time_t s = (time_t)t->seconds;
    if (!localtime_r(&s, &tm) || strftime(out, sizeof out, format, &tm) == 0)
        return arena_strdup(a, "?");
    return arena_strdup(a, out);
}

char *word_time(struct arena *a, const Google__Protobuf__Timestamp *t)
{
    return format_time(a, t, "%Y-%m-%d %H:%M");
}

char *word_day(struct arena *a, const Google__Protobuf__Timestamp *t)
{
    return format_time(a, t, "%Y-%m-%d");
}

int word_overdue(const Google__Protobuf__Timestamp *t)
{
    return t && t->seconds * 1000 < clock_now_ms();
}

char *word_money(struct arena *a, int64_t fen)
{
    const char *sign = fen < 0 ? "-" : "";
    uint64_t n = fen < 0 ? -(uint64_t)fen : (uint64_t)fen;
    return arena_printf(a, _("%s%llu.%02u yuan"), sign, (unsigned long long)(n / 100), (unsigned)(n % 100));
}

char *word_size(struct arena *a, int64_t bytes)
{
    if (bytes < 1024)
        return arena_printf(a, _("%d bytes"), (int)bytes);
    if (bytes < 1024 * 1024)
        return arena_printf(a, "%d KB", (int)((bytes + 1023) / 1024));
    return arena_printf(a, "%.1f MB", (double)bytes / (1024 * 1024));
}
