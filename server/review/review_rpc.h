/* review_rpc.h - the rows of ReviewService. */
#ifndef CERTDESK_REVIEW_REVIEW_RPC_H
#define CERTDESK_REVIEW_REVIEW_RPC_H

#include "dispatch.h"

extern const struct rpc_table review_rpc;

#endif
