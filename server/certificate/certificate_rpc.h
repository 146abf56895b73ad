/* certificate_rpc.h - the rows of CertificateService. */
#ifndef CERTDESK_CERTIFICATE_CERTIFICATE_RPC_H
#define CERTDESK_CERTIFICATE_CERTIFICATE_RPC_H

#include "dispatch.h"

extern const struct rpc_table certificate_rpc;

#endif
