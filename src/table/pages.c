/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Choosing the meta page, reading pages, and finding a key in them. */
#include "table/pages.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

#include "base/error.h"
#include "base/file.h"
#include "model/change.h"

#define KEY_SIZE_MAX (TJ__ROW_KEY_SIZE_MAX - 1) /* without the table byte */
#define MAGIC 0xBEEFC0DEu
#define MAGIC_SWAPPED 0xDEC0EFBEu
#define META_AT TJ__PAGE_HEADER_SIZE

static tj_status at_path(const tj__pages *pages, tj_status status, tj_error *error)
{
    tj__error_place(error, "%s", pages->path);
    return status;
}

tj_status tj__pages_bad(const tj__pages *pages, uint64_t number, tj_error *error,
                        const char *format, ...)
{
    char reason[512];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(reason, sizeof reason, format, arguments);
    va_end(arguments);
    return at_path(pages,
                   tj__fail(error, TJ_CORRUPT, "%s is damaged at page %" PRIu64 ": %s", pages->path,
                            number, reason),
                   error);
}

static tj_status truncated(const tj__pages *pages, uint64_t needed, tj_error *error)
{
    return at_path(pages,
                   tj__fail(error, TJ_CORRUPT,
                            "%s is truncated: %" PRIu64 " bytes found, %" PRIu64
                            " needed; restore a copy of it",
                            pages->path, pages->size, needed),
                   error);
}

uint64_t tj__pages_needed(const tj__pages *pages)
{
    return (pages->last_page + 1) * pages->page_size;
}

tj_status tj__pages_truncated(const tj__pages *pages, tj_error *error)
{
    return truncated(pages, tj__pages_needed(pages), error);
}

tj_status tj__pages_no_memory(const tj__pages *pages, tj_error *error)
{
    return tj__fail(error, TJ_NOMEM, "out of memory checking %s", pages->path);
}

tj__tree tj__tree_read(const uint8_t *record)
{
    return (tj__tree){.flags = tj__load_u16(record + 4),
                      .depth = tj__load_u16(record + 6),
                      .branch_pages = tj__load_u64(record + 8),
                      .leaf_pages = tj__load_u64(record + 16),
                      .overflow_pages = tj__load_u64(record + 24),
                      .entries = tj__load_u64(record + 32),
                      .root = tj__load_u64(record + 40)};
}

/* LMDB's magic number stands where the layout of the program that wrote the file puts it. */
static tj_status check_magic(const tj__pages *pages, const uint8_t *page, tj_error *error)
{
    uint32_t here = tj__load_u32(page + META_AT);
    const char *writer = NULL;
    if (here == MAGIC) {
        uint32_t version = tj__load_u32(page + META_AT + 4);
        if (version == 1) {
            return TJ_OK;
        }
        return tj__fail(error, TJ_UNSUPPORTED,
                        "%s has LMDB's format version %" PRIu32
                        ", this library reads version 1: export it with the program that wrote it",
                        pages->path, version);
    }
    if (here == MAGIC_SWAPPED) {
        writer = "a big-endian machine";
    } else if (tj__load_u32(page + 12) == MAGIC) {
        writer = "a 32-bit program";
    } else if (tj__load_u32(page + 24) == MAGIC) {
        writer = "LMDB 1.0 or newer";
    }
    if (writer) {
        return tj__fail(error, TJ_UNSUPPORTED,
                        "%s was written by %s, in a format this library does not read: export it "
                        "with the program that wrote it",
                        pages->path, writer);
    }
    return tj__fail(error, TJ_CORRUPT, "%s is not an LMDB file: it has no LMDB magic number",
                    pages->path);
}

static bool is_page_size(uint32_t size)
{
    return size >= TJ__PAGE_SIZE_MIN && size <= TJ__PAGE_SIZE_MAX && (size & (size - 1)) == 0;
}

static tj_status check_page_size(const tj__pages *pages, uint32_t found, uint32_t allowed,
                                 tj_error *error)
{
    if (!is_page_size(found)) {
        return tj__pages_bad(pages, 0, error, "%" PRIu32 " is no page size", found);
    }
    if (allowed != 0 && found != allowed) {
        return tj__fail(error, TJ_UNSUPPORTED,
                        "%s has pages of %" PRIu32 " bytes, those of this system have %" PRIu32
                        ": export the journal on the machine that wrote it, and import it here",
                        pages->path, found, allowed);
    }
    return TJ_OK;
}

/* Reads meta page `number` (0 or 1); the page size is known before the second is. */
static tj_status read_meta(tj__pages *pages, unsigned number, uint32_t allowed, tj_error *error)
{
    uint8_t page[TJ__PAGE_HEADER_SIZE + TJ__META_SIZE];
    TJ_TRY(tj__file_read_at(pages->fd, pages->path, page, sizeof page,
                            (uint64_t)number * pages->page_size, error));
    memcpy(pages->metas[number], page + META_AT, TJ__META_SIZE);
    pages->metas_read = number + 1;
    TJ_TRY(check_magic(pages, page, error));
    uint32_t page_size = tj__load_u32(page + META_AT + 24);
    if (number == 0) {
        TJ_TRY(check_page_size(pages, page_size, allowed, error));
        pages->page_size = page_size;
    } else if (page_size != pages->page_size) {
        return tj__pages_bad(pages, number, error,
                             "its page size is %" PRIu32 ", page 0 says %" PRIu32, page_size,
                             pages->page_size);
    }
    if (tj__load_u64(page) != number || tj__load_u16(page + 10) != TJ__PAGE_META) {
        return tj__pages_bad(pages, number, error, "it does not say that it is meta page %u",
                             number);
    }
    return TJ_OK;
}

/* LMDB counts on from it, and readers lock a byte for it (slotless.c); real counts are nowhere
 * near. */
#define TRANSACTION_MAX (((uint64_t)1 << 62) - 1)

/* LMDB finds the meta page of a transaction by the lowest bit of the transaction's number; only
 * in a file that was never committed to are both 0. */
static tj_status choose_meta(tj__pages *pages, tj_error *error)
{
    uint64_t first = tj__load_u64(pages->metas[0] + 128);
    uint64_t second = tj__load_u64(pages->metas[1] + 128);
    unsigned newest = first < second;
    const uint8_t *meta = pages->metas[newest];
    pages->transaction = newest ? second : first;
    if (pages->transaction > TRANSACTION_MAX) {
        return tj__pages_bad(pages, newest, error, "%" PRIu64 " is no transaction",
                             pages->transaction);
    }
    if ((pages->transaction & 1) != newest) {
        return tj__pages_bad(pages, newest, error, "transaction %" PRIu64 " belongs on page %u",
                             pages->transaction, !newest);
    }
    pages->free_list = tj__tree_read(meta + 24);
    pages->main = tj__tree_read(meta + 72);
    pages->last_page = tj__load_u64(meta + 120);
    if (pages->last_page < 1) {
        return tj__pages_bad(pages, newest, error, "it counts fewer pages than there are");
    }
    uint64_t most = pages->size / pages->page_size + TJ__UNWRITTEN_PAGES_MAX;
    if (pages->last_page >= UINT64_MAX / pages->page_size) {
        return tj__pages_bad(pages, newest, error,
                             "%" PRIu64 " pages are more than a file can have", pages->last_page);
    }
    return pages->last_page < most ? TJ_OK : tj__pages_truncated(pages, error);
}

static tj_status check_file(tj__pages *pages, uint32_t page_size, tj_error *error)
{
    if (fstat(pages->fd, &pages->info) != 0) {
        return tj__fail_errno(error, errno, "looking at %s", pages->path);
    }
    if (!S_ISREG(pages->info.st_mode)) {
        return tj__fail(error, TJ_UNSUPPORTED, "%s is not a regular file", pages->path);
    }
    pages->size = (uint64_t)pages->info.st_size;
    if (pages->size == 0) {
        return tj__fail(error, TJ_CORRUPT,
                        "%s is empty (0 bytes): it was truncated; restore a copy of it or move "
                        "it away only if you know the journal held nothing",
                        pages->path);
    }
    if (pages->size < TJ__PAGE_HEADER_SIZE + TJ__META_SIZE) {
        return tj__fail(error, TJ_CORRUPT,
                        "%s is not an LMDB file: %" PRIu64 " bytes are too few for one",
                        pages->path, pages->size);
    }
    TJ_TRY(read_meta(pages, 0, page_size, error));
    if (pages->size < 2 * (uint64_t)pages->page_size) {
        return truncated(pages, 2 * (uint64_t)pages->page_size, error);
    }
    TJ_TRY(read_meta(pages, 1, page_size, error));
    /* Anew, because a writer may have extended the file before it wrote what was just read. */
    TJ_TRY(tj__file_size(pages->fd, pages->path, &pages->size, error));
    return choose_meta(pages, error);
}

tj_status tj__pages_open(const char *path, uint32_t page_size, tj__pages *pages, tj_error *error)
{
    *pages = (tj__pages){.fd = -1, .path = path};
    /* Without O_NONBLOCK a FIFO of that name would hang the caller. */
    TJ_TRY(tj__file_open(path, O_RDONLY | O_NONBLOCK, &pages->fd, error));
    return at_path(pages, check_file(pages, page_size, error), error);
}

void tj__pages_close(tj__pages *pages)
{
    tj__file_close(pages->fd);
    pages->fd = -1;
}

bool tj__pages_moved(const tj__pages *pages)
{
    for (unsigned number = 0; number < pages->metas_read; number++) {
        uint8_t meta[TJ__META_SIZE];
        uint64_t at = (uint64_t)number * pages->page_size + META_AT;
        size_t got = 0;
        if (tj__file_read_some(pages->fd, pages->path, meta, sizeof meta, at, &got, NULL) !=
                TJ_OK ||
            got != sizeof meta || memcmp(meta, pages->metas[number], sizeof meta) != 0) {
            return true;
        }
    }
    return false;
}

/* Bytes the node at `at` takes, or 0 if it is no node or does not end within the page. */
static inline size_t node_size(const uint8_t *page, size_t page_size, size_t at, bool branch,
                               bool first)
{
    uint64_t head = tj__load_u64(page + at);
    uint16_t flags = (uint16_t)(head >> 32);
    uint16_t key_size = (uint16_t)(head >> 48);
    size_t size = TJ__NODE_HEADER_SIZE + (size_t)key_size;
    if (key_size > KEY_SIZE_MAX || (key_size == 0 && !(branch && first))) {
        return 0;
    }
    if (!branch) {
        if (flags != 0 && flags != TJ__NODE_OVERFLOW && flags != TJ__NODE_DATABASE) {
            return 0;
        }
        size += flags == TJ__NODE_OVERFLOW ? sizeof(uint64_t) : (uint32_t)head;
    }
    size += size & 1;
    return size <= page_size - at ? size : 0;
}

static size_t node_at(const uint8_t *page, size_t index)
{
    return tj__load_u16(page + TJ__PAGE_HEADER_SIZE + 2 * index);
}

/* Which of the nodes, each of which is one, take the same room; if none does, they leave gaps. */
static tj_status bad_room(const tj__pages *pages, uint64_t number, const uint8_t *page, size_t sum,
                          tj_error *error)
{
    size_t room = pages->page_size - (size_t)tj__load_u16(page + 14);
    bool branch = tj__load_u16(page + 10) == TJ__PAGE_BRANCH;
    for (size_t i = 1; i < tj__page_node_count(page); i++) {
        size_t at = node_at(page, i);
        size_t end = at + node_size(page, pages->page_size, at, branch, false);
        for (size_t j = 0; j < i; j++) {
            size_t other = node_at(page, j);
            if (other < end &&
                at < other + node_size(page, pages->page_size, other, branch, j == 0)) {
                return tj__pages_bad(pages, number, error, "node %zu lies over another one", i);
            }
        }
    }
    return tj__pages_bad(pages, number, error, "its nodes take %zu bytes, it says %zu", sum, room);
}

/* Where nodes begin and end, a bit for every two bytes of a page, that is turned over for each. */
typedef uint64_t page_edges[TJ__PAGE_SIZE_MAX / 2 / 64 + 1];

static void turn_edge(page_edges edges, size_t at)
{
    edges[at / 2 / 64] ^= (uint64_t)1 << at / 2 % 64;
}

/*
 * Every node within the page, none over another, and no gap between them, as LMDB keeps them. When
 * only the first and the last edge of the room are left, an odd number of nodes stands at every
 * place in it, so at least one; and no place has three, because together they take what the room
 * has.
 */
static tj_status check_nodes(const tj__pages *pages, uint64_t number, const uint8_t *page,
                             tj_error *error)
{
    page_edges edges;
    size_t words = pages->page_size / 2 / 64 + 1;
    bool branch = tj__load_u16(page + 10) == TJ__PAGE_BRANCH;
    size_t upper = tj__load_u16(page + 14);
    size_t count = tj__page_node_count(page);
    size_t sum = 0;
    memset(edges, 0, words * sizeof *edges);
    turn_edge(edges, upper);
    turn_edge(edges, pages->page_size);
    for (size_t i = 0; i < count; i++) {
        size_t at = node_at(page, i);
        if (at < upper || at % 2 != 0 || at > pages->page_size - TJ__NODE_HEADER_SIZE) {
            return tj__pages_bad(pages, number, error, "node %zu cannot stand at byte %zu", i, at);
        }
        size_t size = node_size(page, pages->page_size, at, branch, i == 0);
        if (size == 0) {
            return tj__pages_bad(pages, number, error, "node %zu, at byte %zu, is malformed", i,
                                 at);
        }
        turn_edge(edges, at);
        turn_edge(edges, at + size);
        sum += size;
    }
    uint64_t left = sum != pages->page_size - upper;
    for (size_t i = 0; i < words; i++) {
        left |= edges[i];
    }
    return left == 0 ? TJ_OK : bad_room(pages, number, page, sum, error);
}

tj_status tj__pages_fill(const tj__pages *pages, tj__pages_ahead *ahead, uint64_t first,
                         size_t count, tj_error *error)
{
    size_t got = 0;
    TJ_ASSERT(count <= TJ__PAGES_AHEAD);
    ahead->count = 0;
    TJ_TRY(tj__file_read_some(pages->fd, pages->path, ahead->bytes, count * pages->page_size,
                              first * pages->page_size, &got, error));
    ahead->first = first;
    ahead->count = got / pages->page_size;
    return ahead->count > 0 ? TJ_OK : tj__pages_truncated(pages, error);
}

static tj_status fetch(const tj__pages *pages, uint64_t number, uint8_t *page, tj_error *error)
{
    return tj__file_read_at(pages->fd, pages->path, page, pages->page_size,
                            number * pages->page_size, error);
}

/* Reads from the page on: twice as many as before while pages follow each other, or one between
 * them is left out, and else it alone. */
static tj_status refill(const tj__pages *pages, tj__pages_ahead *ahead, uint64_t number,
                        tj_error *error)
{
    uint64_t behind = ahead->first + ahead->count;
    bool goes_on = number >= behind && number - behind < 2;
    size_t wanted = goes_on && ahead->count > 0 ? 2 * ahead->count : 1;
    return tj__pages_fill(pages, ahead, number, wanted < TJ__PAGES_AHEAD ? wanted : TJ__PAGES_AHEAD,
                          error);
}

static tj_status check_number(const tj__pages *pages, uint64_t number, tj_error *error)
{
    if (number < 2 || number > pages->last_page) {
        return tj__pages_bad(pages, number, error,
                             "a tree cannot use it, the last page is %" PRIu64, pages->last_page);
    }
    return (number + 1) * pages->page_size > pages->size ? tj__pages_truncated(pages, error)
                                                         : TJ_OK;
}

/* All that can be checked in a page alone. */
static tj_status check_page(const tj__pages *pages, uint64_t number, tj__page_kind kind,
                            const uint8_t *page, tj_error *error)
{
    if (tj__load_u64(page) != number) {
        return tj__pages_bad(pages, number, error, "it says that it is page %" PRIu64,
                             tj__load_u64(page));
    }
    if (tj__load_u16(page + 10) != kind) {
        return tj__pages_bad(pages, number, error, "its flags are %#x instead of %#x",
                             tj__load_u16(page + 10), kind);
    }
    size_t lower = tj__load_u16(page + 12);
    size_t upper = tj__load_u16(page + 14);
    if (lower <= TJ__PAGE_HEADER_SIZE || lower % 2 != 0 || lower > upper ||
        upper > pages->page_size) {
        return tj__pages_bad(pages, number, error, "its bounds are %zu and %zu", lower, upper);
    }
    return check_nodes(pages, number, page, error);
}

tj_status tj__pages_read(const tj__pages *pages, uint64_t number, tj__page_kind kind, uint8_t *page,
                         tj_error *error)
{
    TJ_TRY(check_number(pages, number, error));
    TJ_TRY(fetch(pages, number, page, error));
    return check_page(pages, number, kind, page, error);
}

tj_status tj__pages_read_ahead(const tj__pages *pages, tj__pages_ahead *ahead, uint64_t number,
                               tj__page_kind kind, uint8_t **page, tj_error *error)
{
    TJ_TRY(check_number(pages, number, error));
    if (!tj__pages_has_ahead(ahead, number)) {
        TJ_TRY(refill(pages, ahead, number, error));
    }
    *page = ahead->bytes + (number - ahead->first) * pages->page_size;
    return check_page(pages, number, kind, *page, error);
}

/* Index of the first node whose key is not below `key`. */
static size_t lower_bound(const uint8_t *page, tj__bytes key, size_t first)
{
    size_t index = first;
    while (index < tj__page_node_count(page) &&
           tj__bytes_compare(tj__page_node(page, index).key, key) < 0) {
        index++;
    }
    return index;
}

tj_status tj__pages_find(const tj__pages *pages, const tj__tree *tree, tj__bytes key, uint8_t *page,
                         tj__node *node, tj_error *error)
{
    uint64_t number = tree->root;
    if (number == TJ__NO_PAGE) {
        return TJ_NOT_FOUND;
    }
    for (unsigned level = 1; level < tree->depth && level < TJ__TREE_DEPTH_MAX; level++) {
        TJ_TRY(tj__pages_read(pages, number, TJ__PAGE_BRANCH, page, error));
        size_t next = lower_bound(page, key, 1);
        bool equal =
            next < tj__page_node_count(page) && tj__bytes_equal(tj__page_node(page, next).key, key);
        number = tj__page_node(page, equal ? next : next - 1).child;
    }
    TJ_TRY(tj__pages_read(pages, number, TJ__PAGE_LEAF, page, error));
    size_t index = lower_bound(page, key, 0);
    if (index == tj__page_node_count(page) ||
        !tj__bytes_equal(tj__page_node(page, index).key, key)) {
        return TJ_NOT_FOUND;
    }
    *node = tj__page_node(page, index);
    return TJ_OK;
}
