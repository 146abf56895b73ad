/* log.h - JSON lines on standard error, one object a line, one line an event.
 *
 * An error that comes again within a second with the same values, whoever meets it, is counted; the count
 * ("repeated") is in a line of its own, once a second, with the next line of any kind.
 *
 * No personal data: ids, states, codes and counts only. Values are escaped here, so text from outside cannot
 * break a line.
 */
#ifndef CERTDESK_BASE_LOG_H
#define CERTDESK_BASE_LOG_H

#include <stddef.h>
#include <stdint.h>

enum log_level {
    LOG_DEBUG,
    LOG_INFO,
    LOG_WARN,
    LOG_ERROR,
};

struct log_kv {
    const char *key;
    const char *text; /* NULL: the number stands */
    int64_t number;
};

static inline const char *log_text(const char *s)
{
    return s ? s : "";
}

#define KV_S(k, v) ((struct log_kv){.key = (k), .text = log_text(v)})
#define KV_I(k, v) ((struct log_kv){.key = (k), .number = (int64_t)(v)})

/* Lines below `level` are dropped. Default LOG_INFO. */
void log_threshold(enum log_level level);
void log_write(enum log_level level, const char *event, const struct log_kv *kv, size_t n);

/* LOG(INFO, "order.moved", KV_S("order", id), KV_I("version", 3)); at least one pair */
#define LOG(level, event, ...)                                                                               \
    log_write(LOG_##level, (event), (const struct log_kv[]){__VA_ARGS__},                                    \
              sizeof((const struct log_kv[]){__VA_ARGS__}) / sizeof(struct log_kv))

#endif
