/* What did not come from a server of ours: the core's own words for a connection that is none, said so that a
 * person knows which address, and what is the matter with it. */
#include "rpc/client_internal.h"

#include <stdio.h>
#include <string.h>

static const struct trouble {
    const char *word;      /* of the core's; the first that fits */
    const char *text, *zh; /* before and behind the address */
    const char *after, *after_zh;
} TROUBLES[] = {
    {"certificate verify failed", "the certificate of ", "服务器 ", " is not trusted", " 的证书不受信任"},
    {"Peer name", "the certificate of ", "服务器 ", " is for another name", " 的证书与地址不符"},
    {"SSL_ERROR", "no TLS with ", "无法与 ", "", " 建立 TLS 连接"},
    {"handshake", "no TLS with ", "无法与 ", "", " 建立 TLS 连接"},
    {"DNS resolution failed", "there is no host of the name in ", "找不到 ", "", " 中的主机"},
    {": Socket closed", "what is at ", "", " hangs up: it is another service, or wants TLS",
     " 立即断开了连接：不是本系统的服务，或要求 TLS"}, /* while connecting */
    {"failed to connect", "nobody answers at ", "", "", " 无人应答"},
    {"onnection refused", "nobody answers at ", "", "", " 无人应答"},
    {"Deadline Exceeded", "no answer in time from ", "", "", " 未及时应答"},
    {"Socket closed", "the connection to the server broke off: ", "与服务器的连接中断：", "", ""},
    {"onnection reset", "the connection to the server broke off: ", "与服务器的连接中断：", "", ""},
    {"Broken pipe", "the connection to the server broke off: ", "与服务器的连接中断：", "", ""},
    {"GOAWAY", "the connection to the server broke off: ", "与服务器的连接中断：", "", ""},
    {"eepalive", "the connection to the server broke off: ", "与服务器的连接中断：", "", ""},
};

void client_refused(const char *target, const char *detail, struct fault *f)
{
    const struct trouble *t = NULL;
    for (size_t i = 0; i < sizeof TROUBLES / sizeof *TROUBLES && !t; i++)
        if (strstr(detail, TROUBLES[i].word))
            t = &TROUBLES[i];
    if (!t)
        return; /* the words of somebody on the way */
    snprintf(f->text, sizeof f->text, "%s%.80s%s (%.180s)", t->text, target, t->after, detail);
    snprintf(f->text_zh, sizeof f->text_zh, "%s%.80s%s（%.180s）", t->zh, target, t->after_zh, detail);
}
