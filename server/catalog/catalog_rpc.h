/* catalog_rpc.h - the rows of ChannelService. */
#ifndef CERTDESK_CATALOG_CATALOG_RPC_H
#define CERTDESK_CATALOG_CATALOG_RPC_H

#include "dispatch.h"

extern const struct rpc_table catalog_rpc;

#endif
