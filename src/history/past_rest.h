/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* What retention kept of the ledger and the commit ids: the rows of all .rest files. */
#ifndef TJ_HISTORY_PAST_REST_H
#define TJ_HISTORY_PAST_REST_H

#include "base/rowmap.h"
#include "history/past.h"
#include "model/position.h"

/* Puts the rows of these tables that .rest files have, up to the newest file at or before a commit,
 * and those that follow from them. *position: where the log goes on. TJ_NOT_FOUND: there is no such
 * file; TJ_CORRUPT: one of them cannot be used. */
tj_status tj__past_rest_read(const tj__past_source *source, uint64_t sequence, uint64_t tables,
                             tj__rowmap *rows, tj__position *position, tj_error *error);

#endif
