/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Heads of packed segments, and zstd. A file is input: it may be damaged, or made to unpack without
 * end. */
#include "backup/packed.h"

#include <inttypes.h>
#include <stdlib.h>
#include <zstd.h>

#include "base/error.h"
#include "base/file.h"
#include "base/hash.h"
#include "log/segment.h"

#define SKIPPED 0x184D2A54u
#define SKIPPED_HEAD_SIZE 8
#define MAGIC "TJPACKED"
#define VERSION_AT 16
#define SIZE_AT 24
#define HASH_AT 32
#define FRAME_HASH_AT 40
#define HEADER_AT 48
#define SEAL_AT (HEADER_AT + TJ__SEGMENT_HEADER_SIZE)
#define OWN_HASH_AT (SEAL_AT + TJ__SEAL_SIZE)
/* No level that is used needs more. */
#define WINDOW_LOG_MAX 23

_Static_assert(OWN_HASH_AT + 8 == TJ__PACKED_HEAD_SIZE, "as FORMAT.md has it");

/* ---- heads --------------------------------------------------------------------------------- */

static uint64_t own_hash(const uint8_t *bytes)
{
    return tj__hash(bytes + SKIPPED_HEAD_SIZE, OWN_HASH_AT - SKIPPED_HEAD_SIZE);
}

void tj__packed_head_encode(const tj__packed_head *head, uint8_t out[TJ__PACKED_HEAD_SIZE])
{
    memset(out, 0, TJ__PACKED_HEAD_SIZE);
    tj__store_u32(out, SKIPPED);
    tj__store_u32(out + 4, TJ__PACKED_HEAD_SIZE - SKIPPED_HEAD_SIZE);
    memcpy(out + SKIPPED_HEAD_SIZE, MAGIC, sizeof MAGIC - 1);
    tj__store_u32(out + VERSION_AT, TJ__PACKED_VERSION);
    tj__store_u64(out + SIZE_AT, head->size);
    tj__store_u64(out + HASH_AT, head->hash);
    tj__store_u64(out + FRAME_HASH_AT, head->frame_hash);
    memcpy(out + HEADER_AT, head->header, sizeof head->header);
    memcpy(out + SEAL_AT, head->seal, sizeof head->seal);
    tj__store_u64(out + OWN_HASH_AT, own_hash(out));
}

static tj_status damaged(const char *path, tj_error *error, const char *why)
{
    tj__fail(error, TJ_CORRUPT, "%s is damaged: %s", path, why);
    tj__error_place(error, "%s", path);
    return TJ_CORRUPT;
}

static tj_status check_head(const uint8_t *bytes, const char *path, tj_error *error)
{
    if (tj__load_u32(bytes) != SKIPPED ||
        tj__load_u32(bytes + 4) != TJ__PACKED_HEAD_SIZE - SKIPPED_HEAD_SIZE ||
        memcmp(bytes + SKIPPED_HEAD_SIZE, MAGIC, sizeof MAGIC - 1) != 0) {
        return damaged(path, error, "it does not begin as a compressed segment does");
    }
    if (tj__load_u32(bytes + VERSION_AT) > TJ__PACKED_VERSION) {
        tj__fail(error, TJ_FORMAT_NEWER,
                 "%s was written by a newer version of this program: use that one, or a later one",
                 path);
        tj__error_place(error, "%s", path);
        return TJ_FORMAT_NEWER;
    }
    return own_hash(bytes) == tj__load_u64(bytes + OWN_HASH_AT)
               ? TJ_OK
               : damaged(path, error, "the checksum of its head does not match");
}

tj_status tj__packed_head_read(int fd, const char *path, tj__packed_head *out, tj_error *error)
{
    uint8_t bytes[TJ__PACKED_HEAD_SIZE];
    TJ_TRY(tj__file_read_at(fd, path, bytes, sizeof bytes, 0, error));
    TJ_TRY(check_head(bytes, path, error));
    out->size = tj__load_u64(bytes + SIZE_AT);
    out->hash = tj__load_u64(bytes + HASH_AT);
    out->frame_hash = tj__load_u64(bytes + FRAME_HASH_AT);
    memcpy(out->header, bytes + HEADER_AT, sizeof out->header);
    memcpy(out->seal, bytes + SEAL_AT, sizeof out->seal);
    return tj__segment_size_possible(out->size)
               ? TJ_OK
               : damaged(path, error, "it says that it is as long as no segment is");
}

/* ---- both ways ----------------------------------------------------------------------------- */

typedef struct stream {
    int from;
    const char *from_path;
    uint64_t from_at;   /* bytes that were read, */
    uint64_t from_size; /* of so many */
    int to;
    const char *to_path;
    uint64_t to_at;
    XXH3_state_t *hash;       /* of the segment */
    XXH3_state_t *frame_hash; /* of what it is compressed to */
    uint8_t *in;
    uint8_t *out;
    size_t in_capacity;
    size_t out_capacity;
} stream;

static tj_status begin(stream *s, size_t in_capacity, size_t out_capacity, tj_error *error)
{
    s->in_capacity = in_capacity;
    s->out_capacity = out_capacity;
    s->hash = XXH3_createState();
    s->frame_hash = XXH3_createState();
    s->in = malloc(in_capacity);
    s->out = malloc(out_capacity);
    return s->hash && s->frame_hash && s->in && s->out && XXH3_64bits_reset(s->hash) == XXH_OK &&
                   XXH3_64bits_reset(s->frame_hash) == XXH_OK
               ? TJ_OK
               : tj__fail(error, TJ_NOMEM, "no memory for %s", s->from_path);
}

static void end(stream *s)
{
    XXH3_freeState(s->hash);
    XXH3_freeState(s->frame_hash);
    free(s->in);
    free(s->out);
}

static tj_status read_piece(stream *s, ZSTD_inBuffer *in, tj_error *error)
{
    uint64_t rest = s->from_size - s->from_at;
    *in = (ZSTD_inBuffer){s->in, rest < s->in_capacity ? (size_t)rest : s->in_capacity, 0};
    TJ_TRY(tj__file_read_at(s->from, s->from_path, s->in, in->size, s->from_at, error));
    s->from_at += in->size;
    return TJ_OK;
}

/* ---- packing ------------------------------------------------------------------------------- */

static tj_status compress(stream *s, ZSTD_CCtx *zstd, tj__pace *pace, tj_error *error)
{
    size_t left = 1;
    while (left > 0 || s->from_at < s->from_size) {
        ZSTD_inBuffer in;
        TJ_TRY(read_piece(s, &in, error));
        (void)XXH3_64bits_update(s->hash, s->in, in.size);
        ZSTD_EndDirective directive = s->from_at < s->from_size ? ZSTD_e_continue : ZSTD_e_end;
        do {
            ZSTD_outBuffer out = {s->out, s->out_capacity, 0};
            left = ZSTD_compressStream2(zstd, &out, &in, directive);
            if (ZSTD_isError(left)) {
                return tj__fail(error, TJ_NOMEM, "%s cannot be compressed: %s", s->from_path,
                                ZSTD_getErrorName(left));
            }
            (void)XXH3_64bits_update(s->frame_hash, s->out, out.pos);
            TJ_TRY(tj__pace_write(pace, s->to, s->to_path, tj__bytes_of(s->out, out.pos), s->to_at,
                                  error));
            s->to_at += out.pos;
        } while (directive == ZSTD_e_end ? left > 0 : in.pos < in.size);
    }
    return TJ_OK;
}

static tj_status write_head(const stream *s, tj__pace *pace, tj_error *error)
{
    tj__packed_head head = {.size = s->from_size,
                            .hash = XXH3_64bits_digest(s->hash),
                            .frame_hash = XXH3_64bits_digest(s->frame_hash)};
    uint8_t bytes[TJ__PACKED_HEAD_SIZE];
    TJ_TRY(tj__file_read_at(s->from, s->from_path, head.header, sizeof head.header, 0, error));
    TJ_TRY(tj__file_read_at(s->from, s->from_path, head.seal, sizeof head.seal,
                            s->from_size - sizeof head.seal, error));
    tj__packed_head_encode(&head, bytes);
    return tj__pace_write(pace, s->to, s->to_path, tj__bytes_of(bytes, sizeof bytes), 0, error);
}

static tj_status pack_stream(stream *s, ZSTD_CCtx *zstd, int level, tj__pace *pace, tj_error *error)
{
    if (!zstd || ZSTD_isError(ZSTD_CCtx_setParameter(zstd, ZSTD_c_compressionLevel, level)) ||
        ZSTD_isError(ZSTD_CCtx_setParameter(zstd, ZSTD_c_checksumFlag, 1)) ||
        ZSTD_isError(ZSTD_CCtx_setPledgedSrcSize(zstd, s->from_size))) {
        return tj__fail(error, TJ_NOMEM, "no memory to compress %s", s->from_path);
    }
    TJ_TRY(begin(s, ZSTD_CStreamInSize(), ZSTD_CStreamOutSize(), error));
    TJ_TRY(compress(s, zstd, pace, error));
    return write_head(s, pace, error);
}

tj_status tj__pack(int from, const char *from_path, int level, int to, const char *to_path,
                   tj__pace *pace, tj_error *error)
{
    stream s = {.from = from, .from_path = from_path, .to = to, .to_path = to_path};
    s.to_at = TJ__PACKED_HEAD_SIZE;
    TJ_TRY(tj__file_size(from, from_path, &s.from_size, error));
    if (!tj__segment_size_possible(s.from_size)) {
        return damaged(from_path, error, "it is as long as no segment is");
    }
    ZSTD_CCtx *zstd = ZSTD_createCCtx();
    tj_status status = pack_stream(&s, zstd, level, pace, error);
    end(&s);
    ZSTD_freeCCtx(zstd);
    return status;
}

/* ---- unpacking ----------------------------------------------------------------------------- */

static tj_status write_unpacked(stream *s, const tj__packed_head *head, size_t size,
                                tj_error *error)
{
    if (size > head->size - s->to_at) {
        return damaged(s->from_path, error, "it unpacks to more than the segment that it is of");
    }
    (void)XXH3_64bits_update(s->hash, s->out, size);
    TJ_TRY(tj__file_write_at(s->to, s->to_path, s->out, size, s->to_at, error));
    s->to_at += size;
    return TJ_OK;
}

/* `left` is 0 at the end of a frame. */
static tj_status decompress(stream *s, ZSTD_DCtx *zstd, const tj__packed_head *head, size_t *left,
                            tj_error *error)
{
    while (s->from_at < s->from_size) {
        ZSTD_inBuffer in;
        TJ_TRY(read_piece(s, &in, error));
        bool full = false;
        (void)XXH3_64bits_update(s->frame_hash, s->in, in.size);
        while (in.pos < in.size || full) {
            ZSTD_outBuffer out = {s->out, s->out_capacity, 0};
            *left = ZSTD_decompressStream(zstd, &out, &in);
            if (ZSTD_isError(*left)) {
                return damaged(s->from_path, error, ZSTD_getErrorName(*left));
            }
            TJ_TRY(write_unpacked(s, head, out.pos, error));
            full = out.pos == out.size && *left > 0;
        }
    }
    return TJ_OK;
}

static tj_status unpack_stream(stream *s, ZSTD_DCtx *zstd, const tj__packed_head *head,
                               tj_error *error)
{
    size_t left = 1;
    if (!zstd || ZSTD_isError(ZSTD_DCtx_setParameter(zstd, ZSTD_d_windowLogMax, WINDOW_LOG_MAX))) {
        return tj__fail(error, TJ_NOMEM, "no memory to unpack %s", s->from_path);
    }
    TJ_TRY(begin(s, ZSTD_DStreamInSize(), ZSTD_DStreamOutSize(), error));
    TJ_TRY(decompress(s, zstd, head, &left, error));
    if (left > 0 || s->to_at != head->size) {
        return damaged(s->from_path, error, "it ends too early");
    }
    return XXH3_64bits_digest(s->hash) == head->hash &&
                   XXH3_64bits_digest(s->frame_hash) == head->frame_hash
               ? TJ_OK
               : damaged(s->from_path, error, "its checksums do not match");
}

tj_status tj__unpack(int from, const char *from_path, int to, const char *to_path, tj_error *error)
{
    tj__packed_head head;
    stream s = {.from = from, .from_path = from_path, .to = to, .to_path = to_path};
    TJ_TRY(tj__packed_head_read(from, from_path, &head, error));
    TJ_TRY(tj__file_size(from, from_path, &s.from_size, error));
    s.from_at = TJ__PACKED_HEAD_SIZE;
    ZSTD_DCtx *zstd = ZSTD_createDCtx();
    tj_status status = unpack_stream(&s, zstd, &head, error);
    end(&s);
    ZSTD_freeDCtx(zstd);
    return status;
}
