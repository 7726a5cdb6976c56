/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/**
 * @file copy.h
 * Copying a journal commit by commit: from a directory to a server, from a server to a directory,
 * or between two of a kind; once, or again and again behind a writer that goes on.
 *
 * A copy has the same commits with the same sequences, times, ids and notes, so the same history.
 * It has an id of its own. Who goes on with it must not go on with the original, and the other way
 * round: both would hand out the same numbers of their counters.
 */
#ifndef TESSER_COPY_H
#define TESSER_COPY_H

#include <tesser/config.h>
#include <tesser/uuid.h>

#ifdef __cplusplus
extern "C" {
#endif

/** A copy under way: two opened journals. */
typedef struct tj_copier tj_copier;

/** What a copy comes to. */
typedef struct tj_copy_report {
    tj_uuid source_id;
    tj_uuid target_id;
    uint64_t sequence;  /**< newest commit of the target */
    uint64_t row_count; /**< rows of its state, all books together */
    uint64_t digest;    /**< of both at that commit: the same for the same rows */
} tj_copy_report;

/**
 * Opens a source to look on, beside its writer or without one, and a target as its writer, which is
 * created when it is not there.
 *
 * @param source borrowed for the call, and so is the target
 * @param target opened for writing, whatever its `read_only` says
 * @param out    released with tj_copier_close; NULL on failure
 * @return TJ_OK; TJ_CONFLICT: the target has commits that the source does not have; TJ_NOT_FOUND:
 *         there is no source, or the commits that the target lacks are not kept there any more;
 *         TJ_MISUSE; TJ_NOMEM; and as tj_store_open
 * Threads: any.
 */
TJ_API TJ_CHECKED tj_status tj_copier_open(const tj_config *source, const tj_config *target,
                                           tj_copier **out, tj_error *error);

/**
 * Copies every commit that the source has acknowledged and the target does not have. May be called
 * again and again, also after a failure, and then goes on from there.
 *
 * @param sequence receives the newest commit of the target; may be NULL
 * @return TJ_OK; TJ_UNAVAILABLE, TJ_UNKNOWN: the target's server is away, call it again; and as a
 *         commit to the target and a tj_history_next of the source
 * Threads: handle. Durability: what is copied is as durable as the target's configuration says.
 */
TJ_API TJ_CHECKED tj_status tj_copier_run(tj_copier *copier, uint64_t *sequence, tj_error *error);

/**
 * Compares the states of both at the target's newest commit, row for row by their digest.
 *
 * @param report receives what it comes to; may be NULL
 * @return TJ_OK: they are the same; TJ_CORRUPT: they are not, naming a table; and as a load
 * Threads: handle.
 */
TJ_API TJ_CHECKED tj_status tj_copier_verify(tj_copier *copier, tj_copy_report *report,
                                             tj_error *error);

/** Closes both. NULL is allowed. As tj_store_close of the target. Threads: handle. */
TJ_API tj_status tj_copier_close(tj_copier *copier, tj_error *error);

#ifdef __cplusplus
}
#endif
#endif
