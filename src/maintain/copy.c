/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Copying commits from one journal into another: what the log says, as it says it. Nothing is
 * planned or resolved again, so the copy's rows are those of the original.
 */
#include <tesser/copy.h>

#include <inttypes.h>
#include <stdlib.h>

#include "base/error.h"
#include "engine/engine.h"
#include "history/digest.h"
#include "store/store.h"

/* So much is appended before it is waited for. */
#define BATCH_BYTES ((size_t)1 << 20)

struct tj_copier {
    tj_store *source;
    tj_store *target;
    tj__engine *from;
    tj__engine *to;
    tj__commits *commits; /* of the source, behind the target's newest; NULL: to be opened */
};

/* ---- where the two meet --------------------------------------------------------------------- */

static tj_status read_one(tj__engine *engine, uint64_t sequence, tj__commits **commits,
                          tj__commit_record *record, tj_error *error)
{
    const tj__engine_past *past = engine->ops->past;
    bool found = false;
    TJ_TRY(past->commits_open(engine, sequence, NULL, commits, error));
    TJ_TRY(past->commits_next(*commits, sequence, &found, record, error));
    return found ? TJ_OK : tj__fail(error, TJ_NOT_FOUND, "there is no commit %" PRIu64, sequence);
}

static tj_status another_history(uint64_t sequence, tj_error *error)
{
    return tj__fail(error, TJ_CONFLICT,
                    "commit %" PRIu64
                    " of the target is not one of the source: it is no copy of it, "
                    "or something else wrote to it; copy into a new one",
                    sequence);
}

static tj_status compare_one(tj_copier *copier, uint64_t sequence, tj_error *error)
{
    tj__commits *from = NULL;
    tj__commits *to = NULL;
    tj__commit_record a, b;
    tj_status status = read_one(copier->from, sequence, &from, &a, error);
    if (status == TJ_OK) {
        status = read_one(copier->to, sequence, &to, &b, error);
    }
    if (status == TJ_OK && (a.time != b.time || tj_uuid_compare(a.commit_id, b.commit_id) != 0 ||
                            !tj__bytes_equal(a.body, b.body) || !tj__bytes_equal(a.note, b.note))) {
        status = another_history(sequence, error);
    }
    copier->from->ops->past->commits_close(from);
    copier->to->ops->past->commits_close(to);
    return status;
}

static tj_status check_meeting(tj_copier *copier, tj_error *error)
{
    uint64_t have = copier->to->ops->appended(copier->to);
    uint64_t newest = 0;
    TJ_TRY(copier->from->ops->past->newest(copier->from, &newest, error));
    if (have > newest) {
        return another_history(have, error);
    }
    return have > 0 ? compare_one(copier, have, error) : TJ_OK;
}

/* ---- opening and closing --------------------------------------------------------------------- */

static tj_status complete(const tj_config *config, bool reads, tj_config *out, tj_error *error)
{
    TJ_TRY(tj__config_complete(config, out, error));
    out->read_only = reads;
    out->must_exist = out->must_exist || reads;
    return TJ_OK;
}

static tj_status refuse_itself(const tj_config *source, const tj_config *target, tj_error *error)
{
    const tj__engine_kind *kind = tj__engine_kind_of(source->type);
    const tj_config *sides[] = {source, target};
    tj__engine_identity identities[] = {{0}, {0}};
    char path[TJ_PATH_SIZE];
    bool there = kind == tj__engine_kind_of(target->type) && !kind->private;
    for (size_t i = 0; i < 2 && there; i++) {
        tj_config located = *sides[i];
        TJ_TRY(kind->locate(sides[i], path, error));
        located.path = path;
        TJ_TRY(kind->identify(&located, &there, &identities[i], error));
    }
    return there && memcmp(&identities[0], &identities[1], sizeof identities[0]) == 0
               ? tj__fail(error, TJ_INVALID,
                          "%s is the source and the target: a copy goes into another journal", path)
               : TJ_OK;
}

static tj_status open_side(const tj_config *config, tj_store **store, tj__engine **engine,
                           tj_error *error)
{
    TJ_TRY(tj_store_open(config, store, error));
    *engine = tj__store_engine(*store);
    return (*engine)->ops->past
               ? TJ_OK
               : tj__fail(error, TJ_UNSUPPORTED, "a store in memory keeps no commits to copy");
}

static tj_status open_both(tj_copier *copier, const tj_config *source, const tj_config *target,
                           tj_error *error)
{
    tj_config from;
    tj_config to;
    TJ_TRY(complete(source, true, &from, error));
    TJ_TRY(complete(target, false, &to, error));
    TJ_TRY(refuse_itself(&from, &to, error));
    TJ_TRY(open_side(&from, &copier->source, &copier->from, error));
    TJ_TRY(open_side(&to, &copier->target, &copier->to, error));
    return check_meeting(copier, error);
}

tj_status tj_copier_open(const tj_config *source, const tj_config *target, tj_copier **out,
                         tj_error *error)
{
    if (!source || !target || !out) {
        return tj__fail(error, TJ_MISUSE, "an argument that must not be NULL is NULL");
    }
    *out = NULL;
    tj_copier *copier = calloc(1, sizeof *copier);
    if (!copier) {
        return tj__fail(error, TJ_NOMEM, "no memory for a copy");
    }
    tj_status status = open_both(copier, source, target, error);
    if (status != TJ_OK) {
        (void)tj_copier_close(copier, NULL);
        return status;
    }
    *out = copier;
    return TJ_OK;
}

static void close_commits(tj_copier *copier)
{
    if (copier->commits) {
        copier->from->ops->past->commits_close(copier->commits);
        copier->commits = NULL;
    }
}

tj_status tj_copier_close(tj_copier *copier, tj_error *error)
{
    if (!copier) {
        return TJ_OK;
    }
    close_commits(copier);
    tj_status status = tj_store_close(copier->target, error);
    (void)tj_store_close(copier->source, NULL);
    free(copier);
    return status;
}

/* ---- copying --------------------------------------------------------------------------------- */

static tj_status append(tj_copier *copier, const tj__commit_record *record, tj_error *error)
{
    uint64_t sequence = 0;
    TJ_TRY(copier->to->ops->append(copier->to, record, false, &sequence, error));
    return sequence == record->sequence
               ? TJ_OK
               : tj__fail(error, TJ_CONFLICT,
                          "commit %" PRIu64 " of the source became %" PRIu64 " in the target",
                          record->sequence, sequence);
}

static tj_status await_all(tj_copier *copier, tj_error *error)
{
    const tj__engine_ops *ops = copier->to->ops;
    return ops->wait(copier->to, ops->appended(copier->to), false, error);
}

/* *more: there may be others behind them. */
static tj_status copy_batch(tj_copier *copier, uint64_t newest, bool *more, tj_error *error)
{
    const tj__engine_past *past = copier->from->ops->past;
    size_t bytes = 0;
    bool found = true;
    while (found && bytes < BATCH_BYTES) {
        tj__commit_record record;
        TJ_TRY(past->commits_next(copier->commits, newest, &found, &record, error));
        if (found) {
            size_t size = record.body.size + record.note.size + 1;
            if (bytes > 0 && bytes + size > BATCH_BYTES) {
                TJ_TRY(await_all(copier, error)); /* a large one goes alone */
            }
            TJ_TRY(append(copier, &record, error));
            bytes += size;
        }
    }
    *more = found;
    return await_all(copier, error);
}

static tj_status copy(tj_copier *copier, tj_error *error)
{
    const tj__engine_past *past = copier->from->ops->past;
    uint64_t newest = 0;
    bool more = true;
    TJ_TRY(past->newest(copier->from, &newest, error));
    if (!copier->commits) {
        uint64_t next = copier->to->ops->appended(copier->to) + 1;
        TJ_TRY(past->commits_open(copier->from, next, NULL, &copier->commits, error));
    }
    while (more) {
        TJ_TRY(copy_batch(copier, newest, &more, error));
    }
    return TJ_OK;
}

tj_status tj_copier_run(tj_copier *copier, uint64_t *sequence, tj_error *error)
{
    if (!copier) {
        return tj__fail(error, TJ_MISUSE, "no copy");
    }
    tj_status status = copy(copier, error);
    if (status != TJ_OK) {
        close_commits(copier); /* one may have been read and not appended */
    }
    if (sequence) {
        *sequence = copier->to->ops->appended(copier->to);
    }
    return status;
}

/* ---- comparing ------------------------------------------------------------------------------- */

static tj_status digest_target(tj_copier *copier, tj__digest *digest, uint64_t *sequence,
                               tj_error *error)
{
    tj__row_source *rows = NULL;
    tj_status status = copier->to->ops->view_begin(copier->to, &rows, error);
    if (status == TJ_OK) {
        *sequence = rows->sequence;
        status = tj__digest_rows(rows, digest, error);
    }
    copier->to->ops->view_end(copier->to, rows);
    return status;
}

static tj_status digest_past(tj_copier *copier, uint64_t sequence, tj__digest *digest,
                             tj_error *error)
{
    const tj__engine_past *past = copier->from->ops->past;
    tj__row_source *rows = NULL;
    tj_status status = past->view_at(copier->from, sequence, TJ__TABLES_ALL, &rows, error);
    if (status == TJ_OK) {
        status = tj__digest_rows(rows, digest, error);
    }
    if (rows) {
        past->view_at_end(rows);
    }
    return status;
}

/* The newest state, if the source has not gone on since. */
static tj_status digest_source(tj_copier *copier, uint64_t sequence, tj__digest *digest,
                               tj_error *error)
{
    tj__row_source *rows = NULL;
    tj_status status = copier->from->ops->view_begin(copier->from, &rows, error);
    bool now = status == TJ_OK && rows->sequence == sequence;
    if (now) {
        status = tj__digest_rows(rows, digest, error);
    }
    copier->from->ops->view_end(copier->from, rows);
    return status == TJ_OK && !now ? digest_past(copier, sequence, digest, error) : status;
}

static tj_status tell(tj_copier *copier, const tj__digest *digest, uint64_t sequence,
                      tj_copy_report *report, tj_error *error)
{
    tj_store_info source = TJ_STORE_INFO_INIT;
    tj_store_info target = TJ_STORE_INFO_INIT;
    TJ_TRY(tj_store_info_get(copier->source, &source, error));
    TJ_TRY(tj_store_info_get(copier->target, &target, error));
    *report = (tj_copy_report){.source_id = source.journal_id,
                               .target_id = target.journal_id,
                               .sequence = sequence,
                               .digest = tj__digest_value(digest)};
    for (uint8_t table = TJ__TABLE_FIRST; table <= TJ__TABLE_LAST; table++) {
        report->row_count += digest->rows[table];
    }
    return TJ_OK;
}

tj_status tj_copier_verify(tj_copier *copier, tj_copy_report *report, tj_error *error)
{
    tj__digest source, target;
    uint64_t sequence = 0;
    if (!copier) {
        return tj__fail(error, TJ_MISUSE, "no copy");
    }
    TJ_TRY(digest_target(copier, &target, &sequence, error));
    TJ_TRY(digest_source(copier, sequence, &source, error));
    uint8_t table = tj__digest_differs(&source, &target);
    if (table != 0) {
        return tj__fail(error, TJ_CORRUPT,
                        "table %s of the copy is not what the source has at commit %" PRIu64,
                        tj__table_name(table), sequence);
    }
    return report ? tell(copier, &target, sequence, report, error) : TJ_OK;
}
