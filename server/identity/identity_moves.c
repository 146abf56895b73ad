/* identity_moves.c - the states of a verification, and the one function that moves it (S6-S9, S11).
 *
 *   PENDING -held--> HELD (held) -released--+
 *    |                                      v
 *    +-----matched-----------> CODE_SENT (resent) ----confirmed-----+
 *    |  | | -face awaited------> FACE (face news) ----confirmed-----+-> PASSED
 *    |  | | -deposit awaited---> DEPOSIT (deposit news) -confirmed--+
 *    |  | |<------entered-------    |                                |
 *    |  | +- confirmed (the amount, by the supplier) ----------------+
 *    |  +- mismatched -> MISMATCH <-- FACE, DEPOSIT
 *    +- given up ------> FAILED <---- FACE, DEPOSIT
 *
 * A MISMATCH or FAILED one is over: submitting the step again makes a new one.
 */
#include "identity/identity_moves.h"

#include "core/audit.h"
#include "identity/identity_store.h"

#define N(a) (sizeof(a) / sizeof *(a))

static const struct move moves[] = {
    {VERIFICATION_PENDING, VERIFIED_MATCHED, VERIFICATION_CODE_SENT},
    {VERIFICATION_PENDING, VERIFIED_MISMATCHED, VERIFICATION_MISMATCH},
    {VERIFICATION_PENDING, VERIFIED_GIVEN_UP, VERIFICATION_FAILED},
    {VERIFICATION_CODE_SENT, VERIFIED_RESENT, VERIFICATION_CODE_SENT},
    {VERIFICATION_PENDING, VERIFIED_HELD, VERIFICATION_HELD},
    {VERIFICATION_HELD, VERIFIED_HELD, VERIFICATION_HELD},
    {VERIFICATION_HELD, VERIFIED_RELEASED, VERIFICATION_CODE_SENT},
    {VERIFICATION_CODE_SENT, VERIFIED_CONFIRMED, VERIFICATION_PASSED},
    {VERIFICATION_PENDING, VERIFIED_FACE_AWAITED, VERIFICATION_FACE},
    {VERIFICATION_FACE, VERIFIED_FACE_NEWS, VERIFICATION_FACE},
    {VERIFICATION_FACE, VERIFIED_CONFIRMED, VERIFICATION_PASSED},
    {VERIFICATION_FACE, VERIFIED_MISMATCHED, VERIFICATION_MISMATCH},
    {VERIFICATION_FACE, VERIFIED_GIVEN_UP, VERIFICATION_FAILED},
    {VERIFICATION_PENDING, VERIFIED_DEPOSIT_AWAITED, VERIFICATION_DEPOSIT},
    {VERIFICATION_DEPOSIT, VERIFIED_DEPOSIT_NEWS, VERIFICATION_DEPOSIT},
    {VERIFICATION_DEPOSIT, VERIFIED_ENTERED, VERIFICATION_PENDING},
    {VERIFICATION_PENDING, VERIFIED_CONFIRMED, VERIFICATION_PASSED},
    {VERIFICATION_DEPOSIT, VERIFIED_CONFIRMED, VERIFICATION_PASSED},
    {VERIFICATION_DEPOSIT, VERIFIED_MISMATCHED, VERIFICATION_MISMATCH},
    {VERIFICATION_DEPOSIT, VERIFIED_GIVEN_UP, VERIFICATION_FAILED},
};

static const char *state_name(int s)
{
    static const char *const names[] = {
        [VERIFICATION_PENDING] = "PENDING", [VERIFICATION_CODE_SENT] = "CODE_SENT",
        [VERIFICATION_PASSED] = "PASSED",   [VERIFICATION_MISMATCH] = "MISMATCH",
        [VERIFICATION_FAILED] = "FAILED",   [VERIFICATION_FACE] = "FACE",
        [VERIFICATION_DEPOSIT] = "DEPOSIT", [VERIFICATION_HELD] = "CODE_HELD",
    };
    return s > 0 && (size_t)s < N(names) ? names[s] : "UNKNOWN";
}

static const char *event_name(int e)
{
    static const char *const names[] = {
        [VERIFIED_MATCHED] = "matched",
        [VERIFIED_MISMATCHED] = "mismatched",
        [VERIFIED_GIVEN_UP] = "given_up",
        [VERIFIED_RESENT] = "resent",
        [VERIFIED_CONFIRMED] = "confirmed",
        [VERIFIED_FACE_AWAITED] = "face_awaited",
        [VERIFIED_FACE_NEWS] = "face_news",
        [VERIFIED_DEPOSIT_AWAITED] = "deposit_awaited",
        [VERIFIED_DEPOSIT_NEWS] = "deposit_news",
        [VERIFIED_ENTERED] = "entered",
        [VERIFIED_HELD] = "held",
        [VERIFIED_RELEASED] = "released",
    };
    return e > 0 && (size_t)e < N(names) ? names[e] : "unknown";
}

static const struct now now[] = {
    [VERIFICATION_PENDING] = {"a supplier is being asked: wait for the answer", "核验中，请等待结果"},
    [VERIFICATION_CODE_SENT] = {"it waits for the code from the SMS", "等待输入短信验证码"},
    [VERIFICATION_PASSED] = {"it has passed", "已通过"},
    [VERIFICATION_MISMATCH] = {"what was entered does not match: submit it again", "信息不一致，请重新提交"},
    [VERIFICATION_FAILED] = {"it came to no end: submit it again", "未能完成，请重新提交"},
    [VERIFICATION_FACE] = {"it waits for the face", "等待刷脸"},
    [VERIFICATION_DEPOSIT] = {"it waits for the deposit", "等待打款验证"},
    [VERIFICATION_HELD] = {"its code goes out by itself when it may", "验证码到时将自动发送"},
};

const struct machine verification_machine = {"verification",     moves,    N(moves), state_name, event_name,
                                             "the verification", "该核验", now,      N(now)};

enum err verification_move(struct ctx *c, struct verification *v, enum verification_event event,
                           const char *mismatched, const char *sent_to)
{
    int to;
    TRY(machine_next(&verification_machine, (int)v->state, (int)event, ERR_PRECONDITION, &to, c->fault));
    TRY(verification_update(c, v, (enum verification_state)to, mismatched, sent_to));
    return audit_add(
        c, &(struct audit_entry){.action = arena_printf(c->arena, "verification.%s", event_name((int)event)),
                                 .object = v->id,
                                 .version = v->version});
}
