#include "provider/payment.h"

const char *payment_state_name(enum payment_state s)
{
    switch (s) {
    case PAYMENT_ABSENT:
        return "ABSENT";
    case PAYMENT_NOTPAY:
        return "NOTPAY";
    case PAYMENT_SUCCESS:
        return "SUCCESS";
    case PAYMENT_REFUND:
        return "REFUND";
    case PAYMENT_CLOSED:
        return "CLOSED";
    case PAYMENT_OTHER:
        return "OTHER";
    }
    return "";
}

const char *payment_refund_state_name(enum payment_refund_state s)
{
    switch (s) {
    case REFUND_ABSENT:
        return "ABSENT";
    case REFUND_PROCESSING:
        return "PROCESSING";
    case REFUND_SUCCESS:
        return "SUCCESS";
    case REFUND_CLOSED:
        return "CLOSED";
    case REFUND_ABNORMAL:
        return "ABNORMAL";
    }
    return "";
}
