/* identity_rpc.h - the rows of VerificationService and RemittanceService. */
#ifndef CERTDESK_IDENTITY_IDENTITY_RPC_H
#define CERTDESK_IDENTITY_IDENTITY_RPC_H

#include "dispatch.h"

extern const struct rpc_table identity_rpc, remittance_rpc;

#endif
