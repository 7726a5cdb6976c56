/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Commits, read one after another. Forwards they are decoded as they come. Backwards they are read
 * a block at a time (the log can only be read forwards): of each block that is left, the changes
 * that are asked for are kept as bytes, and decoded when it is their turn.
 */
#include <inttypes.h>
#include <stdlib.h>

#include "base/error.h"
#include "base/sized.h"
#include "rows/body.h"
#include "rows/value.h"
#include "store/before.h"
#include "store/changes.h"

/* A commit with the changes that are asked for, as bytes; released in one piece. */
typedef struct kept_commit {
    tj__commit_record record; /* body unused; the note is in `bytes` */
    size_t change_count;
    tj__buffer bytes;
} kept_commit;

struct tj_history {
    tj_store *store;
    const tj__engine_past *past;
    char *texts[2]; /* book and key of the query */
    tj__change_filter filter;
    tj__book_names names;
    bool descending;
    bool old_values;
    bool open_end;  /* goes on with commits that come */
    uint64_t first; /* what is left, both included; first > last: nothing */
    uint64_t last;
    uint64_t left; /* commits to give out */
    tj__commits *commits;
    tj__before before; /* with old_values */
    tj__buffer block;  /* kept_commit each, of a block that is read backwards */
    kept_commit kept;  /* forwards: the one that was given out */
    void *given;       /* object of the arena of what was given out */
};

static tj_status no_memory(tj_error *error)
{
    return tj__fail(error, TJ_NOMEM, "no memory to read commits");
}

/* ---- keeping the changes of a commit ------------------------------------------------------ */

/* A length, then the bytes; the length of what is not there is UINT32_MAX. */
static void keep_bytes(tj__buffer *out, tj__bytes bytes, bool there)
{
    tj__put_u32(out, there ? (uint32_t)bytes.size : UINT32_MAX);
    tj__put_bytes(out, bytes.data, bytes.size);
}

static tj__bytes kept_bytes(tj__reader *in)
{
    uint32_t size = tj__get_u32(in);
    return size == UINT32_MAX ? (tj__bytes){0} : tj__get_bytes(in, size);
}

static tj_status keep_change(tj_history *history, const tj__change *change, kept_commit *out,
                             tj_error *error)
{
    tj__bytes before = {0};
    if (history->old_values) {
        TJ_TRY(tj__before_find(&history->before, change->key, &before, error));
    }
    keep_bytes(&out->bytes, change->key, true);
    keep_bytes(&out->bytes, before, before.data != NULL);
    keep_bytes(&out->bytes, change->value, change->op == TJ__CHANGE_PUT);
    out->change_count++;
    return history->old_values ? tj__before_note(&history->before, change, error) : TJ_OK;
}

/* Where a commit only deletes rows of a book's state, the book's own row is written again
 * (commit.h): nothing that anybody did. */
static bool is_new_book(const tj__commit_record *record, const tj__change *book)
{
    tj__change change;
    tj__bytes rest = record->body;
    uint32_t number = 0;
    if (tj__book_value_get(book->value, &number, NULL) != TJ_OK) {
        return true;
    }
    while (rest.size > 0 && tj__body_next(&rest, &change, NULL) == TJ_OK) {
        if (change.op == TJ__CHANGE_DELETE && change.key.data[0] == TJ__TABLE_STATE &&
            tj__load_u32_be(change.key.data + TJ__KEY_BOOK_AT) == number) {
            return false;
        }
    }
    return true;
}

/* Keeps what is asked for of a commit; *wanted: there is something. */
static tj_status keep_commit(tj_history *history, const tj__commit_record *record, kept_commit *out,
                             bool *wanted, tj_error *error)
{
    tj__bytes rest = record->body;
    out->record = *record;
    out->change_count = 0;
    tj__buffer_clear(&out->bytes);
    for (uint32_t i = 0; i < record->change_count; i++) {
        tj__change change;
        TJ_TRY(tj__body_next(&rest, &change, error));
        bool is_book = change.key.data[0] == TJ__TABLE_BOOKS;
        if (tj__change_wanted(&history->filter, change.key) &&
            (!is_book || is_new_book(record, &change))) {
            TJ_TRY(keep_change(history, &change, out, error));
        }
    }
    *wanted = history->filter.all || out->change_count > 0;
    if (*wanted) {
        keep_bytes(&out->bytes, record->note, true);
    }
    return out->bytes.failed ? no_memory(error) : TJ_OK;
}

/* ---- giving one out ---------------------------------------------------------------------- */

/* A book that was created since the names were read. */
static tj_status need_name(tj_history *history, tj__bytes key, tj_error *error)
{
    uint32_t number = tj__load_u32_be(key.data + TJ__KEY_BOOK_AT);
    bool has_book = key.data[0] != TJ__TABLE_BOOKS && key.size >= TJ__KEY_REST_AT;
    return !has_book || tj__book_names_of(&history->names, number).data
               ? TJ_OK
               : tj__book_names_read(&history->names, history->store, error);
}

static tj_status decode_changes(tj_history *history, const kept_commit *kept, tj__arena *arena,
                                tj_history_commit *out, tj__reader *in, tj_error *error)
{
    tj_change *changes = tj__arena_array(arena, kept->change_count, sizeof *changes);
    if (!changes) {
        return no_memory(error);
    }
    for (size_t i = 0; i < kept->change_count; i++) {
        tj__raw_change raw = {.key = kept_bytes(in)};
        raw.old_value = kept_bytes(in);
        raw.new_value = kept_bytes(in);
        TJ_TRY(need_name(history, raw.key, error));
        TJ_TRY(tj__change_decode(&raw, &history->names, arena, &changes[i], error));
    }
    out->changes = changes;
    out->change_count = kept->change_count;
    return TJ_OK;
}

static tj_status give_out(tj_history *history, const kept_commit *kept,
                          const tj_history_commit **out, tj_error *error)
{
    void *object = NULL;
    tj__arena *arena = tj__arena_new(sizeof(tj_history_commit), &object);
    tj__reader in = {.rest = tj__buffer_bytes(&kept->bytes)};
    if (!arena) {
        return no_memory(error);
    }
    tj_history_commit *commit = object;
    *commit = (tj_history_commit){.sequence = kept->record.sequence,
                                  .time = kept->record.time,
                                  .epoch = kept->record.epoch,
                                  .commit_id = kept->record.commit_id};
    tj_status status = decode_changes(history, kept, arena, commit, &in, error);
    if (status == TJ_OK) {
        tj__bytes note = kept_bytes(&in);
        commit->note = tj__arena_str(arena, (tj_str){(const char *)note.data, note.size});
    }
    if (status != TJ_OK) {
        tj__arena_free_object(object);
        tj__error_context(error, "commit %" PRIu64, kept->record.sequence);
        return status;
    }
    tj__arena_free_object(history->given);
    history->given = object;
    history->left--;
    *out = commit;
    return TJ_OK;
}

/* Reads commits from `first` on, with what was before them where it is asked for. */
static tj_status open_commits(tj_history *history, uint64_t first, tj__commits **out,
                              tj_error *error)
{
    if (history->old_values) {
        TJ_TRY(tj__before_begin(&history->before, history->store, first, error));
    }
    return history->past->commits_open(history->store->core->engine, first, history->before.earlier,
                                       out, error);
}

/* ---- forwards ---------------------------------------------------------------------------- */

/* The next commit that is asked for, up to `last`. */
static tj_status next_forwards(tj_history *history, const tj_history_commit **out, tj_error *error)
{
    if (!history->commits) {
        TJ_TRY(open_commits(history, history->first, &history->commits, error));
    }
    while (history->first <= history->last) {
        tj__commit_record record;
        bool found = false;
        bool wanted = false;
        TJ_TRY(
            history->past->commits_next(history->commits, history->last, &found, &record, error));
        if (!found) {
            return TJ_OK;
        }
        history->first = record.sequence + 1;
        TJ_TRY(keep_commit(history, &record, &history->kept, &wanted, error));
        if (wanted) {
            return give_out(history, &history->kept, out, error);
        }
    }
    return TJ_OK;
}

/* Whether there is more by now. */
static tj_status look_for_more(tj_history *history, tj_error *error)
{
    if (history->first > history->last && history->open_end) {
        uint64_t newest = 0;
        TJ_TRY(history->past->newest(history->store->core->engine, &newest, error));
        history->last = newest > history->last ? newest : history->last;
        return tj__change_filter_refresh(&history->filter, history->store, error);
    }
    return TJ_OK;
}

/* ---- backwards --------------------------------------------------------------------------- */

static size_t block_count(const tj_history *history)
{
    return history->block.size / sizeof(kept_commit);
}

static kept_commit *block_commits(tj_history *history)
{
    return (kept_commit *)(void *)history->block.data;
}

/* Those that are further back than will be given out are let go, many at a time. */
static void drop_surplus(tj_history *history)
{
    size_t count = block_count(history);
    if (count / 2 < history->left || count < 64) {
        return;
    }
    kept_commit *commits = block_commits(history);
    size_t surplus = count - (size_t)history->left;
    for (size_t i = 0; i < surplus; i++) {
        tj__buffer_dispose(&commits[i].bytes);
    }
    memmove(commits, commits + surplus, (count - surplus) * sizeof *commits);
    history->block.size = (count - surplus) * sizeof *commits;
}

static tj_status read_block(tj_history *history, tj__commits *from, tj_error *error)
{
    for (;;) {
        tj__commit_record record;
        kept_commit kept = {0};
        bool found = false;
        bool wanted = false;
        TJ_TRY(history->past->commits_next(from, history->last, &found, &record, error));
        if (!found) {
            return TJ_OK;
        }
        tj_status status = keep_commit(history, &record, &kept, &wanted, error);
        if (status != TJ_OK || !wanted) {
            tj__buffer_dispose(&kept.bytes);
            TJ_TRY(status);
            continue;
        }
        tj__put_bytes(&history->block, &kept, sizeof kept);
        if (history->block.failed) {
            tj__buffer_dispose(&kept.bytes);
            return no_memory(error);
        }
        drop_surplus(history);
    }
}

/* Reads the newest block that is left. */
static tj_status fetch_block(tj_history *history, tj_error *error)
{
    tj__commits *commits = NULL;
    uint64_t first = 0;
    TJ_TRY(history->past->block(history->store->core->engine, history->last, &first, error));
    first = first > history->first ? first : history->first;
    TJ_TRY(open_commits(history, first, &commits, error));
    tj_status status = read_block(history, commits, error);
    history->past->commits_close(commits);
    tj__before_end(&history->before);
    history->last = first - 1;
    return status;
}

static tj_status next_backwards(tj_history *history, const tj_history_commit **out, tj_error *error)
{
    while (block_count(history) == 0 && history->first <= history->last) {
        TJ_TRY(fetch_block(history, error));
    }
    size_t count = block_count(history);
    if (count == 0) {
        return TJ_OK;
    }
    kept_commit *kept = &block_commits(history)[count - 1];
    tj_status status = give_out(history, kept, out, error);
    tj__buffer_dispose(&kept->bytes);
    history->block.size -= sizeof *kept;
    return status;
}

/* ---- the query --------------------------------------------------------------------------- */

static tj_status copy_texts(tj_history *history, tj_history_query *query, tj_error *error)
{
    history->texts[0] = query->book ? strdup(query->book) : NULL;
    history->texts[1] = query->key.data ? strndup(query->key.data, query->key.size) : NULL;
    if ((query->book && !history->texts[0]) || (query->key.data && !history->texts[1])) {
        return no_memory(error);
    }
    query->book = history->texts[0];
    query->key.data = history->texts[1];
    return TJ_OK;
}

static tj_status bound_by_time(tj_history *history, const tj_history_query *query, uint64_t newest,
                               tj_error *error)
{
    tj__engine *engine = history->store->core->engine;
    uint64_t sequence = 0;
    if (query->has_time_first && query->time_first > INT64_MIN) {
        TJ_TRY(history->past->sequence_at(engine, query->time_first - 1, newest, &sequence, error));
        history->first = sequence >= history->first ? sequence + 1 : history->first;
    }
    if (query->has_time_last) {
        TJ_TRY(history->past->sequence_at(engine, query->time_last, newest, &sequence, error));
        history->last = sequence < history->last ? sequence : history->last;
    }
    return TJ_OK;
}

/* What is asked for before the oldest commit that is kept is not there, and no failure: it is not
 * known. A first commit that is named, however, must be. */
static tj_status bound(tj_history *history, const tj_history_query *query, tj_error *error)
{
    tj__engine *engine = history->store->core->engine;
    uint64_t newest = 0;
    uint64_t oldest = 0;
    TJ_TRY(history->past->newest(engine, &newest, error));
    TJ_TRY(history->past->block(engine, 0, &oldest, error));
    history->first = query->sequence_first > oldest ? query->sequence_first : oldest;
    history->last = newest;
    if (query->sequence_last > 0 && query->sequence_last < newest) {
        history->last = query->sequence_last;
    }
    history->open_end = !query->descending && query->sequence_last == 0 && !query->has_time_last;
    if (query->sequence_first > 0 && query->sequence_first < oldest) {
        return tj__moment_not_kept(history->store, query->sequence_first, error);
    }
    return bound_by_time(history, query, newest, error);
}

static tj_status open_history(tj_history *history, tj_history_query *query, tj_error *error)
{
    TJ_TRY(tj__past_of(history->store, &history->past, error));
    TJ_TRY(copy_texts(history, query, error));
    TJ_TRY(tj__change_filter_read(&history->filter, history->store, query, error));
    TJ_TRY(tj__book_names_read(&history->names, history->store, error));
    history->descending = query->descending;
    history->old_values = query->old_values;
    history->left = query->limit > 0 ? query->limit : UINT64_MAX;
    return bound(history, query, error);
}

tj_status tj_history_open(tj_store *store, const tj_history_query *query, tj_history **out,
                          tj_error *error)
{
    tj_history_query own = TJ_HISTORY_QUERY_INIT;
    if (!store || !out) {
        return tj__fail(error, TJ_MISUSE, "no store, or no place to return the history in");
    }
    *out = NULL;
    if (query) {
        TJ_TRY(tj__sized_read(query, &own, "the query", "TJ_HISTORY_QUERY_INIT", error));
    }
    tj_history *history = calloc(1, sizeof *history);
    if (!history) {
        return no_memory(error);
    }
    history->store = store;
    tj_status status = open_history(history, &own, error);
    if (status != TJ_OK) {
        tj_history_close(history);
        return status;
    }
    *out = history;
    return TJ_OK;
}

tj_status tj_history_next(tj_history *history, const tj_history_commit **out, tj_error *error)
{
    if (!history || !out) {
        return tj__fail(error, TJ_MISUSE, "no history, or no place to return a commit in");
    }
    *out = NULL;
    TJ_TRY(tj__core_check(history->store->core, error));
    if (history->left == 0) {
        return TJ_OK;
    }
    if (history->descending) {
        return next_backwards(history, out, error);
    }
    TJ_TRY(look_for_more(history, error));
    return history->first <= history->last ? next_forwards(history, out, error) : TJ_OK;
}

void tj_history_close(tj_history *history)
{
    if (!history) {
        return;
    }
    if (history->past) {
        history->past->commits_close(history->commits);
    }
    tj__before_end(&history->before);
    for (size_t i = 0; i < block_count(history); i++) {
        tj__buffer_dispose(&block_commits(history)[i].bytes);
    }
    tj__buffer_dispose(&history->block);
    tj__buffer_dispose(&history->kept.bytes);
    tj__arena_free_object(history->given);
    tj__book_names_dispose(&history->names);
    free(history->texts[0]);
    free(history->texts[1]);
    free(history);
}
