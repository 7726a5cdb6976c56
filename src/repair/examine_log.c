/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * The log, and whether it may end where it ends. What is not whole is damage when anything shows
 * that it was durable (data.mdb's position, the acknowledged mark, a later record, a later segment
 * that was begun), as it is for who opens the journal (journal/logbook.h); else it is what an
 * unfinished write left.
 */
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "base/file.h"
#include "repair/examine.h"

/* ---- what the sweep gives ------------------------------------------------------------------ */

static tj_status no_memory(tj_error *error)
{
    return tj__fail(error, TJ_NOMEM, "no memory to verify a journal");
}

static tj_status extend_runs(tj__examination *x, const tj__swept_record *seen, bool unbroken,
                             tj_error *error)
{
    uint64_t sequence = seen->record->sequence;
    if (x->runs.size == 0 || !unbroken) {
        tj__run run = {.first = sequence};
        tj__put_bytes(&x->runs, &run, sizeof run);
        if (x->runs.failed) {
            return no_memory(error);
        }
    }
    tj__run *last = (tj__run *)(void *)(x->runs.data + x->runs.size) - 1;
    last->last = sequence;
    last->end = seen->end;
    if (last->start.ordinal == 0 && seen->offset == TJ__SEGMENT_HEADER_SIZE) {
        last->start = (tj__position){.sequence = sequence - 1,
                                     .time = INT64_MIN,
                                     .hash = seen->record->previous_hash,
                                     .ordinal = seen->end.ordinal,
                                     .offset = TJ__SEGMENT_HEADER_SIZE};
    }
    return TJ_OK;
}

static tj_status add_joint(tj__examination *x, const tj__joint *joint, tj_error *error)
{
    size_t count = x->joints.size / sizeof *joint;
    const tj__joint *joints = (const tj__joint *)(const void *)x->joints.data;
    if (count == 0 || joints[count - 1].ordinal < joint->ordinal) {
        tj__put_bytes(&x->joints, joint, sizeof *joint);
    }
    return x->joints.failed ? no_memory(error) : TJ_OK;
}

/* A seal says what is before the next segment, and the first record of one what is before it. */
static tj_status see_joint(tj__examination *x, const tj__swept_record *seen, tj_error *error)
{
    const tj__record *record = seen->record;
    tj__joint joint = {seen->end.ordinal, record->sequence - 1, record->previous_hash};
    if (record->type == TJ__RECORD_SEAL) {
        joint = (tj__joint){seen->end.ordinal + 1, record->sequence, record->hash};
    } else if (seen->offset != TJ__SEGMENT_HEADER_SIZE) {
        return TJ_OK;
    }
    return add_joint(x, &joint, error);
}

/* The record behind data.mdb's position tells as well, where it stands in the same segment or
 * behind the seal that the position is behind. */
static void compare_with_data(tj__examination *x, const tj__record *record, const tj__position *end)
{
    const tj__position *applied = &x->data.position;
    if (!x->data.has_position) {
        return;
    }
    if (record->sequence == applied->sequence && applied->offset > TJ__SEGMENT_HEADER_SIZE) {
        x->data_on_chain = tj__position_same(end, applied);
        if (!x->data_on_chain) {
            (void)tj__findings_add(&x->findings, TJ_FINDING_DAMAGE,
                                   "data.mdb and the log do not belong together: data.mdb stands "
                                   "after commit %" PRIu64 " at offset %" PRIu64
                                   " of segment %" PRIu64 ", which the log has elsewhere",
                                   applied->sequence, applied->offset, applied->ordinal);
        }
    }
    if (record->sequence == applied->sequence + 1 && record->previous_hash == applied->hash) {
        x->data_on_chain = true;
    }
}

static tj_status see_record(void *context, const tj__swept_record *seen, tj_error *error)
{
    tj__examination *x = context;
    TJ_TRY(see_joint(x, seen, error));
    if (seen->record->type == TJ__RECORD_SEAL) {
        x->seal_broken = x->seal_broken || !seen->unbroken;
        return TJ_OK;
    }
    bool unbroken = seen->unbroken && !x->seal_broken;
    x->seal_broken = false;
    compare_with_data(x, seen->record, &seen->end);
    return extend_runs(x, seen, unbroken, error);
}

static void note_beyond(tj__examination *x, const tj__log_fault *fault)
{
    tj_finding *finding = tj__findings_add(&x->findings, TJ_FINDING_NOTE,
                                           "log segment %s ends at offset %" PRIu64 ", and %" PRIu64
                                           " bytes behind that are no part of it",
                                           fault->path, fault->offset, fault->end - fault->offset);
    tj__finding_at(&x->findings, finding, fault->path, fault->offset);
}

static tj_status see_fault(void *context, const tj__log_fault *fault, tj_error *error)
{
    tj__examination *x = context;
    if (fault->kind == TJ__FAULT_BEYOND) {
        note_beyond(x, fault);
        return TJ_OK;
    }
    tj__put_bytes(&x->faults, fault, sizeof *fault);
    return x->faults.failed ? no_memory(error) : TJ_OK;
}

/* ---- the end ------------------------------------------------------------------------------- */

static uint64_t larger(uint64_t a, uint64_t b)
{
    return a > b ? a : b;
}

static const char *shown_by(const tj__examination *x)
{
    if (x->mark.valid && x->mark.acknowledged == x->durable) {
        return "writer.lock";
    }
    return x->data.has_position && x->data.position.sequence == x->durable ? "data.mdb"
                                                                           : "a later record";
}

static bool is_torn(const tj__examination *x, const tj__log_fault *fault)
{
    bool possible = fault->kind == TJ__FAULT_RECORDS || fault->kind == TJ__FAULT_HEADER ||
                    fault->kind == TJ__FAULT_CHAIN;
    return possible && !x->writer_alive && fault->ordinal >= x->log.last_begun &&
           fault->lost_first > x->durable;
}

static void tell_torn(tj__examination *x, const tj__log_fault *tail)
{
    if (tail->end > tail->offset && !x->writer_alive) {
        tj_finding *finding = tj__findings_add(
            &x->findings, TJ_FINDING_NOTE,
            "the log ends after commit %" PRIu64 "; after it, from offset %" PRIu64
            " of %s on, stands an unfinished write that nobody was told is durable, and the next "
            "writer cuts it",
            x->end, tail->offset, tail->path);
        tj__finding_at(&x->findings, finding, tail->path, tail->offset);
    }
}

static void tell_fault(tj__examination *x, const tj__log_fault *fault)
{
    tj_finding_kind kind = fault->status == TJ_CORRUPT ? TJ_FINDING_DAMAGE : TJ_FINDING_UNCHECKED;
    char lost[128] = "";
    if (fault->lost_last == UINT64_MAX) {
        snprintf(lost, sizeof lost, "; commits from %" PRIu64 " on are not whole",
                 fault->lost_first);
    } else if (fault->lost_first == fault->lost_last) {
        snprintf(lost, sizeof lost, "; commit %" PRIu64 " is not whole", fault->lost_first);
    } else if (fault->lost_first < fault->lost_last) {
        snprintf(lost, sizeof lost, "; commits %" PRIu64 " to %" PRIu64 " are not whole",
                 fault->lost_first, fault->lost_last);
    }
    bool whole_file = fault->kind == TJ__FAULT_MISSING || fault->kind == TJ__FAULT_UNREADABLE;
    tj_finding *finding =
        whole_file ? tj__findings_add(&x->findings, kind, "log segment %s: %s%s", fault->path,
                                      fault->why, lost)
                   : tj__findings_add(&x->findings, kind,
                                      "log segment %s is damaged at offset %" PRIu64 ": %s%s",
                                      fault->path, fault->offset, fault->why, lost);
    tj__finding_at(&x->findings, finding, fault->path, fault->offset);
    tj__finding_because(&x->findings, finding, fault->os_errno);
    if (finding && fault->lost_first <= fault->lost_last) {
        finding->sequence_first = fault->lost_first;
        finding->sequence_last = fault->lost_last;
    }
}

static void tell_short_end(tj__examination *x)
{
    const tj__log_fault *tail = &x->log.tail;
    const char *by = shown_by(x);
    tj_finding *finding =
        x->log.open
            ? tj__findings_add(&x->findings, TJ_FINDING_DAMAGE,
                               "commit %" PRIu64 " is damaged or missing at offset %" PRIu64
                               " of %s (%s), and %s shows that commits up to %" PRIu64
                               " were durable",
                               x->end + 1, tail->offset, tail->path, tail->why, by, x->durable)
            : tj__findings_add(&x->findings, TJ_FINDING_DAMAGE,
                               "commits after %" PRIu64
                               " are missing from the log %s, and %s shows that commits up to "
                               "%" PRIu64 " were durable",
                               x->end, x->log_path, by, x->durable);
    if (x->log.open) {
        tj__finding_at(&x->findings, finding, tail->path, tail->offset);
    }
    if (finding) {
        finding->sequence_first = x->end + 1;
        finding->sequence_last = x->durable;
    }
}

/* A repair may leave a log without any commit yet, which goes on where data.mdb stands. */
static bool begins_behind_data(const tj__examination *x)
{
    const tj__position *applied = &x->data.position;
    return x->data.has_position && x->log.records == 0 && x->log.segments > 0 &&
           applied->ordinal == x->first_segment && applied->offset == TJ__SEGMENT_HEADER_SIZE;
}

/* What is there behind `end` could not be read, and was told of. */
static bool end_is_unread(const tj__examination *x)
{
    const tj__log_fault *faults = (const tj__log_fault *)(const void *)x->faults.data;
    size_t count = x->faults.size / sizeof *faults;
    return count > 0 && faults[count - 1].status == TJ_IO &&
           faults[count - 1].lost_last == UINT64_MAX;
}

/* Behind the end nothing is lost, but what is there must be what a writer prepares. */
static void tell_behind_end(tj__examination *x, const tj__log_fault *faults, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        tj__log_fault fault = faults[i];
        if (fault.kind == TJ__FAULT_MISSING || fault.kind == TJ__FAULT_UNREADABLE) {
            fault.lost_last = fault.lost_first - 1;
            tell_fault(x, &fault);
        }
    }
}

/* Tells the faults up to where the log ends. */
static void judge(tj__examination *x)
{
    const tj__log_fault *faults = (const tj__log_fault *)(const void *)x->faults.data;
    size_t count = x->faults.size / sizeof *faults;
    x->durable = x->data.has_position ? x->data.position.sequence : 0;
    x->durable = larger(x->durable, x->mark.valid ? x->mark.acknowledged : 0);
    x->durable = larger(x->durable, x->log.durable_max);
    if (!x->data.has_position && !x->mark.valid) {
        /* Nothing tells what was acknowledged: whatever is whole may have been. */
        x->durable = larger(x->durable, x->log.end.sequence);
    }
    x->end = x->log.end.sequence;
    if (begins_behind_data(x)) {
        x->end = x->data.position.sequence;
    }
    for (size_t i = 0; i < count; i++) {
        if (is_torn(x, &faults[i])) {
            x->end = faults[i].lost_first - 1;
            tell_torn(x, &faults[i]);
            tell_behind_end(x, faults + i + 1, count - i - 1);
            x->faults.size = i * sizeof *faults;
            return;
        }
        tell_fault(x, &faults[i]);
    }
    if (x->end < x->durable && !end_is_unread(x)) {
        tell_short_end(x);
    } else if (x->log.open) {
        tell_torn(x, &x->log.tail);
    }
}

/* ---- what it comes to ---------------------------------------------------------------------- */

/* Whether commits may have been behind the last that is known of. */
static bool may_lose_more(const tj__examination *x)
{
    const tj__log_fault *faults = (const tj__log_fault *)(const void *)x->faults.data;
    bool more = !x->has_log;
    for (size_t i = 0; i < x->faults.size / sizeof *faults; i++) {
        /* Where the file is shorter than it was, the log does not end. */
        bool cut = faults[i].kind == TJ__FAULT_CUT && faults[i].ordinal >= x->log.last_begun;
        more = more || cut || faults[i].lost_last == UINT64_MAX;
    }
    more = more || x->log.tail.ordinal > x->log.last_begun + 1; /* bytes behind a gap */
    return more && !x->mark.newest;
}

static void conclude(tj__examination *x)
{
    uint64_t wanted = larger(x->durable, x->end);
    if (x->data.has_position && x->data.position.sequence == 0) {
        x->data_on_chain = x->data.position.ordinal == 1;
    }
    uint64_t reach_of_log = tj__examination_reach_of_log(x);
    x->log_from_start = x->first_segment == 1 && reach_of_log >= x->data.position.sequence;
    x->may_lose_more = may_lose_more(x);
    x->newest_in_log = !x->may_lose_more && reach_of_log >= wanted;
    x->newest_in_data = !x->may_lose_more && tj__examination_data_sound(x) &&
                        tj__examination_reach_of_data(x) >= wanted;
}

/* ---- the journal's id when data.mdb does not tell ------------------------------------------ */

static tj_status id_of_segment(const tj__examination *x, uint64_t ordinal, tj_uuid *id)
{
    char path[TJ__SEGMENT_PATH_SIZE];
    uint8_t block[TJ__SEGMENT_HEADER_SIZE];
    struct stat found;
    int fd = -1;
    size_t got = 0;
    tj__segment_header header;
    TJ_TRY(tj__segment_open(path, x->log_path, ordinal, O_RDONLY, &fd, &found, NULL));
    tj_status status = tj__file_read_some(fd, path, block, sizeof block, 0, &got, NULL);
    tj__file_close(fd);
    if (status != TJ_OK || got < sizeof block) {
        return TJ_NOT_FOUND;
    }
    memcpy(id->bytes, block + 16, sizeof id->bytes);
    return tj__segment_header_decode(block, id, ordinal, &header, path, NULL);
}

static tj_status find_id(tj__examination *x, tj_error *error)
{
    tj__segment_list list = {0};
    tj_status status = TJ_NOT_FOUND;
    TJ_TRY(tj__segment_list_read(x->log_path, &list, error));
    for (size_t i = 0; i < list.count && status != TJ_OK; i++) {
        status = id_of_segment(x, list.ordinals[i], &x->journal_id);
    }
    tj__segment_list_dispose(&list);
    if (status != TJ_OK) {
        (void)tj__findings_add(&x->findings, TJ_FINDING_DAMAGE,
                               "no segment of %s and nothing else tells which journal this is",
                               x->log_path);
    }
    return TJ_OK;
}

/* ---- where the log begins when data.mdb does not tell --------------------------------------- */

static bool lists(const tj__segment_list *segments, uint64_t ordinal)
{
    for (size_t i = 0; i < segments->count; i++) {
        if (segments->ordinals[i] == ordinal) {
            return true;
        }
    }
    return false;
}

static bool goes_on_from(const tj__segment_list *segments, uint64_t first)
{
    uint64_t last = segments->ordinals[segments->count - 1];
    bool all = first <= last;
    for (uint64_t ordinal = first; ordinal <= last && all; ordinal++) {
        all = lists(segments, ordinal);
    }
    return all;
}

/* Behind the first .rest from which on all segments are there; else behind the last one before the
 * segments. Without any it begins with the first. */
static uint64_t choose_first(const tj__segment_list *segments, const tj__base_list *rests)
{
    uint64_t first = 1;
    if (segments->count == 0 || goes_on_from(segments, 1)) {
        return 1;
    }
    for (size_t i = 0; i < rests->count; i++) {
        uint64_t behind = rests->ordinals[i] + 1;
        if (goes_on_from(segments, behind)) {
            return behind;
        }
        first = behind <= segments->ordinals[0] ? behind : first;
    }
    return first;
}

/* Segments that went by retention and segments that were lost look alike then. */
static tj_status note_no_rest(tj__examination *x, uint64_t first_there, tj_error *error)
{
    char path[TJ__BASE_PATH_SIZE];
    TJ_TRY(tj__base_path(path, x->history_path, TJ__BASE_REST, first_there - 1, false, error));
    tj_finding *finding = tj__findings_add(
        &x->findings, TJ_FINDING_NOTE,
        "nothing tells whether the segments before %" PRIu64
        " were pruned: if they were, it is %s that is missing, which has the ledger up to there",
        first_there, path);
    tj__finding_at(&x->findings, finding, path, 0);
    return TJ_OK;
}

static tj_status find_first(tj__examination *x, tj_error *error)
{
    tj__segment_list segments = {0};
    tj__base_list rests = {0};
    tj_status status = tj__segment_list_read(x->log_path, &segments, error);
    if (status == TJ_OK && x->has_history) {
        status = tj__base_list_read(x->history_path, TJ__BASE_REST, &rests, error);
    }
    if (status == TJ_OK) {
        x->first_segment = choose_first(&segments, &rests);
    }
    if (status == TJ_OK && segments.count > 0 && rests.count == 0 && segments.ordinals[0] > 1) {
        status = note_no_rest(x, segments.ordinals[0], error);
    }
    tj__segment_list_dispose(&segments);
    tj__base_list_dispose(&rests);
    return status;
}

/* Left where a crash ended the removal of old segments. */
static tj_status note_earlier(tj__examination *x, tj_error *error)
{
    tj__segment_list list = {0};
    TJ_TRY(tj__segment_list_read(x->log_path, &list, error));
    for (size_t i = 0; i < list.count && list.ordinals[i] < x->first_segment; i++) {
        char path[TJ__SEGMENT_PATH_SIZE];
        if (tj__segment_path(path, x->log_path, list.ordinals[i], NULL) == TJ_OK) {
            tj_finding *finding = tj__findings_add(
                &x->findings, TJ_FINDING_NOTE,
                "%s is no part of the log any more, which begins with segment %" PRIu64
                "; the next writer removes it",
                path, x->first_segment);
            tj__finding_at(&x->findings, finding, path, 0);
        }
    }
    tj__segment_list_dispose(&list);
    return TJ_OK;
}

/* ---- all of it ----------------------------------------------------------------------------- */

/* Without its mark the log is taken to its end. One that is no file was told of. */
static tj_status look_at_lock(tj__examination *x, tj_error *error)
{
    tj__lock *lock = NULL;
    tj_error why = TJ_ERROR_INIT;
    tj_status status = tj__lock_look(x->path, &lock, &why);
    if (status == TJ_IO) {
        (void)tj__findings_add_error(&x->findings, TJ_FINDING_UNCHECKED, &why);
    } else if (status != TJ_OK && status != TJ_CORRUPT) {
        return tj__error_pass(error, &why);
    }
    x->mark = tj__lock_mark(lock);
    x->writer_alive = tj__lock_is_held(lock);
    x->lock_stray = tj__lock_stray(lock);
    tj__lock_release(lock);
    return TJ_OK;
}

tj_status tj__examine_log(tj__examination *x, tj_error *error)
{
    TJ_TRY(look_at_lock(x, error));
    if (x->has_log && !x->data.has_superblock) {
        TJ_TRY(find_id(x, error));
    }
    x->first_segment = x->data.has_superblock ? x->data.superblock.first_segment : 1;
    if (x->has_log) {
        TJ_TRY(x->data.has_superblock ? note_earlier(x, error) : find_first(x, error));
    }
    tj__sweep sweep = {.directory = x->log_path,
                       .journal_id = x->journal_id,
                       .first_segment = x->first_segment,
                       .record = see_record,
                       .fault = see_fault,
                       .context = x,
                       .until =
                           x->writer_alive && x->mark.newest ? x->mark.acknowledged : UINT64_MAX};
    if (x->has_log) {
        TJ_TRY(tj__log_sweep(&sweep, &x->log, error));
    }
    judge(x);
    conclude(x);
    return TJ_OK;
}
