/* commands_desk.c - people of the desk, the audit trail, and a day's books. */
#include "app.h"
#include "commands.h"
#include "core/audit.h"
#include "core/tx.h"
#include "payment/reconcile.h"
#include "provider/when.h"
#include "staff/staff.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

/* -- staff add LOGIN NAME ROLES; the password comes on standard input --------------------------------------
 */

struct new_staff {
    struct args *a;
    const char *password;
    unsigned roles;
    char base32[128];
    bool replaced;
};

static enum err staff_body(struct ctx *c, void *arg)
{
    struct new_staff *s = arg;
    const char *secret;
    TRY(staff_put(c, s->a->v[1], s->a->v[2], s->password, s->roles, &secret, &s->replaced));
    snprintf(s->base32, sizeof s->base32, "%s", secret);
    return OK;
}

/* A line of standard input; on a terminal asked for, and not shown. */
static bool read_password(const char *login, char *out, size_t size)
{
    struct termios shown, hidden;
    bool asked = tcgetattr(STDIN_FILENO, &shown) == 0;
    if (asked) {
        hidden = shown;
        hidden.c_lflag &= ~(tcflag_t)ECHO;
        tcsetattr(STDIN_FILENO, TCSAFLUSH, &hidden);
        fprintf(stderr, "Password for %s: ", login);
    }
    bool got = fgets(out, (int)size, stdin) != NULL;
    if (asked) {
        tcsetattr(STDIN_FILENO, TCSAFLUSH, &shown);
        fputc('\n', stderr);
    }
    return got;
}

enum err staff_words(struct args a, struct fault *f)
{
    unsigned roles;
    return a.n == 4 && strcmp(a.v[0], "add") == 0 ? staff_roles(a.v[3], &roles, f) : ERR_INVALID;
}

enum err staff_command(struct ctx *c, struct args *a)
{
    char password[256] = "";
    struct new_staff s = {.a = a, .password = password};
    TRY(staff_roles(a->v[3], &s.roles, c->fault));
    if (!read_password(a->v[1], password, sizeof password))
        return fail(c->fault, ERR_INVALID, "the password comes on standard input");
    password[strcspn(password, "\r\n")] = '\0';
    if (strlen(password) < 8)
        return fail(c->fault, ERR_INVALID, "a password has at least 8 characters");
    enum err e = tx_run(c, staff_body, &s);
    wipe(password, sizeof password);
    if (e == OK && s.replaced)
        fprintf(stderr, "%s was there already: name, password, one-time secret and roles are new now\n",
                a->v[1]);
    if (e == OK)
        printf("otpauth://totp/certdesk:%s?secret=%s&issuer=certdesk\n", a->v[1], s.base32);
    return e;
}

/* -- audit verify [KEY] ------------------------------------------------------------------------------------
 */

enum err audit_words(struct args a, struct fault *f)
{
    (void)f;
    return a.n >= 1 && a.n <= 2 && strcmp(a.v[0], "verify") == 0 ? OK : ERR_INVALID;
}

enum err audit_command(struct ctx *c, struct args *a)
{
    char *path = a->n > 1 ? a->v[1] : arena_printf(c->arena, "%s/keys/seal.pub.pem", c->app->state_dir);
    FILE *file = fopen(path, "re");
    if (!file)
        return fail(c->fault, ERR_INVALID, "%s cannot be read: %s", path, strerror(errno));
    char pem[4096] = "";
    size_t n = fread(pem, 1, sizeof pem - 1, file);
    pem[n] = '\0';
    fclose(file);
    struct audit_report r = {0};
    enum err e = audit_verify(c, pem, &r);
    if (e == OK || *r.first_bad)
        printf("%llu rows, %llu writers, %llu seals: %s\n", (unsigned long long)r.rows,
               (unsigned long long)r.writers, (unsigned long long)r.seals, r.intact ? "intact" : r.first_bad);
    if (*r.first_bad) {
        a->end = END_DIFFERS;
        return OK;
    }
    return e;
}

/* -- reconcile PROVIDER DATE [-o json] ---------------------------------------------------------------------
 */

enum err reconcile_words(struct args a, struct fault *f)
{
    int64_t from_ms;
    const char *form = args_option(&a, "-o", true);
    if (a.n != 2 || (form && strcmp(form, "json") != 0))
        return ERR_INVALID;
    if (!payment_provider_of(a.v[0]))
        return fail(f, ERR_INVALID, "there is no provider %s", a.v[0]);
    if (!when_read_day(a.v[1], &from_ms))
        return fail(f, ERR_INVALID, "%s is not a date like 2026-11-21", a.v[1]);
    return OK;
}

enum err reconcile_command(struct ctx *c, struct args *a)
{
    struct reconciliation r;
    bool json = args_option(a, "-o", true) != NULL;
    enum err e = reconcile_now(c, a->v[0], a->v[1], &r);
    if (e == ERR_NOT_FOUND) { /* the provider has no bill yet: reconcile_now says so */
        fprintf(stderr, "certdeskd: %s\n", fault_text(c->fault));
        a->end = END_NOT_YET;
        return OK;
    }
    TRY(e);
    printf("%s%s", json ? reconcile_json(c, &r) : reconcile_text(c, &r), json ? "\n" : "");
    if (r.n_differences) {
        fprintf(stderr, "certdeskd: %lld differences\n", (long long)r.n_differences);
        a->end = END_DIFFERS;
    }
    return OK;
}
