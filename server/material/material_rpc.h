/* material_rpc.h - the rows of MaterialService, and a material as message for other features. */
#ifndef CERTDESK_MATERIAL_MATERIAL_RPC_H
#define CERTDESK_MATERIAL_MATERIAL_RPC_H

#include "dispatch.h"
#include "material/material.h"

#include <certdesk/v1/material_service.pb-c.h>

extern const struct rpc_table material_rpc;

PB(Material) * to_material(struct ctx *c, const struct material *m);

#endif
