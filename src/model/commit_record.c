/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* The times of commits, which rise from each to the next. */
#include "model/commit_record.h"

#include "base/error.h"

tj_time tj__commit_time(const tj__commit_record *commit, tj_time last)
{
    if (commit->time > last) {
        return commit->time;
    }
    tj_time now = tj_time_now();
    /* A clock beyond the times that can be stored must not take the last one. */
    return now > last && now < INT64_MAX ? now : last + 1;
}

tj_status tj__commit_time_check(tj_time last, tj_error *error)
{
    return last < INT64_MAX ? TJ_OK
                            : tj__fail(error, TJ_LIMIT,
                                       "the newest commit has the last time that can be stored, in "
                                       "the year 2262: no other can follow it");
}
