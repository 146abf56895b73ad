/* handover.h - what crosses a completion queue, told to ThreadSanitizer.
 *
 * libgrpc orders what was written before an operation began with what whoever takes its event does. It is not
 * instrumented, so that the tool does not see it: under it, every start of an operation gives its tag away,
 * and every taken event takes one. Otherwise these do nothing.
 */
#ifndef CERTDESK_RPC_HANDOVER_H
#define CERTDESK_RPC_HANDOVER_H

#if defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define CERTDESK_UNDER_TSAN
#endif
#endif

#ifdef CERTDESK_UNDER_TSAN
void __tsan_acquire(void *addr);
void __tsan_release(void *addr);
static inline void hand_over(void *tag)
{
    __tsan_release(tag);
}
static inline void take_over(void *tag)
{
    __tsan_acquire(tag);
}
#else
static inline void hand_over(void *tag)
{
    (void)tag;
}
static inline void take_over(void *tag)
{
    (void)tag;
}
#endif

#endif
