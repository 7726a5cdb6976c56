/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* The journal that an import goes into: what it holds, and committing to it. */
#include "migrate/target.h"

#include <ftw.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/error.h"
#include "base/file.h"
#include "base/text.h"
#include "journal/journal.h"
#include "store/store.h"

/* ---- what the book holds ------------------------------------------------------------------- */

static tj_status find_book(tj__target *t, tj_book_info *info, tj_error *error)
{
    tj_book_list *books = NULL;
    TJ_TRY(tj_store_books(t->store, &books, error));
    for (size_t i = 0; i < books->count; i++) {
        if (tj_str_equal(books->books[i].name, tj_str_of(t->book))) {
            *info = books->books[i];
            t->has_book = true;
        }
    }
    tj_book_list_free(books);
    return TJ_OK;
}

static tj_status count_quarantined(tj__target *t, size_t *count, tj_error *error)
{
    tj_quarantine_list *list = NULL;
    TJ_TRY(tj_quarantine_load(t->store, t->book, &list, error));
    *count = list->count;
    tj_quarantine_list_free(list);
    return TJ_OK;
}

static tj_status look(tj__target *t, tj_error *error)
{
    tj_book_info info = {.algo_count = 0};
    size_t quarantined = 0;
    TJ_TRY(find_book(t, &info, error));
    if (!t->has_book) {
        return TJ_OK;
    }
    TJ_TRY(count_quarantined(t, &quarantined, error));
    t->ledger_last = info.ledger_sequence;
    bool empty =
        info.state_row_count + info.algo_count + quarantined == 0 && info.ledger_sequence == 0;
    if (!empty && !t->all->options->replace) {
        char quoted[TJ__QUOTE_SIZE];
        return tj__fail(
            error, TJ_EXISTS,
            "book %s holds data already (rows of state: %zu, algorithms: %zu, last ledger "
            "entry: %" PRIu64 ", in quarantine: %zu): replace it with --replace, or import "
            "into another book",
            tj__text_quote(tj_str_of(t->book), quoted), info.state_row_count, info.algo_count,
            info.ledger_sequence, quarantined);
    }
    if (info.state_row_count > 0 && t->all->states.size == 0 &&
        tj__gathering_holds(t->all, TJ__TABLE_STATE)) {
        return tj__fail(error, TJ_CORRUPT,
                        "the state in the sources cannot be decoded, and must not stand beside the "
                        "older one that the book holds: import into another book");
    }
    if (info.ledger_sequence > 0 && TJ__COUNT(tj__found_entry, t->all->entries) > 0) {
        tj_ledger_repository *ledger = tj_store_ledger_repository(t->store, t->book);
        TJ_TRY(tj_ledger_find(ledger, NULL, &t->stored, error));
        return tj__target_sort_ids(t, error);
    }
    return TJ_OK;
}

/* ---- opening and committing ------------------------------------------------------------------ */

static tj_status open_existing(tj__target *t, tj_error *error)
{
    tj_error cause = TJ_ERROR_INIT;
    tj_config config = *t->config;
    config.must_exist = true;
    config.read_only = t->all->options->dry_run;
    tj_status status = tj_store_open(&config, &t->store, &cause);
    return status == TJ_NOT_FOUND && !t->config->must_exist ? TJ_OK : tj__error_pass(error, &cause);
}

static void report_part(const tj__target *t, size_t part)
{
    const tj_import_options *options = t->all->options;
    if (options->progress) {
        options->progress(options->progress_context, "committing", part, t->plan_count);
    }
}

/* "import of ./state.db", as far as a note goes; "and 2 more" has room behind it. */
static tj_str note_of(const tj_import_options *options, char note[TJ_COMMIT_NOTE_SIZE_MAX])
{
    char visible[TJ_COMMIT_NOTE_SIZE_MAX - 64];
    size_t size = tj_text_visible(tj_str_of(options->sources[0]), visible, sizeof visible);
    size = size < sizeof visible ? size : sizeof visible - 1;
    while (!tj__text_is_utf8((tj_str){visible, size})) {
        size--; /* a character was cut */
    }
    int length = snprintf(note, TJ_COMMIT_NOTE_SIZE_MAX, "import of %.*s", (int)size, visible);
    if (options->source_count > 1) {
        length += snprintf(note + length, TJ_COMMIT_NOTE_SIZE_MAX - (size_t)length, " and %zu more",
                           options->source_count - 1);
    }
    return (tj_str){note, (size_t)length};
}

static tj_status commit_parts(tj__target *t, tj_error *error)
{
    tj__outcome outcome = {.sequence = 0};
    char note[TJ_COMMIT_NOTE_SIZE_MAX];
    tj_commit_options options = TJ_COMMIT_OPTIONS_INIT;
    options.note = note_of(t->all->options, note);
    for (size_t i = 0; i < t->plan_count; i++) {
        if (t->plan_count > 1) {
            report_part(t, i);
        }
        TJ_TRY(tj__store_commit(t->store, t->plans[i], &options, &outcome, error));
    }
    t->all->report->sequence = outcome.sequence;
    return TJ_OK;
}

/* ---- a journal that appears at once ---------------------------------------------------------- */

static int remove_entry(const char *path, const struct stat *info, int type, struct FTW *walk)
{
    (void)info;
    (void)type;
    (void)walk;
    return remove(path);
}

static tj_status find_beside(const tj__target *t, char path[TJ_PATH_SIZE],
                             char beside[TJ_PATH_SIZE], tj_error *error)
{
    bool there = false;
    bool there_beside = false;
    struct stat found;
    TJ_TRY(tj__journal_path(t->config->path, path, TJ_PATH_SIZE, error));
    int size = snprintf(beside, TJ_PATH_SIZE, "%s.importing", path);
    if ((size_t)size >= TJ_PATH_SIZE) {
        return tj__fail(error, TJ_LIMIT, "the journal's path is too long");
    }
    TJ_TRY(tj__path_look(path, &there, &found, error));
    TJ_TRY(tj__path_look(beside, &there_beside, &found, error));
    return !there && !there_beside
               ? TJ_OK
               : tj__fail(error, TJ_EXISTS,
                          "an import of this size builds %s and renames it to %s, but one of them "
                          "is there already: remove it if it holds nothing you need",
                          beside, path);
}

/* What would refuse a new journal, a dry run says, too. */
static tj_status check_new(const tj__target *t, tj_error *error)
{
    char path[TJ_PATH_SIZE];
    char beside[TJ_PATH_SIZE];
    if (t->config->type != TJ_ENGINE_LMDB) {
        return TJ_OK;
    }
    TJ_TRY(tj__journal_path(t->config->path, path, sizeof path, error));
    TJ_TRY(tj__journal_place_check(path, error));
    TJ_TRY(tj__path_apart_above(path, error));
    return t->plan_count > 1 ? find_beside(t, path, beside, error) : TJ_OK;
}

/* Several commits are as good as one where nobody sees the journal before the last: it is built
 * beside its place and renamed. */
static tj_status build_beside(tj__target *t, tj_error *error)
{
    char path[TJ_PATH_SIZE];
    char beside[TJ_PATH_SIZE];
    tj_config config = *t->config;
    TJ_TRY(find_beside(t, path, beside, error));
    config.path = beside;
    TJ_TRY(tj_store_open(&config, &t->store, error));
    tj_status status = commit_parts(t, error);
    tj_status closed = tj_store_close(t->store, status == TJ_OK ? error : NULL);
    t->store = NULL;
    status = status == TJ_OK ? closed : status;
    if (status == TJ_OK) {
        status = tj__file_rename(beside, path, error);
    }
    if (status != TJ_OK) {
        (void)nftw(beside, remove_entry, 8, FTW_DEPTH | FTW_PHYS);
        return status;
    }
    return tj__path_appeared(path, error);
}

static tj_status refuse_parts(const tj__target *t, tj_error *error)
{
    if (!t->store) {
        return tj__fail(error, TJ_LIMIT,
                        "the sources need %zu commits of about %d MiB, and one is all that a "
                        "journal on a server gets: import into a new journal on a disk, and "
                        "`tesser-journal copy` that to the server",
                        t->plan_count, (int)(TJ__PART_SIZE >> 20));
    }
    return tj__fail(
        error, TJ_LIMIT,
        "the sources need %zu commits of about %d MiB, and one is all that a journal in "
        "use gets: import into a journal that is not there yet",
        t->plan_count, (int)(TJ__PART_SIZE >> 20));
}

static tj_status commit(tj__target *t, tj_error *error)
{
    if (!t->store && t->plan_count > 1) {
        return build_beside(t, error);
    }
    if (!t->store) {
        TJ_TRY(tj_store_open(t->config, &t->store, error));
    }
    return commit_parts(t, error);
}

static tj_status run(tj__target *t, tj_live_state *state, tj_error *error)
{
    if (t->config) {
        TJ_TRY(open_existing(t, error));
    }
    if (t->store) {
        TJ_TRY(look(t, error));
    }
    TJ_TRY(tj__target_plan(t, state, error));
    if (t->store) {
        TJ_TRY(tj__target_note_repeats(t, state, error));
    }
    bool on_server = t->config && t->config->type == TJ_ENGINE_POSTGRES;
    if (t->plan_count > 1 && (t->store || on_server)) {
        return refuse_parts(t, error);
    }
    if (t->config && !t->store) {
        TJ_TRY(check_new(t, error));
    }
    return t->all->options->dry_run ? TJ_OK : commit(t, error);
}

tj_status tj__target_commit(tj__gathering *all, const tj_config *config, tj_live_state *state,
                            tj_error *error)
{
    tj__target t = {.all = all, .config = config};
    t.book = config && config->book ? config->book : TJ_BOOK_DEFAULT;
    TJ_TRY(tj__book_name_check(t.book, error));
    TJ_TRY(tj__gathering_keep(all, tj_str_of(t.book), &all->report->book, error));
    tj_status status = run(&t, state, error);
    for (size_t i = 0; i < t.plan_count; i++) {
        tj__plan_free(t.plans[i]);
    }
    free(t.plans);
    free(t.by_id);
    tj_ledger_list_free(t.stored);
    tj_error late = TJ_ERROR_INIT;
    if (tj_store_close(t.store, &late) != TJ_OK && status == TJ_OK && !all->options->dry_run) {
        /* It is committed and durable: that closing failed is no reason to import it again. */
        status = tj__gathering_note(
            all, &all->remarks, SIZE_MAX, TJ_STR("closing the journal"), error,
            "all of it is imported and durable, but closing failed: %s", late.message);
    }
    return status;
}
