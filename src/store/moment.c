/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Moments: which commit is meant, and whether it is kept. */
#include <inttypes.h>
#include <stdio.h>

#include "base/error.h"
#include "store/past.h"

static tj_status missing(tj_error *error)
{
    return tj__fail(error, TJ_MISUSE, "an argument that must not be NULL is NULL");
}

/* ---- the range --------------------------------------------------------------------------- */

tj_status tj__past_of(const tj_store *store, const tj__engine_past **out, tj_error *error)
{
    TJ_TRY(tj__core_check(store->core, error));
    *out = store->core->engine->ops->past;
    return *out ? TJ_OK
                : tj__fail(error, TJ_UNSUPPORTED,
                           "a store in memory keeps no history: open a journal instead");
}

/* The first commit from `first` on. */
static tj_status look(tj__engine *engine, uint64_t first, uint64_t last, uint64_t *sequence,
                      tj_time *time, tj_error *error)
{
    const tj__engine_past *past = engine->ops->past;
    tj__commits *commits = NULL;
    tj__commit_record record;
    bool found = false;
    TJ_TRY(past->commits_open(engine, first, NULL, &commits, error));
    tj_status status = past->commits_next(commits, last, &found, &record, error);
    if (status == TJ_OK && found) {
        *sequence = record.sequence;
        *time = record.time;
    }
    past->commits_close(commits);
    return status;
}

static tj_status get_range(tj_store *store, tj_history_range *out, tj_error *error)
{
    const tj__engine_past *past = NULL;
    tj__engine *engine = store->core->engine;
    uint64_t newest = 0;
    *out = (tj_history_range){0};
    TJ_TRY(tj__past_of(store, &past, error));
    TJ_TRY(past->newest(engine, &newest, error));
    if (newest == 0) {
        return TJ_OK;
    }
    TJ_TRY(look(engine, 0, newest, &out->sequence_first, &out->time_first, error));
    return look(engine, newest, newest, &out->sequence_last, &out->time_last, error);
}

tj_status tj_history_range_get(tj_store *store, tj_history_range *out, tj_error *error)
{
    tj_history_range range;
    if (!store || !out) {
        return missing(error);
    }
    TJ_TRY(get_range(store, &range, error));
    *out = range;
    return TJ_OK;
}

/* ---- finding a commit -------------------------------------------------------------------- */

static const char *describe(tj_moment moment, char text[TJ_TIME_TEXT_SIZE + 16])
{
    if (moment.has_time && moment.sequence == 0) {
        tj_time_format(moment.time, text);
    } else {
        snprintf(text, TJ_TIME_TEXT_SIZE + 16, "commit %" PRIu64, moment.sequence);
    }
    return text;
}

/* Says which moments there are. */
static tj_status outside(tj_store *store, tj_moment moment, const char *where, tj_error *error)
{
    tj_history_range range;
    char what[TJ_TIME_TEXT_SIZE + 16];
    char first[TJ_TIME_TEXT_SIZE];
    char last[TJ_TIME_TEXT_SIZE];
    TJ_TRY(get_range(store, &range, error));
    if (range.sequence_last == 0) {
        return tj__fail(error, TJ_NOT_FOUND, "%s is not kept: nothing was committed yet",
                        describe(moment, what));
    }
    tj_time_format(range.time_first, first);
    tj_time_format(range.time_last, last);
    return tj__fail(
        error, TJ_NOT_FOUND,
        "%s is %s: history is kept from commit %" PRIu64 " (%s) to commit %" PRIu64 " (%s)",
        describe(moment, what), where, range.sequence_first, first, range.sequence_last, last);
}

static tj_status find_time(tj_store *store, tj_moment moment, uint64_t newest, uint64_t *sequence,
                           tj_error *error)
{
    tj__engine *engine = store->core->engine;
    if (moment.time > tj_time_now()) {
        return outside(store, moment, "still to come", error);
    }
    TJ_TRY(engine->ops->past->sequence_at(engine, moment.time, newest, sequence, error));
    return *sequence > 0 ? TJ_OK
                         : outside(store, moment, "before the oldest commit that is kept", error);
}

tj_status tj__moment_not_kept(tj_store *store, uint64_t sequence, tj_error *error)
{
    return outside(store, (tj_moment){sequence, false, 0}, "not kept any more", error);
}

tj_status tj__moment_find(tj_store *store, tj_moment moment, uint64_t *sequence, tj_error *error)
{
    const tj__engine_past *past = NULL;
    uint64_t newest = 0;
    TJ_TRY(tj__past_of(store, &past, error));
    TJ_TRY(past->newest(store->core->engine, &newest, error));
    if (moment.has_time && moment.sequence == 0) {
        return find_time(store, moment, newest, sequence, error);
    }
    if (moment.sequence > newest) {
        return outside(store, moment, "after the newest", error);
    }
    *sequence = moment.sequence > 0 ? moment.sequence : newest;
    return TJ_OK;
}

tj_status tj_moment_find(tj_store *store, tj_moment moment, uint64_t *sequence, tj_error *error)
{
    uint64_t found = 0;
    if (!store || !sequence) {
        return missing(error);
    }
    TJ_TRY(tj__moment_find(store, moment, &found, error));
    *sequence = found;
    return TJ_OK;
}

/* ---- reading one ------------------------------------------------------------------------- */

static bool is_number(tj_str text)
{
    for (size_t i = 0; i < text.size; i++) {
        if (text.data[i] < '0' || text.data[i] > '9') {
            return false;
        }
    }
    return text.size > 0;
}

static tj_status parse_sequence(tj_str text, uint64_t *out, tj_error *error)
{
    uint64_t number = 0;
    for (size_t i = 0; i < text.size; i++) {
        uint64_t digit = (uint64_t)(text.data[i] - '0');
        if (number > (UINT64_MAX - digit) / 10) {
            return tj__fail(error, TJ_LIMIT, "%.*s is more than any commit's sequence",
                            (int)(text.size < 40 ? text.size : 40), text.data);
        }
        number = 10 * number + digit;
    }
    *out = number;
    return number > 0 ? TJ_OK : tj__fail(error, TJ_INVALID, "commits are counted from 1");
}

tj_status tj_moment_parse(tj_str text, tj_moment *out, tj_error *error)
{
    tj_moment moment = TJ_MOMENT_INIT;
    if (!out) {
        return missing(error);
    }
    if (is_number(text)) {
        TJ_TRY(parse_sequence(text, &moment.sequence, error));
    } else {
        TJ_TRY(tj_time_parse(text, &moment.time, error));
        moment.has_time = true;
    }
    *out = moment;
    return TJ_OK;
}
