/* payment_rpc.h - the rows of PaymentService. */
#ifndef CERTDESK_PAYMENT_PAYMENT_RPC_H
#define CERTDESK_PAYMENT_PAYMENT_RPC_H

#include "dispatch.h"

extern const struct rpc_table payment_rpc;

#endif
