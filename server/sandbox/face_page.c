/* face_page.c - what a person sees who follows the link of a liveness check: who is asked for, and three
 * buttons. The suppliers' own pages open the camera here. */
#include "sandbox/face.h"
#include "sandbox/html.h"

#include "sandbox/state.h"

#include <string.h>

static const char head[] =
    "<!doctype html><html lang=zh-CN><meta charset=utf-8>"
    "<meta name=viewport "
    "content=\"width=device-width,initial-scale=1\"><title>人脸核验（模拟）</title><style>"
    "*{box-sizing:border-box}body{font:16px/1.6 "
    "system-ui,sans-serif;margin:0;background:#f3f5f9;color:#1d2433}"
    "main{max-width:26em;margin:0 auto;padding:1.5em "
    "1.2em;min-height:100vh;display:flex;flex-direction:column}"
    "h1{font-size:1.25em;margin:.2em 0 0;text-align:center}.ring{width:12em;height:12em;margin:1.6em auto;"
    "border-radius:50%;border:.35em solid #2f6fed;background:#fff;display:grid;place-items:center}"
    ".ring.good{border-color:#1a9c5b}.ring.bad{border-color:#d14343}.ring.gone{border-color:#9aa3b2}"
    ".ring svg{width:6.5em;height:6.5em}dl{background:#fff;border-radius:.8em;margin:0 0 1.4em;padding:.6em "
    "1em;"
    "display:grid;grid-template-columns:auto 1fr;gap:.3em 1em}dt{color:#6b7485}dd{margin:0;text-align:right;"
    "font-variant-numeric:tabular-nums}p{text-align:center;margin:.4em 0;color:#6b7485}"
    "form{display:grid;gap:.7em}button,a.go{font:inherit;padding:.75em;border-radius:.7em;border:1px solid "
    "#c9d0dc;"
    "background:#fff;color:inherit;width:100%;display:block;text-align:center;text-decoration:none}"
    "button.main,a.go{background:#2f6fed;border-color:#2f6fed;color:#fff}button:focus-visible,a:focus-"
    "visible{"
    "outline:3px solid #9bbcff}footer{margin-top:auto;padding-top:1.5em;font-size:.85em;text-align:center;"
    "color:#8a6d1a}@media(prefers-color-scheme:dark){body{background:#12161f;color:#e6eaf2}.ring,dl,button{"
    "background:#1c2330;color:inherit}button{border-color:#3a4457}dt,p{color:#9aa3b2}}</style><main>";

static const char face[] =
    "<svg viewBox=\"0 0 24 24\" fill=none stroke=currentColor stroke-width=1.4 stroke-linecap=round "
    "aria-hidden=true><circle cx=12 cy=9 r=4.2 /><path d=\"M4 20c1.2-4 4.3-5.6 8-5.6s6.8 1.6 8 5.6\"/></svg>";

static void picture(struct buf *b, const char *kind)
{
    buf_printf(b, "<div class=\"ring %s\">%s</div>", kind, face);
}

static void who(struct buf *b, struct arena *a, const json_t *o)
{
    buf_str(b, "<dl><dt>姓名</dt><dd>");
    html_text(b, mask_person(a, member(o, "name")));
    buf_str(b, "</dd><dt>身份证号</dt><dd>");
    html_text(b, mask_tail(a, member(o, "id_number")));
    buf_str(b, "</dd></dl>");
}

static void ask(struct buf *b, struct arena *a, const json_t *o)
{
    buf_str(b, "<h1>请本人完成人脸核验</h1>");
    picture(b, "");
    who(b, a, o);
    buf_str(b, "<form method=post><button class=main name=outcome value=pass>通过</button>"
               "<button name=outcome value=other_person>不是本人</button>"
               "<button name=outcome value=abandon>放弃</button></form>");
}

static void tell(struct buf *b, struct arena *a, const json_t *o)
{
    const char *outcome = face_outcome(o);
    bool passed = strcmp(outcome, "pass") == 0, gone = !*outcome || strcmp(outcome, "abandon") == 0;
    const char *title = !*outcome ? "链接已失效" : gone ? "已放弃核验" : "核验已提交";
    buf_printf(b, "<h1>%s</h1>", title);
    picture(b, passed ? "good" : gone ? "gone" : "bad");
    who(b, a, o);
    buf_str(b,
            gone ? "<p>如需继续，请返回业务页面重新发起。</p>" : "<p>结果以业务页面为准，可以关闭本页。</p>");
    if (*member(o, "return_url")) {
        buf_str(b, "<p><a class=go href=\"");
        html_text(b, member(o, "return_url"));
        buf_str(b, "\">返回</a></p>");
    }
}

static void send_page(struct buf *b, struct reply *p, unsigned status)
{
    buf_str(b, "<footer>这里是模拟的核验页面，不会打开摄像头。</footer></main>");
    reply_text(p, status, "text/html; charset=utf-8", buf_text(b));
    /* the answer to the form leads to the business's own page, whose address may be any */
    reply_header(p, "Content-Security-Policy",
                 "default-src 'none'; style-src 'unsafe-inline'; form-action 'self' http: https:");
    reply_header(p, "Referrer-Policy", "no-referrer");
}

static void act(struct sandbox *sb, struct request *r, struct reply *p, const char *token, const json_t *o)
{
    const char *outcome = request_form(r, "outcome"), *back = member(o, "return_url");
    const char *why = face_act(sb, token, outcome ? outcome : "");
    if (why && !*face_outcome(o) && !face_expired(o)) {
        reply_text(p, 400, "text/plain", "not one of the buttons\n");
        return;
    }
    reply_text(p, 303, "text/plain", "done\n");
    reply_header(p, "Location", *back && !why ? back : arena_printf(&r->a, "/face/%s", token));
}

void face_page(struct sandbox *sb, struct request *r, struct reply *p)
{
    struct buf b = BUF(&r->a);
    const char *token = r->path + strlen("/face/");
    buf_str(&b, head);
    pthread_mutex_lock(&sb->lock);
    const json_t *o = state_get(sb->state, "faces", token);
    if (!o) {
        buf_str(&b, "<h1>链接无效</h1>");
        picture(&b, "gone");
        send_page(&b, p, 404);
    } else if (strcmp(r->method, "POST") == 0) {
        act(sb, r, p, token, o);
    } else {
        if (*face_outcome(o) || face_expired(o))
            tell(&b, &r->a, o);
        else
            ask(&b, &r->a, o);
        send_page(&b, p, 200);
    }
    pthread_mutex_unlock(&sb->lock);
}
