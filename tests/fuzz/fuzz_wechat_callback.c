/* Any bytes as a WeChat Pay callback. First octet 'p': the rest is the plain text of the resource, sealed and
 * signed as it should be; 's': it is the body, signed; else body and headers are as bad as they come. */
#include "fuzz.h"

#include "payment_keys.h"

#include <openssl/evp.h>
#include <string.h>

static const char apiv3[] = "0123456789abcdefghijklmnopqrstuv";
static const int64_t now = 1764000000000;

static const struct provider_pair settings[] = {
    {"base_url", "https://wechat.invalid"},
    {"mchid", "1900000001"},
    {"appid", "wxapp"},
    {"merchant_serial", "AA"},
    {"merchant_key", rig.pem},
    {"apiv3_key", apiv3},
    {"public_key_id", "PUB_KEY_ID_1"},
    {"public_key", rig.pub},
};

static void set_up(void)
{
    payment_rig("wechat", settings, sizeof settings / sizeof *settings);
}

static const char *seal(const char *text, size_t n, struct arena *a)
{
    unsigned char *out = arena_alloc(a, n + 16);
    int len = 0, tail = 0;
    EVP_CIPHER_CTX *c = EVP_CIPHER_CTX_new();
    EVP_EncryptInit_ex(c, EVP_aes_256_gcm(), NULL, (const unsigned char *)apiv3,
                       (const unsigned char *)"0a1b2c3d4e5f");
    EVP_EncryptUpdate(c, out, &len, (const unsigned char *)text, (int)n);
    EVP_EncryptFinal_ex(c, out + len, &tail);
    EVP_CIPHER_CTX_ctrl(c, EVP_CTRL_GCM_GET_TAG, 16, out + n);
    EVP_CIPHER_CTX_free(c);
    return base64_encode(a, out, n + 16);
}

static const char *wrap(const char *text, size_t n, struct arena *a)
{
    return arena_printf(
        a,
        "{\"id\":\"EV-1\",\"event_type\":\"%s\",\"resource\":{\"algorithm\":\"AEAD_AES_256_GCM\","
        "\"nonce\":\"0a1b2c3d4e5f\",\"ciphertext\":\"%s\"}}",
        n && text[0] == ' ' ? "REFUND.SUCCESS" : "TRANSACTION.SUCCESS", seal(text, n, a));
}

static const char *signature_of(const char *body, size_t n, struct arena *a)
{
    char *message = arena_alloc(a, n + 32);
    memcpy(message, "1764000000\nnonce\n", 17);
    memcpy(message + 17, body, n);
    message[17 + n] = '\n';
    return signature(message, n + 18, a);
}

static void check(enum err e, const struct payment_event *out)
{
    need(e == OK || e == ERR_INVALID || e == ERR_SIGNATURE_BAD);
    need((e == OK) == (out->id[0] != '\0'));
    if (e == OK && out->kind == PAYMENT_EVENT_PAID)
        need(out->payment.transaction_id[0] && out->payment.amount_fen >= 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena a;
    struct payment_event out;
    if (!size)
        return 0;
    if (!rig.key)
        set_up();
    arena_init(&a, 0);
    const char *body = arena_strndup(&a, (const char *)data + 1, size - 1);
    size_t n = size - 1;
    if (data[0] == 'p') {
        body = wrap(body, n, &a);
        n = strlen(body);
    }
    bool true_one = data[0] == 'p' || data[0] == 's';
    struct provider_pair headers[] = {{"Wechatpay-Timestamp", "1764000000"},
                                      {"Wechatpay-Nonce", "nonce"},
                                      {"Wechatpay-Serial", "PUB_KEY_ID_1"},
                                      {"Wechatpay-Signature", true_one ? signature_of(body, n, &a) : body}};
    struct payment_callback in = {headers, 4, body, n};
    enum err e = rig.port.ops->callback_verify(rig.port.self, &in, now, &a, &out, NULL);
    need(true_one == (e != ERR_SIGNATURE_BAD));
    check(e, &out);
    arena_free(&a);
    return 0;
}

FUZZ_TEST
