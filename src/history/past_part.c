/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Choosing a base, and reading the log from it to the commit. */
#include "history/past_part.h"

#include <inttypes.h>
#include <stdlib.h>

#include "base/error.h"
#include "history/base_filter.h"
#include "history/past_rest.h"
#include "history/replay.h"

/* A file that goes away while it is looked for is retention's doing: what is there is listed
 * again. */
#define LISTS_MAX 5

typedef struct tj__past_retired {
    struct tj__past_retired *next;
    tj__base *base;
    tj__rowmap *changes;
} retired;

/* How many of the bases, from the oldest, may stand at or before the commit. One that cannot be
 * used tells nothing, and ends the search early. */
static size_t count_before(const tj__past_part *part, const tj__base_list *list)
{
    size_t first = 0;
    size_t end = list->count;
    while (first < end) {
        size_t middle = first + (end - first) / 2;
        tj__base_header header;
        if (list->ordinals[middle] >= part->base_bound) {
            end = middle;
        } else if (tj__base_look(part->source->history_path, &part->source->journal_id, part->kind,
                                 list->ordinals[middle], &header, NULL) != TJ_OK) {
            break;
        } else if (header.position.sequence > part->sequence) {
            end = middle;
        } else {
            first = middle + 1;
        }
    }
    return end;
}

tj_status tj__past_part_find_base(const tj__past_part *part, tj__base **out, tj_error *error)
{
    tj__base_list list = {0};
    tj_status status = TJ_OK;
    *out = NULL;
    if (!part->based || !part->source->history_path) {
        return TJ_OK;
    }
    TJ_TRY(tj__base_list_read(part->source->history_path, part->kind, &list, error));
    for (size_t i = count_before(part, &list); i-- > 0 && !*out && status != TJ_NOMEM;) {
        if (list.ordinals[i] >= part->base_bound) {
            continue;
        }
        status = tj__base_open(part->source->history_path, &part->source->journal_id, part->kind,
                               list.ordinals[i], out, error);
        if (status == TJ_OK && (*out)->header.position.sequence > part->sequence) {
            tj__base_close(*out);
            *out = NULL;
        }
    }
    tj__base_list_dispose(&list);
    return status == TJ_NOMEM ? status : TJ_OK;
}

/* Where the log is read from. */
static tj_status find_start(const tj__past_part *part, tj__position *start, tj_error *error)
{
    if (!part->based && part->source->first_segment > 1) {
        return tj__past_rest_read(part->source, part->sequence, part->tables, part->changes, start,
                                  error);
    }
    if (part->base) {
        *start = part->base->header.position;
        return TJ_OK;
    }
    *start = (tj__position){.ordinal = 1, .offset = TJ__SEGMENT_HEADER_SIZE};
    return part->source->first_segment <= 1
               ? TJ_OK
               : tj__fail(error, TJ_NOT_FOUND, "the log begins with segment %" PRIu64,
                          part->source->first_segment);
}

static tj_status read_log(tj__past_part *part, tj_error *error)
{
    tj__position start;
    tj__log_reader *reader = NULL;
    tj__base_filter filter = {.base = part->base};
    TJ_TRY(find_start(part, &start, error));
    TJ_TRY(tj__log_reader_open(part->source->log_path, &part->source->journal_id, &start, &reader,
                               error));
    tj_status status = tj__replay_over(reader, part->sequence, part->tables,
                                       tj__base_filter_may_have, &filter, part->changes, error);
    tj__base_filter_dispose(&filter);
    part->end = *tj__log_reader_position(reader);
    tj__log_reader_close(reader);
    return status;
}

static tj_status attempt(tj__past_part *part, tj_error *error)
{
    part->changes = tj__rowmap_new_pooled();
    if (!part->changes) {
        return tj__fail(error, TJ_NOMEM, "no memory for a state of the past");
    }
    TJ_TRY(tj__past_part_find_base(part, &part->base, error));
    TJ_TRY(read_log(part, error));
    tj__layers_init(&part->layers, part->base ? &part->base->rows : NULL, part->changes,
                    part->sequence);
    return TJ_OK;
}

static void release(tj__past_part *part)
{
    tj__base_close(part->base);
    tj__rowmap_free(part->changes);
    part->base = NULL;
    part->changes = NULL;
}

/* The oldest commit whose state can still be had; false: it cannot be told. */
static bool find_oldest(const tj__past_part *part, uint64_t *sequence)
{
    tj__base_list list = {0};
    bool found = false;
    if (!part->based || !part->source->history_path ||
        tj__base_list_read(part->source->history_path, part->kind, &list, NULL) != TJ_OK) {
        return false;
    }
    for (size_t i = 0; i < list.count && !found; i++) {
        tj__base_header header;
        found = list.ordinals[i] + 1 >= part->source->first_segment &&
                tj__base_look(part->source->history_path, &part->source->journal_id, part->kind,
                              list.ordinals[i], &header, NULL) == TJ_OK;
        if (found) {
            *sequence = header.position.sequence;
        }
    }
    tj__base_list_dispose(&list);
    return found;
}

static tj_status not_kept(const tj__past_part *part, const tj_error *cause, tj_error *error)
{
    uint64_t oldest = 0;
    if (find_oldest(part, &oldest) && oldest > part->sequence) {
        return tj__fail(error, TJ_NOT_FOUND,
                        "commit %" PRIu64 " is not kept, the oldest is %" PRIu64 ": %s",
                        part->sequence, oldest, cause->message);
    }
    return tj__fail(error, TJ_NOT_FOUND, "commit %" PRIu64 " is not kept: %s", part->sequence,
                    cause->message);
}

tj_status tj__past_part_begin(tj__past_part *part, tj_error *error)
{
    tj_error failure = TJ_ERROR_INIT;
    if (part->changes) {
        return TJ_OK;
    }
    for (int lists = 0; lists < LISTS_MAX; lists++) {
        failure = (tj_error)TJ_ERROR_INIT;
        tj_status status = attempt(part, &failure);
        if (status == TJ_OK) {
            return TJ_OK;
        }
        release(part);
        if (status != TJ_NOT_FOUND) {
            return tj__error_pass(error, &failure);
        }
    }
    return not_kept(part, &failure, error);
}

bool tj__past_part_mend(tj__past_part *part)
{
    retired *before = malloc(sizeof *before);
    if (!before || !part->base || !part->base->damaged) {
        free(before);
        return false;
    }
    *before = (retired){part->retired, part->base, part->changes};
    part->retired = before;
    part->base_bound = part->base->header.position.ordinal - 1;
    part->base = NULL;
    part->changes = NULL;
    part->attempt++;
    return tj__past_part_begin(part, NULL) == TJ_OK;
}

void tj__past_part_end(tj__past_part *part)
{
    release(part);
    while (part->retired) {
        retired *first = part->retired;
        part->retired = first->next;
        tj__base_close(first->base);
        tj__rowmap_free(first->changes);
        free(first);
    }
}
