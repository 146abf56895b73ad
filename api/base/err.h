/* err.h - one vocabulary of failures for every layer.
 *
 * Every function that can fail returns `enum err`. The sentence for a person and the list of bad fields
 * travel beside the code in a `struct fault`, which the caller owns. Foreign codes (MariaDB, OpenSSL,
 * libcurl, PC/SC) are translated to this table once, at the border where they come in.
 *
 * The table is the only place where a code gets its gRPC status, its sentence and its Chinese sentence;
 * the name without ERR_ is the `reason` of google.rpc.ErrorInfo (AIP-193).
 */
#ifndef CERTDESK_BASE_ERR_H
#define CERTDESK_BASE_ERR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* gRPC status numbers (grpc/doc/statuscodes.md); api/rpc asserts that they equal the core's. */
enum rpc_status {
    RPC_OK = 0,
    RPC_CANCELLED = 1,
    RPC_UNKNOWN = 2,
    RPC_INVALID_ARGUMENT = 3,
    RPC_DEADLINE_EXCEEDED = 4,
    RPC_NOT_FOUND = 5,
    RPC_ALREADY_EXISTS = 6,
    RPC_PERMISSION_DENIED = 7,
    RPC_RESOURCE_EXHAUSTED = 8,
    RPC_FAILED_PRECONDITION = 9,
    RPC_ABORTED = 10,
    RPC_OUT_OF_RANGE = 11,
    RPC_UNIMPLEMENTED = 12,
    RPC_INTERNAL = 13,
    RPC_UNAVAILABLE = 14,
    RPC_DATA_LOSS = 15,
    RPC_UNAUTHENTICATED = 16,
};

/* X(name, gRPC status, sentence, sentence in Chinese) */
#define ERR_TABLE(X)                                                                                         \
    /* any layer */                                                                                          \
    X(CANCELLED, RPC_CANCELLED, "the caller went away", "调用已取消")                                        \
    X(DEADLINE, RPC_DEADLINE_EXCEEDED, "the deadline passed", "处理超时")                                    \
    X(INVALID, RPC_INVALID_ARGUMENT, "some fields are missing or malformed", "部分信息缺失或格式有误")       \
    X(NOT_FOUND, RPC_NOT_FOUND, "there is no such object", "未找到该对象")                                   \
    X(EXISTS, RPC_ALREADY_EXISTS, "it exists already", "该对象已存在")                                       \
    X(CONFLICT, RPC_ABORTED, "somebody else changed it meanwhile; read it again",                            \
      "数据已被他人修改，请刷新")                                                                            \
    X(PRECONDITION, RPC_FAILED_PRECONDITION, "it is not in a state that allows this",                        \
      "当前状态不允许此操作")                                                                                \
    X(DENIED, RPC_PERMISSION_DENIED, "you may not do this", "没有权限")                                      \
    X(UNAUTHENTICATED, RPC_UNAUTHENTICATED, "log in first", "请先登录")                                      \
    X(EXHAUSTED, RPC_RESOURCE_EXHAUSTED, "the server is busy; try again", "系统繁忙，请稍后再试")            \
    X(RATE_LIMITED, RPC_RESOURCE_EXHAUSTED, "too many requests; try again later",                            \
      "操作过于频繁，请稍后再试")                                                                            \
    X(UNAVAILABLE, RPC_UNAVAILABLE, "the service cannot answer now; try again", "服务暂不可用，请稍后再试")  \
    X(UNKNOWN_OUTCOME, RPC_UNAVAILABLE,                                                                      \
      "it is not known whether this took effect; repeat it with the same request_id",                        \
      "结果未知，请用同一 request_id 重试")                                                                  \
    X(UNIMPLEMENTED, RPC_UNIMPLEMENTED, "this is not built yet", "该功能尚未提供")                           \
    X(INTERNAL, RPC_INTERNAL, "something broke inside the server", "系统内部错误")                           \
    X(DATA_LOSS, RPC_DATA_LOSS, "stored data are damaged", "存储数据损坏")                                   \
    /* requests */                                                                                           \
    X(REQUEST_ID_REUSED, RPC_INVALID_ARGUMENT, "this request_id was used for another request",               \
      "request_id 已用于其他请求")                                                                           \
    X(PAGE_TOKEN, RPC_INVALID_ARGUMENT, "the page token is not one of ours", "分页标记无效")                 \
    /* accounts */                                                                                           \
    X(CAPTCHA_WRONG, RPC_FAILED_PRECONDITION, "the captcha is wrong or used up", "图形验证码错误或已失效")   \
    X(CODE_WRONG, RPC_FAILED_PRECONDITION, "the code is wrong", "验证码错误")                                \
    X(CODE_EXPIRED, RPC_FAILED_PRECONDITION, "the code is no longer valid; ask for a new one",               \
      "验证码已失效，请重新获取")                                                                            \
    X(LOGIN_FAILED, RPC_UNAUTHENTICATED, "name, password or code is wrong", "用户名、密码或验证码错误")      \
    X(MUST_CHANGE_PASSWORD, RPC_FAILED_PRECONDITION, "change the initial password first",                    \
      "请先修改初始密码")                                                                                    \
    X(CHALLENGE_EXPIRED, RPC_FAILED_PRECONDITION,                                                            \
      "the challenge is used up, too old or for something else; get a new one",                              \
      "签名挑战已使用、已过期或用途不符，请重新获取")                                                        \
    X(CERTIFICATE_ENDED, RPC_FAILED_PRECONDITION, "the certificate is revoked or not in force",              \
      "证书已吊销或不在有效期内")                                                                            \
    X(UKEY_NOT_BOUND, RPC_FAILED_PRECONDITION,                                                               \
      "this UKEY is not bound to an account; log in another way and bind it first",                          \
      "该UKEY未绑定账号，请先用其他方式登录并绑定证书")                                                      \
    /* orders */                                                                                             \
    X(ORDER_STATE, RPC_FAILED_PRECONDITION, "the order is not in a state that allows this",                  \
      "订单当前状态不允许此操作")                                                                            \
    X(ORDER_OPEN, RPC_ALREADY_EXISTS, "an open order exists for this identity number",                       \
      "该证件号已有未完成订单")                                                                              \
    X(CONSENT_MISSING, RPC_FAILED_PRECONDITION, "the agreements in force were not accepted",                 \
      "请先同意相关协议")                                                                                    \
    X(MATERIAL_MISSING, RPC_FAILED_PRECONDITION, "materials are missing", "资料不齐全")                      \
    X(MATERIAL_BAD, RPC_INVALID_ARGUMENT, "the file cannot be accepted", "文件不符合要求")                   \
    X(VERIFICATION_MISMATCH, RPC_FAILED_PRECONDITION, "the data do not match the register",                  \
      "核验信息不一致")                                                                                      \
    X(METHOD_NOT_OFFERED, RPC_FAILED_PRECONDITION, "the channel does not offer this",                        \
      "当前渠道不支持该方式")                                                                                \
    X(PRICE_CHANGED, RPC_ABORTED, "the price changed; confirm the new quote", "价格已变化，请重新确认")      \
    /* money */                                                                                              \
    X(PAYMENT_STATE, RPC_FAILED_PRECONDITION, "the payment is not in a state that allows this",              \
      "支付当前状态不允许此操作")                                                                            \
    /* providers: outcomes of one call, kept by jobs */                                                      \
    X(PROVIDER_BUSY, RPC_UNAVAILABLE, "the provider is busy", "第三方服务繁忙")                              \
    X(PROVIDER_REFUSED, RPC_FAILED_PRECONDITION, "the provider refused the request", "第三方服务拒绝请求")   \
    X(PROVIDER_CONFIG, RPC_INTERNAL, "the provider does not know our credentials", "第三方服务配置错误")     \
    X(PROVIDER_UNKNOWN, RPC_UNAVAILABLE, "the provider did not answer; the outcome is open",                 \
      "第三方服务未应答，结果待查")                                                                          \
    X(SIGNATURE_BAD, RPC_UNAUTHENTICATED, "the signature does not verify", "签名校验失败")                   \
    /* certificates and keys */                                                                              \
    X(CSR_BAD, RPC_INVALID_ARGUMENT, "the certificate request cannot be accepted", "证书请求不合规")         \
    X(KEY_USED, RPC_FAILED_PRECONDITION, "this key has a certificate already; make a new key",               \
      "该密钥已签发过证书，请重新生成密钥")                                                                  \
    X(LINT, RPC_INTERNAL, "the certificate would break its profile", "证书不符合模板")                       \
    X(CARD_GONE, RPC_UNAVAILABLE, "the UKEY was removed", "UKEY 已拔出")                                     \
    X(CARD_REFUSED, RPC_FAILED_PRECONDITION, "the UKEY refused the command", "UKEY 拒绝执行")                \
    X(CARD_DOUBTFUL, RPC_FAILED_PRECONDITION, "the UKEY is in a doubtful state; put it aside",               \
      "UKEY 状态存疑，请隔离处理")                                                                           \
    X(PIN_WRONG, RPC_FAILED_PRECONDITION, "the PIN is wrong", "证书密码错误")                                \
    X(PIN_BLOCKED, RPC_FAILED_PRECONDITION, "the PIN is blocked", "证书密码已锁定")                          \
    /* never on the wire: the transaction wrapper's own */                                                   \
    X(DB_RETRY, RPC_UNAVAILABLE, "the transaction must run again", "请重试")                                 \
    X(DB_DUPLICATE, RPC_ALREADY_EXISTS, "a unique key exists", "记录已存在")

enum [[nodiscard]] err{OK = 0,
#define X(name, status, en, zh) ERR_##name,
                       ERR_TABLE(X)
#undef X
                           ERR_COUNT};

/* "ORDER_STATE" for ERR_ORDER_STATE; "OK" for OK. Static storage. */
const char *err_name(enum err e);
/* gRPC status of a code. */
enum rpc_status err_status(enum err e);
/* The table's sentence, English or Chinese. Static storage. */
const char *err_text(enum err e);
const char *err_text_zh(enum err e);
/* The code whose err_name() is `name`; ERR_INTERNAL when there is none (used by clients on ErrorInfo.reason).
 */
enum err err_by_name(const char *name);

/* One bad field (google.rpc.BadRequest.FieldViolation). */
struct violation {
    char field[80];  /* proto path: "organization.uscc" */
    char reason[32]; /* REQUIRED, FORMAT, CHECK_DIGIT, LENGTH, RANGE, ... */
    char text[160];  /* English sentence */
    char text_zh[160];
};

enum {
    FAULT_MAX_VIOLATIONS = 48
};

/* What a failure says besides its code. Owned by whoever called; reset with fault_clear(). */
struct fault {
    enum err code;
    char text[320]; /* empty: the table's sentence stands */
    char text_zh[320];
    char state[24];    /* code of the state that forbids it: "REVIEW"; may be empty */
    char resource[64]; /* id of the object it is about, e.g. the open order (S10); may be empty */
    int64_t retry_ms;  /* > 0: google.rpc.RetryInfo */
    size_t n_violations;
    struct violation violations[FAULT_MAX_VIOLATIONS];
};

void fault_clear(struct fault *f);

/* Sets code and sentence and returns the code: `return fail(f, ERR_X, "no order %s", id);`
 * f may be NULL. fmt may be NULL for the table's sentence. */
enum err fail(struct fault *f, enum err code, const char *fmt, ...) __attribute__((format(printf, 3, 4)));

/* The same with both of its sentences, as they stand. */
enum err fail_both(struct fault *f, enum err code, const char *text, const char *text_zh);
/* The same, each made of the same arguments. */
enum err fail_in_both(struct fault *f, enum err code, const char *fmt, const char *fmt_zh, ...)
    __attribute__((format(printf, 3, 5), format(printf, 4, 5)));

/* Adds one bad field; the code becomes ERR_INVALID. Goes on silently when the list is full. S7: all at once.
 */
void fault_field(struct fault *f, const char *field, const char *reason, const char *text,
                 const char *text_zh);

/* OK when no field was added since fault_clear(), else ERR_INVALID. */
enum err fault_fields(const struct fault *f);

/* For what may be absent: OK with *found false when e is NOT_FOUND, which is forgotten. */
enum err found_or_not(struct fault *f, enum err e, bool *found);

/* The sentence to show: the fault's own or the table's. */
const char *fault_text(const struct fault *f);
const char *fault_text_zh(const struct fault *f);

/* `TRY(f());` returns the error of f() from the enclosing function. The one macro that returns. */
#define TRY(call)                                                                                            \
    do {                                                                                                     \
        enum err try_err_ = (call);                                                                          \
        if (try_err_ != OK)                                                                                  \
            return try_err_;                                                                                 \
    } while (0)

/* `CLEANUP(free_ptr) char *p = …;` runs free_ptr(&p) when p goes out of scope. */
#define CLEANUP(fn) __attribute__((cleanup(fn)))

#endif
