/* staff_rpc.h - the rows of StaffService and JobService. */
#ifndef CERTDESK_STAFF_STAFF_RPC_H
#define CERTDESK_STAFF_STAFF_RPC_H

#include "dispatch.h"

extern const struct rpc_table staff_rpc;
extern const struct rpc_table job_rpc; /* JobService, desk_rpc.c */

#endif
