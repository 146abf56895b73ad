/* shipment_rpc.h - the rows of ShipmentService. */
#ifndef CERTDESK_SHIPMENT_SHIPMENT_RPC_H
#define CERTDESK_SHIPMENT_SHIPMENT_RPC_H

#include "dispatch.h"

extern const struct rpc_table shipment_rpc;

#endif
