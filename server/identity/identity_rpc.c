#include "identity/identity_rpc.h"

#include "identity/face.h"
#include "identity/identity_steps.h"
#include "order/order_wire.h"

#include <certdesk/v1/verification_service.pb-c.h>

RPC_HANDLER(confirm_verification, ConfirmVerificationRequest, ConfirmVerificationResponse)
{
    struct order o;
    TRY(identity_confirm(c, in->verification_id, in->code, &o));
    return wire_order(c, &o, &out->order);
}

RPC_HANDLER(resend_code, ResendVerificationCodeRequest, ResendVerificationCodeResponse)
{
    struct verification v;
    TRY(identity_resend(c, in->verification_id, &v));
    out->verification = wire_verification(c, &v);
    return OK;
}

RPC_HANDLER(start_face, StartFaceRequest, StartFaceResponse)
{
    struct verification v;
    const char *url;
    TRY(face_start(c, in->verification_id, in->by_sms, &v, &url));
    out->url = arena_strdup(c->arena, url);
    out->verification = wire_verification(c, &v);
    return OK;
}

RPC_HANDLER(get_verification, GetVerificationRequest, GetVerificationResponse)
{
    struct verification v;
    TRY(identity_load(c, in->verification_id, &v));
    out->verification = wire_verification(c, &v);
    return OK;
}

#define EVERY_ROLE ROLE_ANY

static const struct rpc_row rows[] = {
    {.service = PB_SERVICE(verification_service),
     .method = "ConfirmVerification",
     .access = ACCESS_ACCOUNT,
     .mode = MODE_WRITE,
     .handler = confirm_verification},
    {.service = PB_SERVICE(verification_service),
     .method = "ResendVerificationCode",
     .access = ACCESS_ACCOUNT,
     .mode = MODE_WRITE,
     .latest = true,
     .handler = resend_code},
    {.service = PB_SERVICE(verification_service),
     .method = "StartFace",
     .access = ACCESS_ACCOUNT,
     .mode = MODE_WRITE,
     .latest = true,
     .handler = start_face},
    {.service = PB_SERVICE(verification_service),
     .method = "GetVerification",
     .access = ACCESS_ANY,
     .roles = EVERY_ROLE,
     .mode = MODE_READ,
     .handler = get_verification},
};

const struct rpc_table identity_rpc = {rows, sizeof rows / sizeof *rows};
