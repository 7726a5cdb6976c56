/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* A base as a row source. Blocks are read, and their hashes checked, when they are needed. */
#ifndef TJ_HISTORY_BASE_READER_H
#define TJ_HISTORY_BASE_READER_H

#include "base/rows.h"
#include "history/base.h"

typedef struct tj__base {
    tj__row_source rows; /* must be first; one thread at a time */
    tj__base_header header;
    bool damaged; /* a block could not be used: what was read before it was right */
    /* Its own. */
    char path[TJ__BASE_PATH_SIZE];
    int fd;
    uint8_t *index;
    struct tj__base_block *blocks;
    size_t block_count;
    tj__buffer block; /* that `get` read last, */
    size_t block_at;  /* and its number; block_count: none */
} tj__base;

/* Reads a base's header alone. TJ_NOT_FOUND; TJ_CORRUPT, TJ_FORMAT_NEWER for one that is of no
 * use, also when the file is not as long as its header says. */
tj_status tj__base_look(const char *directory, const tj_uuid *journal_id, tj__base_kind kind,
                        uint64_t ordinal, tj__base_header *out, tj_error *error);
/* Opens it: header and index are whole then. As tj__base_look. */
tj_status tj__base_open(const char *directory, const tj_uuid *journal_id, tj__base_kind kind,
                        uint64_t ordinal, tj__base **out, tj_error *error);
void tj__base_close(tj__base *base); /* NULL is allowed */

#endif
