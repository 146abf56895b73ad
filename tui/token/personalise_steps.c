#include "personalise_steps.h"

#include "csr.h"
#include "piv.h"
#include "pub.h"

#include "base/str.h"

#include <string.h>

enum {
    GUESS_TRIES = 2, /* tries that must be left before a secret is asked for that may be the wrong one */
};

static bool enough(int left)
{
    return left < 0 || left >= GUESS_TRIES;
}

static enum err doubtful(struct fault *f, const char *sentence, const char *sentence_zh)
{
    return fail_both(f, ERR_CARD_DOUBTFUL, sentence, sentence_zh);
}

/* ---- identity ---- */

enum err step_identify(struct saga *s, struct fault *f)
{
    uint8_t der[UKEY_CERT_MAX];
    size_t n = 0;
    TRY(s->u.ops->read_cert(&s->u, s->plan->slot, der, sizeof der, &n, f));
    if (n)
        return fail_in_both(f, ERR_PRECONDITION,
                            "the slot of the UKEY holds a certificate already; nothing was changed",
                            "UKEY的密钥槽中已有证书，未作任何更改");
    s->r->has_serial = s->info.has_serial;
    s->r->serial = s->info.serial;
    s->r->has_guid = s->info.has_guid;
    memcpy(s->r->guid, s->info.guid, UKEY_GUID);
    return OK;
}

/* ---- management key ---- */

/* Tries one key; *right tells. An algorithm left open is the token's own, or both that have 24-byte keys. */
static enum err try_admin(struct saga *s, const struct ukey_admin_key *key, bool *right, struct fault *f)
{
    enum ukey_admin_alg algs[2] = {UKEY_3DES, UKEY_AES192};
    size_t n = 2;
    if (key->alg || s->info.admin_alg) {
        algs[0] = key->alg ? key->alg : s->info.admin_alg;
        n = 1;
    }
    *right = false;
    for (size_t i = 0; i < n && !*right; i++) {
        struct ukey_admin_key k = *key;
        k.alg = algs[i];
        enum err e = s->u.ops->admin_auth(&s->u, &k, f);
        wipe(&k, sizeof k);
        *right = e == OK;
        s->info.admin_alg = e == OK ? algs[i] : s->info.admin_alg;
        if (e != OK && e != ERR_CARD_REFUSED && e != ERR_NOT_FOUND && e != ERR_UNIMPLEMENTED)
            return e;
    }
    return OK;
}

/* Wrong management keys cost nothing, so both may be tried. *fresh: the new one is set already. */
static enum err authenticate(struct saga *s, bool *fresh, struct fault *f)
{
    bool right;
    *fresh = false;
    TRY(try_admin(s, &s->plan->old.admin, &right, f));
    if (right)
        return OK;
    TRY(try_admin(s, &s->plan->fresh.admin, &right, f));
    *fresh = right;
    return right ? OK
                 : doubtful(f, "the UKEY's management key is neither its old one nor its new one",
                            "UKEY的管理密钥既不是原值也不是新值");
}

/* A token without a CHUID gets a random GUID. */
static enum err give_guid(struct saga *s, struct fault *f)
{
    uint8_t guid[UKEY_GUID];
    random_bytes(guid, sizeof guid);
    guid[6] = (uint8_t)((guid[6] & 0x0F) | 0x40); /* RFC 4122, version 4 */
    guid[8] = (uint8_t)((guid[8] & 0x3F) | 0x80);
    TRY(s->u.ops->write_guid(&s->u, guid, f));
    TRY(s->u.ops->info(&s->u, &s->info, f));
    if (!s->info.has_guid || memcmp(s->info.guid, guid, UKEY_GUID) != 0)
        return doubtful(f, "the UKEY does not keep the identity that was written to it",
                        "UKEY未保存写入的标识");
    return OK;
}

enum err step_admin(struct saga *s, struct fault *f)
{
    bool fresh;
    TRY(authenticate(s, &fresh, f));
    if (!s->info.has_guid)
        TRY(give_guid(s, f));
    s->r->has_guid = true; /* written just now, or by a run whose journal was lost */
    memcpy(s->r->guid, s->info.guid, UKEY_GUID);
    return OK;
}

enum err step_admin_key(struct saga *s, struct fault *f)
{
    bool fresh, right;
    TRY(authenticate(s, &fresh, f));
    if (fresh)
        return OK;
    struct ukey_admin_key k = s->plan->fresh.admin;
    if (!k.alg)
        k.alg = s->info.admin_alg;
    enum err e = s->u.ops->set_admin_key(&s->u, &k, f);
    s->info.admin_alg = k.alg;
    wipe(&k, sizeof k);
    TRY(e);
    TRY(try_admin(s, &s->plan->fresh.admin, &right, f));
    return right ? OK
                 : doubtful(f, "the UKEY does not accept the management key that was just set",
                            "UKEY不接受刚设置的管理密钥");
}

/* ---- PIN and PUK ---- */

static enum err verify_fresh_pin(struct saga *s, int *left, struct fault *f)
{
    enum err e = s->u.ops->verify_pin(&s->u, s->plan->fresh.pin, left, f);
    s->pin_verified = e == OK;
    return e;
}

/* The PIN that we set ourselves must be right; anything else is a doubt. Never tried on its last tries. */
static enum err own_pin(struct saga *s, struct fault *f)
{
    if (!enough(s->info.pin_left))
        return doubtful(f, "somebody tried wrong PINs on the UKEY since its PIN was set",
                        "设置证书密码后有人输入过错误密码");
    int left;
    enum err e = verify_fresh_pin(s, &left, f);
    if (e == ERR_PIN_WRONG || e == ERR_PIN_BLOCKED)
        return doubtful(f, "the UKEY does not accept the PIN that was set", "UKEY不接受已设置的证书密码");
    return e;
}

/* Is the old secret the factory's, and does the token say whether it still has that? */
static enum ukey_truth still_old(const char *old, const char *factory, enum ukey_truth is_default)
{
    return strcmp(old, factory) == 0 ? is_default : UKEY_UNKNOWN;
}

/* By the PUK, which is the old one as long as PUK_SET is not journalled, and before that step is begun. */
static enum err pin_by_puk(struct saga *s, struct fault *f)
{
    if (!enough(s->info.puk_left))
        return doubtful(f, "neither the PIN nor the PUK of the UKEY has tries enough left",
                        "UKEY的证书密码和PUK剩余次数均不足");
    int left;
    enum err e = s->u.ops->unblock(&s->u, s->plan->old.puk, s->plan->fresh.pin, &left, f);
    if (e == ERR_PIN_WRONG || e == ERR_PIN_BLOCKED)
        return doubtful(f, "the PUK of the UKEY is not the one on record", "UKEY的PUK与记录不符");
    return e;
}

static enum err change_pin(struct saga *s, struct fault *f)
{
    int left;
    enum err e = s->u.ops->change_pin(&s->u, s->plan->old.pin, s->plan->fresh.pin, &left, f);
    if (e == ERR_PIN_WRONG || e == ERR_PIN_BLOCKED)
        return doubtful(f, "the PIN of the UKEY is neither the one on record nor the new one",
                        "UKEY的证书密码既不是记录值也不是新值");
    return e;
}

enum err step_pin(struct saga *s, struct fault *f)
{
    enum ukey_truth old = still_old(s->plan->old.pin, PIV_FACTORY_PIN, s->info.pin_default);
    if (!enough(s->info.pin_left))
        return pin_by_puk(s, f);
    if (old == UKEY_NO)
        return own_pin(s, f);
    if (old == UKEY_YES || !s->resumed)
        return change_pin(s, f);
    int left;
    enum err e = verify_fresh_pin(s, &left, f);
    if (e != ERR_PIN_WRONG)
        return e == ERR_PIN_BLOCKED ? doubtful(f, "the PIN of the UKEY is blocked", "UKEY的证书密码已锁定")
                                    : e;
    return change_pin(s, f);
}

static enum err change_puk(struct saga *s, const char *from, int *left, struct fault *f)
{
    return s->u.ops->change_puk(&s->u, from, s->plan->fresh.puk, left, f);
}

enum err step_puk(struct saga *s, struct fault *f)
{
    enum ukey_truth old = still_old(s->plan->old.puk, PIV_FACTORY_PUK, s->info.puk_default);
    if (!enough(s->info.puk_left))
        return doubtful(f, "somebody tried wrong PUKs on the UKEY", "有人在UKEY上输入过错误的PUK");
    int left;
    enum err e = ERR_PIN_WRONG;
    if (old == UKEY_NO || (old == UKEY_UNKNOWN && s->resumed))
        e = change_puk(s, s->plan->fresh.puk, &left, f); /* to itself: the only way to ask */
    if (e == ERR_PIN_WRONG && old != UKEY_NO)
        e = change_puk(s, s->plan->old.puk, &left, f);
    if (e == ERR_PIN_WRONG || e == ERR_PIN_BLOCKED)
        return doubtful(f, "the PUK of the UKEY is neither the one on record nor the new one",
                        "UKEY的PUK既不是记录值也不是新值");
    return e;
}

/* ---- key and certificate ---- */

/* Until KEY_GENERATED is journalled no request was sent for whatever key stands in the slot, so it may always
 * be replaced; only a certificate that somebody issued must not lose its key. */
enum err step_key(struct saga *s, struct fault *f)
{
    uint8_t der[UKEY_CERT_MAX];
    size_t n = 0;
    bool fresh;
    TRY(s->u.ops->read_cert(&s->u, s->plan->slot, der, sizeof der, &n, f));
    if (n && !cert_self_made(der, n))
        return doubtful(f, "a certificate came into the slot of the UKEY since it was found empty",
                        "UKEY的密钥槽在检查后被写入了证书");
    TRY(authenticate(s, &fresh, f));
    enum err e = s->u.ops->gen_key(&s->u, s->plan->slot, s->plan->alg, &s->r->pub, f);
    if (e == ERR_UNIMPLEMENTED && s->plan->otherwise)
        e = s->u.ops->gen_key(&s->u, s->plan->slot, s->plan->otherwise, &s->r->pub, f);
    return e;
}

/* The key as the journal knows it or, when the journal holds no key, as the token tells. */
static enum err slot_key(struct saga *s, struct fault *f)
{
    if (s->r->pub.alg)
        return OK;
    enum err e = s->u.ops->get_pub(&s->u, s->plan->slot, &s->r->pub, f);
    if (e == ERR_NOT_FOUND || e == ERR_UNIMPLEMENTED || (e == OK && !s->r->pub.made_inside)) {
        s->r->pub = (struct ukey_pub){0};
        return doubtful(f, "the key that was made on the UKEY cannot be found again",
                        "找不到在UKEY中生成的密钥");
    }
    return e;
}

enum err step_request(struct saga *s, struct fault *f)
{
    TRY(slot_key(s, f));
    TRY(own_pin(s, f));
    enum err e =
        csr_make(&s->u, s->plan->slot, &s->r->pub, s->plan->common_name, &s->arena, &s->csr, &s->csr_n, f);
    if (e == ERR_NOT_FOUND || e == ERR_CARD_REFUSED)
        return doubtful(f, "the key that was made on the UKEY is not there any more",
                        "在UKEY中生成的密钥已不存在");
    return e;
}

enum err step_issue(struct saga *s, struct fault *f)
{
    struct personalise_record *r = s->r;
    r->cert_n = 0;
    TRY(s->plan->issue(s->plan->arg, s->csr, s->csr_n, r->cert, &r->cert_n, f));
    struct ukey_pub pub;
    if (!r->cert_n || r->cert_n > UKEY_CERT_MAX || pub_of_cert(r->cert, r->cert_n, &pub, f) != OK) {
        r->cert_n = 0;
        return fail_in_both(f, ERR_INTERNAL, "what was issued is not a certificate of at most %d bytes",
                            "所签发的不是%d字节以内的证书", (int)UKEY_CERT_MAX);
    }
    if (!pub_same(&pub, &r->pub)) {
        r->cert_n = 0;
        return doubtful(f, "the certificate that was issued is not for the key on the UKEY",
                        "所签发的证书与UKEY中的密钥不符");
    }
    return OK;
}

/* Signs proof_text and verifies with the certificate's key: slot, certificate and PIN belong together. */
static enum err prove(struct saga *s, struct fault *f)
{
    uint8_t digest[UKEY_DIGEST];
    struct ukey_pub pub;
    TRY(pub_of_cert(s->r->cert, s->r->cert_n, &pub, f));
    TRY(own_pin(s, f));
    TRY(pub_digest(&pub, s->plan->proof_text, strlen(s->plan->proof_text), digest, f));
    enum err e = s->u.ops->sign(&s->u, s->plan->slot, pub.alg, digest, s->proof, &s->proof_n, f);
    if (e == OK)
        e = pub_verify(&pub, digest, s->proof, s->proof_n, f);
    if (e == ERR_NOT_FOUND || e == ERR_CARD_REFUSED || e == ERR_SIGNATURE_BAD)
        return doubtful(f, "the key on the UKEY is not the certificate's", "UKEY中的密钥与证书不符");
    return e;
}

/* Proved before writing too: a certificate beside a foreign key would look whole. */
enum err step_write(struct saga *s, struct fault *f)
{
    bool fresh;
    TRY(prove(s, f));
    TRY(authenticate(s, &fresh, f));
    return s->u.ops->write_cert(&s->u, s->plan->slot, s->r->cert, s->r->cert_n, f);
}

static enum err compare(struct saga *s, struct fault *f)
{
    uint8_t der[UKEY_CERT_MAX + 1];
    size_t n = 0;
    TRY(s->u.ops->read_cert(&s->u, s->plan->slot, der, sizeof der, &n, f));
    if (n != s->r->cert_n || memcmp(der, s->r->cert, n) != 0)
        return doubtful(f, "the certificate on the UKEY is not the one that was written",
                        "UKEY中的证书与所写入的不符");
    return OK;
}

enum err step_read_back(struct saga *s, struct fault *f)
{
    TRY(compare(s, f));
    return prove(s, f);
}

/* Once more at the very end: what is posted is what was proved. */
enum err step_prove(struct saga *s, struct fault *f)
{
    bool right = true;
    if (!s->plan->as_it_is)
        TRY(try_admin(s, &s->plan->fresh.admin, &right, f));
    if (!right)
        return doubtful(f, "the UKEY does not accept the management key that was set",
                        "UKEY不接受已设置的管理密钥");
    TRY(compare(s, f));
    return prove(s, f);
}

enum err step_finish(struct saga *s, struct fault *f)
{
    if (!s->plan->finish)
        return OK;
    return s->plan->finish(s->plan->arg, s->r->cert, s->r->cert_n, s->proof, s->proof_n, f);
}
