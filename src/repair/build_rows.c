/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Rows into the journal that is built. Where a row of data.mdb is damaged, the log tells what it
 * was, or a base does. Where neither knows its key, that may be what is damaged: then any row of
 * its table may be missing, and all are put that they have.
 */
#include "repair/build_rows.h"

#include "base/error.h"
#include "rows/key.h"
#include "rows/value.h"

static tj_status no_memory(tj_error *error)
{
    return tj__fail(error, TJ_NOMEM, "no memory to repair a journal");
}

/* ---- one row ------------------------------------------------------------------------------- */

/* The indexes of the ledger follow from its entries. They are built again unless all that data.mdb
 * has of them and of the ledger is whole: a damaged key does not tell which row is missing, and a
 * row of an entry that is lost leads to none. */
#define INDEX_TABLES (TJ__TABLE_BIT(TJ__TABLE_LEDGER_TIME) | TJ__TABLE_BIT(TJ__TABLE_LEDGER_IDS))

static bool indexes_anew(const tj__repair_build *build)
{
    const tj__examination *x = build->x;
    return build->plan->route == TJ__REPAIR_BASES ||
           (x->damaged_row_tables & (INDEX_TABLES | TJ__TABLE_BIT(TJ__TABLE_LEDGER))) != 0 ||
           /* a journal of format version 1 has no such row for an entry */
           (x->data.superblock.tables & TJ__TABLE_BIT(TJ__TABLE_LEDGER_IDS)) == 0;
}

static tj_status put_time(tj__repair_build *build, const tj__row *entry, tj_error *error)
{
    tj__derived_row derived;
    if (!tj__ledger_time_row(entry->key, entry->value, &derived)) {
        return TJ_OK;
    }
    tj__row own = {.key = tj__bytes_of(derived.key, derived.key_size),
                   .value = tj__bytes_of(derived.value, derived.value_size),
                   .sequence = entry->sequence};
    return tj__restore_target_put_row(build->target, &own, error);
}

tj_status tj__repair_put_row(tj__repair_build *build, const tj__row *row, tj_error *error)
{
    uint64_t table = TJ__TABLE_BIT(row->key.data[0]);
    if (!build->target || (table & INDEX_TABLES && indexes_anew(build))) {
        return TJ_OK;
    }
    TJ_TRY(tj__restore_target_put_row(build->target, row, error));
    if (table != TJ__TABLE_BIT(TJ__TABLE_LEDGER) || !indexes_anew(build)) {
        return TJ_OK;
    }
    TJ_TRY(put_time(build, row, error));
    return tj__restore_target_put_id(build->target, row, error);
}

/* ---- all rows of bases --------------------------------------------------------------------- */

static tj_status see_based_row(void *context, const tj__row *row, tj_error *error)
{
    tj__repair_build *build = context;
    TJ_TRY(tj__lift_take_row(&build->lift, row, true, error));
    return tj__repair_put_row(build, row, error);
}

tj_status tj__repair_put_based_rows(tj__repair_build *build, tj__base_kind kind,
                                    tj__row_source *rows, tj_error *error)
{
    for (uint8_t table = TJ__TABLE_FIRST; table <= TJ__TABLE_LAST; table++) {
        if (tj__base_tables(kind) & TJ__TABLE_BIT(table)) {
            TJ_TRY(tj__rows_scan_prefix(rows, tj__bytes_of(&table, 1), false, see_based_row, build,
                                        error));
        }
    }
    return TJ_OK;
}

static tj_status see_rest_row(void *context, const tj__row *row, tj_error *error)
{
    tj__repair_build *build = context;
    const tj__rowmap_entry *told = tj__rowmap_find(build->told, row->key);
    bool is = row->sequence <= build->plan->end && !(told && told->deleted);
    return is ? tj__repair_put_row(build, row, error) : TJ_OK;
}

/* Only the newest says which commit ids are remembered. */
static tj_status put_rest(tj__repair_build *build, const tj__seen_base *seen, bool newest,
                          tj_error *error)
{
    tj__base *base = NULL;
    uint64_t tables = TJ__ADDED_TABLES & ~(newest ? 0 : TJ__TABLE_BIT(TJ__TABLE_COMMITS));
    tj_status status = tj__base_open(build->x->history_path, &build->x->journal_id, seen->kind,
                                     seen->ordinal, &base, error);
    for (uint8_t table = TJ__TABLE_FIRST; table <= TJ__TABLE_LAST && status == TJ_OK; table++) {
        if (tables & TJ__TABLE_BIT(table)) {
            status = tj__rows_scan_prefix(&base->rows, tj__bytes_of(&table, 1), false, see_rest_row,
                                          build, error);
        }
    }
    tj__base_close(base);
    return status;
}

tj_status tj__repair_put_rests(tj__repair_build *build, tj_error *error)
{
    const tj__seen_base *bases = (const tj__seen_base *)(const void *)build->x->bases.data;
    bool newest = true;
    for (size_t i = build->x->bases.size / sizeof *bases; i-- > 0;) {
        if (bases[i].kind == TJ__BASE_REST && bases[i].sound) {
            TJ_TRY(put_rest(build, &bases[i], newest, error));
            newest = false;
        }
    }
    return TJ_OK;
}

/* ---- damaged rows, from elsewhere ---------------------------------------------------------- */

/* By the bases of its kind, at data.mdb's position. Where they have no such row it is its key that
 * is damaged, and any row may be missing. */
static tj_status find_in_past(tj__repair_build *build, tj__base_kind kind, tj__bytes key,
                              tj__row *row, bool *known, tj_error *error)
{
    tj__repair_rows *past = &build->past[kind];
    *known = tj__examination_derivable(build->x, kind, build->plan->applied);
    if (!*known) {
        return TJ_NOT_FOUND;
    }
    if (!build->past_begun[kind]) {
        build->past_begun[kind] = true;
        TJ_TRY(tj__repair_rows_begin(past, build->x, kind, build->plan->applied, error));
    }
    tj_status status = past->layers.rows.get(&past->layers.rows, key, row, error);
    if (status != TJ_NOT_FOUND || build->past_put[kind]) {
        return status;
    }
    build->past_put[kind] = true;
    TJ_TRY(tj__repair_put_based_rows(build, kind, &past->layers.rows, error));
    return TJ_NOT_FOUND;
}

/* Puts a row where it is missing; it is in hand only as long as its base is open. */
static tj_status replace_row(tj__repair_build *build, const tj__row *row, tj__row_fate fate,
                             tj_error *error)
{
    tj__parts_row(build->parts, row->key, row->sequence, fate);
    return tj__repair_put_row(build, row, error);
}

static tj_status find_in_rest(tj__repair_build *build, const tj__seen_base *seen, tj__bytes key,
                              bool *found, tj_error *error)
{
    tj__base *base = NULL;
    tj__row row;
    TJ_TRY(tj__base_open(build->x->history_path, &build->x->journal_id, seen->kind, seen->ordinal,
                         &base, error));
    tj_status status = base->rows.get(&base->rows, key, &row, error);
    *found = status == TJ_OK;
    status = status == TJ_OK          ? replace_row(build, &row, TJ__ROW_FROM_BASE, error)
             : status == TJ_NOT_FOUND ? TJ_OK
                                      : status;
    tj__base_close(base);
    return status;
}

/* As of other bases: where none of them has the row, and they and the log have all that there are,
 * it is the key that is damaged. */
static tj_status find_in_rests(tj__repair_build *build, tj__bytes key, bool *found, tj_error *error)
{
    const tj__seen_base *bases = (const tj__seen_base *)(const void *)build->x->bases.data;
    uint64_t first = 0;
    uint64_t last = 0;
    for (size_t i = build->x->bases.size / sizeof *bases; i-- > 0 && !*found;) {
        if (bases[i].kind == TJ__BASE_REST && bases[i].sound) {
            TJ_TRY(find_in_rest(build, &bases[i], key, found, error));
        }
    }
    if (*found || !build->x->data_on_chain ||
        tj__examination_untold(build->x, 1, build->plan->applied, &first, &last)) {
        return TJ_OK;
    }
    *found = true;
    if (build->past_put[TJ__BASE_REST]) {
        return TJ_OK;
    }
    build->past_put[TJ__BASE_REST] = true;
    return tj__repair_put_rests(build, error);
}

/* *found: a base tells what the row was, or that there was none. */
static tj_status find_in_bases(tj__repair_build *build, tj__bytes key, uint64_t sequence,
                               bool *found, tj_error *error)
{
    uint64_t table = TJ__TABLE_BIT(key.data[0]);
    *found = false;
    if (table & INDEX_TABLES) {
        *found = true; /* its entry gives it; that of a lost one is told of */
        tj__parts_row(build->parts, key, sequence, TJ__ROW_FROM_ENTRY);
        return TJ_OK;
    }
    for (int kind = 0; kind < TJ__BASE_KINDS; kind++) {
        if (tj__base_tables((tj__base_kind)kind) & table) {
            tj__row row;
            tj_status status = find_in_past(build, (tj__base_kind)kind, key, &row, found, error);
            return status == TJ_OK          ? replace_row(build, &row, TJ__ROW_FROM_BASE, error)
                   : status == TJ_NOT_FOUND ? TJ_OK
                                            : status;
        }
    }
    return find_in_rests(build, key, found, error);
}

/* ---- the damaged rows ---------------------------------------------------------------------- */

/* Any row of its table may be missing: the log, which is kept, must not tell of one that is. */
static tj_status put_told(tj__repair_build *build, uint8_t table, tj_error *error)
{
    tj__rowmap_entry **entries = NULL;
    size_t count = 0;
    if (build->told_put & TJ__TABLE_BIT(table)) {
        return TJ_OK;
    }
    build->told_put |= TJ__TABLE_BIT(table);
    if (!tj__rowmap_sorted(build->told, &entries, &count)) {
        return no_memory(error);
    }
    for (size_t i = 0; i < count; i++) {
        tj__row row = {.key = tj__rowmap_key(entries[i]),
                       .value = tj__rowmap_value(entries[i]),
                       .sequence = entries[i]->sequence};
        if (!entries[i]->deleted && row.key.data[0] == table) {
            TJ_TRY(tj__repair_put_row(build, &row, error));
        }
    }
    return TJ_OK;
}

/* Nothing of the book could be opened, and its name would be that of an empty one. */
static tj_status nameless(const tj__repair_build *build, tj__bytes key, tj_error *error)
{
    char text[TJ__KEY_TEXT_SIZE];
    tj__key_describe(key, text);
    return tj__fail(
        error, TJ_CORRUPT,
        "%s cannot be repaired out of itself: the name of a book is damaged in data.mdb "
        "(%s), and no base and no commit that is whole tells it; restore a backup with "
        "`tesser-journal restore BACKUP --into NEW`",
        build->x->path, text);
}

/* The damaged rows, as the log tells them. */
static tj_status settle_row(tj__repair_build *build, const tj__rowmap_entry *damaged,
                            tj_error *error)
{
    tj__bytes key = tj__rowmap_key(damaged);
    const tj__rowmap_entry *told = tj__rowmap_find(build->told, key);
    bool found = false;
    if (!told || told->deleted) { /* the latter is the key of no row */
        TJ_TRY(find_in_bases(build, key, damaged->sequence, &found, error));
        build->rows_lost += !found;
        if (!found && key.data[0] == TJ__TABLE_BOOKS) {
            return nameless(build, key, error);
        }
        if (!found) {
            tj__parts_row(build->parts, key, damaged->sequence, TJ__ROW_LOST);
        }
        return put_told(build, key.data[0], error);
    }
    tj__parts_row(build->parts, key, told->sequence, TJ__ROW_FROM_LOG);
    tj__row row = {.key = key, .value = tj__rowmap_value(told), .sequence = told->sequence};
    return tj__repair_put_row(build, &row, error);
}

tj_status tj__repair_settle_rows(tj__repair_build *build, tj_error *error)
{
    tj__rowmap_entry **entries = NULL;
    size_t count = 0;
    if (build->rows_settled) {
        return TJ_OK;
    }
    build->rows_settled = true;
    if (!tj__rowmap_sorted(build->damaged, &entries, &count)) {
        return no_memory(error);
    }
    for (size_t i = 0; i < count; i++) {
        TJ_TRY(settle_row(build, entries[i], error));
    }
    return TJ_OK;
}
