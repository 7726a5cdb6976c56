/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Building bases: one of them, and all that are due. */
#ifndef TJ_HISTORY_BASE_BUILD_H
#define TJ_HISTORY_BASE_BUILD_H

#include "history/base_reader.h"

/* What bases are built of, and where. */
typedef struct tj__base_place {
    const char *log_path;
    const char *directory; /* history */
    tj_uuid journal_id;
    const volatile int *cancel; /* nonzero: stop with TJ_CLOSED; may be NULL */
    size_t memory;              /* bytes of changed rows held at once; 0: the default */
} tj__base_place;

/* Builds the base of a kind at the end of segment `ordinal` from `before`, an earlier base of the
 * kind (NULL: from the log's beginning), and the segments since; into a .rest go only those
 * segments' entries of the ledger. Durable when it returns, replacing
 * what had its name. Memory is bounded whatever the state's size: with more changed rows than that
 * the segments are read again for each range of keys. TJ_NOT_FOUND: a segment is not there, or
 * `ordinal` is not sealed yet, which only the begun segment behind it shows: its seal is on the
 * disk then. TJ_CORRUPT: the log or `before` is damaged (before->damaged tells). */
tj_status tj__base_build(const tj__base_place *place, tj__base_kind kind, uint64_t ordinal,
                         tj__base *before, tj__base_header *out, tj_error *error);

#endif
