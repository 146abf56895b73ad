/* order_rpc.h - the rows of OrderService. SwitchToPaperRoute and GetApplicationForm have none: the paper
 * route (S16) is not built. */
#ifndef CERTDESK_ORDER_ORDER_RPC_H
#define CERTDESK_ORDER_ORDER_RPC_H

#include "dispatch.h"

extern const struct rpc_table order_rpc;

#endif
