/* order_rpc.h - the rows of OrderService. */
#ifndef CERTDESK_ORDER_ORDER_RPC_H
#define CERTDESK_ORDER_ORDER_RPC_H

#include "dispatch.h"

extern const struct rpc_table order_rpc;

#endif
