/* Streams of bytes: uploads into a temporary file, downloads cut into chunks. Workers do the reading and
 * writing, one portion at a time; between portions the stream holds nobody. */
#include "dispatch_internal.h"

#include "base/clock.h"
#include "core/crypt.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define HOLDER(p, T, m) ((T *)(void *)((char *)(p)-offsetof(T, m)))

enum {
    UPLOAD_MAX = 32 << 20,
    CHUNK = 64 * 1024
};

/* -- uploads -------------------------------------------------------------------------------------------- */

struct uploading {
    struct considered considered; /* the end of it, for rows with a look */
    struct pool_work work;
    struct waited waited;
    struct rpc_call *call;
    const struct entry *entry;
    const ProtobufCMessage *message; /* the one being worked on; NULL: half-closed */
    ProtobufCMessage *first;         /* copy of the header message, in the call's arena */
    struct upload file;
    int64_t began_ms;
    int users;  /* works on their way; with the dispatch's lock */
    bool ended; /* the last user closes the file */
};

static void submit(struct uploading *u);

/* The bytes of the oneof's `chunk`, NULL when the message is something else. */
static const ProtobufCBinaryData *chunk_of(const ProtobufCMessage *m)
{
    const ProtobufCFieldDescriptor *f =
        protobuf_c_message_descriptor_get_field_by_name(m->descriptor, "chunk");
    uint32_t which;
    memcpy(&which, (const char *)m + f->quantifier_offset, sizeof which);
    return which == f->id ? (const void *)((const char *)m + f->offset) : NULL;
}

/* The oneof's `header`, NULL when the message is something else, or nothing. */
static const ProtobufCMessage *header_of(const ProtobufCMessage *m)
{
    const ProtobufCFieldDescriptor *f =
        protobuf_c_message_descriptor_get_field_by_name(m->descriptor, "header");
    uint32_t which;
    const ProtobufCMessage *header;
    memcpy(&which, (const char *)m + f->quantifier_offset, sizeof which);
    memcpy(&header, (const char *)m + f->offset, sizeof header);
    return which == f->id ? header : NULL;
}

static const char *upload_request_id(const ProtobufCMessage *first)
{
    const ProtobufCMessage *header = header_of(first);
    const ProtobufCFieldDescriptor *id =
        protobuf_c_message_descriptor_get_field_by_name(header->descriptor, "request_id");
    const char *text;
    memcpy(&text, (const char *)header + id->offset, sizeof text);
    return text;
}

static void *from_arena(void *arena, size_t n)
{
    return arena_alloc(arena, n);
}

static void keep_all(void *arena, void *p)
{
    (void)arena;
    (void)p;
}

/* The message lives only until the next one: the header is kept by packing and unpacking it. */
static void keep_first(struct uploading *u)
{
    struct arena *a = rpc_call_arena(u->call);
    ProtobufCAllocator alloc = {.alloc = from_arena, .free = keep_all, .allocator_data = a};
    size_t n = protobuf_c_message_get_packed_size(u->message);
    uint8_t *packed = arena_alloc(a, n);
    protobuf_c_message_pack(u->message, packed);
    u->first = protobuf_c_message_unpack(u->message->descriptor, &alloc, n, packed);
}

enum err upload_open(const char *folder, struct upload *file, struct fault *f)
{
    file->fd = open(folder, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    return file->fd >= 0 ? OK : fail(f, ERR_UNAVAILABLE, "uploads cannot be stored now: %s", strerror(errno));
}

static enum err take_chunk(struct uploading *u, const ProtobufCBinaryData *chunk, struct fault *f)
{
    if (u->file.size + (int64_t)chunk->len > UPLOAD_MAX)
        return fail(f, ERR_MATERIAL_BAD, "a file has at most %d MiB", UPLOAD_MAX >> 20);
    for (size_t done = 0; done < chunk->len;) {
        ssize_t n = pwrite(u->file.fd, chunk->data + done, chunk->len - done, u->file.size);
        if (n < 0 && errno != EINTR)
            return fail(f, ERR_UNAVAILABLE, "uploads cannot be stored now: %s", strerror(errno));
        if (n > 0) {
            done += (size_t)n;
            u->file.size += n;
        }
    }
    return OK;
}

static enum err who(struct uploading *u, struct ctx *c)
{
    struct rpc_call *calls[] = {u->call};
    struct ctx *cs[] = {c};
    TRY(call_who(1, calls, cs));
    return call_allowed(u->entry->row, c);
}

static enum err take_message(struct uploading *u, struct ctx *c)
{
    const ProtobufCBinaryData *chunk = chunk_of(u->message);
    if (!u->first) {
        if (!header_of(u->message))
            return fail(c->fault, ERR_INVALID, "the first message is the header");
        TRY(who(u, c));
        keep_first(u);
        return upload_open(u->entry->dispatch->options.upload_dir, &u->file, c->fault);
    }
    if (!chunk)
        return fail(c->fault, ERR_INVALID, "after the header come chunks");
    return take_chunk(u, chunk, c->fault);
}

static enum err call_upload(struct ctx *c, void *arg, ProtobufCMessage *out)
{
    struct uploading *u = arg;
    lseek(u->file.fd, 0, SEEK_SET);
    return u->entry->row->upload(c, u->first, &u->file, out);
}

static enum err digest_file(struct uploading *u, struct fault *f)
{
    void *p = u->file.size ? mmap(NULL, (size_t)u->file.size, PROT_READ, MAP_SHARED, u->file.fd, 0) : NULL;
    if (p == MAP_FAILED)
        return fail(f, ERR_UNAVAILABLE, "the upload cannot be read back");
    crypt_sha256(p ? p : "", (size_t)u->file.size, u->file.digest);
    if (p)
        munmap(p, (size_t)u->file.size);
    return OK;
}

/* What a request_id stands for: the header and the bytes. */
static void digest_request(const struct uploading *u, struct arena *a, unsigned char out[static 32])
{
    size_t n = protobuf_c_message_get_packed_size(u->first);
    uint8_t *all = arena_alloc(a, n + sizeof u->file.digest);
    protobuf_c_message_pack(u->first, all);
    memcpy(all + n, u->file.digest, sizeof u->file.digest);
    crypt_sha256(all, n + sizeof u->file.digest, out);
}

static enum err write_file(struct uploading *u, struct ctx *c, ProtobufCMessage **out)
{
    TRY(digest_file(u, c->fault));
    struct write w = {
        .entry = u->entry, .request_id = upload_request_id(u->first), .body = call_upload, .arg = u};
    digest_request(u, c->arena, w.digest);
    TRY(run_write(c, &w));
    *out = w.out;
    return OK;
}

static enum err finish(struct uploading *u, struct ctx *c, ProtobufCMessage **out)
{
    if (!u->first)
        return fail(c->fault, ERR_INVALID, "nothing was sent");
    TRY(who(u, c));
    return write_file(u, c, out);
}

static void add_user(struct uploading *u, int n, bool ended)
{
    struct dispatch *d = u->entry->dispatch;
    pthread_mutex_lock(&d->mu);
    u->users += n;
    u->ended = u->ended || ended;
    bool last = u->ended && u->users == 0 && u->file.fd >= 0;
    int fd = u->file.fd;
    if (last)
        u->file.fd = -1;
    pthread_mutex_unlock(&d->mu);
    if (last)
        close(fd);
}

static void through(struct uploading *u)
{
    add_user(u, -1, false);
    rpc_call_unref(u->call);
}

static void run_upload(struct pool_work *const *list, size_t n, struct db *db)
{
    (void)n;
    struct uploading *u = HOLDER(list[0], struct uploading, work);
    struct arena a;
    struct fault f;
    struct ctx c;
    ProtobufCMessage *out = NULL;
    bool last = !u->message;
    arena_init(&a, 0);
    call_ctx(u->entry, u->call, db, &a, &f, &c);
    enum err e = last ? finish(u, &c, &out) : take_message(u, &c);
    waited_remove(u->entry->dispatch, &u->waited); /* before the next message can come */
    if (e != OK) {
        fault_for_wire(&f, e, u->first ? u->first : u->message);
        rpc_fail(u->call, &f);
    } else if (last) {
        rpc_reply(u->call, out);
    } else {
        rpc_next(u->call);
    }
    if (last || e != OK)
        log_call(u->entry, &c, e, u->began_ms);
    after_write(u->entry->dispatch, &c);
    arena_free(&a);
    through(u);
}

static void not_run(struct pool_work *w, enum err why)
{
    struct uploading *u = HOLDER(w, struct uploading, work);
    waited_remove(u->entry->dispatch, &u->waited);
    call_refuse_code(u->call, why == ERR_DEADLINE ? ERR_UNAVAILABLE : why);
    through(u);
}

static void submit(struct uploading *u)
{
    add_user(u, 1, false);
    u->work =
        (struct pool_work){.deadline_ms = rpc_call_deadline(u->call), .run = run_upload, .drop = not_run};
    rpc_call_ref(u->call);
    waited_add(u->entry->dispatch, &u->waited, u->call);
    enum err e = pool_submit(u->entry->dispatch->pool, &u->work);
    if (e != OK)
        not_run(&u->work, e);
}

static void on_upload(struct rpc_call *call)
{
    const struct entry *e = rpc_call_route(call)->row;
    if (!e->dispatch->options.database_up(e->dispatch->options.database_arg)) {
        call_refuse_code(call, ERR_UNAVAILABLE);
        return;
    }
    struct uploading *u = ARENA_NEW(rpc_call_arena(call), struct uploading);
    *u = (struct uploading){.call = call, .entry = e, .began_ms = clock_mono_ms(), .file.fd = -1};
    rpc_call_set_user(call, u);
    rpc_next(call);
}

static void on_message(struct rpc_call *call, const ProtobufCMessage *message)
{
    struct uploading *u = rpc_call_user(call);
    u->message = message;
    submit(u);
}

static enum err considered_last(struct considered *k, struct ctx *c, ProtobufCMessage **out)
{
    return write_file(HOLDER(k, struct uploading, considered), c, out);
}

static void considered_over(struct considered *k)
{
    through(HOLDER(k, struct uploading, considered));
}

static void on_half_close(struct rpc_call *call)
{
    struct uploading *u = rpc_call_user(call);
    u->message = NULL;
    if (!u->first || !u->entry->row->look) {
        submit(u);
        return;
    }
    u->considered = (struct considered){.call = call,
                                        .entry = u->entry,
                                        .in = u->first,
                                        .file = &u->file,
                                        .began_ms = u->began_ms,
                                        .last = considered_last,
                                        .over = considered_over};
    add_user(u, 1, false);
    rpc_call_ref(call);
    consider(&u->considered);
}

static void on_upload_end(struct rpc_call *call)
{
    struct uploading *u = rpc_call_user(call);
    if (u)
        add_user(u, 0, true);
}

void upload_route(struct rpc_route *r)
{
    r->on_call = on_upload;
    r->on_message = on_message;
    r->on_half_close = on_half_close;
    r->on_end = on_upload_end;
    r->deadline_ms = STREAM_LIFE_MS;
}

/* -- downloads ------------------------------------------------------------------------------------------ */

struct downloading {
    struct pool_work work;
    struct waited waited;
    struct rpc_call *call;
    const struct entry *entry;
    const uint8_t *bytes; /* in the call's arena */
    size_t n, sent;
    int64_t began_ms;
};

static void send_next(struct rpc_call *call, bool ok)
{
    struct downloading *d = rpc_call_user(call);
    if (!ok)
        return;
    if (d->sent == d->n) {
        rpc_finish(call);
        return;
    }
    const ProtobufCMessageDescriptor *type = d->entry->types->output;
    const ProtobufCFieldDescriptor *chunk = protobuf_c_message_descriptor_get_field_by_name(type, "chunk");
    union {
        ProtobufCMessage m;
        char space[128];
    } message;
    protobuf_c_message_init(type, &message.m);
    size_t n = d->n - d->sent < CHUNK ? d->n - d->sent : CHUNK;
    ProtobufCBinaryData data = {n, (uint8_t *)(uintptr_t)(d->bytes + d->sent)};
    memcpy((char *)&message + chunk->offset, &data, sizeof data);
    d->sent += n;
    rpc_send(call, &message.m, send_next);
}

static enum err read_all(struct downloading *d, struct ctx *c)
{
    struct rpc_call *calls[] = {d->call};
    struct ctx *cs[] = {c};
    const void *bytes;
    TRY(call_who(1, calls, cs));
    TRY(call_allowed(d->entry->row, c));
    TRY(d->entry->row->download(c, rpc_call_request(d->call), &bytes, &d->n));
    d->bytes = bytes;
    return OK;
}

static void run_download(struct pool_work *const *list, size_t n, struct db *db)
{
    (void)n;
    struct downloading *d = HOLDER(list[0], struct downloading, work);
    struct fault f;
    struct ctx c;
    call_ctx(d->entry, d->call, db, rpc_call_arena(d->call), &f, &c);
    enum err e = read_all(d, &c);
    waited_remove(d->entry->dispatch, &d->waited);
    log_call(d->entry, &c, e, d->began_ms);
    if (e != OK) {
        fault_for_wire(&f, e, rpc_call_request(d->call));
        rpc_fail(d->call, &f);
    } else {
        send_next(d->call, true);
    }
    rpc_call_unref(d->call);
}

static void not_downloaded(struct pool_work *w, enum err why)
{
    struct downloading *d = HOLDER(w, struct downloading, work);
    waited_remove(d->entry->dispatch, &d->waited);
    call_refuse_code(d->call, why == ERR_DEADLINE ? ERR_UNAVAILABLE : why);
    rpc_call_unref(d->call);
}

static void on_download(struct rpc_call *call)
{
    const struct entry *e = rpc_call_route(call)->row;
    if (!e->dispatch->options.database_up(e->dispatch->options.database_arg)) {
        call_refuse_code(call, ERR_UNAVAILABLE);
        return;
    }
    struct downloading *d = ARENA_NEW(rpc_call_arena(call), struct downloading);
    *d = (struct downloading){.call = call, .entry = e, .began_ms = clock_mono_ms()};
    d->work = (struct pool_work){
        .deadline_ms = rpc_call_deadline(call), .run = run_download, .drop = not_downloaded};
    rpc_call_set_user(call, d);
    rpc_call_ref(call);
    waited_add(e->dispatch, &d->waited, call);
    enum err refused = pool_submit(e->dispatch->pool, &d->work);
    if (refused != OK)
        not_downloaded(&d->work, refused);
}

void download_route(struct rpc_route *r)
{
    r->on_call = on_download;
    r->deadline_ms = STREAM_LIFE_MS;
}
