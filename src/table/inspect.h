/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * All of a data.mdb, for verification and repair: every page, every row, and whatever is wrong with
 * them, one after the other. With pread and without LMDB, which dies of some damaged files; no more
 * of the file is believed than what was walked.
 *
 * Beside a writer it looks at one snapshot, whose pages the writer holds meanwhile.
 */
#ifndef TJ_TABLE_INSPECT_H
#define TJ_TABLE_INSPECT_H

#include "table/table.h"

typedef struct tj__inspection {
    bool has_superblock; /* and it could be read */
    bool has_position;
    tj__superblock superblock;
    tj__position position;
    uint64_t bytes;   /* of the file */
    uint64_t pages;   /* of the snapshot, from 0 to the last */
    uint64_t rows;    /* that were given out, META left out */
    uint64_t damaged; /* bits of the tables that did not show what was stored; of 0 for the file */
} tj__inspection;

/* Each may be NULL: then nothing is done about it. */
typedef struct tj__inspector {
    /* Sees a row, in key order within its table; row->damaged where its checksum does not match,
     * with file and offset set for all. */
    tj_status (*row)(void *context, const tj__row *row, tj_error *error);
    /* Is told what is wrong with a table, or with the file (table 0): TJ_IO where it could not be
     * read. What the table had behind that may not have been given out. */
    tj_status (*fault)(void *context, uint8_t table, const tj_error *fault, tj_error *error);
    /* Before rows are given out: also after an attempt that a writer overtook. */
    tj_status (*begin)(void *context, tj_error *error);
    void *context;
} tj__inspector;

/* TJ_OK however damaged the file is. TJ_NOT_FOUND when there is none; TJ_NOMEM; TJ_FORMAT_NEWER for
 * one of another version; TJ_UNAVAILABLE when a writer changed it each time; and what a callback
 * returns. */
tj_status tj__data_inspect(const char *directory, const tj__inspector *inspector,
                           tj__inspection *out, tj_error *error);

#endif
