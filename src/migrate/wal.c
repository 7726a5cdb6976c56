/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * SQLite's write-ahead log (sqlite.org/fileformat2.html, "The Write-Ahead Log"); numbers are
 * big-endian. Header of 32 bytes: magic 0x377f0682 (checksums of little-endian words) or 0x377f0683
 * (big-endian), version 3007000, page size, checkpoint number, two salts, two sums over what stands
 * before them. Frame: page number, size of the database in pages when it commits (else 0), the
 * salts, two sums over its first 8 bytes and the page, going on from the frame before; then the
 * page.
 *
 * The log ends where a frame does not bear the header's salts: such are left over from before it
 * was last started anew, when the first salt rises by one and the second is drawn anew. Anything
 * else that does not fit is damage, and hides what was committed behind it.
 */
#include <inttypes.h>
#include <stdio.h>

#include "base/error.h"
#include "migrate/image.h"

#define HEADER_SIZE 32
#define FRAME_HEAD_SIZE 24
#define MAGIC 0x377f0682u
#define VERSION 3007000u
#define PAGE_SIZE_MIN 512
#define PAGE_SIZE_MAX 65536
/* More often than this nobody starts one log anew. */
#define RESTARTS_MAX 1000000u
/* In place of a frame: the damage is in front of all. */
#define IN_HEADER SIZE_MAX

typedef struct wal {
    const char *path;
    tj__bytes bytes;
    bool big_endian;
    uint32_t page_size;
    uint32_t salts[2];
    size_t frame_count; /* whole frames in the file */
    size_t valid;       /* leading frames whose sums fit */
    size_t committed;   /* leading frames up to the last commit */
    uint32_t pages;     /* of the database after that commit */
} wal;

static tj_status damaged(const wal *w, size_t frame, const char *reason, tj_error *error)
{
    char where[48] = "in its header";
    if (frame != IN_HEADER) {
        (void)snprintf(where, sizeof where, "at frame %zu", frame + 1);
    }
    tj_status status =
        tj__fail(error, TJ_CORRUPT,
                 "%s is damaged or cut %s: %s, so what was committed from there on cannot be read. "
                 "If that may be missing, open a copy of the database and its -wal with SQLite "
                 "once, which keeps what was committed before, and import the copy",
                 w->path, where, reason);
    tj__error_place(error, "%s", w->path);
    return status;
}

static void add_sums(const wal *w, const uint8_t *data, size_t size, uint32_t sums[2])
{
    for (size_t i = 0; i < size; i += 8) {
        uint32_t first = w->big_endian ? tj__load_u32_be(data + i) : tj__load_u32(data + i);
        uint32_t second =
            w->big_endian ? tj__load_u32_be(data + i + 4) : tj__load_u32(data + i + 4);
        sums[0] += first + sums[1];
        sums[1] += second + sums[0];
    }
}

static bool sums_fit(const uint8_t *at, const uint32_t sums[2])
{
    return tj__load_u32_be(at) == sums[0] && tj__load_u32_be(at + 4) == sums[1];
}

bool tj__wal_begins(tj_str text)
{
    return text.size >= 4 && (tj__load_u32_be((const uint8_t *)text.data) & ~1u) == MAGIC;
}

static tj_status read_header(wal *w, uint32_t sums[2], tj_error *error)
{
    const uint8_t *header = w->bytes.data;
    if (w->bytes.size < HEADER_SIZE || (tj__load_u32_be(header) & ~1u) != MAGIC) {
        return damaged(w, IN_HEADER, "it does not begin as such a log", error);
    }
    w->big_endian = (tj__load_u32_be(header) & 1) != 0;
    w->page_size = tj__load_u32_be(header + 8);
    w->salts[0] = tj__load_u32_be(header + 16);
    w->salts[1] = tj__load_u32_be(header + 20);
    add_sums(w, header, 24, sums);
    bool size_fits = w->page_size >= PAGE_SIZE_MIN && w->page_size <= PAGE_SIZE_MAX &&
                     (w->page_size & (w->page_size - 1)) == 0;
    if (tj__load_u32_be(header + 4) != VERSION || !size_fits || !sums_fit(header + 24, sums)) {
        return damaged(w, IN_HEADER, "it does not match its sums", error);
    }
    w->frame_count = (w->bytes.size - HEADER_SIZE) / (FRAME_HEAD_SIZE + w->page_size);
    return TJ_OK;
}

static const uint8_t *frame_at(const wal *w, size_t frame)
{
    return w->bytes.data + HEADER_SIZE + frame * (FRAME_HEAD_SIZE + (size_t)w->page_size);
}

static bool salts_fit(const wal *w, const uint8_t *frame)
{
    return tj__load_u32_be(frame + 8) == w->salts[0] && tj__load_u32_be(frame + 12) == w->salts[1];
}

/* Counts the leading frames that are sound. */
static void count_frames(wal *w, uint32_t sums[2])
{
    for (; w->valid < w->frame_count; w->valid++) {
        const uint8_t *frame = frame_at(w, w->valid);
        uint32_t pages = tj__load_u32_be(frame + 4);
        add_sums(w, frame, 8, sums);
        add_sums(w, frame + FRAME_HEAD_SIZE, w->page_size, sums);
        if (!salts_fit(w, frame) || tj__load_u32_be(frame) == 0 || !sums_fit(frame + 16, sums)) {
            return;
        }
        if (pages > 0) {
            w->committed = w->valid + 1;
            w->pages = pages;
        }
    }
}

/* What follows the sound frames must all be left over from before. */
static tj_status check_rest(const wal *w, tj_error *error)
{
    for (size_t i = w->valid; i < w->frame_count; i++) {
        const uint8_t *frame = frame_at(w, i);
        uint32_t restarts = w->salts[0] - tj__load_u32_be(frame + 8);
        if (restarts == 0 || restarts > RESTARTS_MAX ||
            tj__load_u32_be(frame + 12) == w->salts[1]) {
            return damaged(w, w->valid, "it does not match its sums", error);
        }
    }
    size_t whole = HEADER_SIZE + w->frame_count * (FRAME_HEAD_SIZE + (size_t)w->page_size);
    if (w->bytes.size != whole) {
        return damaged(w, w->frame_count, "it ends in the middle of a frame", error);
    }
    return TJ_OK;
}

/* The committed frames, in their order, into a database of as many pages as the last one says. */
static tj_status write_pages(const wal *w, tj__image *image, tj_error *error)
{
    size_t size = (size_t)w->pages * w->page_size;
    if (size > TJ_IMPORT_FILE_SIZE_MAX) {
        return tj__fail(error, TJ_LIMIT,
                        "%s makes a database of %zu bytes; at most %" PRIu64 " are read", w->path,
                        size, TJ_IMPORT_FILE_SIZE_MAX);
    }
    if (image->bytes.size < size) {
        tj__put_zeros(&image->bytes, size - image->bytes.size);
    }
    if (image->bytes.failed) {
        return tj__fail(error, TJ_NOMEM, "no memory for a database of %zu bytes", size);
    }
    image->bytes.size = size;
    for (size_t i = 0; i < w->committed; i++) {
        const uint8_t *frame = frame_at(w, i);
        size_t page = tj__load_u32_be(frame);
        if (page <= w->pages) {
            memcpy(image->bytes.data + (page - 1) * w->page_size, frame + FRAME_HEAD_SIZE,
                   w->page_size);
        }
    }
    return TJ_OK;
}

tj_status tj__wal_apply(const char *path, tj__bytes bytes, tj__image *image, tj_error *error)
{
    wal w = {.path = path, .bytes = bytes};
    uint32_t sums[2] = {0, 0};
    TJ_TRY(read_header(&w, sums, error));
    count_frames(&w, sums);
    TJ_TRY(check_rest(&w, error));
    image->uncommitted = w.valid - w.committed;
    image->idle_log = w.valid == 0;
    return w.committed > 0 ? write_pages(&w, image, error) : TJ_OK;
}
