#include "identity/face.h"

#include "account/code.h"
#include "core/audit.h"
#include "notice/notice.h"

#include <stdio.h>
#include <string.h>

enum {
    SESSIONS = 5,        /* of one verification: each may cost money */
    AFTER_END_MS = 5000, /* the last look is behind the session's own end */
};

static bool usable(const struct ctx *c, const struct face_session *f)
{
    return f->state == FACE_OPENING || (f->state == FACE_OPEN && f->expires_ms > c->now_ms);
}

enum err face_waiting(struct ctx *c, const struct verification *v, struct waiting *out)
{
    struct face_session f;
    bool found;
    int n;
    out->face_url = "";
    if (v->state != VERIFICATION_FACE)
        return OK;
    TRY(found_or_not(c->fault, face_newest(c, v->id, &f, &n), &found));
    if (!found || !usable(c, &f))
        return OK;
    out->face_opening = f.state == FACE_OPENING;
    out->face_open = f.state == FACE_OPEN;
    out->expires_ms = f.expires_ms;
    out->face_link_sent = f.state == FACE_OPEN && f.ways & FACE_BY_SMS;
    if (f.ways & FACE_ON_SITE && c->caller.kind == CALLER_ACCOUNT) /* who may load it owns the order */
        out->face_url = f.url;
    return OK;
}

/* Who asks is told at once when the phone has had its messages: no session is paid for then, whose link could
 * not go before it ends. */
static enum err count_link(struct ctx *c, const struct waited *w)
{
    struct face_session f;
    bool found;
    int n;
    enum err e = code_count_link(c, w->o.channel, w->who.phone);
    if (e != ERR_RATE_LIMITED)
        return e;
    const struct fault limited = *c->fault;
    TRY(found_or_not(c->fault, face_newest(c, w->v.id, &f, &n), &found));
    if (found && usable(c, &f) && f.ways & FACE_BY_SMS) /* the same link was asked for at the same moment */
        return fail(c->fault, ERR_DB_RETRY, NULL);
    *c->fault = limited;
    return e;
}

/* Once a session: the person gets one link, however often it is asked for. */
static enum err send_link(struct ctx *c, const struct face_session *f, const struct waited *w)
{
    const char *params[] = {mask_name(c->arena, w->who.name), f->url};
    return notice_sms(c, w->who.phone, SMS_FACE_LINK, params, arena_printf(c->arena, "face:%s", f->id),
                      w->o.id);
}

static enum err new_session(struct ctx *c, struct waited *w, unsigned way, int had, struct face_session *out)
{
    if (had >= SESSIONS) {
        enum err e = fail(c->fault, ERR_RATE_LIMITED,
                          "%d face sessions are allowed for a verification; submit the step again", SESSIONS);
        snprintf(c->fault->text_zh, sizeof c->fault->text_zh, "刷脸次数已达%d次，请重新提交信息", SESSIONS);
        return e;
    }
    if (way == FACE_BY_SMS)
        TRY(count_link(c, w));
    TRY(identity_spend_check(c, &w->o));
    *out = (struct face_session){
        .state = FACE_OPENING, .ways = way, .provider = "", .token = "", .url = "", .version = 1};
    id_new("fac", out->id);
    memcpy(out->verification, w->v.id, ID_SIZE);
    memcpy(out->order, w->o.id, ID_SIZE);
    enum err e = face_insert(c, out);
    if (e == ERR_DB_DUPLICATE) /* somebody asked at the same moment: look again */
        return fail(c->fault, ERR_DB_RETRY, NULL);
    TRY(e);
    TRY(outbox_add(c, "identity.face", arena_printf(c->arena, "identity.face:%s", out->id), w->o.id, out->id,
                   strlen(out->id), 0, NULL));
    return identity_news(c, w, VERIFIED_FACE_NEWS, NULL, "order.face_asked");
}

/* Another way to the session that is there. */
static enum err add_way(struct ctx *c, struct waited *w, unsigned way, struct face_session *f)
{
    if (f->ways & way)
        return OK;
    if (way == FACE_BY_SMS)
        TRY(count_link(c, w));
    TRY(face_update(c, f, f->state, f->ways | way, NULL));
    bool send = way == FACE_BY_SMS && f->state == FACE_OPEN;
    if (send)
        TRY(send_link(c, f, w));
    return identity_news(c, w, VERIFIED_FACE_NEWS, send ? w->who.phone : NULL, "order.face_asked");
}

enum err face_start(struct ctx *c, const char *verification_id, bool by_sms, struct verification *v,
                    const char **url)
{
    struct waited w;
    struct face_session f;
    bool found;
    int had;
    unsigned way = by_sms ? FACE_BY_SMS : FACE_ON_SITE;
    TRY(identity_waiting(c, verification_id, VERIFICATION_FACE, &w));
    TRY(found_or_not(c->fault, face_newest(c, w.v.id, &f, &had), &found));
    if (found && f.state == FACE_OPEN && !usable(c, &f))
        TRY(face_update(c, &f, FACE_ENDED, f.ways, NULL));
    if (found && usable(c, &f))
        TRY(add_way(c, &w, way, &f));
    else
        TRY(new_session(c, &w, way, had, &f));
    *url = by_sms || f.state != FACE_OPEN ? "" : f.url;
    return identity_load(c, w.v.id, v);
}

/* -- for jobs ----------------------------------------------------------------------------------------------
 */

enum err face_poll_later(struct ctx *c, const struct face_session *f, int n)
{
    static const int64_t pauses[] = {3000, 3000, 5000, 5000, 10000, 10000, 20000, 30000};
    int64_t pause = (size_t)n < sizeof pauses / sizeof *pauses ? pauses[n] : 60000, at = c->now_ms + pause;
    int64_t last = f->expires_ms + AFTER_END_MS;
    if (at > last)
        at = c->now_ms < last ? last : c->now_ms + pause;
    const char *payload = arena_printf(c->arena, "%s %d", f->id, n);
    return outbox_add(c, "identity.face_poll", arena_printf(c->arena, "identity.face_poll:%s:%d", f->id, n),
                      f->order, payload, strlen(payload), at, NULL);
}

enum err face_opened(struct ctx *c, const char *id, const struct face_opened *o)
{
    struct face_session f;
    struct waited w;
    TRY(face_read(c, id, &f));
    if (f.state != FACE_OPENING)
        return OK;
    TRY(identity_waited(c, f.verification, &w));
    if (!w.current || w.v.state != VERIFICATION_FACE)
        return face_update(c, &f, FACE_ENDED, f.ways, NULL);
    TRY(face_update(c, &f, FACE_OPEN, f.ways, o));
    TRY(face_poll_later(c, &f, 0));
    bool send = f.ways & FACE_BY_SMS;
    if (send)
        TRY(send_link(c, &f, &w));
    return identity_news(c, &w, VERIFIED_FACE_NEWS, send ? w.who.phone : NULL, "order.face_opened");
}

enum err face_failed(struct ctx *c, const char *id)
{
    struct face_session f;
    struct waited w;
    TRY(face_read(c, id, &f));
    if (f.state != FACE_OPENING)
        return OK;
    TRY(face_update(c, &f, FACE_FAILED, f.ways, NULL));
    TRY(identity_waited(c, f.verification, &w));
    return w.v.state == VERIFICATION_FACE ? identity_give_up(c, w.v.id) : OK;
}

/* Still open for the person, or over without a word from the supplier: another can be begun (StartFace). */
static enum err not_yet(struct ctx *c, struct face_session *f, struct waited *w, int n)
{
    if (c->now_ms < f->expires_ms + AFTER_END_MS)
        return n < 0 ? OK : face_poll_later(c, f, n + 1); /* a hint's look is outside the row of looks */
    TRY(face_update(c, f, FACE_ENDED, f->ways, NULL));
    return identity_news(c, w, VERIFIED_FACE_NEWS, NULL, "order.face_ended");
}

enum err face_looked(struct ctx *c, const char *id, const struct check_answer *a, bool abandoned, int n)
{
    struct face_session f;
    struct waited w;
    TRY(face_read(c, id, &f));
    if (f.state != FACE_OPEN)
        return OK;
    TRY(identity_waited(c, f.verification, &w));
    if (!w.current || w.v.state != VERIFICATION_FACE) {
        if (a)
            TRY(evidence_insert(c, &w.v, a, w.digest));
        return face_update(c, &f, FACE_ENDED, f.ways, NULL);
    }
    if (!a)
        return not_yet(c, &f, &w, n);
    TRY(evidence_insert(c, &w.v, a, w.digest));
    TRY(face_update(c, &f, a->match ? FACE_PASSED : abandoned ? FACE_ENDED : FACE_REFUSED, f.ways, NULL));
    if (a->match)
        return identity_passed(c, &w);
    return identity_refused(c, &w, abandoned ? VERIFIED_GIVEN_UP : VERIFIED_MISMATCHED, a->mismatched,
                            a->outcome);
}
