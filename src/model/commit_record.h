/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* A commit, as its record in the log says it or is to say it; and one whose state is at hand. */
#ifndef TJ_MODEL_COMMIT_RECORD_H
#define TJ_MODEL_COMMIT_RECORD_H

#include <tesser/time.h>
#include <tesser/uuid.h>

#include "base/buffer.h"

typedef struct tj__commit_record {
    uint64_t sequence;
    tj_time time;
    uint64_t epoch;    /* of the writer that made it */
    tj_uuid commit_id; /* nil: none */
    tj__bytes note;    /* may be empty */
    uint32_t change_count;
    tj__bytes body; /* rows/body.h */
} tj__commit_record;

/* When a commit is made behind one of time `last`: at its own time, if that is later, else now, and
 * later than `last` whatever the clock says. */
tj_time tj__commit_time(const tj__commit_record *commit, tj_time last);
/* TJ_LIMIT when no later time is left. */
tj_status tj__commit_time_check(tj_time last, tj_error *error);

/* A commit whose state is at hand, without reading what was committed since another one. */
typedef struct tj__past_point {
    uint64_t sequence;
    tj_time time;
} tj__past_point;

#endif
