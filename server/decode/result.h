/* result.h - what certdesk-decode is asked, and what it answers: the only thing that the server and its
 * decoder share.
 *
 * certdesk-decode WANT SIDE PAGE reads a file of a stranger from descriptor 0 and writes one struct
 * decode_result, then `bytes` bytes of JPEG, to descriptor 1. Whoever reads the answer takes it for as
 * hostile as the file: a decoder may have been taken over by what it read.
 */
#ifndef CERTDESK_DECODE_RESULT_H
#define CERTDESK_DECODE_RESULT_H

#include <stdint.h>

/* Limits of what is taken in, told before anything is decoded. */
enum {
    DECODE_MAX_SIDE = 20000,
    DECODE_MAX_PIXELS = 40000000,
    DECODE_MAX_PAGES = 100,
    DECODE_MAX_BYTES = 32 << 20,
    DECODE_OUT_SIDE = 4096,     /* largest side of a preview */
    DECODE_OUT_BYTES = 8 << 20, /* largest answer */
    DECODE_CPU_S = 6,
    DECODE_MEMORY = 640 << 20,
};

/* X(name, reason of the violation, sentence, sentence in Chinese) */
#define DECODE_VERDICTS(X)                                                                                   \
    X(OK, "", "", "")                                                                                        \
    X(TYPE, "TYPE", "this type of file is not accepted here", "不支持该文件类型")                            \
    X(PIXELS, "PIXELS", "the picture has too many pixels", "图片像素过大")                                   \
    X(TRUNCATED, "TRUNCATED", "the file ends before its content does; upload it again",                      \
      "文件不完整，请重新上传")                                                                              \
    X(DAMAGED, "DAMAGED", "the file is damaged and cannot be shown to its end; save it again",               \
      "文件已损坏，无法完整显示，请重新保存后上传")                                                          \
    X(TRAILING, "TRAILING", "something else follows after the end of the content; save the file anew",       \
      "文件末尾含有多余内容，请重新保存后上传")                                                              \
    X(POLYGLOT, "POLYGLOT", "the file is also a file of another type; save it anew",                         \
      "文件同时包含其他类型的内容，请重新保存后上传")                                                        \
    X(ANIMATED, "ANIMATED", "an animated picture is not accepted", "不支持动态图片")                         \
    X(ENCRYPTED, "ENCRYPTED", "the document asks for a password", "文档已加密，请去除密码后上传")            \
    X(PAGES, "PAGES", "the document has no pages or too many", "文档没有页面或页数过多")                     \
    X(ATTACHMENT, "ATTACHMENT", "the document carries other files; print it to a new PDF",                   \
      "文档包含附件，请另存为新的 PDF 后上传")                                                               \
    X(SCRIPT, "SCRIPT", "the document carries a program; print it to a new PDF",                             \
      "文档包含脚本，请另存为新的 PDF 后上传")                                                               \
    X(NO_PAGE, "RANGE", "the document has no such page", "文档没有该页")                                     \
    X(UNREADABLE, "UNREADABLE", "the file cannot be read as a picture or document", "无法识别该图片或文档")

enum decode_verdict {
#define X(name, reason, en, zh) DECODE_##name,
    DECODE_VERDICTS(X)
#undef X
    DECODE_VERDICTS_COUNT
};

enum decode_type {
    DECODE_NOTHING,
    DECODE_JPEG,
    DECODE_PNG,
    DECODE_PDF,
};

/* What is wanted; argv[1] is its number. */
enum decode_want {
    DECODE_CHECK = 1, /* the whole file is what it says it is */
    DECODE_PREVIEW,   /* a JPEG of at most `side` pixels a side; page n of a document, 1 the first */
    DECODE_SQUARE,    /* the middle of a picture, side x side; checked as for CHECK */
};

#define DECODE_MAGIC "decoded1"
struct decode_result {
    char magic[8];
    int32_t verdict, type;
    int32_t width, height; /* of the file as it says, 0 for documents */
    int32_t pages;         /* of documents, as it says */
    int32_t out_width, out_height;
    uint32_t bytes; /* that follow */
};

#endif
