/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * What is different between two moments: the keys that the commits between them name, with what
 * they had at the earlier one. So it costs what was changed between, and not what is stored.
 */
#include "base/error.h"
#include "base/sized.h"
#include "rows/body.h"
#include "store/changes.h"

typedef struct comparing {
    tj_store *store;
    tj__engine *engine;
    const tj__engine_past *past;
    tj__change_filter filter;
    tj__book_names names;
    uint64_t low; /* commits */
    uint64_t high;
    bool reversed;          /* the caller's first moment is the later one */
    tj__rowmap *changed;    /* as they are at the later one */
    tj__row_source *before; /* all at the earlier one */
    tj__buffer found;       /* tj_change each */
    tj__arena *arena;
} comparing;

static tj_status no_memory(tj_error *error)
{
    return tj__fail(error, TJ_NOMEM, "no memory to compare two moments");
}

/* ---- the keys between -------------------------------------------------------------------- */

static tj_status note(comparing *c, const tj__change *change, uint64_t sequence, tj_error *error)
{
    if (!tj__change_wanted(&c->filter, change->key)) {
        return TJ_OK;
    }
    const tj__rowmap_entry *entry =
        change->op == TJ__CHANGE_PUT
            ? tj__rowmap_put(c->changed, change->key, change->value, sequence)
            : tj__rowmap_put_deleted(c->changed, change->key, sequence);
    return entry ? TJ_OK : no_memory(error);
}

static tj_status note_commits(comparing *c, tj__commits *commits, tj_error *error)
{
    for (;;) {
        tj__commit_record record;
        bool found = false;
        TJ_TRY(c->past->commits_next(commits, c->high, &found, &record, error));
        if (!found) {
            return TJ_OK;
        }
        tj__bytes rest = record.body;
        for (uint32_t i = 0; i < record.change_count; i++) {
            tj__change change;
            TJ_TRY(tj__body_next(&rest, &change, error));
            TJ_TRY(note(c, &change, record.sequence, error));
        }
    }
}

/* The earlier moment is read first: the commits between follow where that ends. */
static tj_status gather(comparing *c, tj_error *error)
{
    tj__commits *commits = NULL;
    if (c->low == c->high) {
        return TJ_OK;
    }
    uint64_t tables = tj__change_tables(&c->filter) & ~TJ__TABLE_BIT(TJ__TABLE_LEDGER);
    TJ_TRY(c->past->view_at(c->engine, c->low, tables, &c->before, error));
    TJ_TRY(c->past->commits_open(c->engine, c->low + 1, c->before, &commits, error));
    tj_status status = note_commits(c, commits, error);
    c->past->commits_close(commits);
    return status;
}

/* ---- comparing --------------------------------------------------------------------------- */

static bool same(const tj__raw_change *raw)
{
    return raw->old_value.data && raw->new_value.data
               ? tj__bytes_equal(raw->old_value, raw->new_value)
               : !raw->old_value.data && !raw->new_value.data;
}

static tj_status look_before(const comparing *c, tj__bytes key, tj__bytes *value, tj_error *error)
{
    tj__row row;
    *value = (tj__bytes){0};
    if (key.data[0] == TJ__TABLE_LEDGER) { /* whose entries are new */
        return TJ_OK;
    }
    tj_status status = c->before->get(c->before, key, &row, error);
    if (status == TJ_OK) {
        *value = row.value;
    }
    return status == TJ_NOT_FOUND ? TJ_OK : status;
}

static tj_status compare(comparing *c, const tj__rowmap_entry *entry, tj_error *error)
{
    tj_change change;
    tj__raw_change raw = {.key = tj__rowmap_key(entry)};
    TJ_TRY(look_before(c, raw.key, &raw.old_value, error));
    raw.new_value = entry->deleted ? (tj__bytes){0} : tj__rowmap_value(entry);
    if (same(&raw)) {
        return TJ_OK;
    }
    if (c->reversed) {
        tj__bytes newer = raw.new_value;
        raw.new_value = raw.old_value;
        raw.old_value = newer;
    }
    TJ_TRY(tj__change_decode(&raw, &c->names, c->arena, &change, error));
    tj__put_bytes(&c->found, &change, sizeof change);
    return c->found.failed ? no_memory(error) : TJ_OK;
}

static tj_status compare_all(comparing *c, tj_error *error)
{
    tj__rowmap_entry **entries = NULL;
    size_t count = 0;
    if (!tj__rowmap_sorted(c->changed, &entries, &count)) {
        return no_memory(error);
    }
    for (size_t i = 0; i < count; i++) {
        TJ_TRY(compare(c, entries[i], error));
    }
    return TJ_OK;
}

/* ---- the whole --------------------------------------------------------------------------- */

static tj_status start(comparing *c, tj_moment from, tj_moment to, const tj_history_query *query,
                       tj_history_diff *out, tj_error *error)
{
    TJ_TRY(tj__past_of(c->store, &c->past, error));
    TJ_TRY(tj__moment_find(c->store, from, &out->sequence_from, error));
    TJ_TRY(tj__moment_find(c->store, to, &out->sequence_to, error));
    c->reversed = out->sequence_from > out->sequence_to;
    c->low = c->reversed ? out->sequence_to : out->sequence_from;
    c->high = c->reversed ? out->sequence_from : out->sequence_to;
    c->changed = tj__rowmap_new();
    if (!c->changed) {
        return no_memory(error);
    }
    TJ_TRY(tj__change_filter_read(&c->filter, c->store, query, error));
    return tj__book_names_read(&c->names, c->store, error);
}

static tj_status run(comparing *c, tj_moment from, tj_moment to, const tj_history_query *query,
                     tj_history_diff *out, tj_error *error)
{
    TJ_TRY(start(c, from, to, query, out, error));
    TJ_TRY(gather(c, error));
    TJ_TRY(compare_all(c, error));
    out->count = c->found.size / sizeof *out->changes;
    out->changes = tj__arena_array(c->arena, out->count, sizeof *out->changes);
    if (!out->changes) {
        return no_memory(error);
    }
    if (out->count > 0) {
        memcpy(out->changes, c->found.data, c->found.size);
    }
    return TJ_OK;
}

static void dispose(comparing *c)
{
    if (c->before) {
        c->past->view_at_end(c->before);
    }
    tj__rowmap_free(c->changed);
    tj__book_names_dispose(&c->names);
    tj__buffer_dispose(&c->found);
}

tj_status tj_history_diff_load(tj_store *store, tj_moment from, tj_moment to,
                               const tj_history_query *query, tj_history_diff **out,
                               tj_error *error)
{
    tj_history_query own = TJ_HISTORY_QUERY_INIT;
    void *object = NULL;
    if (!store || !out) {
        return tj__fail(error, TJ_MISUSE, "no store, or no place to return the differences in");
    }
    *out = NULL;
    if (query) {
        TJ_TRY(tj__sized_read(query, &own, "the query", "TJ_HISTORY_QUERY_INIT", error));
    }
    comparing c = {.store = store, .engine = store->core->engine};
    c.arena = tj__arena_new(sizeof(tj_history_diff), &object);
    tj_status status = c.arena ? run(&c, from, to, &own, object, error) : no_memory(error);
    dispose(&c);
    if (status != TJ_OK) {
        tj__arena_free_object(object);
        return status;
    }
    *out = object;
    return TJ_OK;
}

void tj_history_diff_free(tj_history_diff *diff)
{
    tj__arena_free_object(diff);
}
