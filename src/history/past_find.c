/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* From the base through the keys of each segment, and the log behind the last of them. */
#include "history/past_find.h"

#include "base/error.h"
#include "history/keys.h"
#include "history/replay.h"
#include "history/seek.h"
#include "log/reader.h"
#include "log/window.h"
#include "rows/body.h"

typedef struct finding {
    const tj__past_part *part;
    tj__bytes key;
    tj__buffer *row;   /* takes what the newest change left: key, value */
    bool changed;      /* since the base, */
    bool deleted;      /* by its deletion, */
    uint64_t sequence; /* in this commit */
    tj__position at;   /* up to here all is known */
} finding;

/* Takes what a commit left of the row. *found: it changed it. */
static tj_status take_record(finding *f, const tj__record *record, bool *found, tj_error *error)
{
    tj__bytes rest = record->body;
    *found = false;
    for (uint32_t i = 0; i < record->change_count; i++) {
        tj__change change;
        TJ_TRY(tj__body_next(&rest, &change, error));
        if (tj__bytes_equal(change.key, f->key)) {
            *found = true;
            f->changed = true;
            f->deleted = change.op == TJ__CHANGE_DELETE;
            f->sequence = record->sequence;
            tj__buffer_clear(f->row);
            tj__put_bytes(f->row, change.key.data, change.key.size);
            tj__put_bytes(f->row, change.value.data, change.value.size);
        }
    }
    return !f->row->failed ? TJ_OK : tj__fail(error, TJ_NOMEM, "no memory for a row of the past");
}

/* ---- a segment that has keys ------------------------------------------------------------- */

static tj_status read_record(const finding *f, tj__window *window, uint64_t offset,
                             tj__record *record, tj_error *error)
{
    uint64_t size = 2 * TJ__RECORD_ALIGN;
    tj__bytes view;
    for (int reads = 0; reads < 2; reads++) {
        TJ_TRY(tj__window_view(window, offset, (size_t)size, &view, error));
        tj__frame_state state = tj__record_decode(view, &f->part->source->journal_id, f->at.ordinal,
                                                  offset, record, &size);
        if (state == TJ__FRAME_VALID) {
            return TJ_OK;
        }
        if (state != TJ__FRAME_SHORT || size > window->file_size) {
            break;
        }
    }
    return tj__fail(error, TJ_CORRUPT, "no record stands where the keys of a segment say");
}

/* Of the entries, how many are of records up to the commit. */
static tj_status count_before(const finding *f, tj__window *window, const tj__keys_span *span,
                              size_t *count, tj_error *error)
{
    size_t first = 0;
    size_t end = span->count;
    while (first < end) {
        size_t middle = first + (end - first) / 2;
        tj__record record;
        TJ_TRY(read_record(f, window, tj__keys_offset(span, middle), &record, error));
        if (record.sequence <= f->part->sequence) {
            first = middle + 1;
        } else {
            end = middle;
        }
    }
    *count = first;
    return TJ_OK;
}

/* The newest change of those that the entries lead to. */
static tj_status take_newest(finding *f, tj__window *window, const tj__keys_span *span,
                             tj_error *error)
{
    size_t count = 0;
    bool found = false;
    TJ_TRY(count_before(f, window, span, &count, error));
    while (count-- > 0 && !found) {
        tj__record record;
        TJ_TRY(read_record(f, window, tj__keys_offset(span, count), &record, error));
        TJ_TRY(take_record(f, &record, &found, error));
    }
    return TJ_OK;
}

static tj_status take_segment(finding *f, tj__base *keys, tj_error *error)
{
    tj__keys_span span;
    tj__window window = TJ__WINDOW_INIT;
    TJ_TRY(tj__keys_find(keys, f->key, &span, error));
    if (span.count > 0) {
        TJ_TRY(tj__window_open(&window, f->part->source->log_path, f->at.ordinal, error));
    }
    tj_status status = take_newest(f, &window, &span, error);
    tj__window_dispose(&window);
    f->at = keys->header.position;
    return status;
}

/* Whether the log goes on so. */
static bool goes_on(const tj__past_source *source, const tj__position *at)
{
    tj__segment_header header;
    return tj__seek_header(source->log_path, &source->journal_id, at->ordinal, &header, NULL) ==
               TJ_OK &&
           header.chain_hash == at->hash && header.first_sequence == at->sequence + 1;
}

/* The keys of the next segment; NULL: they cannot be used, or are of another history. */
static tj__base *open_keys(const finding *f)
{
    const tj__past_source *source = f->part->source;
    tj__base *keys = NULL;
    if (tj__base_open(source->history_path, &source->journal_id, TJ__BASE_KEYS, f->at.ordinal,
                      &keys, NULL) == TJ_OK &&
        !(goes_on(source, &f->at) && goes_on(source, &keys->header.position))) {
        tj__base_close(keys);
        keys = NULL;
    }
    return keys;
}

static tj_status take_segments(finding *f, tj_error *error)
{
    tj__base *keys = NULL;
    while (f->at.sequence < f->part->sequence && (keys = open_keys(f))) {
        tj_status status = take_segment(f, keys, error);
        tj__base_close(keys);
        TJ_TRY(status);
    }
    return TJ_OK;
}

/* ---- the log behind ---------------------------------------------------------------------- */

static tj_status read_records(finding *f, tj__log_reader *reader, tj_error *error)
{
    while (tj__log_reader_position(reader)->sequence < f->part->sequence) {
        tj__log_next next;
        tj__record record;
        bool found = false;
        TJ_TRY(tj__log_reader_next(reader, &next, &record, error));
        if (next == TJ__LOG_END) {
            return tj__replay_fell_short(reader, f->part->sequence, error);
        }
        TJ_TRY(take_record(f, &record, &found, error));
    }
    return TJ_OK;
}

static tj_status take_rest(finding *f, tj_error *error)
{
    tj__log_reader *reader = NULL;
    if (f->at.sequence >= f->part->sequence) {
        return TJ_OK;
    }
    TJ_TRY(tj__log_reader_open(f->part->source->log_path, &f->part->source->journal_id, &f->at,
                               &reader, error));
    tj_status status = read_records(f, reader, error);
    tj__log_reader_close(reader);
    return status;
}

/* ------------------------------------------------------------------------------------------ */

static tj_status find(tj__past_finder *finder, finding *f, tj__row *row, tj_error *error)
{
    uint64_t start = f->at.ordinal;
    TJ_TRY(take_segments(f, error));
    if (finder->asked++ >= f->at.ordinal - start) { /* each time a segment may be read, */
        return tj__fail(error, TJ_BUSY, "reading all of them is as quick");
    }
    TJ_TRY(take_rest(f, error));
    if (!f->changed) {
        return finder->base ? finder->base->rows.get(&finder->base->rows, f->key, row, error)
                            : TJ_NOT_FOUND;
    }
    if (f->deleted) {
        return TJ_NOT_FOUND;
    }
    *row = (tj__row){.key = tj__bytes_of(f->row->data, f->key.size),
                     .value = tj__bytes_of(f->row->data + f->key.size, f->row->size - f->key.size),
                     .sequence = f->sequence};
    return TJ_OK;
}

/* Whether there is a way through keys. */
static bool is_of_use(tj__past_finder *finder, const tj__past_part *part)
{
    if (finder->useless || !part->based || part->kind != TJ__BASE_ALGOS ||
        !part->source->history_path) {
        return false;
    }
    return finder->base || (tj__past_part_find_base(part, &finder->base, NULL) == TJ_OK &&
                            (finder->base || part->source->first_segment <= 1));
}

tj_status tj__past_find(tj__past_finder *finder, const tj__past_part *part, tj__bytes key,
                        tj__row *row, bool *told)
{
    finding f = {.part = part,
                 .key = key,
                 .row = &finder->row,
                 .at = {.ordinal = 1, .offset = TJ__SEGMENT_HEADER_SIZE}};
    tj_error failure = TJ_ERROR_INIT;
    *told = false;
    if (!is_of_use(finder, part)) {
        return TJ_NOT_FOUND;
    }
    if (finder->base) {
        f.at = finder->base->header.position;
    }
    tj_status status = find(finder, &f, row, &failure);
    *told = status == TJ_OK || (status == TJ_NOT_FOUND && failure.status == TJ_OK);
    finder->useless = !*told;
    return status;
}

void tj__past_finder_dispose(tj__past_finder *finder)
{
    tj__base_close(finder->base);
    tj__buffer_dispose(&finder->row);
}
