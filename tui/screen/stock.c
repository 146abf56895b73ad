/* stock.c - the UKEYs by medium number (S28), and taking in a batch of blank ones. */
#include "screen/screens.h"
#include "screen/words.h"

#include <certdesk/v1/stock_service.pb-c.h>
#include <stdio.h>
#include <string.h>

enum {
    STATES = CERTDESK__V1__TOKEN_STATE__TOKEN_STATE_QUARANTINED + 1,
    BATCH = 64,
};

struct state {
    int filter; /* TokenState; 0: all */
};

static const struct column columns[] = {
    {N_("Medium number"), 20, 0, false}, {N_("State"), 14, 0, false}, {N_("Model"), 14, 0, false},
    {N_("Changed"), 16, 0, false},       {N_("Reason"), 0, 0, false}, {N_("Order number"), 30, 150, false},
};

static const char *cell(const struct page *p, const void *row, size_t column, enum style *s, struct arena *a)
{
    const Certdesk__V1__Token *r = row;
    (void)p;
    switch (column) {
    case 0:
        return r->medium_number;
    case 1:
        if (r->state == CERTDESK__V1__TOKEN_STATE__TOKEN_STATE_QUARANTINED)
            *s = STYLE_BAD;
        return word_token((int)r->state);
    case 2:
        return r->model;
    case 3:
        return word_time(a, r->update_time);
    case 4:
        return r->reason;
    default:
        *s = STYLE_DIM;
        return r->order_id;
    }
}

static void prepare(struct page *p, ProtobufCMessage *request)
{
    const struct state *s = p->state;
    ((Certdesk__V1__ListTokensRequest *)(void *)request)->state = (Certdesk__V1__TokenState)s->filter;
}

static void filter(struct page *p)
{
    struct state *s = p->state;
    s->filter = (s->filter + 1) % STATES;
    snprintf(p->subtitle, sizeof p->subtitle, "%s", s->filter ? word_token(s->filter) : "");
    p->list.at = 0;
    p->n_rows = 0;
    page_reload(p);
}

static const char *none(const struct page *p)
{
    return ((const struct state *)p->state)->filter ? N_("No UKEYs in this state.")
                                                    : N_("No UKEYs yet: n takes some in.");
}

static void on_added(struct page *p, enum err e, const ProtobufCMessage *response, const struct fault *f)
{
    struct arena a;
    (void)f;
    if (e != OK)
        return;
    const Certdesk__V1__RegisterTokensResponse *r = (const void *)response;
    arena_init(&a, 0);
    desk_notice(p->desk, STYLE_GOOD,
                arena_printf(&a, _("Taken in: %d; known already: %zu."), r->added, r->n_known_already));
    arena_free(&a);
    page_reload(p);
}

/* Numbers apart by spaces or commas, as a scanner or a list gives them. */
static size_t split(char *text, char **out)
{
    size_t n = 0;
    char *at = NULL;
    for (char *t = strtok_r(text, " ,;", &at); t && n < BATCH; t = strtok_r(NULL, " ,;", &at))
        out[n++] = t;
    return n;
}

static void on_register(struct page *p, struct form *f)
{
    struct arena a;
    char *numbers[BATCH];
    Certdesk__V1__RegisterTokensRequest q = CERTDESK__V1__REGISTER_TOKENS_REQUEST__INIT;
    arena_init(&a, 0);
    form_clear_errors(f);
    q.medium_numbers = numbers;
    q.n_medium_numbers = split(form_value(f, "medium_numbers", &a), numbers);
    q.model = form_value(f, "model", &a);
    if (!q.n_medium_numbers)
        form_error(f, "medium_numbers", _("At least one number is needed."));
    else
        page_act(p, (struct rpc_method)METHOD(stock_service, "RegisterTokens"), &q.base, on_added);
    arena_free(&a);
}

static void take_in(struct page *p)
{
    struct desk *d = p->desk;
    form_init(&d->form, FORM_ASK, _("Take in UKEYs"));
    form_text(&d->form, STYLE_NORMAL, _("Medium numbers of blank UKEYs, apart by spaces"));
    form_field(&d->form, FIELD_TEXT, "model", _("Model"))->edit.max = 40;
    form_field(&d->form, FIELD_TEXT, "medium_numbers", _("Medium numbers"));
    desk_ask(d, on_register);
}

static bool has_order(const struct page *p)
{
    const Certdesk__V1__Token *r = page_row(p);
    return r && *r->order_id;
}

static void order(struct page *p)
{
    const Certdesk__V1__Token *r = page_row(p);
    desk_open(p->desk, &order_screen, r->order_id, NULL);
}

static const struct action actions[] = {
    {'f', N_("Filter"), N_("Show the UKEYs of the next state only"), NULL, filter},
    {'n', N_("Take in"), N_("Take in blank UKEYs"), NULL, take_in},
    {'v', N_("Order"), N_("Look at the order of this UKEY"), has_order, order},
};

const struct screen stock_screen = {
    .title = N_("UKEY stock"),
    .none = none,
    .state_size = sizeof(struct state),
    .live = true,
    .columns = columns,
    .n_columns = sizeof columns / sizeof *columns,
    .list = METHOD(stock_service, "ListTokens"),
    .row_id = "medium_number",
    .prepare = prepare,
    .cell = cell,
    .actions = actions,
    .n_actions = sizeof actions / sizeof *actions,
};
