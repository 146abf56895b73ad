#include "account/account_rpc.h"

#include "account/account.h"
#include "account/captcha.h"
#include "account/picture.h"
#include "account/session.h"
#include "account/ukey.h"
#include "convert/convert.h"
#include "core/audit.h"
#include "core/page.h"
#include "identity/identity.h"
#include "material/decoder.h"

#include <certdesk/v1/account_service.pb-c.h>
#include <string.h>

static PB(Account) * to_account(struct ctx *c, const struct account *a)
{
    PB(Account) *out = ARENA_NEW(c->arena, PB(Account));
    PB_INIT(account, out);
    out->id = to_text(c->arena, a->id);
    out->user_name = to_text(c->arena, a->user_name);
    out->phone = to_text(c->arena, mask_phone(c->arena, a->phone));
    out->create_time = to_timestamp(c->arena, a->created_ms);
    out->must_change_password = a->initial_password;
    out->has_picture = a->has_picture;
    return out;
}

static PB(Session) * to_session(struct ctx *c, const struct login *l)
{
    PB(Session) *out = ARENA_NEW(c->arena, PB(Session));
    PB_INIT(session, out);
    out->token = to_text(c->arena, l->token);
    out->expire_time = to_timestamp(c->arena, l->expires_ms);
    return out;
}

RPC_HANDLER(create_captcha, CreateCaptchaRequest, CreateCaptchaResponse)
{
    (void)in;
    char id[ID_SIZE];
    const void *png;
    TRY(captcha_new(c, id, &png, &out->png.len));
    out->captcha_id = to_text(c->arena, id);
    out->png.data = arena_memdup(c->arena, png, out->png.len);
    return OK;
}

RPC_HANDLER(send_sms_code, SendSmsCodeRequest, SendSmsCodeResponse)
{
    int64_t expires;
    int retry;
    TRY(account_send_code(c, in->channel, in->phone, (int)in->purpose, in->captcha_id, in->captcha_text,
                          &expires, &retry));
    out->expire_time = to_timestamp(c->arena, expires);
    out->retry_seconds = retry;
    return OK;
}

RPC_HANDLER(login_by_sms, LoginBySmsRequest, LoginBySmsResponse)
{
    struct login l = {0};
    TRY(account_login_sms(c, in->channel, in->phone, in->code, &l));
    out->account = to_account(c, &l.account);
    out->session = to_session(c, &l);
    out->registered = l.registered;
    return OK;
}

RPC_HANDLER(login_by_password, LoginByPasswordRequest, LoginByPasswordResponse)
{
    struct login l = {0};
    TRY(account_login_password(c, in->channel, in->login, in->password, &l));
    out->account = to_account(c, &l.account);
    out->session = to_session(c, &l);
    return OK;
}

RPC_HANDLER(logout, LogoutRequest, LogoutResponse)
{
    (void)in;
    (void)out;
    TRY(session_end(c));
    return audit_add(c, &(struct audit_entry){"account.logout", c->caller.id, 0, NULL});
}

RPC_HANDLER(get_account, GetAccountRequest, GetAccountResponse)
{
    (void)in;
    struct account a;
    TRY(account_self(c, &a));
    out->account = to_account(c, &a);
    return OK;
}

RPC_HANDLER(update_account, UpdateAccountRequest, UpdateAccountResponse)
{
    struct account a;
    TRY(account_rename(c, in->user_name, &a));
    out->account = to_account(c, &a);
    return OK;
}

/* -- the picture ----------------------------------------------------------------------------------------- */

struct drawn {
    const ProtobufCBinaryData *image;
    struct decoded decoded;
};

static enum err look_picture(struct ctx *c, const ProtobufCMessage *request, struct upload *none,
                             void **found)
{
    (void)none;
    const PB(SetPictureRequest) *in = (const PB(SetPictureRequest) *)request;
    TRY(picture_check(c, in->image.len));
    if (!in->image.len)
        return OK;
    struct drawn *d = ARENA_NEW(c->arena, struct drawn);
    d->image = &in->image;
    *found = d;
    return OK;
}

static enum err draw_picture(struct ctx *c, void *found)
{
    struct drawn *d = found;
    return decoder_run_bytes(c, d->image->data, d->image->len, DECODE_SQUARE, PICTURE_SIDE, 0, &d->decoded);
}

RPC_HANDLER(set_picture, SetPictureRequest, SetPictureResponse)
{
    (void)out;
    const struct drawn *d = c->found;
    TRY(picture_check(c, in->image.len));
    if (!in->image.len)
        return picture_set(c, NULL, 0);
    if (!d)
        return fail(c->fault, ERR_UNAVAILABLE, NULL);
    TRY(decoder_verdict(c, "image", &d->decoded.said));
    return picture_set(c, d->decoded.jpeg, d->decoded.said.bytes);
}

RPC_HANDLER(get_picture, GetPictureRequest, GetPictureResponse)
{
    (void)in;
    const void *jpeg;
    TRY(picture_get(c, &jpeg, &out->image.len));
    out->image.data = arena_memdup(c->arena, jpeg, out->image.len);
    return OK;
}

RPC_HANDLER(change_password, ChangePasswordRequest, ChangePasswordResponse)
{
    (void)out;
    return account_change_password(c, in->channel, in->phone, in->new_password, in->new_password_again,
                                   in->code);
}

RPC_HANDLER(confirm_old_phone, ConfirmOldPhoneRequest, ConfirmOldPhoneResponse)
{
    char ticket[44];
    int64_t expires;
    TRY(account_confirm_old_phone(c, in->code, ticket, &expires));
    out->ticket = to_text(c->arena, ticket);
    out->expire_time = to_timestamp(c->arena, expires);
    return OK;
}

RPC_HANDLER(change_phone, ChangePhoneRequest, ChangePhoneResponse)
{
    struct account a;
    TRY(account_change_phone(c, in->ticket, in->new_phone, in->code, &a));
    out->account = to_account(c, &a);
    return OK;
}

/* -- UKEYs ---- */

static ProtobufCBinaryData to_be_signed(struct ctx *c, const struct challenge *ch)
{
    size_t n = strlen(ch->text);
    return (ProtobufCBinaryData){n, arena_memdup(c->arena, ch->text, n)};
}

RPC_HANDLER(create_login_challenge, CreateLoginChallengeRequest, CreateLoginChallengeResponse)
{
    struct challenge ch;
    TRY(ukey_login_challenge(c, in->channel, &ch));
    out->challenge_id = to_text(c->arena, ch.id);
    out->to_be_signed = to_be_signed(c, &ch);
    out->expire_time = to_timestamp(c->arena, ch.expires_ms);
    return OK;
}

RPC_HANDLER(create_bind_challenge, CreateBindChallengeRequest, CreateBindChallengeResponse)
{
    (void)in;
    struct challenge ch;
    TRY(ukey_bind_challenge(c, &ch));
    out->challenge_id = to_text(c->arena, ch.id);
    out->to_be_signed = to_be_signed(c, &ch);
    out->expire_time = to_timestamp(c->arena, ch.expires_ms);
    return OK;
}

RPC_HANDLER(login_by_ukey, LoginByUkeyRequest, LoginByUkeyResponse)
{
    struct login l = {0};
    struct ukey_proof p = {.challenge_id = in->challenge_id,
                           .certificate = in->certificate_der.data,
                           .certificate_n = in->certificate_der.len,
                           .signature = in->signature.data,
                           .signature_n = in->signature.len};
    TRY(ukey_login(c, &p, &l));
    out->account = to_account(c, &l.account);
    out->session = to_session(c, &l);
    return OK;
}

static PB(Binding) * to_binding(struct ctx *c, const struct binding *b)
{
    PB(Binding) *out = ARENA_NEW(c->arena, PB(Binding));
    PB_INIT(binding, out);
    out->certificate_id = to_text(c->arena, b->certificate);
    out->medium_number = to_text(c->arena, b->medium_number);
    out->create_time = to_timestamp(c->arena, b->created_ms);
    return out;
}

RPC_HANDLER(bind_certificate, BindCertificateRequest, BindCertificateResponse)
{
    struct binding b;
    struct ukey_proof p = {.challenge_id = in->challenge_id,
                           .certificate = in->certificate_der.data,
                           .certificate_n = in->certificate_der.len,
                           .signature = in->signature.data,
                           .signature_n = in->signature.len};
    TRY(ukey_bind(c, &p, &b));
    out->binding = to_binding(c, &b);
    return OK;
}

RPC_HANDLER(unbind_certificate, UnbindCertificateRequest, UnbindCertificateResponse)
{
    (void)out;
    return ukey_unbind(c, in->certificate_id);
}

RPC_HANDLER(list_bindings, ListBindingsRequest, ListBindingsResponse)
{
    struct binding *list;
    int64_t after_ms;
    const char *after;
    int limit = page_size(in->page_size);
    const char *scope = arena_printf(c->arena, "account.bindings:%s", c->caller.id);
    TRY(page_key_at(c, scope, in->page_token, &after_ms, &after));
    TRY(ukey_bindings(c, after_ms, after, limit, &list, &out->n_bindings));
    out->bindings = ARENA_ARRAY(c->arena, PB(Binding) *, out->n_bindings + 1);
    for (size_t i = 0; i < out->n_bindings; i++)
        out->bindings[i] = to_binding(c, &list[i]);
    if (out->n_bindings == (size_t)limit)
        out->next_page_token = (char *)(uintptr_t)page_token_at(c, scope, list[limit - 1].created_ms,
                                                                list[limit - 1].certificate);
    return OK;
}

enum {
    PICTURE_REQUEST = PICTURE_MAX_BYTES + (64 << 10) /* one that is a little too large is told so */
};

#define ROW(m, who, how, fn, ...)                                                                            \
    {                                                                                                        \
        .service = PB_SERVICE(account_service), .method = (m), .access = (who), .mode = (how),               \
        .handler = (fn), __VA_ARGS__                                                                         \
    }

static const struct rpc_row rows[] = {
    ROW("CreateCaptcha", ACCESS_PUBLIC, MODE_WRITE, create_captcha, .latest = true),
    ROW("SendSmsCode", ACCESS_PUBLIC, MODE_WRITE, send_sms_code, .latest = true),
    ROW("LoginBySms", ACCESS_PUBLIC, MODE_WRITE, login_by_sms),
    ROW("LoginByPassword", ACCESS_PUBLIC, MODE_WRITE, login_by_password, .latest = true),
    ROW("ChangePassword", ACCESS_PUBLIC, MODE_WRITE, change_password, .latest = true),
    ROW("Logout", ACCESS_ACCOUNT, MODE_WRITE, logout),
    ROW("GetAccount", ACCESS_ACCOUNT, MODE_READ, get_account),
    ROW("UpdateAccount", ACCESS_ACCOUNT, MODE_WRITE, update_account),
    ROW("SetPicture", ACCESS_ACCOUNT, MODE_WRITE, set_picture, .look = look_picture, .aside = draw_picture,
        .max_request = PICTURE_REQUEST),
    ROW("GetPicture", ACCESS_ACCOUNT, MODE_READ, get_picture),
    ROW("ConfirmOldPhone", ACCESS_ACCOUNT, MODE_WRITE, confirm_old_phone),
    ROW("ChangePhone", ACCESS_ACCOUNT, MODE_WRITE, change_phone),
    ROW("CreateLoginChallenge", ACCESS_PUBLIC, MODE_WRITE, create_login_challenge, .latest = true),
    ROW("LoginByUkey", ACCESS_PUBLIC, MODE_WRITE, login_by_ukey),
    ROW("CreateBindChallenge", ACCESS_ACCOUNT, MODE_WRITE, create_bind_challenge, .latest = true),
    ROW("BindCertificate", ACCESS_ACCOUNT, MODE_WRITE, bind_certificate),
    ROW("UnbindCertificate", ACCESS_ACCOUNT, MODE_WRITE, unbind_certificate),
    ROW("ListBindings", ACCESS_ACCOUNT, MODE_READ, list_bindings),
};

const struct rpc_table account_rpc = {rows, sizeof rows / sizeof *rows};
