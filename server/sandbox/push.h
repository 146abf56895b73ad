/* push.h - the callers that deliver.c knows. */
#ifndef CERTDESK_SANDBOX_PUSH_H
#define CERTDESK_SANDBOX_PUSH_H

#include "sandbox/deliver.h"

extern const struct caller wechat_caller, alipay_caller, kuaidi100_caller, nuonuo_caller, esign_caller;

#endif
