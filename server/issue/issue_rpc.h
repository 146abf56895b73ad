/* issue_rpc.h - the rows of IssuanceService and StockService. */
#ifndef CERTDESK_ISSUE_ISSUE_RPC_H
#define CERTDESK_ISSUE_ISSUE_RPC_H

#include "dispatch.h"

extern const struct rpc_table issue_rpc;

#endif
