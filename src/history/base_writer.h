/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Writing a base: rows in ascending order, then the index, then the header, in a file that gets its
 * name when it is durable. It gives way to the savers beside it: it writes small pieces, each of
 * them written back before the next, and may rest between them.
 */
#ifndef TJ_HISTORY_BASE_WRITER_H
#define TJ_HISTORY_BASE_WRITER_H

#include "base/rows.h"
#include "history/base.h"

typedef struct tj__base_writer tj__base_writer;

/* Called behind each piece that was written of the base at the end of a segment: to give way to the
 * savers. */
typedef void tj__base_rest(void *context, uint64_t ordinal, size_t bytes);
/* How long that takes, when so many segments behind it are sealed already: a steady few MiB/s, and
 * as many times more as it has fallen behind. */
uint64_t tj__base_rest_ms(size_t bytes, uint64_t segments_behind);

/* Begins <directory>/<ordinal>.<kind>.tmp, replacing what is there. The directory exists. */
tj_status tj__base_writer_open(const char *directory, tj__base_kind kind, uint64_t ordinal,
                               tj__base_writer **out, tj_error *error);
/* From now on it rests so. */
void tj__base_writer_pace(tj__base_writer *writer, tj__base_rest *rest, void *context);
/* The row's key is above that of the row before. */
tj_status tj__base_writer_add(tj__base_writer *writer, const tj__row *row, tj_error *error);
/* Makes it durable under its name: flush, rename, flush of the directory. `position` is where the
 * log goes on. *header (may be NULL) is what was written. */
tj_status tj__base_writer_finish(tj__base_writer *writer, const tj_uuid *journal_id,
                                 const tj__position *position, tj__base_header *header,
                                 tj_error *error);
/* Releases it; what was not finished is removed. NULL is allowed. */
void tj__base_writer_close(tj__base_writer *writer);

#endif
