/* Calls that somebody waits for: when a worker hangs on a frozen database its callers are told all the same.
 */
#include "dispatch_internal.h"

#include "base/clock.h"

void waited_add(struct dispatch *d, struct waited *w, struct rpc_call *call)
{
    pthread_mutex_lock(&d->mu);
    *w = (struct waited){.call = call, .since_ms = clock_mono_ms(), .older = d->newest, .listed = true};
    if (d->newest)
        d->newest->newer = w;
    else
        d->oldest = w;
    d->newest = w;
    pthread_mutex_unlock(&d->mu);
}

static void take_out(struct dispatch *d, struct waited *w)
{
    if (!w->listed)
        return;
    w->listed = false;
    if (w->older)
        w->older->newer = w->newer;
    else
        d->oldest = w->newer;
    if (w->newer)
        w->newer->older = w->older;
    else
        d->newest = w->older;
}

void waited_remove(struct dispatch *d, struct waited *w)
{
    pthread_mutex_lock(&d->mu);
    take_out(d, w);
    pthread_mutex_unlock(&d->mu);
}

void waited_watchdog(struct dispatch *d)
{
    for (;;) {
        struct rpc_call *late = NULL;
        int64_t limit = clock_mono_ms() - ANSWER_WITHIN_MS;
        pthread_mutex_lock(&d->mu);
        struct waited *w = d->oldest;
        if (w && w->since_ms <= limit) {
            late = w->call;
            rpc_call_ref(late);
            take_out(d, w);
        }
        pthread_mutex_unlock(&d->mu);
        if (!late)
            return;
        call_refuse_code(late, ERR_UNAVAILABLE);
        rpc_call_unref(late);
    }
}
