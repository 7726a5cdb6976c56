/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * One pass over all segments. A fault waits until the next whole record or header says how many
 * commits it took; the end of an unsealed segment is one only when a later segment was begun.
 */
#include "log/sweep.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "log/window.h"

/* Bytes that may be hashed in vain in one segment, as a multiple of its size: see tail.c. */
#define VAIN_HASHING_MAX 64

typedef struct sweeping {
    const tj__sweep *sweep;
    tj__swept *out;
    tj__window window;
    uint64_t ordinal;
    tj__segment_header header;
    bool begun;     /* it has a whole header */
    uint64_t limit; /* where the segment ends */
    bool anchored;  /* what stands before is known */
    bool broken;    /* what comes next does not follow the last record */
    bool stopped;   /* at `until` */
    bool refused;   /* by a callback */
    bool sealed;    /* so another one must follow */
    bool open;      /* the segment before has no seal: */
    tj__log_fault open_end;
    tj__position at;
    tj__buffer waiting; /* tj__log_fault each */
    uint64_t vain_hashing;
} sweeping;

/* ---- faults -------------------------------------------------------------------------------- */

static tj__log_fault make_fault(const sweeping *s, tj__fault_kind kind, uint64_t offset,
                                uint64_t end)
{
    tj__log_fault fault = {.kind = kind,
                           .status = TJ_CORRUPT,
                           .ordinal = s->ordinal,
                           .offset = offset,
                           .end = end,
                           .lost_first = s->at.sequence + 1,
                           .lost_last = s->at.sequence};
    (void)tj__segment_path(fault.path, s->sweep->directory, s->ordinal, NULL);
    return fault;
}

static tj_status no_memory(const sweeping *s, tj_error *error)
{
    return tj__fail(error, TJ_NOMEM, "no memory to look through the log %s", s->sweep->directory);
}

static tj_status emit(sweeping *s, const tj__log_fault *fault, tj_error *error)
{
    tj_status status = s->sweep->fault(s->sweep->context, fault, error);
    s->refused = status != TJ_OK;
    return status;
}

/* What follows tells how many commits it took. */
static tj_status wait_for_next(sweeping *s, const tj__log_fault *fault, tj_error *error)
{
    tj__put_bytes(&s->waiting, fault, sizeof *fault);
    return s->waiting.failed ? no_memory(s, error) : TJ_OK;
}

/* The next commit that is whole, or is said to be, has this sequence. */
static tj_status release_waiting(sweeping *s, uint64_t next, tj_error *error)
{
    for (size_t at = 0; at < s->waiting.size; at += sizeof(tj__log_fault)) {
        tj__log_fault fault;
        memcpy(&fault, s->waiting.data + at, sizeof fault);
        fault.lost_last = next - 1;
        TJ_TRY(emit(s, &fault, error));
    }
    tj__buffer_clear(&s->waiting);
    return TJ_OK;
}

/* ---- records ------------------------------------------------------------------------------- */

static bool continues(const sweeping *s, const tj__record *record)
{
    bool seal = record->type == TJ__RECORD_SEAL;
    return record->previous_hash == s->at.hash && record->sequence == s->at.sequence + !seal &&
           (seal ? record->time >= s->at.time : record->time > s->at.time);
}

static tj_status check_chain(sweeping *s, const tj__record *record, uint64_t offset, uint64_t size,
                             tj_error *error)
{
    bool seal = record->type == TJ__RECORD_SEAL;
    uint64_t next = record->sequence + seal;
    if (s->anchored && s->waiting.size == 0 && !continues(s, record)) {
        tj__log_fault fault = make_fault(s, TJ__FAULT_CHAIN, offset, offset + size);
        snprintf(fault.why, sizeof fault.why,
                 "commit %" PRIu64 " there does not follow commit %" PRIu64 " before it",
                 record->sequence, s->at.sequence);
        TJ_TRY(wait_for_next(s, &fault, error));
    }
    s->broken = s->broken || (s->anchored && !continues(s, record));
    return release_waiting(s, next, error);
}

/* Gives it out, with what the header of its segment says, or said. */
static tj_status give(sweeping *s, const tj__record *record, uint64_t offset, tj_error *error)
{
    if (!s->begun && offset == TJ__SEGMENT_HEADER_SIZE) {
        s->header = (tj__segment_header){.journal_id = s->sweep->journal_id,
                                         .ordinal = s->ordinal,
                                         .first_sequence = record->sequence,
                                         .chain_hash = record->previous_hash,
                                         .created_at = record->time,
                                         .segment_size = s->limit};
    }
    tj__swept_record seen = {.record = record,
                             .header = &s->header,
                             .end = s->at,
                             .offset = offset,
                             .unbroken = !s->broken};
    s->broken = false;
    tj_status status = s->sweep->record(s->sweep->context, &seen, error);
    s->refused = status != TJ_OK;
    return status;
}

static tj_status pass_record(sweeping *s, const tj__record *record, uint64_t offset, uint64_t size,
                             tj_error *error)
{
    TJ_TRY(check_chain(s, record, offset, size, error));
    s->anchored = true;
    s->at.sequence = record->sequence;
    s->at.time = record->time;
    s->at.hash = record->hash;
    s->at.epoch = record->epoch > s->at.epoch ? record->epoch : s->at.epoch;
    s->at.ordinal = s->ordinal;
    s->at.offset = offset + size;
    if (record->durable_sequence > s->out->durable_max) {
        s->out->durable_max = record->durable_sequence;
    }
    if (record->type == TJ__RECORD_COMMIT) {
        s->out->records++;
        s->out->first_sequence =
            s->out->first_sequence == 0 ? record->sequence : s->out->first_sequence;
        s->stopped = record->sequence >= s->sweep->until;
    }
    return give(s, record, offset, error);
}

/* A record whose version byte alone is damaged is no newer one: its hash tells. */
static bool version_is_damaged(const sweeping *s, tj__bytes view, uint64_t offset)
{
    tj__buffer copy = {0};
    tj__put_bytes(&copy, view.data,
                  view.size < 2 * TJ__RECORD_ALIGN ? view.size : 2 * TJ__RECORD_ALIGN);
    tj__record record;
    uint64_t size = 0;
    tj__frame_state state = TJ__FRAME_SHORT;
    for (int attempt = 0; attempt < 2 && state == TJ__FRAME_SHORT && !copy.failed; attempt++) {
        if (size > copy.size && size <= view.size) {
            tj__put_bytes(&copy, view.data + copy.size, (size_t)size - copy.size);
        }
        copy.data[4] = TJ__RECORD_VERSION;
        state = tj__record_decode(tj__buffer_bytes(&copy), &s->sweep->journal_id, s->ordinal,
                                  offset, &record, &size);
    }
    tj__buffer_dispose(&copy);
    return state == TJ__FRAME_VALID;
}

static tj_status refuse_newer(const sweeping *s, tj__frame_state state, uint64_t offset,
                              tj_error *error)
{
    tj__bytes view;
    tj__window *window = (tj__window *)&s->window;
    uint64_t rest = s->limit - offset;
    size_t wanted = rest < ((size_t)1 << 20) ? (size_t)rest : (size_t)1 << 20;
    TJ_TRY(tj__window_view(window, offset, wanted, &view, error));
    if (state == TJ__FRAME_NEWER &&
        (!tj__record_plausibly_newer(view.data) || version_is_damaged(s, view, offset))) {
        return TJ_OK;
    }
    return tj__record_refuse_newer(state, s->window.path, offset, error);
}

/* What stands at an offset; *size of a whole record, or how far to look for the next one. */
static tj_status look(sweeping *s, uint64_t offset, tj__frame_state *state, tj__record *record,
                      uint64_t *size, tj_error *error)
{
    uint64_t rest = s->limit - offset;
    size_t wanted = 2 * TJ__RECORD_ALIGN;
    for (;;) {
        tj__bytes view;
        TJ_TRY(tj__window_view(&s->window, offset, wanted, &view, error));
        view.size = view.size < rest ? view.size : (size_t)rest;
        *state = tj__record_decode(view, &s->sweep->journal_id, s->ordinal, offset, record, size);
        if (*state != TJ__FRAME_SHORT || *size > rest || *size <= wanted) {
            break;
        }
        wanted = (size_t)*size;
    }
    if (*state == TJ__FRAME_NEWER || *state == TJ__FRAME_UNKNOWN) {
        TJ_TRY(refuse_newer(s, *state, offset, error));
    }
    return TJ_OK;
}

/* ---- between records ----------------------------------------------------------------------- */

/* Bytes that may be the beginning of a record, and are worth a hash. */
static bool worth_a_look(sweeping *s, tj__bytes view)
{
    return view.size >= TJ__RECORD_HEADER_SIZE &&
           (tj__record_plausible(view.data) || tj__record_plausibly_newer(view.data) ||
            tj__record_plausibly_unknown(view.data)) &&
           s->vain_hashing > 0;
}

/* The next whole record at or behind an offset: *found is the limit when there is none. *nonzero
 * is behind the last byte before it that is not zero. */
static tj_status find_record(sweeping *s, uint64_t offset, uint64_t *found, uint64_t *nonzero,
                             tj_error *error)
{
    while (offset < s->limit) {
        tj__bytes view;
        if (!tj__window_holds(&s->window, offset)) {
            offset = tj__segment_skip_hole(s->window.fd, offset, s->limit);
        }
        uint64_t rest = s->limit - offset;
        TJ_TRY(tj__window_view(&s->window, offset, TJ__RECORD_HEADER_SIZE, &view, error));
        view.size = view.size < rest ? view.size : (size_t)rest;
        if (view.size == 0) {
            break;
        }
        size_t piece = view.size < TJ__RECORD_ALIGN ? view.size : TJ__RECORD_ALIGN;
        if (tj__bytes_all_zero(view)) {
            piece = view.size < TJ__RECORD_ALIGN ? view.size
                                                 : view.size / TJ__RECORD_ALIGN * TJ__RECORD_ALIGN;
        } else if (worth_a_look(s, view)) {
            tj__frame_state state;
            tj__record record;
            uint64_t size = 0;
            TJ_TRY(look(s, offset, &state, &record, &size, error));
            if (state == TJ__FRAME_VALID) {
                *found = offset;
                return TJ_OK;
            }
            s->vain_hashing -= size < s->vain_hashing ? size : s->vain_hashing;
            *nonzero = offset + piece;
        } else if (!tj__bytes_all_zero(tj__bytes_of(view.data, piece))) {
            *nonzero = offset + piece;
        }
        offset += piece;
    }
    *found = s->limit;
    return TJ_OK;
}

/* Behind the seal nothing was ever written. */
static tj_status check_rest(sweeping *s, uint64_t offset, tj_error *error)
{
    uint64_t found = s->limit;
    uint64_t nonzero = 0;
    for (uint64_t from = offset; from < s->limit; from = found + TJ__RECORD_ALIGN) {
        TJ_TRY(find_record(s, from, &found, &nonzero, error));
        nonzero = found < s->limit ? found + TJ__RECORD_ALIGN : nonzero;
    }
    if (nonzero == 0) {
        return TJ_OK;
    }
    tj__log_fault fault = make_fault(s, TJ__FAULT_NOT_ZERO, offset, nonzero);
    snprintf(fault.why, sizeof fault.why, "%s stand bytes where nothing was ever written",
             s->begun ? "behind its seal" : "in it");
    return emit(s, &fault, error);
}

/* No whole record stands at the offset, and the next is at `found`, if it is below the limit. */
static tj_status skip_damage(sweeping *s, uint64_t offset, uint64_t found, const char *why,
                             tj_error *error)
{
    tj__log_fault fault = make_fault(s, TJ__FAULT_RECORDS, offset, found);
    snprintf(fault.why, sizeof fault.why, "%s", why);
    return wait_for_next(s, &fault, error);
}

/* The segment has no seal: of the last one that was begun, the log ends there. */
static void end_open(sweeping *s, uint64_t offset, uint64_t nonzero, const char *why)
{
    s->open = true;
    s->open_end = make_fault(s, TJ__FAULT_RECORDS, offset, nonzero > offset ? nonzero : offset);
    snprintf(s->open_end.why, sizeof s->open_end.why, "%s", why);
}

static tj_status sweep_records(sweeping *s, tj_error *error)
{
    uint64_t offset = TJ__SEGMENT_HEADER_SIZE;
    s->sealed = false;
    while (offset < s->limit && !s->sealed && !s->stopped) {
        tj__frame_state state;
        tj__record record;
        uint64_t size = 0;
        uint64_t found = offset;
        uint64_t nonzero = 0;
        TJ_TRY(look(s, offset, &state, &record, &size, error));
        if (state != TJ__FRAME_VALID) {
            TJ_TRY(find_record(s, offset, &found, &nonzero, error));
            if (found == s->limit) {
                end_open(s, offset, nonzero, tj__frame_state_text(state));
                return TJ_OK;
            }
            TJ_TRY(skip_damage(s, offset, found, tj__frame_state_text(state), error));
            offset = found;
            continue;
        }
        TJ_TRY(pass_record(s, &record, offset, size, error));
        s->sealed = record.type == TJ__RECORD_SEAL;
        offset += size;
    }
    if (!s->sealed && !s->stopped) {
        end_open(s, offset, 0, "it is full and has no seal");
    }
    return s->sealed && !s->stopped ? check_rest(s, offset, error) : TJ_OK;
}

/* ---- segments ------------------------------------------------------------------------------ */

/* What a whole header says of what is before it. */
static tj_status take_header(sweeping *s, tj_error *error)
{
    const tj__segment_header *header = &s->header;
    bool follows = header->chain_hash == s->at.hash && header->first_sequence == s->at.sequence + 1;
    if (s->anchored && s->waiting.size == 0 && !follows) {
        tj__log_fault fault = make_fault(s, TJ__FAULT_CHAIN, 0, TJ__SEGMENT_HEADER_SIZE);
        snprintf(fault.why, sizeof fault.why,
                 "it begins with commit %" PRIu64 " and does not follow what is before it, which "
                 "ends with commit %" PRIu64,
                 header->first_sequence, s->at.sequence);
        TJ_TRY(wait_for_next(s, &fault, error));
    }
    TJ_TRY(release_waiting(s, header->first_sequence, error));
    s->broken = s->broken || (s->anchored && !follows);
    s->anchored = true;
    s->at.time = follows ? s->at.time : INT64_MIN;
    s->at.sequence = header->first_sequence - 1;
    s->at.hash = header->chain_hash;
    s->at.ordinal = s->ordinal;
    s->at.offset = TJ__SEGMENT_HEADER_SIZE;
    s->out->last_begun = s->ordinal;
    return TJ_OK;
}

/* A segment behind one without a seal: what the seal's place holds is damage. */
static tj_status close_open_end(sweeping *s, tj_error *error)
{
    if (!s->open) {
        return TJ_OK;
    }
    s->open = false;
    return wait_for_next(s, &s->open_end, error);
}

static tj_status read_header(sweeping *s, tj_error *why, bool *blank, tj_error *error)
{
    tj__bytes view;
    *blank = false;
    s->begun = false;
    s->header = (tj__segment_header){0};
    s->limit = s->window.file_size / TJ__RECORD_ALIGN * TJ__RECORD_ALIGN;
    TJ_TRY(tj__window_view(&s->window, 0, TJ__SEGMENT_HEADER_SIZE, &view, error));
    if (view.size < TJ__SEGMENT_HEADER_SIZE) {
        *blank = tj__bytes_all_zero(view);
        return tj__fail(why, TJ_CORRUPT, "it has only %zu bytes", view.size), TJ_OK;
    }
    tj_status status = tj__segment_header_decode(view.data, &s->sweep->journal_id, s->ordinal,
                                                 &s->header, s->window.path, why);
    if (status == TJ_FORMAT_NEWER) {
        return tj__error_pass(error, why);
    }
    *blank = status == TJ_NOT_FOUND;
    s->begun = status == TJ_OK;
    if (s->begun && s->header.segment_size < s->limit) {
        s->limit = s->header.segment_size;
    }
    return TJ_OK;
}

static tj_status check_length(sweeping *s, tj_error *error)
{
    if (!s->begun || s->window.file_size == s->header.segment_size) {
        return TJ_OK;
    }
    if (s->window.file_size > s->header.segment_size) {
        tj__log_fault beyond =
            make_fault(s, TJ__FAULT_BEYOND, s->header.segment_size, s->window.file_size);
        beyond.status = TJ_OK;
        return emit(s, &beyond, error);
    }
    tj__log_fault fault = make_fault(s, TJ__FAULT_CUT, s->window.file_size, s->header.segment_size);
    snprintf(fault.why, sizeof fault.why, "it has %" PRIu64 " bytes and had %" PRIu64,
             s->window.file_size, s->header.segment_size);
    return emit(s, &fault, error);
}

/* The whole header of another segment, or of another log, is none of an unfinished write. */
static tj_status tell_misplaced(sweeping *s, const tj_error *why, tj_error *error)
{
    tj__log_fault fault = make_fault(s, TJ__FAULT_UNREADABLE, 0, 0);
    snprintf(fault.why, sizeof fault.why, "%s", why->message);
    return wait_for_next(s, &fault, error);
}

/* Without a header: records in it say that there was one. */
static tj_status sweep_headless(sweeping *s, const tj_error *why, bool blank, tj_error *error)
{
    uint64_t found = s->limit;
    uint64_t nonzero = 0;
    if (s->limit > TJ__SEGMENT_HEADER_SIZE) {
        TJ_TRY(find_record(s, TJ__SEGMENT_HEADER_SIZE, &found, &nonzero, error));
    }
    if (found == s->limit && blank && nonzero == 0) {
        return TJ_OK; /* prepared */
    }
    if (found == s->limit && s->open) {
        return check_rest(s, 0, error);
    }
    if (found == s->limit && why->status == TJ_CONFLICT) {
        return tell_misplaced(s, why, error);
    }
    if (found == s->limit) { /* a torn beginning, or a damaged one that nothing else speaks of */
        end_open(s, blank ? TJ__SEGMENT_HEADER_SIZE : 0,
                 nonzero > 0 ? nonzero : TJ__SEGMENT_HEADER_SIZE,
                 blank ? "bytes stand in it though it was not begun" : why->message);
        return TJ_OK;
    }
    TJ_TRY(close_open_end(s, error));
    tj__log_fault fault = make_fault(s, TJ__FAULT_HEADER, 0, TJ__SEGMENT_HEADER_SIZE);
    snprintf(fault.why, sizeof fault.why, "%s", blank ? "it is zeros" : why->message);
    TJ_TRY(wait_for_next(s, &fault, error));
    s->vain_hashing = VAIN_HASHING_MAX * s->limit;
    return sweep_records(s, error);
}

/* A segment has its whole length before what is before it leads to it. */
static tj_status tell_no_header(sweeping *s, tj_error *error)
{
    tj__log_fault fault =
        make_fault(s, TJ__FAULT_CUT, s->window.file_size, TJ__SEGMENT_HEADER_SIZE);
    snprintf(fault.why, sizeof fault.why, "it has %" PRIu64 " bytes and had %d or more",
             s->window.file_size, TJ__SEGMENT_HEADER_SIZE);
    return emit(s, &fault, error);
}

static tj_status sweep_file(sweeping *s, tj_error *error)
{
    tj_error why = TJ_ERROR_INIT;
    bool blank = false;
    bool is_led_to = s->sealed || s->ordinal == s->sweep->first_segment;
    TJ_TRY(read_header(s, &why, &blank, error));
    s->sealed = false;
    s->vain_hashing = VAIN_HASHING_MAX * (s->limit + TJ__RECORD_ALIGN);
    s->out->segments++;
    s->out->bytes += s->window.file_size;
    if (is_led_to && s->window.file_size < TJ__SEGMENT_HEADER_SIZE) {
        return tell_no_header(s, error);
    }
    if (!s->begun) {
        return sweep_headless(s, &why, blank, error);
    }
    TJ_TRY(close_open_end(s, error));
    TJ_TRY(take_header(s, error));
    TJ_TRY(check_length(s, error));
    return sweep_records(s, error);
}

static tj_status lacking(sweeping *s, tj__fault_kind kind, const char *why, tj_error *error)
{
    TJ_TRY(close_open_end(s, error));
    tj__log_fault fault = make_fault(s, kind, 0, 0);
    snprintf(fault.why, sizeof fault.why, "%s", why);
    return wait_for_next(s, &fault, error);
}

/* Whether it leads to another is not known either. */
static tj_status unreadable(sweeping *s, const tj_error *failure, tj_error *error)
{
    TJ_TRY(close_open_end(s, error));
    tj__log_fault fault = make_fault(s, TJ__FAULT_UNREADABLE, 0, 0);
    fault.status = failure->status;
    fault.os_errno = failure->os_errno;
    snprintf(fault.why, sizeof fault.why, "%s", failure->message);
    s->sealed = false;
    return wait_for_next(s, &fault, error);
}

/* What cannot be read is a fault; what a newer version wrote, and no memory, end the work. */
static tj_status sweep_segment(sweeping *s, tj_error *error)
{
    tj_error failure = TJ_ERROR_INIT;
    tj_status status = tj__window_open(&s->window, s->sweep->directory, s->ordinal, &failure);
    if (status == TJ_OK) {
        status = sweep_file(s, &failure);
    }
    tj__window_dispose(&s->window);
    if (s->refused) {
        return tj__error_pass(error, &failure);
    }
    if (status == TJ_NOT_FOUND) { /* removed since it was listed */
        return lacking(s, TJ__FAULT_MISSING, "it is missing", error);
    }
    if (status == TJ_IO || status == TJ_CORRUPT) {
        return unreadable(s, &failure, error);
    }
    return status == TJ_OK ? TJ_OK : tj__error_pass(error, &failure);
}

static tj_status sweep_list(sweeping *s, const tj__segment_list *list, tj_error *error)
{
    uint64_t expected = s->sweep->first_segment;
    for (size_t i = 0; i < list->count && !s->stopped; i++) {
        if (list->ordinals[i] < expected) {
            continue;
        }
        if (list->ordinals[i] > expected) {
            uint64_t missing = list->ordinals[i] - expected;
            char why[96] = "it is missing";
            if (missing > 1) {
                snprintf(why, sizeof why, "it and the %" PRIu64 " after it are missing",
                         missing - 1);
            }
            s->ordinal = expected;
            TJ_TRY(lacking(s, TJ__FAULT_MISSING, why, error));
        }
        s->ordinal = list->ordinals[i];
        TJ_TRY(sweep_segment(s, error));
        expected = s->ordinal + 1;
    }
    if ((list->count == 0 || s->sealed) && !s->stopped) {
        s->ordinal = expected;
        TJ_TRY(lacking(s, TJ__FAULT_MISSING, "it is missing, though what is before it leads to it",
                       error));
    }
    return release_waiting(s, 0, error);
}

tj_status tj__log_sweep(const tj__sweep *sweep, tj__swept *out, tj_error *error)
{
    tj__segment_list list = {0};
    *out = (tj__swept){0};
    TJ_TRY(tj__segment_list_read(sweep->directory, &list, error));
    sweeping s = {.sweep = sweep,
                  .out = out,
                  .window = TJ__WINDOW_INIT,
                  .anchored = sweep->first_segment == 1,
                  .at = {.time = INT64_MIN,
                         .ordinal = sweep->first_segment,
                         .offset = TJ__SEGMENT_HEADER_SIZE}};
    tj_status status = sweep_list(&s, &list, error);
    out->end = s.at;
    out->open = s.open;
    out->tail = s.open_end;
    tj__buffer_dispose(&s.waiting);
    tj__segment_list_dispose(&list);
    return status;
}
