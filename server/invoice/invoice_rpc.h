/* invoice_rpc.h - the rows of InvoiceService. */
#ifndef CERTDESK_INVOICE_INVOICE_RPC_H
#define CERTDESK_INVOICE_INVOICE_RPC_H

#include "dispatch.h"

extern const struct rpc_table invoice_rpc;

#endif
