/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Repair: a sound journal out of what is sound in a damaged one.
 *
 *   1. Examine all of it, and plan: what is kept, what is lost.
 *   2. What is lost must be accepted before anything is written.
 *   3. Build beside its place, rename into it, verify.
 *   4. On request, exchange the names of the two directories.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <tesser/verify.h>

#include "backup/note.h"
#include "base/error.h"
#include "base/file.h"
#include "base/sized.h"
#include "journal/journal.h"
#include "repair/bases.h"

#define NOTE_SIZE (PATH_MAX + 256)
/* Rows of a replayed log that are held at once, so that they need not be replayed again. */
#define REPLAYED_MAX ((size_t)256 << 20)

typedef struct repair {
    tj__examination x;
    tj__repair_plan plan;
    const tj_repair_options *options;
    tj__restore_target target;
    tj__arena *arena;
    tj_repair_report *report;
    tj__parts parts;
    bool replayed;     /* the whole log: */
    tj__digest digest; /* what it comes to */
} repair;

static tj_status no_memory(tj_error *error)
{
    return tj__fail(error, TJ_NOMEM, "no memory to repair a journal");
}

static tj_status refuse_writer(const repair *r, tj_error *error)
{
    return r->x.writer_alive
               ? tj__fail(error, TJ_BUSY,
                          "a process has %s open for writing: end it, and repair then", r->x.path)
               : TJ_OK;
}

/* What this user may not read, or nobody could just now, is not lost, and must not be left out. */
static tj_status refuse_unread(const repair *r, tj_error *error)
{
    const tj__findings *findings = &r->x.findings;
    if (findings->denied.data) {
        return tj__fail(error, TJ_IO, "%s: repair it as its owner, or as root",
                        findings->denied.data);
    }
    return findings->passing.data
               ? tj__fail(error, TJ_IO,
                          "%s: end what holds so many files open, or raise `ulimit -n`, and repair "
                          "it then",
                          findings->passing.data)
               : TJ_OK;
}

static tj_status examine(repair *r, const char *path, tj_error *error)
{
    bool compared = false;
    TJ_TRY(tj__examination_init(&r->x, path, r->arena, error));
    TJ_TRY(tj__examine_files(&r->x, error));
    TJ_TRY(tj__examine_data(&r->x, error));
    TJ_TRY(tj__examine_log(&r->x, error));
    TJ_TRY(refuse_writer(r, error));
    TJ_TRY(tj__examine_history(&r->x, error));
    TJ_TRY(refuse_unread(r, error));
    if (!r->x.newest_in_log) { /* else no base is needed */
        TJ_TRY(tj__examine_history_deep(&r->x, error));
    }
    return tj__examine_deep(&r->x, &compared, error);
}

static tj_status plan(repair *r, tj_error *error)
{
    tj__repair_plan_make(&r->x, &r->plan);
    return r->plan.route == TJ__REPAIR_NOTHING
               ? tj__fail(error, TJ_CORRUPT,
                          "%s cannot be repaired out of itself: data.mdb is damaged or missing, "
                          "the log does not begin with a whole first commit, and no bases stand in "
                          "for what is before it; restore a backup with `tesser-journal restore "
                          "BACKUP --into NEW`",
                          r->x.path)
               : TJ_OK;
}

/* What the whole log comes to, where it was replayed in one piece. */
static tj_status note_replayed(repair *r, tj_error *error)
{
    tj__layers layers;
    r->replayed = r->plan.route == TJ__REPAIR_LOG && !r->report->loses && !r->target.applied;
    if (!r->replayed) {
        return TJ_OK;
    }
    tj__layers_init(&layers, NULL, r->target.batch, r->plan.end);
    return tj__digest_rows(&layers.rows, &r->digest, error);
}

/* The new journal as it was at the end. Where the state at its log's beginning is not known, the
 * newest segment is ended, so that bases can stand there. */
static tj_status finish(repair *r, const tj__repair_build *build, tj_error *error)
{
    const tj__repair_plan *plan = &r->plan;
    if (plan->route != TJ__REPAIR_LOG && !plan->start_known && plan->log_first <= plan->end) {
        TJ_TRY(tj__restore_target_seal(&r->target, error));
    }
    TJ_TRY(note_replayed(r, error));
    TJ_TRY(tj__restore_target_settle(&r->target, error));
    return tj__repair_bases_write(build, error);
}

/* One pass over all sources; without a target it only finds what is lost. */
static tj_status run_build(repair *r, bool build_it, tj__lift *lift, bool *lost, tj_error *error)
{
    tj__repair_build build;
    tj_status status = tj__repair_build_init(&build, &r->x, &r->plan, &r->parts, error);
    if (status == TJ_OK) {
        build.target = build_it ? &r->target : NULL;
        *lost = tj__parts_commits(&r->parts);
        status = tj__repair_build_run(&build, error);
    }
    if (status == TJ_OK && build_it) {
        status = finish(r, &build, error);
    }
    *lost = *lost || build.rows_lost > 0;
    *lift = build.lift;
    build.lift.rows = NULL;
    tj__repair_build_dispose(&build);
    return status;
}

/* A journal that lost something says so in a commit, in which its counters go on too. */
static tj_status add_commit(repair *r, tj__lift *lift, tj_error *error)
{
    char id[TJ_UUID_TEXT_SIZE];
    char note[NOTE_SIZE];
    tj__buffer body = {0};
    uint32_t change_count = 0;
    uint64_t skip = r->options->skip_counters;
    tj_uuid_format(r->x.journal_id, id);
    int size = snprintf(note, sizeof note,
                        "repaired out of %s: journal %s up to commit %" PRIu64
                        ", with commits or rows lost",
                        r->x.path, id, r->plan.end);
    TJ_TRY(tj__lift_skip(lift, skip ? skip : TJ_REPAIR_SKIP_DEFAULT, error));
    tj_status status = tj__lift_body(lift, &body, &change_count, error);
    if (status == TJ_OK) {
        status = tj__restore_target_append(&r->target, tj__buffer_bytes(&body), change_count,
                                           tj__bytes_of(note, (size_t)size), error);
    }
    tj__buffer_dispose(&body);
    return status;
}

static tj_status build(repair *r, tj_error *error)
{
    tj__lift lift = {0};
    bool lost = false;
    if (!r->report->loses) {
        r->target.journal_id = r->x.journal_id;
    }
    r->target.start = r->plan.start;
    r->target.like = r->x.path; /* for whom the damaged one is, so is the new one */
    r->target.batch_max = r->plan.route == TJ__REPAIR_LOG ? REPLAYED_MAX : 0;
    TJ_TRY(tj__restore_target_begin(&r->target, NULL, error));
    tj_status status = run_build(r, true, &lift, &lost, error);
    if (status == TJ_OK && r->report->loses) {
        status = add_commit(r, &lift, error);
    }
    tj__lift_dispose(&lift);
    TJ_TRY(status);
    return tj__restore_target_appear(&r->target, error);
}

static tj_status unsound(const repair *r, const char *why, tj_error *error)
{
    return tj__fail(error, TJ_CORRUPT, "the new journal %s does not verify: %s", r->target.path,
                    why);
}

/* Its sentence. */
static const char *first_finding(const tj__examination *x, tj_finding_kind kind)
{
    const tj_finding *findings = (const tj_finding *)(const void *)x->findings.items.data;
    size_t count = x->findings.items.size / sizeof *findings;
    size_t i = 0;
    while (i < count && findings[i].kind != kind) {
        i++;
    }
    return i < count ? findings[i].sentence.data : "there is more than can be listed";
}

static tj_status judge_new(const repair *r, const tj__examination *x, tj_error *error)
{
    if (x->findings.damaged) {
        return unsound(r, first_finding(x, TJ_FINDING_DAMAGE), error);
    }
    if (x->findings.unchecked) {
        return tj__fail(error, TJ_IO, "%s", first_finding(x, TJ_FINDING_UNCHECKED));
    }
    return r->replayed && tj__digest_differs(&x->digest, &r->digest)
               ? unsound(r, "data.mdb is not what the log came to", error)
               : TJ_OK;
}

/* With all that a deep verification looks at. */
static tj_status verify_new(repair *r, tj_error *error)
{
    bool compared = false;
    bool deep = !r->replayed; /* else what the log comes to is known */
    tj__examination *x = calloc(1, sizeof *x);
    if (!x) {
        return no_memory(error);
    }
    tj_status status = tj__examination_init(x, r->target.path, r->arena, error);
    if (status == TJ_OK) {
        status = tj__examine(x, deep, &compared, error);
    }
    if (status == TJ_OK) {
        status = judge_new(r, x, error);
    }
    r->report->row_count = x->data.rows;
    tj__examination_dispose(x);
    free(x);
    if (status != TJ_OK) {
        tj__error_context(error,
                          "the new journal %s is not proven to be whole: remove it, and "
                          "repair again",
                          r->target.path);
    }
    return status;
}

/* Backups go on where the id stays. The journal is as good without the note. */
static void keep_backups(const repair *r)
{
    tj__backup_note note;
    tj__backup_note_read(r->x.path, &note);
    if (!r->report->loses) {
        (void)tj__backup_note_add(r->target.path, &note.made, &note.proven, 0, NULL);
    }
}

static tj_status not_exchanged(const repair *r, int code, tj_error *error)
{
    if (code != EXDEV && code != EINVAL && code != ENOSYS) {
        return tj__fail_errno(error, code,
                              "exchanging the names of %s and %s: the repaired journal is the "
                              "first, and whole; move the two directories by hand",
                              r->target.path, r->x.path);
    }
    return tj__fail(error, TJ_UNSUPPORTED,
                    "the repaired journal is at %s, and its name cannot be exchanged with "
                    "%s: %s; move the two directories by hand",
                    r->target.path, r->x.path,
                    code == EXDEV ? "they are on different file systems"
                                  : "the file system does not exchange names");
}

/* Both names are there at every instant. A link that leads to the journal leads to the new one. */
static tj_status swap(const repair *r, tj_error *error)
{
    char damaged[PATH_MAX];
    if (!realpath(r->x.path, damaged) ||
        renameat2(AT_FDCWD, r->target.path, AT_FDCWD, damaged, RENAME_EXCHANGE) != 0) {
        return not_exchanged(r, errno, error);
    }
    /* Else a power cut takes the new journal, and what was committed to it, out of its place. */
    tj_status status = tj__directory_sync_parent(damaged, error);
    if (status == TJ_OK) {
        status = tj__directory_sync_parent(r->target.path, error);
    }
    if (status != TJ_OK) {
        tj__error_context(error,
                          "the repaired journal is at %s now, and the damaged one at %s, "
                          "but a power cut may exchange them again: see to the disk before "
                          "anything is written to it",
                          damaged, r->target.path);
    }
    return status;
}

static tj_status look_for_loss(repair *r, tj_error *error)
{
    tj__lift lift = {0};
    bool may_lose_rows = r->plan.route == TJ__REPAIR_DATA && r->x.damaged_rows > 0;
    if (!tj__parts_commits(&r->parts) && !may_lose_rows) {
        return TJ_OK; /* no pass over the sources is needed to know that */
    }
    tj_status status = run_build(r, false, &lift, &r->report->loses, error);
    tj__lift_dispose(&lift);
    return status;
}

static tj_status run(repair *r, const char *path, const char *into, tj_error *error)
{
    tj_repair_report *report = r->report;
    TJ_TRY(tj__restore_target_look(&r->target, into, error));
    TJ_TRY(examine(r, path, error));
    report->source_id = report->journal_id = r->x.journal_id;
    report->needed = r->x.findings.damaged || r->x.findings.unchecked;
    report->sequence = r->x.end;
    if (!report->needed) {
        return TJ_OK;
    }
    TJ_TRY(plan(r, error));
    TJ_TRY(look_for_loss(r, error));
    report->sequence = r->plan.end;
    report->log_first = r->plan.log_first <= r->plan.end ? r->plan.log_first : 0;
    if (r->options->dry_run || (report->loses && !r->options->accept_loss)) {
        return TJ_OK;
    }
    TJ_TRY(build(r, error));
    report->journal_id = r->target.journal_id;
    report->written = true;
    TJ_TRY(verify_new(r, error));
    keep_backups(r);
    if (r->options->swap) {
        TJ_TRY(swap(r, error));
        report->swapped = true;
    }
    return TJ_OK;
}

/* ---- the call ------------------------------------------------------------------------------ */

static tj_status settle_report(repair *r, tj_error *error)
{
    tj_repair_report *report = r->report;
    report->path = tj__arena_str(r->arena, tj_str_of(r->x.path));
    report->directory = tj__arena_str(r->arena, tj_str_of(r->target.path));
    return tj__parts_settle(&r->parts, report) && report->path.data && report->directory.data
               ? TJ_OK
               : no_memory(error);
}

static tj_status start(repair *r, const char *path, const char *into, tj_error *error)
{
    void *object = NULL;
    r->arena = tj__arena_new(sizeof(tj_repair_report), &object);
    r->report = object;
    if (!r->arena || !tj__parts_init(&r->parts, &r->x, &r->plan, r->arena)) {
        return no_memory(error);
    }
    TJ_TRY(run(r, path, into, error));
    return settle_report(r, error);
}

tj_status tj_repair(const char *path, const char *into, const tj_repair_options *given,
                    tj_repair_report **out, tj_error *error)
{
    tj_repair_options options = TJ_REPAIR_OPTIONS_INIT;
    if (!path || !into || !out) {
        return tj__fail(error, TJ_MISUSE, "two paths and a place for the report are needed");
    }
    *out = NULL;
    if (given) {
        TJ_TRY(
            tj__sized_read(given, &options, "the options struct", "TJ_REPAIR_OPTIONS_INIT", error));
    }
    repair *r = calloc(1, sizeof *r);
    if (!r) {
        return no_memory(error);
    }
    r->target = (tj__restore_target)TJ__RESTORE_TARGET_INIT;
    r->options = &options;
    tj_status status = start(r, path, into, error);
    if (status == TJ_OK) {
        *out = r->report;
    } else {
        tj__arena_free_object(r->report);
    }
    tj__restore_target_dispose(&r->target);
    tj__examination_dispose(&r->x);
    tj__parts_dispose(&r->parts);
    free(r);
    return status;
}

void tj_repair_report_free(tj_repair_report *report)
{
    tj__arena_free_object(report);
}
