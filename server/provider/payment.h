/* payment.h - a QR code that somebody pays, and money back. (S15)
 *
 * Amounts are fen. Our number (out_trade_no, out_refund_no) is what makes a repeat harmless: after an unknown
 * outcome call again with the same number and the same data, or query it; never make a new number.
 * A callback is a hint: it is verified here, and the caller still compares order and amount with its own.
 */
#ifndef CERTDESK_PROVIDER_PAYMENT_H
#define CERTDESK_PROVIDER_PAYMENT_H

#include "provider/provider.h"

struct payment_order {
    const char *out_trade_no; /* ours: 6-32 of [0-9A-Za-z_], which every supplier takes */
    int64_t amount_fen;       /* > 0 */
    const char *description;  /* what the payer reads; UTF-8, at most 127 bytes */
    int64_t time_expire_ms;   /* 0: the supplier's own limit */
    const char *notify_url;   /* https without query */
};

struct payment_code {
    char code_url[512]; /* draw it as a QR code; it lives 2 h, whatever time_expire says */
    struct provider_trace trace;
};

/* ABSENT is not the end: an Alipay trade does not exist before its code is scanned, so an order that was
 * placed is ABSENT there and may still be paid until time_expire. Treat it as NOTPAY while a code that
 * somebody was shown lives; it is over when time_expire has passed (a code that is scanned later makes no
 * trade), or when nobody ever saw the code. */
enum payment_state {
    PAYMENT_ABSENT, /* the supplier does not know the number */
    PAYMENT_NOTPAY,
    PAYMENT_SUCCESS,
    PAYMENT_REFUND, /* a refund was asked for: ask the refund for its outcome */
    PAYMENT_CLOSED,
    PAYMENT_OTHER, /* a state that the QR code cannot reach */
};

struct payment_status {
    enum payment_state state;
    int64_t amount_fen; /* the order's total; 0 when not told */
    int64_t payer_fen;  /* what the payer paid, coupons taken off */
    char currency[8];   /* "CNY" */
    char out_trade_no[40];
    char transaction_id[40]; /* the supplier's number of the capture; "" before it is paid */
    int64_t success_ms;      /* when it was paid; 0 when not */
    struct provider_trace trace;
};

struct payment_refund_order {
    const char *out_trade_no, *out_refund_no, *reason, *notify_url; /* the last two may be NULL */
    int64_t refund_fen, total_fen;
};

enum payment_refund_state {
    REFUND_ABSENT, /* not known there; at Alipay also: failed. Repeat it under the same number */
    REFUND_PROCESSING,
    REFUND_SUCCESS,
    REFUND_CLOSED,   /* it will not happen */
    REFUND_ABNORMAL, /* the payer's account cannot take it: a person must look */
};

struct payment_refund_status {
    enum payment_refund_state state;
    int64_t refund_fen, total_fen; /* 0 when not told */
    char out_trade_no[40], out_refund_no[72], refund_id[40], transaction_id[40];
    int64_t success_ms;
    struct provider_trace trace;
};

/* One line of a supplier's daily bill. */
struct payment_bill_row {
    const char *out_trade_no, *transaction_id;
    const char *out_refund_no; /* "" for a capture */
    int64_t amount_fen;        /* captured, or given back; always positive */
    int64_t at_ms;
    bool success; /* false: a refund that is under way or failed */
};
struct payment_bill {
    const struct payment_bill_row *rows;
    size_t n;
    char hash[72]; /* of the file, as the supplier tells it or as computed; for the record */
    struct provider_trace trace;
};

/* A callback as it came. Keep the raw bytes for disputes. */
struct payment_callback {
    const struct provider_pair *headers;
    size_t n_headers;
    const void *body;
    size_t n_body;
};

enum payment_event_kind {
    PAYMENT_EVENT_OTHER, /* a verified event of a kind that is not acted on; answer success */
    PAYMENT_EVENT_PAID,
    PAYMENT_EVENT_REFUND, /* Alipay tells the sum of a trade's refunds only: then it is PROCESSING, ask */
};

struct payment_event {
    enum payment_event_kind kind;
    char id[64];   /* the same over repeats: one half of deduplication, the transaction id is the other */
    char type[48]; /* "TRANSACTION.SUCCESS" */
    int64_t create_ms;
    struct payment_status payment;       /* PAYMENT_EVENT_PAID */
    struct payment_refund_status refund; /* PAYMENT_EVENT_REFUND */
};

struct payment_ops {
    const char *name; /* "wechat" */
    /* Idempotent for the same data. ERR_PAYMENT_STATE: this number is paid or closed already (query it).
     * ERR_PROVIDER_REFUSED: also other data under a known number. */
    enum err (*place)(void *self, const struct payment_order *o, struct arena *a, struct payment_code *out,
                      struct fault *f);
    /* OK with PAYMENT_ABSENT when the supplier does not know the number. */
    enum err (*query)(void *self, const char *out_trade_no, struct arena *a, struct payment_status *out,
                      struct fault *f);
    /* OK: nobody can pay it any more. ERR_PAYMENT_STATE: it is paid or closed already: query it, then refund.
     * ERR_PROVIDER_BUSY: not now; also an Alipay code that nobody has scanned: it lives until time_expire. */
    enum err (*close_order)(void *self, const char *out_trade_no, struct arena *a,
                            struct provider_trace *trace, struct fault *f);
    /* OK: accepted, which is not done: query until the state is final. Repeat with the same out_refund_no. */
    enum err (*refund)(void *self, const struct payment_refund_order *o, struct arena *a,
                       struct payment_refund_status *out, struct fault *f);
    /* Alipay knows a refund under its trade only, so both numbers are asked for. */
    enum err (*refund_query)(void *self, const char *out_trade_no, const char *out_refund_no, struct arena *a,
                             struct payment_refund_status *out, struct fault *f);
    /* The supplier's own list of a Beijing day's captures and refunds, "2026-11-21"; ready on the next day
     * from 10:00: ERR_NOT_FOUND before. No rows: nothing happened on that day. */
    enum err (*bill)(void *self, const char *date, struct arena *a, struct payment_bill *out,
                     struct fault *f);
    /* Verifies the signature, and the age where the supplier signs each attempt anew (WeChat; Alipay repeats
     * one event for a day), before anything is believed. ERR_SIGNATURE_BAD: answer failure and forget it.
     * ERR_INVALID: provably the supplier's but not for our merchant account or not understood; answer
     * failure. No network. */
    enum err (*callback_verify)(void *self, const struct payment_callback *in, int64_t now_ms,
                                struct arena *a, struct payment_event *out, struct fault *f);
    void (*close)(void *self);
};

/* An answer that nobody can vouch for says nothing about what happened. */
static inline enum err payment_outcome(enum err e)
{
    return e == ERR_SIGNATURE_BAD ? ERR_PROVIDER_UNKNOWN : e;
}

struct payment_port {
    const struct payment_ops *ops;
    void *self;
    bool simulator;
};

/* "SUCCESS", "NOTPAY", …. Static storage. */
const char *payment_state_name(enum payment_state s);
const char *payment_refund_state_name(enum payment_refund_state s);

#endif
