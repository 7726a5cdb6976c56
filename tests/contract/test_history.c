/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* What was, read again: every state at every sequence, and moments that are not there. */
#include "past_model.h"

static void test_every_state_is_there_again(fixture *f)
{
    past_model model = {0};
    if (keeps_no_history(f)) {
        return;
    }
    make_history(f, &model);
    for (uint64_t sequence = 1; sequence <= model.newest; sequence++) {
        assert_past(f, &model, sequence);
    }
    past_model_free(&model);
}

/* Right at its time a commit is in; a nanosecond earlier it is not. */
static void test_a_time_means_the_newest_commit_before_it(fixture *f)
{
    tj_time times[31] = {0};
    uint64_t found = 0;
    if (keeps_no_history(f)) {
        return;
    }
    for (int64_t i = 1; i <= 30; i++) {
        tj_txn *txn = begin(f);
        tj_decimal equity = tj_decimal_int(i);
        assert_ok(tj_txn_set_portfolio_equity(txn, &equity, &err));
        (void)commit(txn);
        tj_store_info info = TJ_STORE_INFO_INIT;
        assert_ok(tj_store_info_get(f->store, &info, &err));
        times[i] = info.sequence_time;
    }
    for (uint64_t i = 1; i <= 30; i++) {
        assert_ok(tj_moment_find(f->store, (tj_moment){0, true, times[i]}, &found, &err));
        assert_int_equal(found, i);
        if (i > 1) {
            assert_ok(tj_moment_find(f->store, (tj_moment){0, true, times[i] - 1}, &found, &err));
            assert_int_equal(found, i - 1);
        }
    }
    assert_ok(tj_moment_find(f->store, (tj_moment){0, true, tj_time_now()}, &found, &err));
    assert_int_equal(found, 30);
    assert_ok(tj_moment_find(f->store, (tj_moment){1, true, tj_time_now()}, &found, &err));
    assert_int_equal(found, 1); /* a time counts where there is no sequence */
    assert_ok(tj_moment_find(f->store, (tj_moment)TJ_MOMENT_INIT, &found, &err));
    assert_int_equal(found, 30);
}

static void test_a_moment_outside_names_the_range(fixture *f)
{
    uint64_t found = 77;
    tj_history_range range;
    if (keeps_no_history(f)) {
        return;
    }
    assert_refused(tj_moment_find(f->store, (tj_moment){1, false, 0}, &found, &err), TJ_NOT_FOUND,
                   "nothing was committed yet");
    assert_ok(tj_history_range_get(f->store, &range, &err));
    assert_int_equal(range.sequence_last, 0);
    tj_live_state state = {.has_portfolio_equity = true, .portfolio_equity = decimal("1")};
    assert_ok(tj_state_save(f->states, &state, &err));
    state.portfolio_equity = decimal("2");
    assert_ok(tj_state_save(f->states, &state, &err));
    assert_ok(tj_history_range_get(f->store, &range, &err));
    assert_int_equal(range.sequence_first, 1);
    assert_int_equal(range.sequence_last, 2);
    assert_true(range.time_first < range.time_last);
    assert_refused(tj_moment_find(f->store, (tj_moment){3, false, 0}, &found, &err), TJ_NOT_FOUND,
                   "commit 3 is after the newest: history is kept from commit 1 (");
    tj_moment before = {0, true, range.time_first - 1};
    assert_refused(tj_moment_find(f->store, before, &found, &err), TJ_NOT_FOUND,
                   "before the oldest commit that is kept");
    tj_moment later = {0, true, tj_time_now() + (tj_time)3600 * 1000000000};
    assert_refused(tj_moment_find(f->store, later, &found, &err), TJ_NOT_FOUND,
                   "is still to come: history is kept from commit 1");
    assert_int_equal(found, 77);
}

static void test_moments_are_read(fixture *f)
{
    (void)f;
    tj_moment moment = TJ_MOMENT_INIT;
    assert_ok(tj_moment_parse(TJ_STR("42"), &moment, &err));
    assert_true(moment.sequence == 42 && !moment.has_time);
    assert_ok(tj_moment_parse(TJ_STR("1970-01-01T00:00:01Z"), &moment, &err));
    assert_true(moment.has_time && moment.time == 1000000000 && moment.sequence == 0);
    assert_refused(tj_moment_parse(TJ_STR("0"), &moment, &err), TJ_INVALID, "counted from 1");
    assert_refused(tj_moment_parse(TJ_STR("99999999999999999999"), &moment, &err), TJ_LIMIT,
                   "more than any commit's sequence");
    assert_refused(tj_moment_parse(TJ_STR("yesterday"), &moment, &err), TJ_INVALID, "");
    assert_refused(tj_moment_parse(TJ_STR(""), &moment, &err), TJ_INVALID, "");
    assert_true(moment.has_time && moment.time == 1000000000);
}

/* ---- commits ------------------------------------------------------------------------------- */

/* What an entity was after each of the first commits, from changes alone. */
typedef struct replayed {
    char *key; /* kind, book, owner, key */
    char *value;
} replayed;

static char *text_of(tj_str text)
{
    return text.data ? strndup(text.data, text.size) : NULL;
}

static char *key_of(const tj_change *change)
{
    char *key = NULL;
    assert_true(asprintf(&key, "%s|%.*s|%.*s|%.*s", tj_entity_kind_name(change->kind),
                         (int)change->book.size, change->book.data, (int)change->owner.size,
                         change->owner.data, (int)change->key.size, change->key.data) > 0);
    return key;
}

static bool same_or_absent(const char *a, const char *b)
{
    return a && b ? strcmp(a, b) == 0 : !a && !b;
}

#define ENTITIES_MAX 4096
typedef struct entities {
    replayed rows[ENTITIES_MAX];
    size_t count;
} entities;

static replayed *entity(entities *all, const tj_change *change)
{
    char *key = key_of(change);
    for (size_t i = 0; i < all->count; i++) {
        if (strcmp(all->rows[i].key, key) == 0) {
            free(key);
            return &all->rows[i];
        }
    }
    assert_true(all->count < ENTITIES_MAX);
    all->rows[all->count].key = key;
    return &all->rows[all->count++];
}

static void entities_free(entities *all)
{
    for (size_t i = 0; i < all->count; i++) {
        free(all->rows[i].key);
        free(all->rows[i].value);
    }
    free(all);
}

/* Takes a commit's changes over; every old value is the one that was noted. */
static void take_changes(entities *all, const tj_history_commit *commit)
{
    for (size_t i = 0; i < commit->change_count; i++) {
        const tj_change *change = &commit->changes[i];
        replayed *it = entity(all, change);
        char *old = text_of(change->old_value);
        if (!same_or_absent(it->value, old)) {
            fail_msg("commit %" PRIu64 ", %s: was %s, told as %s", commit->sequence, it->key,
                     it->value ? it->value : "-", old ? old : "-");
        }
        free(old);
        free(it->value);
        it->value = text_of(change->new_value);
    }
}

/* Old values agree with the new ones before, and every commit is told once. */
static void test_commits_are_told_in_order(fixture *f)
{
    past_model model = {0};
    entities *all = calloc(1, sizeof *all);
    tj_history_query query = TJ_HISTORY_QUERY_INIT;
    if (keeps_no_history(f)) {
        free(all);
        return;
    }
    make_history(f, &model);
    query.old_values = true;
    tj_history *history = open_history(f, &query);
    for (uint64_t sequence = 1; sequence <= model.newest; sequence++) {
        const tj_history_commit *commit = next(history);
        assert_non_null(commit);
        assert_int_equal(commit->sequence, sequence);
        take_changes(all, commit);
    }
    assert_null(next(history));
    past_step(f, &model); /* one that comes is told, too */
    past_step(f, &model);
    past_step(f, &model);
    const tj_history_commit *commit = next(history);
    assert_non_null(commit);
    take_changes(all, commit);
    tj_history_close(history);
    entities_free(all);
    past_model_free(&model);
}

static char *describe(const tj_history_commit *commit)
{
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    fprintf(out, "%" PRIu64 " %" PRId64 "\n", commit->sequence, commit->time);
    for (size_t i = 0; i < commit->change_count; i++) {
        const tj_change *change = &commit->changes[i];
        char *key = key_of(change);
        fprintf(out, "%s %d %.*s -> %.*s\n", key, change->moved, (int)change->old_value.size,
                change->old_value.data, (int)change->new_value.size, change->new_value.data);
        free(key);
    }
    fclose(out);
    return text;
}

static size_t tell_all(fixture *f, const tj_history_query *query, char *told[PAST_MAX])
{
    size_t count = 0;
    tj_history *history = open_history(f, query);
    for (const tj_history_commit *commit = next(history); commit; commit = next(history)) {
        assert_true(count < PAST_MAX);
        told[count++] = describe(commit);
    }
    tj_history_close(history);
    return count;
}

/* Newest first is oldest first turned round, whatever is asked for and wherever it is cut. */
static void assert_both_ways(fixture *f, tj_history_query query)
{
    char *forwards[PAST_MAX];
    char *backwards[PAST_MAX];
    query.descending = false;
    query.limit = 0;
    size_t count = tell_all(f, &query, forwards);
    query.descending = true;
    query.limit = random_below(3) == 0 ? 1 + random_below(5) : 0;
    size_t told = tell_all(f, &query, backwards);
    assert_int_equal(told, query.limit > 0 && query.limit < count ? query.limit : count);
    for (size_t i = 0; i < told; i++) {
        assert_string_equal(backwards[i], forwards[count - 1 - i]);
        free(backwards[i]);
    }
    for (size_t i = 0; i < count; i++) {
        free(forwards[i]);
    }
}

static void test_filters_and_both_directions(fixture *f)
{
    past_model model = {0};
    if (keeps_no_history(f)) {
        return;
    }
    make_history(f, &model);
    for (int i = 0; i < 20; i++) {
        tj_history_query query = TJ_HISTORY_QUERY_INIT;
        query.sequence_first = random_bool() ? 1 + random_below((uint32_t)model.newest) : 0;
        query.sequence_last = random_bool() ? model.newest - random_below(20) : model.newest;
        query.book = random_bool() ? past_books[random_below(PAST_BOOKS)] : NULL;
        query.kinds = random_bool() ? 1u << TJ_ENTITY_ORDER | 1u << TJ_ENTITY_ALGO : 0;
        query.key = random_bool() ? TJ_STR("o1") : (tj_str){NULL, 0};
        query.old_values = random_bool();
        assert_both_ways(f, query);
    }
    past_model_free(&model);
}

/* Backwards, commits that are further back than will be told are let go, many at a time. */
static void test_the_newest_few_of_many(fixture *f)
{
    enum { MANY = 140 };
    tj_history_query query = TJ_HISTORY_QUERY_INIT;
    if (keeps_no_history(f)) {
        return;
    }
    for (int i = 1; i <= MANY; i++) {
        tj_txn *txn = begin(f);
        tj_decimal equity = tj_decimal_int(i);
        assert_ok(tj_txn_set_portfolio_equity(txn, &equity, &err));
        (void)commit(txn);
    }
    query.descending = true;
    query.limit = 3;
    for (query.sequence_last = 60; query.sequence_last <= MANY; query.sequence_last++) {
        tj_history *history = open_history(f, &query);
        for (uint64_t i = 0; i < query.limit; i++) {
            const tj_history_commit *commit = next(history);
            assert_non_null(commit);
            assert_int_equal(commit->sequence, query.sequence_last - i);
        }
        assert_null(next(history));
        tj_history_close(history);
    }
}

static void test_the_history_of_one_order(fixture *f)
{
    static const char *const statuses[] = {"\"Accepted\"", "\"Filled\""};
    tj_history_query query = TJ_HISTORY_QUERY_INIT;
    if (keeps_no_history(f)) {
        return;
    }
    for (int i = 0; i < 6; i++) {
        tj_txn *txn = begin(f);
        tj_order order = plain_order(i % 2 == 0 ? "mine" : "other");
        order.status = i / 2 == 1 ? TJ_ORDER_FILLED : TJ_ORDER_ACCEPTED;
        assert_ok(i == 4 ? tj_txn_delete_order(txn, order.id, &err)
                         : tj_txn_put_order(txn, &order, &err));
        tj_commit_options options = TJ_COMMIT_OPTIONS_INIT;
        options.note = TJ_STR("filled by hand");
        assert_ok(tj_txn_commit(txn, i == 2 ? &options : NULL, NULL, &err));
    }
    query.kinds = 1u << TJ_ENTITY_ORDER;
    query.key = TJ_STR("mine");
    query.old_values = true;
    tj_history *history = open_history(f, &query);
    for (uint64_t i = 0; i < 3; i++) {
        const tj_history_commit *commit = next(history);
        assert_non_null(commit);
        assert_int_equal(commit->sequence, 2 * i + 1);
        assert_int_equal(commit->change_count, 1);
        same_text("note", commit->note, i == 1 ? TJ_STR("filled by hand") : TJ_STR(""));
        const tj_change *change = &commit->changes[0];
        same_text("key", change->key, TJ_STR("mine"));
        same_text("book", change->book, TJ_STR("default"));
        assert_true(i == 0 ? !change->old_value.data
                           : strstr(change->old_value.data, statuses[i - 1]) != NULL);
        assert_true(i == 2 ? !change->new_value.data
                           : strstr(change->new_value.data, statuses[i]) != NULL);
    }
    assert_null(next(history));
    tj_history_close(history);
}

static void test_what_cannot_be_asked(fixture *f)
{
    tj_history *history = (tj_history *)f;
    tj_history_query query = TJ_HISTORY_QUERY_INIT;
    tj_entity_kind kind = TJ_ENTITY_ORDER;
    if (keeps_no_history(f)) {
        return;
    }
    assert_null(next(history = open_history(f, NULL)));
    tj_history_close(history);
    tj_live_state state = {.has_portfolio_equity = true, .portfolio_equity = decimal("1")};
    assert_ok(tj_state_save(f->states, &state, &err));
    query.kinds = 1u << TJ_ENTITY_ALGO;
    query.key = TJ_STR("no uuid");
    assert_refused(tj_history_open(f->store, &query, &history, &err), TJ_INVALID,
                   "nothing of these kinds can have the key \"no uuid\"");
    assert_null(history);
    query = (tj_history_query)TJ_HISTORY_QUERY_INIT;
    query.kinds = UINT64_C(1) << 63;
    assert_refused(tj_history_open(f->store, &query, &history, &err), TJ_INVALID,
                   "there are no kinds 0x8000000000000000");
    query = (tj_history_query)TJ_HISTORY_QUERY_INIT;
    query.book = "nowhere";
    assert_refused(tj_history_open(f->store, &query, &history, &err), TJ_NOT_FOUND,
                   "book \"nowhere\" is not in this journal");
    assert_refused(tj_entity_kind_parse(TJ_STR("odrer"), &kind, &err), TJ_INVALID,
                   "\"odrer\" is no kind of entity; there are: portfolio, portfolio_equity, ");
    for (int each = TJ_ENTITY_PORTFOLIO; each <= TJ_ENTITY_QUARANTINED; each++) {
        const char *name = tj_entity_kind_name((tj_entity_kind)each);
        assert_ok(tj_entity_kind_parse(tj_str_of(name), &kind, &err));
        assert_int_equal(kind, each);
    }
    assert_null(tj_entity_kind_name((tj_entity_kind)0));
    assert_null(tj_entity_kind_name((tj_entity_kind)99));
}

/* ---- differences ---------------------------------------------------------------------------- */

/* The entities at every commit, as their histories have them. */
static void note_entities(fixture *f, uint64_t sequence, entities *out)
{
    tj_history_query query = TJ_HISTORY_QUERY_INIT;
    query.sequence_last = sequence;
    tj_history *history = open_history(f, &query);
    for (const tj_history_commit *commit = next(history); commit; commit = next(history)) {
        for (size_t i = 0; i < commit->change_count; i++) {
            replayed *it = entity(out, &commit->changes[i]);
            free(it->value);
            it->value = text_of(commit->changes[i].new_value);
        }
    }
    tj_history_close(history);
}

/* Every difference is one of the model; those that only moved are none of its values. */
static size_t check_differences(const tj_history_diff *diff, entities *from, entities *to)
{
    size_t count = 0;
    for (size_t i = 0; i < diff->count; i++) {
        char *old = text_of(diff->changes[i].old_value);
        char *new = text_of(diff->changes[i].new_value);
        assert_true(same_or_absent(entity(from, &diff->changes[i])->value, old));
        assert_true(same_or_absent(entity(to, &diff->changes[i])->value, new));
        bool same = same_or_absent(old, new);
        assert_true(!same || diff->changes[i].moved);
        count += !same;
        free(old);
        free(new);
    }
    return count;
}

static size_t count_differences(const entities *from, const entities *to)
{
    size_t count = 0;
    for (size_t i = 0; i < to->count; i++) {
        const char *before = NULL;
        for (size_t j = 0; j < from->count; j++) {
            if (strcmp(from->rows[j].key, to->rows[i].key) == 0) {
                before = from->rows[j].value;
            }
        }
        count += !same_or_absent(before, to->rows[i].value);
    }
    return count;
}

static void test_differences_are_those_of_the_model(fixture *f)
{
    past_model model = {0};
    if (keeps_no_history(f)) {
        return;
    }
    make_history(f, &model);
    for (int i = 0; i < 6; i++) {
        uint64_t a = 1 + random_below((uint32_t)model.newest);
        uint64_t b = 1 + random_below((uint32_t)model.newest);
        entities *from = calloc(1, sizeof *from);
        entities *to = calloc(1, sizeof *to);
        tj_history_diff *diff = NULL;
        note_entities(f, a, from);
        note_entities(f, b, to);
        assert_ok(tj_history_diff_load(f->store, (tj_moment){a, false, 0}, (tj_moment){b, false, 0},
                                       NULL, &diff, &err));
        assert_int_equal(diff->sequence_from, a);
        assert_int_equal(diff->sequence_to, b);
        size_t count = check_differences(diff, from, to);
        assert_int_equal(count, a <= b ? count_differences(from, to) : count_differences(to, from));
        tj_history_diff_free(diff);
        entities_free(from);
        entities_free(to);
    }
    past_model_free(&model);
}

/* ---- calls that lack something ----------------------------------------------------------- */

static void test_what_is_missing_is_said(fixture *f)
{
    tj_moment none = TJ_MOMENT_INIT;
    tj_live_state *state = NULL;
    tj_algo_record *record = NULL;
    tj_algo_list *algos = NULL;
    tj_ledger_list *ledger = NULL;
    tj_history *history = NULL;
    tj_history_diff *diff = NULL;
    tj_equity_curve *curve = NULL;
    tj_history_range range;
    const tj_history_commit *commit = NULL;
    uint64_t sequence = 0;
    assert_refused(tj_state_load_at(NULL, none, &state, &err), TJ_MISUSE, "no repository");
    assert_refused(tj_state_load_at(f->states, none, NULL, &err), TJ_MISUSE, "NULL");
    assert_refused(tj_algo_load_at(f->algos, none, NULL, &record, &err), TJ_MISUSE, "NULL");
    assert_refused(tj_algo_load_all_at(NULL, none, &algos, &err), TJ_MISUSE, "no repository");
    assert_refused(tj_ledger_find_at(NULL, none, NULL, &ledger, &err), TJ_MISUSE, "no repository");
    assert_refused(tj_moment_find(NULL, none, &sequence, &err), TJ_MISUSE, "NULL");
    assert_refused(tj_moment_parse(TJ_STR("1"), NULL, &err), TJ_MISUSE, "NULL");
    assert_refused(tj_history_range_get(f->store, NULL, &err), TJ_MISUSE, "NULL");
    assert_refused(tj_history_range_get(NULL, &range, &err), TJ_MISUSE, "NULL");
    assert_refused(tj_history_open(NULL, NULL, &history, &err), TJ_MISUSE, "no store");
    assert_refused(tj_history_next(NULL, &commit, &err), TJ_MISUSE, "no history");
    assert_refused(tj_history_diff_load(f->store, none, none, NULL, NULL, &err), TJ_MISUSE,
                   "no place");
    assert_refused(tj_history_diff_load(NULL, none, none, NULL, &diff, &err), TJ_MISUSE,
                   "no store");
    assert_refused(tj_equity_curve_load(NULL, none, none, &curve, &err), TJ_MISUSE,
                   "no repository");
    assert_refused(tj_state_rollback(NULL, none, NULL, NULL, &err), TJ_MISUSE, "no repository");
    assert_refused(tj_entity_kind_parse(TJ_STR("order"), NULL, &err), TJ_MISUSE, "NULL");
    tj_history_query query = TJ_HISTORY_QUERY_INIT;
    query.struct_size = 3;
    assert_refused(tj_history_open(f->store, &query, &history, &err), TJ_MISUSE,
                   "TJ_HISTORY_QUERY_INIT");
    tj_rollback_options options = TJ_ROLLBACK_OPTIONS_INIT;
    options.struct_size = 3;
    assert_refused(tj_state_rollback(f->states, none, &options, NULL, &err), TJ_MISUSE,
                   "TJ_ROLLBACK_OPTIONS_INIT");
    tj_history_close(NULL);
    tj_history_diff_free(NULL);
    tj_equity_curve_free(NULL);
    tj_rollback_report_free(NULL);
}

static const contract_case cases[] = {
    CASE(test_every_state_is_there_again),
    CASE(test_a_time_means_the_newest_commit_before_it),
    CASE(test_a_moment_outside_names_the_range),
    CASE(test_moments_are_read),
    CASE(test_commits_are_told_in_order),
    CASE(test_filters_and_both_directions),
    CASE(test_the_newest_few_of_many),
    CASE(test_the_history_of_one_order),
    CASE(test_what_cannot_be_asked),
    CASE(test_differences_are_those_of_the_model),
    CASE(test_what_is_missing_is_said),
};

CONTRACT_MAIN("history", cases)
