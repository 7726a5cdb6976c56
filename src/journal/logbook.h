/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * The log as the journal reads it: its segments, its records, and where it ends.
 *
 * "A torn tail, or damage?" is asked by the writer that opens and by everyone who looks on, and is
 * answered here, once (tj__logbook_judge_end): a place without a valid record is damage when
 * anything shows that more was durable:
 *   - the acknowledged mark of a writer of this boot,
 *   - the durable sequence in a valid record further on,
 *   - a later segment that was begun, which happens only behind a durable seal.
 * Otherwise the log ends there: a power cut inside one unflushed group may leave record k+1 without
 * k.
 *
 * Nothing here writes.
 */
#ifndef TJ_JOURNAL_LOGBOOK_H
#define TJ_JOURNAL_LOGBOOK_H

#include "journal/journal.h"
#include "journal/lock.h"
#include "log/reader.h"

/* The log's segments that are there, from the first. TJ_CORRUPT when their directory is gone. */
tj_status tj__logbook_segments(const tj__journal *journal, tj__segment_list *out, tj_error *error);
/* How many of them are missing before the newest. */
uint64_t tj__logbook_missing(const tj__journal *journal, const tj__segment_list *list);
/* The first behind all that are missing. */
uint64_t tj__logbook_unbroken_from(const tj__journal *journal, const tj__segment_list *list);
/* Traces a warning of what the log's directory lacks, and of what it holds that is no segment. For
 * who opens a journal without surveying it. */
tj_status tj__logbook_warn(const tj__journal *journal, tj_error *error);

/* As tj__log_reader_next, with TJ_CORRUPT for a segment that is not there. */
tj_status tj__logbook_next(tj__log_reader *reader, tj__log_next *next, tj__record *record,
                           tj_error *error);

/* The sentence for a log that ends before `covered`, of which `by` knows: TJ_CORRUPT. */
tj_status tj__logbook_fell_short(const tj__log_reader *reader, uint64_t covered, const char *by,
                                 tj_error *error);

/* Behind TJ__LOG_END: TJ_OK when the log may end where the reader stands, with what lies behind in
 * *tail; TJ_CORRUPT when more was durable. */
tj_status tj__logbook_judge_end(tj__log_reader *reader, const tj__mark *mark, tj__log_tail *tail,
                                tj_error *error);

/* The log from LMDB's position to its end. */
typedef struct tj__logbook {
    tj__position applied; /* LMDB's */
    tj__mark mark;
    tj__log_reader *reader; /* at the end */
    tj__position end;
    tj__position settled;   /* everything before it is known to be durable */
    uint64_t pending_bytes; /* of the records between applied and end */
    tj__log_tail tail;
} tj__logbook;

/* Reads it and judges it, as the next writer will: checks that all segments from LMDB's position on
 * are there and that this position lies on the chain of records, and finds the end. Warns as
 * tj__logbook_warn: a segment that is missing further back takes history, and nothing of the newest
 * state. After a failure too it is to be disposed of. */
tj_status tj__logbook_survey(const tj__journal *journal, tj__logbook *out, tj_error *error);
void tj__logbook_dispose(tj__logbook *book);

/* How far the clock is behind the time of the newest commit, in ns; 0 if it is not. */
int64_t tj__logbook_clock_behind(tj_time newest);

#endif
