/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* What was, read again: every state at every sequence, and moments that are not there. */
#include "past_model.h"

/* Enough commits for several segments where they are small. */
static void make_history(fixture *f, past_model *model)
{
    for (int i = 0; i < 400 && model->newest < 120; i++) {
        past_step(f, model);
        if (random_below(40) == 0) {
            fixture_reopen(f);
        }
    }
}

/* A store in memory keeps no history. */
static bool keeps_no_history(fixture *f)
{
    if (is_durable(f)) {
        return false;
    }
    tj_live_state *state = (tj_live_state *)f;
    tj_history_range range = {0};
    uint64_t sequence = 7;
    tj_moment at = {1, false, 0};
    assert_refused(tj_state_load_at(f->states, at, &state, &err), TJ_UNSUPPORTED,
                   "a store in memory keeps no history");
    assert_null(state);
    assert_refused(tj_history_range_get(f->store, &range, &err), TJ_UNSUPPORTED, "no history");
    assert_refused(tj_moment_find(f->store, at, &sequence, &err), TJ_UNSUPPORTED, "no history");
    assert_int_equal(sequence, 7);
    return true;
}

static void assert_past(fixture *f, const past_model *model, uint64_t sequence)
{
    for (unsigned book = 0; book < PAST_BOOKS; book++) {
        const char *expected = model->texts[sequence][book];
        if (expected) {
            char *text = past_dump_at(f->store, past_books[book], sequence);
            assert_string_equal(text, expected);
            free(text);
            continue;
        }
        tj_live_state *state = NULL;
        tj_state_repository *states = tj_store_state_repository(f->store, past_books[book]);
        assert_refused(tj_state_load_at(states, (tj_moment){sequence, false, 0}, &state, &err),
                       TJ_NOT_FOUND, "at commit");
    }
}

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

static tj_history *open_history(fixture *f, const tj_history_query *query)
{
    tj_history *history = NULL;
    assert_ok(tj_history_open(f->store, query, &history, &err));
    return history;
}

static const tj_history_commit *next(tj_history *history)
{
    const tj_history_commit *commit = NULL;
    assert_ok(tj_history_next(history, &commit, &err));
    return commit;
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

/* ---- the equity curve ----------------------------------------------------------------------- */

static void test_the_curve_is_that_of_the_commits(fixture *f)
{
    enum { COUNT = 60 };
    tj_decimal equity[COUNT];
    tj_equity_curve *curve = NULL;
    if (keeps_no_history(f)) {
        return;
    }
    assert_ok(tj_equity_curve_load(f->states, (tj_moment)TJ_MOMENT_INIT, (tj_moment)TJ_MOMENT_INIT,
                                   &curve, &err));
    assert_int_equal(curve->count, 0);
    tj_equity_curve_free(curve);
    for (int i = 0; i < COUNT; i++) {
        tj_txn *txn = begin(f);
        tj_order order = plain_order("between");
        order.updated_at = i;
        equity[i] = tj_decimal_int(1000 + 2 * i + (int64_t)(i % 7 == 3 ? -300 : 0));
        assert_ok(tj_txn_put_order(txn, &order, &err));
        (void)commit(txn);
        txn = begin(f);
        assert_ok(tj_txn_set_portfolio_equity(txn, &equity[i], &err));
        (void)commit(txn);
    }
    assert_ok(tj_equity_curve_load(f->states, (tj_moment){20, false, 0}, (tj_moment)TJ_MOMENT_INIT,
                                   &curve, &err));
    assert_int_equal(curve->count, COUNT - 9);
    tj_decimal peak = equity[0];
    for (int i = 0; i < COUNT; i++) {
        peak = tj_decimal_compare(equity[i], peak) > 0 ? equity[i] : peak;
        if (i < 9) {
            continue;
        }
        const tj_equity_point *point = &curve->points[i - 9];
        tj_decimal drawdown;
        tj_decimal below;
        assert_int_equal(point->sequence, 2 * i + 2);
        same_decimal("equity", point->equity, equity[i]);
        same_decimal("peak", point->peak, peak);
        assert_ok(tj_decimal_sub(peak, equity[i], &below, &err));
        assert_ok(tj_decimal_div(below, peak, 6, TJ_ROUND_HALF_EVEN, &drawdown, &err));
        assert_int_equal(tj_decimal_compare(point->drawdown, drawdown), 0);
        assert_true(tj_decimal_compare(curve->drawdown_max, drawdown) >= 0);
    }
    tj_equity_curve_free(curve);
}

/* This journal has no bases, so the state at the last moment alone is at hand. */
static void test_a_thinned_curve_says_so(fixture *f)
{
    tj_equity_query query = TJ_EQUITY_QUERY_INIT;
    tj_equity_curve *curve = NULL;
    if (keeps_no_history(f)) {
        return;
    }
    for (int i = 1; i <= 5; i++) {
        tj_decimal equity = tj_decimal_int(100 * i);
        tj_txn *txn = begin(f);
        assert_ok(tj_txn_set_portfolio_equity(txn, &equity, &err));
        (void)commit(txn);
    }
    assert_ok(tj_equity_curve_find(f->states, &query, &curve, &err));
    assert_int_equal(curve->count, 5);
    assert_false(curve->thinned);
    tj_equity_curve_free(curve);
    query.detail = TJ_EQUITY_THINNED;
    query.to.sequence = 4;
    assert_ok(tj_equity_curve_find(f->states, &query, &curve, &err));
    assert_int_equal(curve->count, 1);
    assert_int_equal(curve->points[0].sequence, 4);
    same_decimal("equity", curve->points[0].equity, tj_decimal_int(400));
    assert_true(curve->thinned);
    tj_equity_curve_free(curve);
    query.detail = (tj_equity_detail)3;
    assert_int_equal(tj_equity_curve_find(f->states, &query, &curve, &err), TJ_MISUSE);
    assert_null(curve);
}

/* ---- rolling back ---------------------------------------------------------------------------- */

/* A book as text without its ledger, which stays. */
static char *without_ledger(const char *dump)
{
    const char *end = strchr(strchr(dump, '\n') + 1, '\n');
    return strndup(dump, (size_t)(end - dump));
}

static void assert_taken_back(fixture *f, const past_model *model, unsigned book, uint64_t to)
{
    char *now = past_dump(f->store, past_books[book], (past_when){.now = true});
    char *is = without_ledger(now);
    char *was = without_ledger(model->texts[to][book]);
    assert_string_equal(is, was);
    free(now);
    free(is);
    free(was);
}

/* Rows, too, ranks included: there is nothing left to take back. */
static void assert_nothing_to_do(fixture *f, const char *book, uint64_t to)
{
    tj_rollback_report *report = NULL;
    tj_rollback_options options = TJ_ROLLBACK_OPTIONS_INIT;
    options.dry_run = true;
    assert_ok(tj_state_rollback(tj_store_state_repository(f->store, book),
                                (tj_moment){to, false, 0}, &options, &report, &err));
    assert_int_equal(report->change_count, 0);
    tj_rollback_report_free(report);
}

static void roll_back_somewhere(fixture *f, past_model *model)
{
    unsigned book = random_below(PAST_BOOKS);
    uint64_t to = 1 + random_below((uint32_t)model->newest);
    uint64_t newest = model->newest;
    tj_rollback_report *report = NULL;
    if (!model->texts[to][book]) {
        return;
    }
    assert_ok(tj_state_rollback(tj_store_state_repository(f->store, past_books[book]),
                                (tj_moment){to, false, 0}, NULL, &report, &err));
    past_note(f, model);
    assert_int_equal(report->sequence_to, to);
    assert_int_equal(report->sequence, report->change_count > 0 ? newest + 1 : 0);
    assert_taken_back(f, model, book, to);
    assert_nothing_to_do(f, past_books[book], to);
    tj_rollback_report_free(report);
}

/* Histories with rollbacks among them; another book stays as it is; every state is there again. */
static void test_rollbacks_in_a_history(fixture *f)
{
    past_model model = {0};
    if (keeps_no_history(f)) {
        return;
    }
    for (int i = 0; i < 400 && model.newest < 120; i++) {
        past_step(f, &model);
        if (model.newest > 2 && random_below(8) == 0) {
            roll_back_somewhere(f, &model);
        }
        if (random_below(40) == 0) {
            fixture_reopen(f);
        }
    }
    for (uint64_t sequence = 1; sequence <= model.newest; sequence++) {
        assert_past(f, &model, sequence);
    }
    past_model_free(&model);
}

static void put_order_with_checkpoint(fixture *f, const char *id, const char *exec_id)
{
    tj_live_state *state = load_state(f->store, NULL);
    tj_order orders[] = {plain_order(id)};
    tj_str ids[] = {tj_str_of(exec_id)};
    tj_live_state next_state = *state;
    next_state.open_orders = orders;
    next_state.open_order_count = 1;
    next_state.has_execution_checkpoint = true;
    next_state.execution_checkpoint =
        (tj_execution_checkpoint){.exec_ids = ids, .exec_id_count = 1};
    assert_ok(tj_state_save(f->states, &next_state, &err));
    tj_live_state_free(state);
}

/* What is told of the ledger and the checkpoint; --keep-checkpoint; and taken back again. */
static void test_a_rollback_tells_what_stays(fixture *f)
{
    tj_rollback_report *report = NULL;
    tj_rollback_options options = TJ_ROLLBACK_OPTIONS_INIT;
    tj_history_query query = TJ_HISTORY_QUERY_INIT;
    if (keeps_no_history(f)) {
        return;
    }
    tj_ledger_entry entries[] = {plain_entry(1, "10"), plain_entry(2, "1.50"),
                                 plain_entry(3, "-4")};
    put_order_with_checkpoint(f, "a", "e1");
    assert_ok(tj_ledger_append(f->ledger, entries, 1, NULL, &err));
    put_order_with_checkpoint(f, "b", "e2");
    assert_ok(tj_ledger_append(f->ledger, entries + 1, 2, NULL, &err));
    options.keep_checkpoint = true;
    options.note = TJ_STR("the strategy went mad");
    assert_ok(tj_state_rollback(f->states, (tj_moment){2, false, 0}, &options, &report, &err));
    assert_int_equal(report->sequence, 5);
    assert_int_equal(report->change_count, 2); /* b goes, a comes */
    assert_true(report->checkpoint_kept && !report->checkpoint_back);
    assert_int_equal(report->ledger_count, 1);
    assert_int_equal(report->ledger[0].count, 2);
    same_decimal("sum", report->ledger[0].amount, decimal("-2.50"));
    tj_rollback_report_free(report);
    tj_live_state *state = load_state(f->store, NULL);
    same_text("order", state->open_orders[0].id, TJ_STR("a"));
    same_text("exec id", state->execution_checkpoint.exec_ids[0], TJ_STR("e2"));
    tj_live_state_free(state);

    query.sequence_first = 5;
    tj_history *history = open_history(f, &query);
    const tj_history_commit *commit = next(history);
    assert_non_null(commit);
    same_text("note", commit->note, TJ_STR("the strategy went mad"));
    tj_history_close(history);

    assert_ok(tj_state_rollback(f->states, (tj_moment){1, false, 0}, NULL, &report, &err));
    assert_true(report->checkpoint_back && !report->checkpoint_kept);
    tj_rollback_report_free(report);
    assert_ok(tj_state_rollback(f->states, (tj_moment){4, false, 0}, NULL, NULL, &err));
    state = load_state(f->store, NULL);
    same_text("order", state->open_orders[0].id, TJ_STR("b"));
    same_text("exec id", state->execution_checkpoint.exec_ids[0], TJ_STR("e2"));
    tj_live_state_free(state);
    assert_refused(tj_state_rollback(f->states, (tj_moment){99, false, 0}, NULL, &report, &err),
                   TJ_NOT_FOUND, "commit 99 is after the newest");
    assert_null(report);
}

static const contract_case cases[] = {
    CASE(test_every_state_is_there_again),
    CASE(test_a_time_means_the_newest_commit_before_it),
    CASE(test_a_moment_outside_names_the_range),
    CASE(test_moments_are_read),
    CASE(test_commits_are_told_in_order),
    CASE(test_filters_and_both_directions),
    CASE(test_the_history_of_one_order),
    CASE(test_what_cannot_be_asked),
    CASE(test_differences_are_those_of_the_model),
    CASE(test_the_curve_is_that_of_the_commits),
    CASE(test_a_thinned_curve_says_so),
    CASE(test_rollbacks_in_a_history),
    CASE(test_a_rollback_tells_what_stays),
};

CONTRACT_MAIN("history", cases)
