/* nuonuo_red.c - invoices taken back: 快捷冲红 for fully digital ones, and the older form (invoiceType 2). */
#include "sandbox/nuonuo.h"

#include "sandbox/state.h"

#include <string.h>

json_t *nn_red_of(struct sandbox *sb, const char *blue_order_no)
{
    const char *key;
    json_t *v;
    json_object_foreach(state_section(sb->state, "nuonuo_invoices"), key,
                        v) if (strcmp(member(v, "blue"), blue_order_no) == 0 &&
                               strcmp(nn_status(v), "22") != 0) return v;
    return NULL;
}

/* The blue one as it is now; NULL, and answered, when it cannot be taken back. */
static const json_t *reversible(struct nn_call *c, const json_t *blue)
{
    if (!blue || strcmp(member(blue, "type"), "1") != 0)
        nn_say(c, "E9500", "未查询到对应蓝票", NULL);
    else if (strcmp(nn_status(blue), "2") != 0)
        nn_say(c, "E9701", "蓝票状态不允许冲红", NULL); /* [K] */
    else if (nn_red_of(c->sb, member(blue, "orderNo")))
        nn_say(c, "E9702", "蓝票已红冲", NULL); /* [K] */
    else
        return blue;
    return NULL;
}

static void accept(struct nn_call *c, const json_t *blue, const char *order_no, const char *callback)
{
    nn_accept(c,
              json_pack("{s:s,s:s,s:s,s:s,s:s,s:I,s:I,s:s}", "orderNo", order_no, "type", "2", "buyerName",
                        member(blue, "buyerName"), "buyerTaxNum", member(blue, "buyerTaxNum"), "invoiceLine",
                        member(blue, "invoiceLine"), "total_fen", (json_int_t)-member_int(blue, "total_fen"),
                        "tax_fen", (json_int_t)-member_int(blue, "tax_fen"), "blue", member(blue, "orderNo")),
              callback);
}

/* [K]: which members are needed. The seller asks (applySource 0), by the blue invoice's serial and number. */
void nn_fast_red(struct nn_call *c)
{
    const char *order_no = member(c->in, "orderNo");
    if (strcmp(member(c->in, "taxNum"), c->seller) != 0) {
        nn_say(c, "E9302", "销方税号与授权税号不一致", NULL);
        return;
    }
    if (!nn_number_free(c, order_no))
        return;
    const json_t *blue = reversible(c, nn_by_serial(c->sb, member(c->in, "invoiceId")));
    if (!blue)
        return;
    if (strcmp(member(c->in, "elecInvoiceNumber"), member(blue, "number")) != 0 ||
        strcmp(member(c->in, "invoiceLine"), member(blue, "invoiceLine")) != 0 ||
        strcmp(member(c->in, "applySource"), "0") != 0)
        nn_say(c, "E9001", "蓝票号码、票种或申请方有误", NULL);
    else
        accept(c, blue, order_no, member(c->in, "callBackUrl"));
}

static json_t *by_number(struct sandbox *sb, const char *number)
{
    const char *key;
    json_t *v;
    json_object_foreach(state_section(sb->state, "nuonuo_invoices"), key,
                        v) if (strcmp(member(v, "invoiceLine"), "p") == 0 &&
                               strcmp(member(v, "number") + 12, number) == 0) return v;
    return NULL;
}

void nn_older_red(struct nn_call *c, const json_t *o)
{
    int64_t total = 0, tax = 0;
    const char *why = nn_lines_wrong(json_object_get(o, "invoiceDetail"), true, &total, &tax);
    if (!nn_number_free(c, member(o, "orderNo")))
        return;
    const json_t *blue = reversible(c, by_number(c->sb, member(o, "invoiceNum")));
    if (!blue)
        return;
    if (why)
        nn_say(c, "E9002", why, NULL); /* [K] */
    else if (!*member(o, "invoiceCode") || total != -member_int(blue, "total_fen") ||
             tax != -member_int(blue, "tax_fen"))
        nn_say(c, "E9002", "红票金额与蓝票不符", NULL);
    else
        accept(c, blue, member(o, "orderNo"), member(o, "callBackUrl"));
}
