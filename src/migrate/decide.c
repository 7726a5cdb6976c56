/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Deciding on what is in quarantine: it is decoded again and moved, or dropped.
 *
 * Decoding comes first and takes what time it needs. Where the rows go is then settled under the
 * append lock, when everything appended can be seen, so that nothing stored meanwhile is replaced.
 */
#include <tesser/migrate.h>

#include "base/error.h"
#include "base/sized.h"
#include "migrate/gather.h"
#include "migrate/move.h"
#include "migrate/quarantine.h"
#include "store/store.h"

typedef struct item {
    tj__quarantined row; /* in the arena */
    tj_quarantine_item told;
    tj__again found;
} item;

typedef struct deciding {
    tj_store *store;
    tj_quarantine_options options;
    const char *book_name;
    bool retry; /* else drop */
    tj__arena *arena;
    tj_quarantine_report *report;
    tj_import_options import;
    tj_import_report ignored;
    tj__gathering all; /* what was decoded */
    tj__buffer items;  /* item */
    tj__rowmap *taken; /* keys that the commit puts */
} deciding;

static item *items_of(const deciding *d)
{
    return TJ__ITEMS(item, d->items);
}

static size_t count_of(const deciding *d)
{
    return TJ__COUNT(item, d->items);
}

static tj_status no_memory(tj_error *error)
{
    return tj__fail(error, TJ_NOMEM, "no memory to decide on what is in quarantine");
}

static tj_status say(const deciding *d, item *each, bool settled, const char *what, tj_error *error)
{
    each->told.settled = settled;
    each->told.what = tj__arena_str(d->arena, tj_str_of(what));
    return each->told.what.data ? TJ_OK : no_memory(error);
}

/* ---- what it is about ------------------------------------------------------------------------ */

static bool is_asked_for(const deciding *d, const char *name)
{
    bool asked = d->options.all;
    for (size_t i = 0; i < d->options.name_count && !asked; i++) {
        asked = strcmp(d->options.names[i], name) == 0;
    }
    return asked;
}

static tj__bytes copy_bytes(const deciding *d, tj__bytes bytes)
{
    tj_str copy = tj__arena_str(
        d->arena, (tj_str){bytes.size > 0 ? (const char *)bytes.data : "", bytes.size});
    return tj__bytes_of(copy.data, bytes.size);
}

static tj_status take_row(void *context, const tj__quarantined *row, tj_error *error)
{
    deciding *d = context;
    char name[TJ__QUARANTINE_NAME_SIZE];
    tj__quarantine_name(row, name, sizeof name);
    if (!is_asked_for(d, name)) {
        return TJ_OK;
    }
    item found = {.row = *row};
    found.row.key = copy_bytes(d, row->key);
    found.row.raw = copy_bytes(d, row->raw);
    found.row.reason = tj__arena_str(d->arena, row->reason);
    found.told.name = tj__arena_str(d->arena, tj_str_of(name));
    tj__put_bytes(&d->items, &found, sizeof found);
    bool complete = found.row.key.data && found.row.raw.data && found.told.name.data &&
                    (found.row.reason.data || !row->reason.data);
    return complete && !d->items.failed ? TJ_OK : no_memory(error);
}

static tj_status check_name(const deciding *d, const char *name, tj_error *error)
{
    size_t matches = 0;
    for (size_t i = 0; i < count_of(d); i++) {
        matches += tj_str_equal(items_of(d)[i].told.name, tj_str_of(name));
    }
    if (matches == 0) {
        return tj__fail(error, TJ_NOT_FOUND,
                        "\"%s\" is not in the quarantine of book \"%s\"; `tesser-journal "
                        "quarantine list` tells what is",
                        name, d->book_name);
    }
    return matches == 1 ? TJ_OK
                        : tj__fail(error, TJ_INVALID,
                                   "\"%s\" stands for %zu things in the quarantine of book "
                                   "\"%s\": decide on all of them with --all",
                                   name, matches, d->book_name);
}

static tj_status load(deciding *d, tj_error *error)
{
    tj__reading now;
    tj_status status = tj__reading_begin(&now, d->store, d->book_name, error);
    if (status == TJ_OK) {
        status = tj__quarantine_scan(now.rows, now.book, 0, take_row, d, error);
    }
    tj__reading_end(&now);
    for (size_t i = 0; i < d->options.name_count && status == TJ_OK; i++) {
        status = check_name(d, d->options.names[i], error);
    }
    return status;
}

/* ---- decoding -------------------------------------------------------------------------------- */

static tj_status begin_gathering(deciding *d, tj_error *error)
{
    tj_import_source source = {.path = TJ_STR("quarantine"), .layout = TJ_STR("")};
    d->import = (tj_import_options)TJ_IMPORT_OPTIONS_INIT;
    d->import.exchange = d->options.exchange;
    d->import.maps = d->options.maps;
    d->import.map_count = d->options.map_count;
    d->all.options = &d->import;
    d->all.again = true;
    d->all.arena = d->arena;
    d->all.report = &d->ignored;
    TJ_TRY(tj__rules_read(&d->all, error));
    TJ_TRY(tj__gathering_add(&d->all.sources, &source, sizeof source, error));
    return d->options.strategy_state
               ? tj__strategy_file_read(&d->all, d->options.strategy_state, error)
               : TJ_OK;
}

/* A code that was mistyped would be moved without its exchange. What is not decoded may hold it. */
static tj_status check_maps(const deciding *d, tj_error *error)
{
    for (size_t i = 0; i < count_of(d); i++) {
        if (items_of(d)[i].found.reason.data) {
            return TJ_OK;
        }
    }
    for (size_t i = 0; i < d->all.rule_count; i++) {
        if (!d->all.rules[i].used) {
            return tj__fail(error, TJ_INVALID,
                            "the map \"%s\" meets nothing in what is decoded again: see how the "
                            "code is spelled there",
                            d->options.maps[i]);
        }
    }
    return TJ_OK;
}

static tj_status decode(deciding *d, tj_error *error)
{
    TJ_TRY(begin_gathering(d, error));
    for (size_t i = 0; i < count_of(d); i++) {
        item *each = &items_of(d)[i];
        TJ_TRY(tj__decode_again(&d->all, &each->row, &each->found, error));
        if (each->found.state) {
            tj__gathering_qualify(&d->all, each->found.state);
        }
    }
    tj__gathering_qualify(&d->all, NULL);
    return check_maps(d, error);
}

/* ---- the commit ------------------------------------------------------------------------------ */

static tj_status find_row(void *context, const tj__quarantined *row, tj_error *error)
{
    item *each = context;
    (void)error;
    if (!tj__bytes_equal(row->key, each->row.key)) {
        return TJ_OK;
    }
    each->told.settled = tj__bytes_equal(row->raw, each->row.raw);
    return TJ__STOP;
}

/* told.settled: it is still there, as it was decoded. */
static tj_status look_again(const tj__move *m, item *each, tj_error *error)
{
    each->told.settled = false;
    return tj__quarantine_scan(m->rows, m->book, (unsigned)each->row.table, find_row, each, error);
}

static tj_status try_to_move(const deciding *d, tj__move *m, item *each, tj_error *error)
{
    tj__moved moved;
    if (each->found.reason.data) {
        return say(d, each, false, each->found.reason.data, error);
    }
    TJ_TRY(tj__move_row(m, &each->row, &each->found, &moved, error));
    return say(d, each, moved.done, moved.done ? moved.what : moved.why, error);
}

static tj_status settle(const deciding *d, tj__move *m, item *each, tj_error *error)
{
    TJ_TRY(look_again(m, each, error));
    if (!each->told.settled) {
        return say(d, each, false, "it was decided on meanwhile", error);
    }
    TJ_TRY(d->retry ? try_to_move(d, m, each, error) : say(d, each, true, "dropped", error));
    d->report->settled_count += each->told.settled;
    return each->told.settled && m->plan
               ? tj__plan_delete_quarantine(m->plan, each->row.table, each->row.key, error)
               : TJ_OK;
}

static tj_status settle_all(const deciding *d, tj__move *m, tj_error *error)
{
    TJ_TRY(tj__ledger_latest(m->rows, m->book, &m->ledger_last, error));
    for (size_t i = 0; i < count_of(d); i++) {
        TJ_TRY(settle(d, m, &items_of(d)[i], error));
    }
    return TJ_OK;
}

static tj_status fill_plan(void *context, tj__plan *plan, tj_error *error)
{
    const deciding *d = context;
    tj__reading now;
    tj_status status = tj__reading_begin(&now, d->store, d->book_name, error);
    if (status == TJ_OK) {
        tj__move m = {
            .rows = now.rows, .book = now.book, .all = &d->all, .plan = plan, .taken = d->taken};
        status = settle_all(d, &m, error);
    }
    tj__reading_end(&now);
    return status;
}

static tj_status commit(deciding *d, tj_str note, tj_error *error)
{
    tj_commit_options options = TJ_COMMIT_OPTIONS_INIT;
    tj__outcome outcome = {0};
    tj__plan *plan = tj__plan_new();
    if (!plan) {
        return no_memory(error);
    }
    options.note = note;
    tj_status status = tj__plan_use_book(plan, tj_str_of(d->book_name), error);
    if (status == TJ_OK) {
        status = tj__store_commit_late(d->store, plan, fill_plan, d, &options, &outcome, error);
    }
    tj__plan_free(plan);
    d->report->sequence = d->report->settled_count > 0 ? outcome.sequence : 0;
    return status;
}

static tj_status fill_report(deciding *d, tj_error *error)
{
    tj_quarantine_report *report = d->report;
    report->dry_run = d->options.dry_run;
    report->book = tj__arena_str(d->arena, tj_str_of(d->book_name));
    report->count = count_of(d);
    report->items = tj__arena_array(d->arena, report->count, sizeof *report->items);
    if (!report->items || !report->book.data) {
        return no_memory(error);
    }
    for (size_t i = 0; i < report->count; i++) {
        report->items[i] = items_of(d)[i].told;
    }
    return TJ_OK;
}

static tj_status run(deciding *d, tj_str note, tj_error *error)
{
    d->taken = tj__rowmap_new();
    if (!d->taken) {
        return no_memory(error);
    }
    TJ_TRY(load(d, error));
    if (d->retry) {
        TJ_TRY(decode(d, error));
    }
    TJ_TRY(d->options.dry_run ? fill_plan(d, NULL, error) : commit(d, note, error));
    return fill_report(d, error);
}

/* ---- the calls ------------------------------------------------------------------------------- */

static tj_status begin(deciding *d, tj_store *store, const tj_quarantine_options *options,
                       tj_error *error)
{
    d->options = (tj_quarantine_options)TJ_QUARANTINE_OPTIONS_INIT;
    TJ_TRY(tj__sized_read(options, &d->options, "the quarantine options",
                          "TJ_QUARANTINE_OPTIONS_INIT", error));
    if (d->options.all == (d->options.name_count > 0) ||
        (d->options.name_count > 0 && !d->options.names)) {
        return tj__fail(error, TJ_MISUSE, "name what to decide on, or say that it is all");
    }
    if (d->options.map_count > 0 && !d->options.maps) {
        return tj__fail(error, TJ_MISUSE, "the maps are NULL");
    }
    void *object = NULL;
    d->store = store;
    d->book_name = d->options.book ? d->options.book : tj__store_book(store);
    d->arena = tj__arena_new(sizeof(tj_quarantine_report), &object);
    d->report = object;
    return d->arena ? TJ_OK : no_memory(error);
}

static tj_status decide(deciding *d, tj_store *store, const tj_quarantine_options *options,
                        tj_str note, tj_quarantine_report **report, tj_error *error)
{
    if (report) {
        *report = NULL;
    }
    if (!store || !options) {
        return tj__fail(error, TJ_MISUSE, "no store, or no options that say what it is about");
    }
    TJ_TRY(begin(d, store, options, error));
    tj_status status = run(d, note, error);
    tj__gathering_dispose(&d->all);
    tj__buffer_dispose(&d->items);
    tj__rowmap_free(d->taken);
    if (status == TJ_OK && report) {
        *report = d->report;
    } else {
        tj__arena_free_object(d->report);
    }
    return status;
}

tj_status tj_quarantine_retry(tj_store *store, const tj_quarantine_options *options,
                              tj_quarantine_report **report, tj_error *error)
{
    deciding d = {.retry = true};
    return decide(&d, store, options, TJ_STR("quarantine retry"), report, error);
}

tj_status tj_quarantine_drop(tj_store *store, const tj_quarantine_options *options, tj_str reason,
                             tj_quarantine_report **report, tj_error *error)
{
    deciding d = {.retry = false};
    tj__buffer note = {0};
    if (report) {
        *report = NULL;
    }
    if (reason.size == 0 || !reason.data) {
        return tj__fail(error, TJ_MISUSE, "dropping what is in quarantine needs a reason");
    }
    tj__put_cstr(&note, "quarantine drop: ");
    tj__put_str(&note, reason);
    tj_status status = note.failed
                           ? no_memory(error)
                           : decide(&d, store, options,
                                    (tj_str){(const char *)note.data, note.size}, report, error);
    tj__buffer_dispose(&note);
    return status;
}

void tj_quarantine_report_free(tj_quarantine_report *report)
{
    tj__arena_free_object(report);
}
