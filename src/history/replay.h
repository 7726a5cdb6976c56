/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Replay: the rows that the records of the log write. What a view, an apply and a state of the past
 * have in common.
 */
#ifndef TJ_HISTORY_REPLAY_H
#define TJ_HISTORY_REPLAY_H

#include "base/rowmap.h"
#include "log/reader.h"
#include "rows/body.h"

/* Reads the records behind the reader, up to and with the one of `sequence`, and puts their rows of
 * these tables into `rows`. Exactly to there, or it fails: a shorter answer would be a state that
 * never was. TJ_CORRUPT naming the place where the log ends too early; TJ_NOT_FOUND naming a
 * segment that is gone, which retention may have taken; else as tj__log_reader_next. */
tj_status tj__replay(tj__log_reader *reader, uint64_t sequence, uint64_t tables, tj__rowmap *rows,
                     tj_error *error);

/* The same over what `below` tells of; see tj__body_apply_over. */
tj_status tj__replay_over(tj__log_reader *reader, uint64_t sequence, uint64_t tables,
                          tj__below *below, void *context, tj__rowmap *rows, tj_error *error);

/* The error of whoever reads up to `sequence` and met the end of the log: TJ_CORRUPT. */
tj_status tj__replay_fell_short(const tj__log_reader *reader, uint64_t sequence, tj_error *error);

#endif
