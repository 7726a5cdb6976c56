/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Writing the log: append under the caller's lock, then wait for the flush that all who wait share.
 *
 * append encodes a record into the open batch: a run of bytes that will be written at one offset of
 * one segment. wait(sequence) returns when that record is acknowledged. The first waiter of a batch
 * is its leader: when no flush is under way it closes the batch (the next one opens and fills
 * meanwhile), writes it with one pwrite, flushes once (sync mode), calls `acknowledged`, hands
 * leadership to the next batch's first waiter before waking its own followers. A lone saver
 * therefore does everything on its own thread, without a switch.
 *
 * Failure (P7): the first failed write or flush poisons the writer. Records that were in a batch
 * handed to pwrite are "unknown", records still queued are "not applied"; both are told so with
 * TJ_CLOSED, and nothing is acknowledged any more. The page cache may hold what the disk does not,
 * so only reopening (tj__log_settle) tells.
 *
 * Rotation happens inside append, when a record does not fit the segment any more: the open batch
 * gets the seal, is flushed with everything before it (also in os mode), and the next segment is
 * begun by the batch that holds the record. A record larger than a segment gets a segment of its
 * own size.
 */
#ifndef TJ_LOG_WRITER_H
#define TJ_LOG_WRITER_H

#include <tesser/config.h>

#include "base/metrics.h"
#include "model/commit_record.h"
#include "model/position.h"

typedef struct tj__log_writer tj__log_writer;

typedef struct tj__log_writer_options {
    const char *directory; /* the log directory */
    tj_uuid journal_id;
    uint64_t epoch;        /* written into every record */
    uint64_t segment_size; /* for segments created from now on */
    tj_durability durability;
    /* Called by the leader after the write (os) or flush (sync) that acknowledges everything up to
     * sequence, before any waiter is released. Must be quick; calls never overlap and rise. After a
     * failure the batch is "unknown". */
    tj_status (*acknowledged)(void *context, uint64_t sequence, tj_error *error);
    /* Called by the leader when the disk is full in the middle of a segment, whose blocks are
     * shared then or copied on write: true when there is space now, and the write is tried once
     * more. May be NULL. */
    bool (*make_space)(void *context);
    /* Called by the leader before it writes records, at most every TJ__PLACE_CHECK_NS: TJ_OK while
     * the journal is where it was opened. After a failure nothing is written any more: the batch is
     * "not applied", and the error is what later calls report. May be NULL. The segment itself is
     * looked at anyway. */
    tj_status (*in_place)(void *context, tj_error *error);
    void *context;
    tj__metrics *metrics; /* may be NULL */
} tj__log_writer_options;

/* Opens the log for appending at `end`, where a reader found its end and tj__log_settle was done
 * (or the log was closed cleanly). The segment of `end` exists; it may be prepared but not
 * begun. */
tj_status tj__log_writer_open(const tj__log_writer_options *options, const tj__position *end,
                              tj__log_writer **out, tj_error *error);

/* Flushes what is appended and closes. NULL is allowed. */
tj_status tj__log_writer_close(tj__log_writer *writer, tj_error *error);

/* Appends one commit; its sequence and epoch are given here, and its time too, unless it has one
 * that is later than that of the commit before. Calls must be serialized by the caller (the append
 * lock). Blocks while 4 MiB wait to be written, and at the end of a segment, until they are
 * flushed.
 * TJ_OK: *sequence is set, and the record will be written with its batch.
 * TJ_CLOSED: poisoned. TJ_LIMIT: too large, or no later time is left. Anything else (TJ_FULL,
 * TJ_NOMEM, TJ_LIMIT, TJ_IO, ...): nothing changed. */
tj_status tj__log_writer_append(tj__log_writer *writer, const tj__commit_record *commit,
                                uint64_t *sequence, tj_error *error);

/* Waits until the record is acknowledged: written and, in sync mode, flushed. Any thread, any
 * number. TJ_OK; TJ_CLOSED with "outcome unknown" or "not applied" in the message. */
tj_status tj__log_writer_wait(tj__log_writer *writer, uint64_t sequence, tj_error *error);

/* The same, and flushed in os mode too. */
tj_status tj__log_writer_wait_durable(tj__log_writer *writer, uint64_t sequence, tj_error *error);

/* Makes everything appended so far durable, in os mode too. Any thread. *durable (may be NULL)
 * receives a sequence that is then durable. */
tj_status tj__log_writer_sync(tj__log_writer *writer, uint64_t *durable, tj_error *error);

/* Highest sequence acknowledged, and highest appended. Any thread. */
uint64_t tj__log_writer_acknowledged(const tj__log_writer *writer);
uint64_t tj__log_writer_appended(const tj__log_writer *writer);

/* Prepares the next segment if the current one is half full and there is none yet; else returns at
 * once. For the helper thread; append prepares it itself if it comes too late. TJ_FULL and other
 * failures change nothing and may be tried again. */
tj_status tj__log_writer_prepare(tj__log_writer *writer, tj_error *error);
/* Whether tj__log_writer_prepare has something to do. Any thread. */
bool tj__log_writer_wants_prepare(const tj__log_writer *writer);
/* Before closing: ends a preparation that is under way on another thread. */
void tj__log_writer_cancel_prepare(tj__log_writer *writer);

/* Poisons the writer from outside (a journal that was replaced under it): the reason is what later
 * calls report. */
void tj__log_writer_poison(tj__log_writer *writer, const char *reason);

/* Opens the log, appends one commit, flushes it and closes: for who is no writer otherwise.
 * TJ_FULL, TJ_IO: the commit may be there, which the next who reads the log finds out. */
tj_status tj__log_append_once(const tj__log_writer_options *options, const tj__position *end,
                              const tj__commit_record *commit, uint64_t *sequence, tj_error *error);

/* In the child of a fork: closes descriptors without writing. */
void tj__log_writer_abandon(tj__log_writer *writer);

#endif
