/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * The pages of an LMDB 0.9 file, read with pread and believed only after a look: what the quick
 * check and the page walk share. LMDB itself crashes on some damaged files, so nothing here maps
 * the file or calls LMDB.
 *
 * All numbers are in the byte order of the machine that wrote the file; only little-endian files
 * of 64-bit programs are read. A page:
 *    0  u64  its own number
 *    8  u16  unused here
 *   10  u16  flags: 1 branch, 2 leaf, 4 overflow, 8 meta
 *   12  u16  lower: end of the node offsets      (overflow pages: u32 pages in the run)
 *   14  u16  upper: start of the nodes
 *   16  u16  offsets of the nodes within the page, in key order
 * A node: u16 low, u16 high, u16 flags, u16 key size, the key, then the value. In a leaf, low and
 * high are the value's size; flag 1 says that the value is in an overflow run, whose page number
 * stands in its place; flag 2 that it is the record of a named database. In a branch, low, high
 * and flags are the child's page number, and the first key stands for "below everything".
 * Meta pages, numbers 0 and 1, hold from byte 16:
 *    0  u32  magic 0xBEEFC0DE
 *    4  u32  format version 1
 *    8  u64  address (unused)
 *   16  u64  map size
 *   24       tree record of the free list; its first u32 is the page size
 *   72       tree record of the main database
 *  120  u64  number of the last page
 *  128  u64  transaction; its lowest bit says which meta page it belongs to
 * A tree record: u32 unused, u16 flags, u16 depth, then as u64: branch pages, leaf pages, overflow
 * pages, entries, number of the root page (all ones: empty).
 */
#ifndef TJ_TABLE_PAGES_H
#define TJ_TABLE_PAGES_H

#include <sys/stat.h>
#include <tesser/error.h>

#include "base/buffer.h"

#define TJ__PAGE_SIZE_MIN 512
#define TJ__PAGE_SIZE_MAX 32768
#define TJ__PAGE_HEADER_SIZE 16
#define TJ__META_SIZE 136
#define TJ__NODE_HEADER_SIZE 8
#define TJ__TREE_RECORD_SIZE 48
#define TJ__TREE_DEPTH_MAX 32 /* LMDB's cursors hold no more */
#define TJ__NO_PAGE UINT64_MAX
/* Pages a transaction allocates at the end of the file and frees again are never written, so a
 * sound file may be shorter than its pages; by no more than LMDB's limit of dirty pages. */
#define TJ__UNWRITTEN_PAGES_MAX 131072

typedef enum tj__page_kind {
    TJ__PAGE_BRANCH = 1,
    TJ__PAGE_LEAF = 2,
    TJ__PAGE_OVERFLOW = 4,
    TJ__PAGE_META = 8
} tj__page_kind;

enum { TJ__NODE_OVERFLOW = 1, TJ__NODE_DATABASE = 2 };

typedef struct tj__tree {
    uint16_t flags;
    uint16_t depth;
    uint64_t branch_pages;
    uint64_t leaf_pages;
    uint64_t overflow_pages;
    uint64_t entries;
    uint64_t root;
} tj__tree;

typedef struct tj__node {
    tj__bytes key;
    uint16_t flags;
    uint32_t value_size;
    uint64_t child;  /* branch: its page; leaf with TJ__NODE_OVERFLOW: first page of the run */
    size_t value_at; /* leaf: where the value (or the run's number) stands within the page */
} tj__node;

/* An open file and what its newest meta page says. */
typedef struct tj__pages {
    int fd;
    const char *path; /* borrowed */
    struct stat info;
    uint64_t size;
    uint32_t page_size;
    uint64_t last_page;
    uint64_t transaction;
    tj__tree free_list;
    tj__tree main;
    unsigned metas_read;
    uint8_t metas[2][TJ__META_SIZE]; /* as they were read, sound or not */
} tj__pages;

/* Opens path and checks size and meta pages. page_size other than 0 is the only one allowed. The
 * file may be short of the last page by up to TJ__UNWRITTEN_PAGES_MAX. Close it also when this
 * fails. */
tj_status tj__pages_open(const char *path, uint32_t page_size, tj__pages *pages, tj_error *error);
void tj__pages_close(tj__pages *pages);
/* Whether the meta pages have changed since they were read: a writer is at work, and what was
 * found meanwhile may belong to no snapshot. */
bool tj__pages_moved(const tj__pages *pages);
/* Bytes that a file with all its pages has. */
uint64_t tj__pages_needed(const tj__pages *pages);

/* Reads a branch or leaf page of a tree into `page` (page_size bytes) and checks everything that
 * can be checked in it alone, so that tj__page_node needs no checks. */
tj_status tj__pages_read(const tj__pages *pages, uint64_t number, tj__page_kind kind, uint8_t *page,
                         tj_error *error);

/* Some pages that were read together, for who reads many: LMDB fills its file from front to back,
 * so what a tree reaches is often in the order of the file. */
#define TJ__PAGES_AHEAD 16
typedef struct tj__pages_ahead {
    uint8_t *bytes; /* of TJ__PAGES_AHEAD pages; the user's */
    uint64_t first;
    size_t count;
} tj__pages_ahead;
static inline bool tj__pages_has_ahead(const tj__pages_ahead *ahead, uint64_t number)
{
    return number >= ahead->first && number - ahead->first < ahead->count;
}
/* Reads the pages that are asked for next, by who knows which: at most TJ__PAGES_AHEAD. */
tj_status tj__pages_fill(const tj__pages *pages, tj__pages_ahead *ahead, uint64_t first,
                         size_t count, tj_error *error);

/* As tj__pages_read; *page is in `ahead` until the next one is read. */
tj_status tj__pages_read_ahead(const tj__pages *pages, tj__pages_ahead *ahead, uint64_t number,
                               tj__page_kind kind, uint8_t **page, tj_error *error);

/* Of a page that was read. Here, because a walk takes these steps for every row. */
static inline size_t tj__page_node_count(const uint8_t *page)
{
    return (size_t)(tj__load_u16(page + 12) - TJ__PAGE_HEADER_SIZE) / 2;
}

static inline tj__node tj__page_node_of(const uint8_t *page, size_t index, bool branch)
{
    size_t at = tj__load_u16(page + TJ__PAGE_HEADER_SIZE + 2 * index);
    uint64_t head = tj__load_u64(page + at);
    size_t key_size = head >> 48;
    tj__node out = {.key = tj__bytes_of(page + at + TJ__NODE_HEADER_SIZE, key_size),
                    .value_at = at + TJ__NODE_HEADER_SIZE + key_size};
    if (branch) {
        out.child = head & (((uint64_t)1 << 48) - 1);
        return out;
    }
    out.flags = (uint16_t)(head >> 32);
    out.value_size = (uint32_t)head;
    if (out.flags & TJ__NODE_OVERFLOW) {
        out.child = tj__load_u64(page + out.value_at);
    }
    return out;
}

static inline tj__node tj__page_node(const uint8_t *page, size_t index)
{
    return tj__page_node_of(page, index, tj__load_u16(page + 10) == TJ__PAGE_BRANCH);
}

tj__tree tj__tree_read(const uint8_t *record);

/* Looks a key up in a tree without flags, reading one page per level through `page`. *node is
 * valid while `page` is. TJ_NOT_FOUND without touching error. */
tj_status tj__pages_find(const tj__pages *pages, const tj__tree *tree, tj__bytes key, uint8_t *page,
                         tj__node *node, tj_error *error);

/* "FILE is damaged at page N: reason". */
tj_status tj__pages_bad(const tj__pages *pages, uint64_t number, tj_error *error,
                        const char *format, ...) TJ_PRINTF(4, 5);
/* "FILE is truncated: N bytes found, M needed", M being tj__pages_needed. */
tj_status tj__pages_truncated(const tj__pages *pages, tj_error *error);
/* "out of memory checking FILE". */
tj_status tj__pages_no_memory(const tj__pages *pages, tj_error *error);

/* Walks everything that the newest meta page reaches; tj__page_check on an open file. */
tj_status tj__pages_walk(const tj__pages *pages, tj__buffer *names, tj_error *error);

/* The same a part at a time. A page that two parts use is found in the one that is walked later. */
typedef struct tj__walk tj__walk;
/* Walks the main database's own pages, and so finds the named ones. */
tj_status tj__walk_begin(const tj__pages *pages, tj__walk **out, tj_error *error);
void tj__walk_end(tj__walk *walk); /* NULL is allowed */
/* Names of the named databases, each with a NUL behind it. */
tj__bytes tj__walk_names(const tj__walk *walk);
/* How many pages a named database has; 0 when there is none. */
uint64_t tj__walk_size(const tj__walk *walk, const char *name);
typedef struct tj__walked_row {
    tj__bytes key;
    tj__bytes value; /* right behind the key, but for a long one */
    uint64_t offset; /* of the value in the file */
} tj__walked_row;
/* Sees the rows of a page, in one call or more. Views are valid during the call, and the visitor
 * may write to what they show: the walk is done with it. */
typedef tj_status tj__walk_visitor(void *context, const tj__walked_row *rows, size_t count,
                                   tj_error *error);
/* Walks a named database; one that is not there has no pages. `visit` may be NULL. */
tj_status tj__walk_database(tj__walk *walk, const char *name, tj__walk_visitor *visit,
                            void *context, tj_error *error);
/* The same by the order of the file, which is quicker where rows were put in another order than
 * that of their keys. Rows are seen in any order; with `other`, by two threads: those of one half
 * with `context`, meanwhile those of the other half with `other`. */
tj_status tj__walk_by_file(tj__walk *walk, const char *name, tj__walk_visitor *visit, void *context,
                           void *other, tj_error *error);
/* Walks the free list: no page of it is used by what was walked before. */
tj_status tj__walk_free_list(tj__walk *walk, tj_error *error);
/* After everything was walked: how many pages are neither in use nor free, and the first of
 * them. */
uint64_t tj__walk_lost(const tj__walk *walk, uint64_t *first);

/* Holds the snapshot that pages shows against a writer, until it is closed (slotless.c); *held is
 * false when a newer one came before. */
tj_status tj__pages_hold(const tj__pages *pages, bool *held, tj_error *error);

#endif
