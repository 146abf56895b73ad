/* decoder.h - strangers' files, looked into by certdesk-decode and nowhere else (S13).
 *
 * Each file has a process of its own, which gets the file, a place for its answer, no environment and no
 * other descriptor, and which is killed when it takes too long. What it cannot read, for whatever reason, is
 * a bad file and never an error of the server. Callers are parts of calls that hold no transaction
 * (dispatch.h: aside); their threads bound how many such processes there are at a time.
 */
#ifndef CERTDESK_MATERIAL_DECODER_H
#define CERTDESK_MATERIAL_DECODER_H

#include "core/ctx.h"
#include "decode/result.h"

struct decoded {
    struct decode_result said; /* checked: numbers are within their limits, the verdict is one of ours */
    const void *jpeg;          /* said.bytes of them, in c->arena */
};

/* The file behind fd, which stays open and is read from its start. UNAVAILABLE when the program cannot be
 * run, or had too little time to tell because everything is slow. */
enum err decoder_run(struct ctx *c, int fd, enum decode_want want, int side, int page, struct decoded *out);
/* The same for bytes in memory. */
enum err decoder_run_bytes(struct ctx *c, const void *bytes, size_t n, enum decode_want want, int side,
                           int page, struct decoded *out);
/* OK for a good file; else MATERIAL_BAD with the verdict's sentences, and one violation of this field. */
enum err decoder_verdict(struct ctx *c, const char *field, const struct decode_result *said);
/* "image/jpeg" and so on; "" for none of ours. */
const char *decoder_content_type(enum decode_type type);

#endif
