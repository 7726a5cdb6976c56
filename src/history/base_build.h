/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Building bases of one segment's end, in one reading of the log. */
#ifndef TJ_HISTORY_BASE_BUILD_H
#define TJ_HISTORY_BASE_BUILD_H

#include "history/base_reader.h"
#include "history/base_writer.h"

/* What bases are built of, and where. */
typedef struct tj__base_place {
    const char *log_path;
    const char *directory; /* history */
    tj_uuid journal_id;
    const volatile int *cancel; /* nonzero: stop with TJ_CLOSED; may be NULL */
    size_t memory;              /* bytes of changed rows held at once; 0: the default */
    tj__base_rest *rest;        /* may be NULL */
    void *rest_context;
} tj__base_place;

/* TJ_CLOSED when it was cancelled. */
tj_status tj__base_place_check(const tj__base_place *place, tj_error *error);

/* A base that is to be built. */
typedef struct tj__base_order {
    tj__base_kind kind;
    tj__base *before;       /* an earlier one of the kind; NULL: from the log's beginning */
    tj__base_header header; /* of what was built */
} tj__base_order;
#define TJ__BASE_ORDERS_MAX (TJ__BASE_KINDS + 1)

/* Builds bases at the end of segment `ordinal`, each of another kind, from those before them, which
 * all stand at one place, and the segments since; into a .rest go only those segments' entries of
 * the ledger. Durable when it returns, replacing what had their names. Memory is bounded whatever
 * the state's size: with more changed rows than that the segments are read again for each range of
 * keys. TJ_NOT_FOUND: a segment is not there, or `ordinal` is not sealed yet, which only the begun
 * segment behind it shows: its seal is on the disk then. TJ_CORRUPT: the log or a base before is
 * damaged (its `damaged` tells). */
tj_status tj__base_build(const tj__base_place *place, uint64_t ordinal, tj__base_order *orders,
                         size_t count, tj_error *error);

#endif
