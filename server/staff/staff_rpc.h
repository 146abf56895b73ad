/* staff_rpc.h - the rows of StaffService. */
#ifndef CERTDESK_STAFF_STAFF_RPC_H
#define CERTDESK_STAFF_STAFF_RPC_H

#include "dispatch.h"

extern const struct rpc_table staff_rpc;

#endif
