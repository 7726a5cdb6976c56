/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* What lies in the log behind a position; tj__log_reader_tail is the way in. */
#ifndef TJ_LOG_TAIL_H
#define TJ_LOG_TAIL_H

#include "log/reader.h"

/* Fills in *tail from everything at and behind the position. TJ_CORRUPT when that cannot be told
 * with bounded work; TJ_FORMAT_NEWER when a newer version wrote there. */
tj_status tj__log_tail_scan(const char *directory, const tj_uuid *journal_id,
                            const tj__position *position, tj__log_tail *tail, tj_error *error);

#endif
