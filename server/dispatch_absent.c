/* What was not found is told by what the caller asked for, never by which row was missing: somebody else's is
 * answered in the words of one that never was. */
#include "dispatch_internal.h"

#include <stdio.h>
#include <string.h>

/* Fields of requests that name an object. */
static const struct thing {
    const char *field, *en, *zh;
} things[] = {
    {"order_id", "order", "订单"},
    {"material_id", "material", "材料"},
    {"upload_id", "upload, or it has expired", "上传任务，或已过期"},
    {"verification_id", "verification", "核验"},
    {"payment_id", "payment", "支付单"},
    {"capture_id", "capture", "收款"},
    {"invoice_id", "invoice", "发票"},
    {"certificate_id", "certificate", "证书"},
    {"personalisation_id", "writing of a UKEY", "制证任务"},
    {"shipment_id", "shipment", "寄送单"},
    {"deposit_id", "deposit", "打款"},
    {"job_id", "job", "任务"},
    {"product_id", "product", "产品"},
    {"channel", "channel", "渠道"},
};

static bool names(const ProtobufCMessage *in, const ProtobufCFieldDescriptor *f)
{
    const char *text;
    if (f->type != PROTOBUF_C_TYPE_STRING || f->label == PROTOBUF_C_LABEL_REPEATED)
        return false;
    memcpy(&text, (const char *)in + f->offset, sizeof text);
    return text && *text;
}

static bool asked_for(const ProtobufCMessage *in, const char *field)
{
    const ProtobufCMessage *header;
    const ProtobufCFieldDescriptor *f =
        protobuf_c_message_descriptor_get_field_by_name(in->descriptor, field);
    if (f)
        return names(in, f);
    f = protobuf_c_message_descriptor_get_field_by_name(in->descriptor, "header");
    if (!f || f->type != PROTOBUF_C_TYPE_MESSAGE)
        return false;
    memcpy(&header, (const char *)in + f->offset, sizeof header);
    return header && asked_for(header, field);
}

static void add(char *out, size_t size, const char *between, const char *text)
{
    size_t n = strlen(out);
    snprintf(out + n, size - n, "%s%s", between, text);
}

void fault_name_absent(struct fault *f, const ProtobufCMessage *in)
{
    bool some = false;
    char en[sizeof f->text] = "there is no such ", zh[sizeof f->text_zh] = "未找到该";
    if (f->code != ERR_NOT_FOUND || f->text[0] || !in)
        return;
    for (size_t i = 0; i < sizeof things / sizeof *things; i++)
        if (asked_for(in, things[i].field)) {
            add(en, sizeof en, some ? " or " : "", things[i].en);
            add(zh, sizeof zh, some ? "或" : "", things[i].zh);
            some = true;
        }
    if (some)
        (void)fail_both(f, ERR_NOT_FOUND, en, zh);
}
