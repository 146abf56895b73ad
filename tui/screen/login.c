/* login.c - name, password and the code of the authenticator (RFC 6238), over whatever is open: after the
 * session ran out the person goes on where they were. */
#include "screen/screens.h"

#include "base/str.h"

#include <certdesk/v1/staff_service.pb-c.h>
#include <stdio.h>

static void on_login(struct page *p, enum err e, const ProtobufCMessage *response, const struct fault *f)
{
    struct desk *d = p->desk;
    (void)f;
    if (e != OK) {
        /* a code works once, and a wrong password is typed anew */
        for (size_t i = 1; i < d->form.n; i++)
            edit_wipe(&d->form.fields[i].edit);
        d->form.at = 1;
        return;
    }
    const Certdesk__V1__LoginStaffResponse *r = (const void *)response;
    struct session *s = &d->session;
    snprintf(s->token, sizeof s->token, "%s", r->token);
    snprintf(s->login, sizeof s->login, "%s", r->staff ? r->staff->login : "");
    snprintf(s->name, sizeof s->name, "%s", r->staff && *r->staff->name ? r->staff->name : s->login);
    s->simulator = r->simulator;
    session_write(s);
    session_use(s, d->channel);
    desk_watch(d);
    page_reload(d->top);
}

static void submit(struct page *p, struct form *f)
{
    struct arena a;
    Certdesk__V1__LoginStaffRequest q = CERTDESK__V1__LOGIN_STAFF_REQUEST__INIT;
    arena_init(&a, 0);
    q.login = form_value(f, "login", &a);
    q.password = form_value(f, "password", &a);
    q.totp = form_value(f, "totp", &a);
    page_act(p, (struct rpc_method)METHOD(staff_service, "LoginStaff"), &q.base, on_login);
    arena_free(&a); /* wiped */
}

void desk_login(struct desk *d, const char *why)
{
    if (d->asking && d->form.locked)
        return; /* asked already */
    desk_unask(d);
    if (d->watch)
        rpc_cancel(d->watch);
    d->watch = NULL;
    form_init(&d->form, FORM_ASK, _("Log in"));
    if (why)
        form_text(&d->form, STYLE_WARN, why);
    form_field(&d->form, FIELD_TEXT, "login", _("User name"));
    form_field(&d->form, FIELD_SECRET, "password", _("Password"));
    form_field(&d->form, FIELD_TEXT, "totp", _("Authenticator code"))->edit.max = 6;
    d->form.locked = true;
    if (*d->session.login) {
        edit_set(&d->form.fields[0].edit, d->session.login);
        d->form.at = 1;
    }
    desk_ask(d, submit);
}
