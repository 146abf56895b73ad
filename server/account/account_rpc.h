/* account_rpc.h - the rows of AccountService. */
#ifndef CERTDESK_ACCOUNT_ACCOUNT_RPC_H
#define CERTDESK_ACCOUNT_ACCOUNT_RPC_H

#include "dispatch.h"

extern const struct rpc_table account_rpc;

#endif
