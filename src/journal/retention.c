/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Choosing what goes, proving that what stays is enough, and letting go of it in order. */
#include "journal/retention.h"

#include <inttypes.h>
#include <stdlib.h>

#include "base/error.h"
#include "base/file.h"
#include "history/base_build.h"
#include "history/past.h"
#include "history/seek.h"
#include "history/tally.h"
#include "journal/internal.h"

/* Tables that only grow, and so are added up. The commit ids do not: old ones are forgotten. They
 * are kept, and not part of the proof. */
#define TALLIED (TJ__TABLE_BIT(TJ__TABLE_LEDGER) | TJ__TABLE_BIT(TJ__TABLE_LEDGER_TIME))
/* LMDB's own segment and so many before it always stay. */
#define SEGMENTS_BEFORE_LMDB 2
#define HOUR_NS (INT64_C(3600) * 1000000000)
#define DAY_NS (24 * HOUR_NS)
#define HOURLY_DAYS 7
#define DAILY_DAYS 400

/* ---- choosing ---------------------------------------------------------------------------- */

static tj_status size_of(const tj__journal *journal, uint64_t ordinal, uint64_t *size,
                         tj_error *error)
{
    char path[TJ__SEGMENT_PATH_SIZE];
    bool there = false;
    struct stat found;
    TJ_TRY(tj__segment_path(path, journal->log_path, ordinal, error));
    TJ_TRY(tj__path_look(path, &there, &found, error));
    *size = (uint64_t)found.st_size;
    return TJ_OK;
}

/* When the segment ended. */
static bool is_too_old(const tj__journal *journal, uint64_t ordinal)
{
    tj__segment_header next;
    uint64_t age_s = journal->config.lmdb.history_age_s;
    return age_s > 0 && age_s < INT64_MAX / 1000000000 &&
           tj__seek_header(journal->log_path, &journal->superblock.journal_id, ordinal + 1, &next,
                           NULL) == TJ_OK &&
           next.created_at < tj_time_now() - (int64_t)age_s * 1000000000;
}

/* The segment of LMDB's position. */
static tj_status find_applied(tj__journal *journal, uint64_t *ordinal, tj_error *error)
{
    tj__env_snapshot *snapshot = NULL;
    tj__position position;
    TJ_TRY(tj__journal_snapshot_begin(journal, &snapshot, &position, error));
    tj__env_snapshot_end(snapshot);
    *ordinal = position.ordinal;
    return TJ_OK;
}

static tj_status add_up(const tj__journal *journal, const tj__segment_list *list, uint64_t *total,
                        tj_error *error)
{
    *total = 0;
    for (size_t i = 0; i < list->count; i++) {
        uint64_t size = 0;
        TJ_TRY(size_of(journal, list->ordinals[i], &size, error));
        *total += size;
    }
    return TJ_OK;
}

tj_status tj__retention_log_size(const tj__journal *journal, uint64_t *bytes, tj_error *error)
{
    tj__segment_list list = {0};
    TJ_TRY(tj__logbook_segments(journal, &list, error));
    tj_status status = add_up(journal, &list, bytes, error);
    tj__segment_list_dispose(&list);
    return status;
}

static tj_status choose(tj__journal *journal, const tj__segment_list *list, uint64_t size_bytes,
                        tj_prune_report *out, tj_error *error)
{
    uint64_t total = 0;
    uint64_t applied = 0;
    TJ_TRY(find_applied(journal, &applied, error));
    TJ_TRY(add_up(journal, list, &total, error));
    for (size_t i = 0; i < list->count; i++) {
        uint64_t ordinal = list->ordinals[i];
        uint64_t size = 0;
        if (ordinal + SEGMENTS_BEFORE_LMDB >= applied ||
            (total <= size_bytes && !is_too_old(journal, ordinal))) {
            break;
        }
        TJ_TRY(size_of(journal, ordinal, &size, error));
        total -= size;
        out->bytes += size;
        out->segment_count++;
        out->first_segment = ordinal + 1;
    }
    return TJ_OK;
}

/* The last segment before which no state is known, of a log that a repair left so: nothing can be
 * proven before its bases. */
static tj_status find_unknown(const tj__journal *journal, uint64_t *last, tj_error *error)
{
    tj__base_list list;
    *last = 0;
    if (tj__journal_first_segment(journal) > 1) {
        TJ_TRY(tj__base_list_read(journal->history_path, TJ__BASE_REST, &list, error));
        *last = list.count > 0 ? list.ordinals[0] : 0;
        tj__base_list_dispose(&list);
    }
    return TJ_OK;
}

tj_status tj__retention_choose(tj__journal *journal, uint64_t size_bytes, tj_prune_report *out,
                               tj_error *error)
{
    tj__segment_list list = {0};
    tj__segment_header header;
    *out = (tj_prune_report){.struct_size = sizeof *out,
                             .first_segment = tj__journal_first_segment(journal)};
    TJ_TRY(tj__logbook_segments(journal, &list, error));
    tj_prune_report nothing = *out;
    uint64_t unknown = 0;
    tj_status status = choose(journal, &list, size_bytes, out, error);
    tj__segment_list_dispose(&list);
    if (status == TJ_OK) {
        status = find_unknown(journal, &unknown, error);
    }
    if (status == TJ_OK && out->first_segment <= unknown + 1) {
        *out = nothing;
    }
    if (status == TJ_OK && out->first_segment > 1) {
        status = tj__seek_header(journal->log_path, &journal->superblock.journal_id,
                                 out->first_segment, &header, error);
        out->oldest_sequence = header.first_sequence - 1;
        out->oldest_time = header.created_at;
    }
    return status;
}

/* ---- 1. the bases ------------------------------------------------------------------------- */

typedef struct pruning {
    tj__journal *journal;
    const tj_prune_report *chosen;
    uint64_t last; /* segment that goes */
    tj__base_place place;
} pruning;

/* The newest base of a kind before a segment's end that can be opened, or NULL. */
static tj__base *open_before(const pruning *p, tj__base_kind kind, uint64_t ordinal)
{
    tj__base_list list;
    tj__base *base = NULL;
    if (tj__base_list_read(p->place.directory, kind, &list, NULL) != TJ_OK) {
        return NULL;
    }
    for (size_t i = list.count; i-- > 0 && !base;) {
        if (list.ordinals[i] < ordinal) {
            (void)tj__base_open(p->place.directory, &p->place.journal_id, kind, list.ordinals[i],
                                &base, NULL);
        }
    }
    tj__base_list_dispose(&list);
    return base;
}

static tj_status read_base(const pruning *p, tj__base_kind kind, uint64_t ordinal,
                           tj__digest *digest, tj__position *position, tj_error *error)
{
    tj__base *base = NULL;
    TJ_TRY(tj__base_open(p->place.directory, &p->place.journal_id, kind, ordinal, &base, error));
    *position = base->header.position;
    tj_status status = tj__digest_rows(&base->rows, digest, error);
    tj__base_close(base);
    return status;
}

/* From the newest one before it that can be read through. */
static tj_status build_base(const pruning *p, tj__base_kind kind, tj_error *error)
{
    uint64_t bound = p->last;
    for (;;) {
        tj_error failure = TJ_ERROR_INIT;
        tj__base_order order = {.kind = kind, .before = open_before(p, kind, bound)};
        tj_status status = tj__base_build(&p->place, p->last, &order, 1, &failure);
        bool again = status != TJ_OK && order.before && order.before->damaged;
        bound = again ? order.before->header.position.ordinal - 1 : bound;
        tj__base_close(order.before);
        if (!again) {
            return tj__error_pass(error, &failure);
        }
    }
}

/* One that cannot be read through is built again, while the log for it is there. */
static bool is_whole(const pruning *p, tj__base_kind kind)
{
    tj__digest digest;
    tj__position position;
    return read_base(p, kind, p->last, &digest, &position, NULL) == TJ_OK;
}

static tj_status provide_base(const pruning *p, tj__base_kind kind, tj_error *error)
{
    return is_whole(p, kind) ? TJ_OK : build_base(p, kind, error);
}

/* ---- 2. they equal what goes --------------------------------------------------------------- */

static tj_status differs(const pruning *p, uint8_t table, const char *what, tj_error *error)
{
    return tj__fail(error, TJ_CORRUPT,
                    "nothing was pruned from %s: the table %s of %s is not what the log comes to: "
                    "run `tesser-journal verify`",
                    p->journal->path, tj__table_name(table), what);
}

static tj__past_source source_of(const pruning *p)
{
    return (tj__past_source){.log_path = p->journal->log_path,
                             .journal_id = p->place.journal_id,
                             .first_segment = tj__journal_first_segment(p->journal),
                             .history_path = p->place.directory};
}

/* What an earlier base and the log since come to. */
static tj_status replayed(const tj__past_source *source, uint64_t sequence, uint64_t tables,
                          tj__digest *digest, tj_error *error)
{
    tj__row_source *rows = NULL;
    TJ_TRY(tj__past_begin(source, sequence, tables, &rows, error));
    tj_status status = tj__digest_rows(rows, digest, error);
    tj__past_end(rows);
    return status;
}

static tj_status check_base(const pruning *p, tj__base_kind kind, tj_error *error)
{
    tj__digest base;
    tj__digest log;
    tj__position position;
    tj__past_source source = source_of(p);
    source.bases_before = p->last;
    TJ_TRY(read_base(p, kind, p->last, &base, &position, error));
    TJ_TRY(replayed(&source, position.sequence, tj__base_tables(kind), &log, error));
    uint8_t table = tj__digest_differs(&base, &log);
    return table == 0 ? TJ_OK : differs(p, table, "the base", error);
}

static void add(tj__digest *to, const tj__digest *more, uint64_t tables)
{
    for (uint8_t table = TJ__TABLE_FIRST; table <= TJ__TABLE_LAST; table++) {
        if (tables & TJ__TABLE_BIT(table)) {
            to->rows[table] += more->rows[table];
            to->checksums[table] += more->checksums[table];
        }
    }
}

/* The ledger's rows are spread over all .rest files up to a segment's end. *position: where the log
 * goes on behind them; the log's beginning without any. */
static tj_status read_rests(const pruning *p, uint64_t last, tj__digest *digest,
                            tj__position *position, tj_error *error)
{
    tj__base_list list;
    tj_status status = TJ_OK;
    *digest = (tj__digest){0};
    *position = (tj__position){.ordinal = 1, .offset = TJ__SEGMENT_HEADER_SIZE};
    TJ_TRY(tj__base_list_read(p->place.directory, TJ__BASE_REST, &list, error));
    for (size_t i = 0; i < list.count && status == TJ_OK && list.ordinals[i] <= last; i++) {
        tj__digest its;
        status = read_base(p, TJ__BASE_REST, list.ordinals[i], &its, position, error);
        if (status == TJ_OK) {
            add(digest, &its, TALLIED);
        }
    }
    tj__base_list_dispose(&list);
    return status;
}

/* What .rest files up to a segment's end and the log since come to, up to a commit. */
static tj_status tally_rest(const pruning *p, uint64_t last, uint64_t sequence, tj__digest *digest,
                            tj_error *error)
{
    tj__position start;
    tj__log_reader *reader = NULL;
    TJ_TRY(read_rests(p, last, digest, &start, error));
    TJ_TRY(tj__log_reader_open(p->journal->log_path, &p->place.journal_id, &start, &reader, error));
    tj_status status = tj__tally(reader, sequence, TALLIED, p->place.cancel, digest, error);
    tj__log_reader_close(reader);
    return status;
}

static tj_status check_rest(const pruning *p, tj_error *error)
{
    tj__digest rests;
    tj__digest log;
    tj__position position;
    TJ_TRY(read_rests(p, p->last, &rests, &position, error));
    TJ_TRY(tally_rest(p, p->last - 1, position.sequence, &log, error));
    uint8_t table = tj__digest_differs(&rests, &log);
    return table == 0 ? TJ_OK : differs(p, table, "the .rest file", error);
}

/* ---- 3. what stays comes to the state in LMDB ----------------------------------------------- */

static tj_status read_lmdb(const pruning *p, tj__digest *digest, tj__position *position,
                           tj_error *error)
{
    tj__env_snapshot *snapshot = NULL;
    TJ_TRY(tj__journal_snapshot_begin(p->journal, &snapshot, position, error));
    tj_status status = tj__digest_rows(tj__env_snapshot_rows(snapshot), digest, error);
    tj__env_snapshot_end(snapshot);
    return status;
}

static tj_status check_newest(const pruning *p, uint64_t first_segment, tj_error *error)
{
    uint64_t based = tj__base_tables(TJ__BASE_STATE) | tj__base_tables(TJ__BASE_ALGOS);
    tj__digest lmdb;
    tj__digest kept = {0};
    tj__digest rest;
    tj__position position;
    tj__past_source source = source_of(p);
    source.first_segment = first_segment;
    TJ_TRY(read_lmdb(p, &lmdb, &position, error));
    TJ_TRY(replayed(&source, position.sequence, based, &kept, error));
    TJ_TRY(tally_rest(p, first_segment - 1, position.sequence, &rest, error));
    add(&kept, &rest, TALLIED);
    lmdb.rows[TJ__TABLE_COMMITS] = 0;
    lmdb.checksums[TJ__TABLE_COMMITS] = 0;
    uint8_t table = tj__digest_differs(&kept, &lmdb);
    return table == 0 ? TJ_OK : differs(p, table, "data.mdb", error);
}

/* ---- 4. and 5. ------------------------------------------------------------------------------ */

static tj_status move_first_segment(const pruning *p, tj_error *error)
{
    tj__journal *journal = p->journal;
    uint64_t first = p->chosen->first_segment;
    TJ_TRY(tj__directory_sync(p->place.directory, error));
    pthread_mutex_lock(&journal->apply_mutex);
    tj_status status = tj__env_move_first_segment(journal->env, &journal->superblock, first, error);
    if (status == TJ_OK) {
        __atomic_store_n(&journal->superblock.first_segment, first, __ATOMIC_SEQ_CST);
    }
    pthread_mutex_unlock(&journal->apply_mutex);
    return status;
}

void tj__retention_tidy(tj__journal *journal)
{
    tj__segment_list list = {0};
    uint64_t first = tj__journal_first_segment(journal);
    if (first <= 1 || tj__segment_list_read(journal->log_path, &list, NULL) != TJ_OK) {
        return;
    }
    for (size_t i = 0; i < list.count && list.ordinals[i] < first; i++) {
        char path[TJ__SEGMENT_PATH_SIZE];
        if (tj__segment_path(path, journal->log_path, list.ordinals[i], NULL) == TJ_OK) {
            (void)tj__file_remove(path, NULL);
        }
    }
    tj__segment_list_dispose(&list);
}

/* Whether a state of before the log's beginning stays: the first of its hour or day. */
static bool is_point(tj_time time, tj_time now, tj_time *last_kept)
{
    int64_t age = now - time;
    int64_t step = age <= HOURLY_DAYS * DAY_NS ? HOUR_NS : DAY_NS;
    bool stays =
        age <= DAILY_DAYS * DAY_NS && (*last_kept == 0 || time / step != *last_kept / step);
    if (stays) {
        *last_kept = time;
    }
    return stays;
}

/* Bases before the one with which the log begins, and keys of segments that are gone. A .rest is
 * never one of them: the others need it. */
static void thin(const pruning *p, tj__base_kind kind)
{
    uint64_t end = kind == TJ__BASE_KEYS ? p->last + 1 : p->last;
    tj__base_list list;
    tj_time now = tj_time_now();
    tj_time last_kept = 0;
    if (tj__base_list_read(p->place.directory, kind, &list, NULL) != TJ_OK) {
        return;
    }
    for (size_t i = 0; i < list.count && list.ordinals[i] < end; i++) {
        char path[TJ__BASE_PATH_SIZE];
        tj__base_header header;
        bool stays = kind == TJ__BASE_STATE &&
                     tj__base_look(p->place.directory, &p->place.journal_id, kind, list.ordinals[i],
                                   &header, NULL) == TJ_OK &&
                     is_point(header.position.time, now, &last_kept);
        if (!stays &&
            tj__base_path(path, p->place.directory, kind, list.ordinals[i], false, NULL) == TJ_OK) {
            (void)tj__file_remove(path, NULL);
        }
    }
    tj__base_list_dispose(&list);
}

static tj_status prove(const pruning *p, tj_error *error)
{
    for (int kind = 0; kind <= TJ__BASE_REST; kind++) {
        TJ_TRY(provide_base(p, (tj__base_kind)kind, error));
    }
    TJ_TRY(check_base(p, TJ__BASE_STATE, error));
    TJ_TRY(check_base(p, TJ__BASE_ALGOS, error));
    TJ_TRY(check_rest(p, error));
    return check_newest(p, p->chosen->first_segment, error);
}

tj_status tj__retention_run(tj__journal *journal, const tj_prune_report *chosen, bool dry,
                            tj_error *error)
{
    pruning p = {.journal = journal,
                 .chosen = chosen,
                 .last = chosen->first_segment - 1,
                 .place = {.log_path = journal->log_path,
                           .directory = journal->history_path,
                           .journal_id = journal->superblock.journal_id,
                           .cancel = &journal->builder_cancel}};
    if (chosen->segment_count == 0) {
        return TJ_OK;
    }
    if (dry) {
        return check_newest(&p, tj__journal_first_segment(journal), error);
    }
    TJ_TRY(prove(&p, error));
    TJ_TRY(move_first_segment(&p, error));
    tj__retention_tidy(journal);
    thin(&p, TJ__BASE_STATE);
    thin(&p, TJ__BASE_ALGOS);
    thin(&p, TJ__BASE_KEYS);
    return TJ_OK;
}
