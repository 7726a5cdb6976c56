/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Looks through what is behind a position for bytes that are not zero, and for whole records. */
#include "log/tail.h"

#include <inttypes.h>
#include <string.h>

#include "base/error.h"
#include "log/window.h"

/* Bytes that may be hashed in vain in one segment, as a multiple of its size. A place is hashed
 * only if its header is plausible, so that even one in vain is rare; without a bound, bytes made up
 * to look like headers would cost the square of the segment's size. */
#define VAIN_HASHING_MAX 64

typedef struct tail_scan {
    const tj_uuid *journal_id;
    tj__log_tail *tail;
    tj__window window;
    uint64_t ordinal;
    uint64_t limit;        /* where the segment ends: behind it stands nothing of the log */
    uint64_t hole;         /* before it there is none */
    uint64_t nonzero_end;  /* behind the last nonzero byte seen in this segment, 0 if none */
    uint64_t vain_hashing; /* bytes that may still be hashed in vain */
} tail_scan;

static void note_record(tail_scan *scan, const tj__record *record, uint64_t offset)
{
    tj__log_tail *tail = scan->tail;
    if (tail->records_after == 0) {
        memcpy(tail->first_after, scan->window.path, sizeof tail->first_after);
        tail->first_after_offset = offset;
    }
    tail->records_after++;
    if (record->durable_sequence > tail->durable_max) {
        tail->durable_max = record->durable_sequence;
    }
    if (record->sequence > tail->sequence_max) {
        tail->sequence_max = record->sequence;
    }
}

static void note_nonzero(tail_scan *scan, uint64_t offset, tj__bytes bytes)
{
    for (size_t end = bytes.size; end > 0; end--) {
        if (bytes.data[end - 1] != 0) {
            scan->nonzero_end = offset + end;
            return;
        }
    }
}

/* Judges the plausible record at offset; *size is how far to go on from it. */
static tj_status try_record(tail_scan *scan, uint64_t offset, uint64_t *size, tj_error *error)
{
    tj__bytes view;
    tj__record record;
    TJ_TRY(tj__window_view(&scan->window, offset, 2 * TJ__RECORD_ALIGN, &view, error));
    tj__frame_state state =
        tj__record_decode(view, scan->journal_id, scan->ordinal, offset, &record, size);
    if (state == TJ__FRAME_NEWER && tj__record_plausibly_newer(view.data)) {
        return tj__record_refuse_newer(state, scan->window.path, offset, error);
    }
    if (state == TJ__FRAME_SHORT && *size <= scan->limit - offset) {
        TJ_TRY(tj__window_view(&scan->window, offset, (size_t)*size, &view, error));
        state = tj__record_decode(view, scan->journal_id, scan->ordinal, offset, &record, size);
    }
    if (state == TJ__FRAME_UNKNOWN) {
        return tj__record_refuse_newer(state, scan->window.path, offset, error);
    }
    if (state == TJ__FRAME_VALID) {
        note_record(scan, &record, offset);
        note_nonzero(scan, offset, tj__bytes_of(view.data, (size_t)*size));
        return TJ_OK;
    }
    bool in_vain = state == TJ__FRAME_BAD_HASH || state == TJ__FRAME_BAD_HEADER;
    uint64_t hashed = in_vain ? *size : 0;
    if (hashed > scan->vain_hashing) {
        tj__fail(error, TJ_CORRUPT,
                 "too much in %s up to offset %" PRIu64
                 " looks like records and is none, where the log ends cannot be told",
                 scan->window.path, offset);
        tj__error_place(error, "%s", scan->window.path);
        return TJ_CORRUPT;
    }
    scan->vain_hashing -= hashed;
    note_nonzero(scan, offset, tj__bytes_of(view.data, TJ__RECORD_ALIGN));
    *size = TJ__RECORD_ALIGN;
    return TJ_OK;
}

/* Goes over boundaries in a view until one may begin a record; returns how many bytes it went. */
static size_t skip_to_candidate(tail_scan *scan, uint64_t offset, tj__bytes view)
{
    if (tj__bytes_all_zero(view)) {
        return view.size;
    }
    size_t at = 0;
    while (at < view.size) {
        size_t rest = view.size - at;
        tj__bytes piece =
            tj__bytes_of(view.data + at, rest < TJ__RECORD_ALIGN ? rest : TJ__RECORD_ALIGN);
        if (!tj__bytes_all_zero(piece)) {
            if (rest < TJ__RECORD_HEADER_SIZE || tj__record_plausible(piece.data) ||
                tj__record_plausibly_newer(piece.data) ||
                tj__record_plausibly_unknown(piece.data)) {
                break;
            }
            note_nonzero(scan, offset + at, piece);
        }
        at += piece.size;
    }
    return at;
}

static tj_status scan_records(tail_scan *scan, uint64_t from, tj_error *error)
{
    scan->vain_hashing = VAIN_HASHING_MAX * scan->limit;
    uint64_t offset = from;
    while (offset < scan->limit) {
        tj__bytes view;
        if (offset >= scan->hole && !tj__window_holds(&scan->window, offset)) {
            offset = tj__segment_skip_hole(scan->window.fd, offset, scan->limit);
            scan->hole = tj__segment_find_hole(scan->window.fd, offset, scan->limit);
        }
        TJ_TRY(tj__window_view(&scan->window, offset, TJ__RECORD_HEADER_SIZE, &view, error));
        view.size = view.size < scan->limit - offset ? view.size : (size_t)(scan->limit - offset);
        if (view.size < TJ__RECORD_HEADER_SIZE) {
            note_nonzero(scan, offset, view);
            return TJ_OK;
        }
        size_t skipped = skip_to_candidate(scan, offset, view);
        uint64_t size = skipped;
        if (skipped == 0) {
            TJ_TRY(try_record(scan, offset, &size, error));
        }
        offset += size;
    }
    return TJ_OK;
}

/* Opens the segment and finds where it ends. *begun: it has a whole header. */
static tj_status enter_segment(tail_scan *scan, const char *directory, uint64_t ordinal,
                               bool *begun, tj_error *error)
{
    tj__bytes view;
    tj__segment_header header;
    tj_error cause = TJ_ERROR_INIT;
    tj_status status = TJ_CORRUPT;
    tj__window_dispose(&scan->window);
    TJ_TRY(tj__window_open(&scan->window, directory, ordinal, error));
    TJ_TRY(tj__window_view(&scan->window, 0, TJ__SEGMENT_HEADER_SIZE, &view, error));
    if (view.size >= TJ__SEGMENT_HEADER_SIZE) {
        status = tj__segment_header_decode(view.data, scan->journal_id, ordinal, &header,
                                           scan->window.path, &cause);
    }
    if (status == TJ_CONFLICT) {
        return tj__segment_header_misplaced(&cause, error);
    }
    if (status == TJ_FORMAT_NEWER) {
        return tj__error_pass(error, &cause);
    }
    *begun = status == TJ_OK;
    scan->ordinal = ordinal;
    scan->limit = scan->window.file_size;
    scan->hole = 0;
    if (*begun && header.segment_size < scan->limit) {
        scan->limit = header.segment_size;
    }
    return TJ_OK;
}

static tj_status scan_later_segment(tail_scan *scan, const char *directory, uint64_t ordinal,
                                    tj_error *error)
{
    bool begun = false;
    TJ_TRY(enter_segment(scan, directory, ordinal, &begun, error));
    scan->tail->segment_begun_after = scan->tail->segment_begun_after || begun;
    return scan_records(scan, TJ__SEGMENT_HEADER_SIZE, error);
}

tj_status tj__log_tail_scan(const char *directory, const tj_uuid *journal_id,
                            const tj__position *position, tj__log_tail *tail, tj_error *error)
{
    tj__log_tail found = {0};
    tail_scan scan = {.journal_id = journal_id, .tail = &found, .window = TJ__WINDOW_INIT};
    tj__segment_list list = {0};
    bool begun = false;
    tj_status status = enter_segment(&scan, directory, position->ordinal, &begun, error);
    if (status == TJ_OK) {
        status = scan_records(&scan, position->offset, error);
    }
    if (scan.nonzero_end > 0) {
        found.nonzero_bytes = scan.nonzero_end - position->offset;
    }
    if (status == TJ_OK) {
        status = tj__segment_list_read(directory, &list, error);
    }
    if (status == TJ_OK) {
        status = tj__segment_list_whole(&list, directory, position->ordinal, error);
    }
    for (size_t i = 0; i < list.count && status == TJ_OK; i++) {
        if (list.ordinals[i] > position->ordinal) {
            status = scan_later_segment(&scan, directory, list.ordinals[i], error);
        }
    }
    tj__segment_list_dispose(&list);
    tj__window_dispose(&scan.window);
    if (status == TJ_OK) {
        *tail = found;
    }
    return status;
}
