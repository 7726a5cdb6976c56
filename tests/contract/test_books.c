/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Books: the first one is made by saving, others by asking for them, and none sees another. */
#include "contract.h"

static tj_status save_equity(tj_store *store, const char *book, const char *equity)
{
    tj_live_state state = {.has_portfolio_equity = true, .portfolio_equity = decimal(equity)};
    return tj_state_save(tj_store_state_repository(store, book), &state, &err);
}

static void assert_equity(tj_store *store, const char *book, const char *equity)
{
    tj_live_state *state = load_state(store, book);
    assert_true(state->has_portfolio_equity);
    same_decimal("equity", state->portfolio_equity, decimal(equity));
    tj_live_state_free(state);
}

static void test_the_first_save_makes_the_first_book(fixture *f)
{
    assert_ok(save_equity(f->store, "mean reversion", "1.0"));
    tj_book_list *books = NULL;
    assert_ok(tj_store_books(f->store, &books, &err));
    assert_int_equal(books->count, 1);
    same_text("name", books->books[0].name, TJ_STR("mean reversion"));
    tj_book_list_free(books);
    fixture_reopen(f);
    assert_equity(f->store, "mean reversion", "1.0");
}

static void test_an_algorithm_makes_the_first_book_too(fixture *f)
{
    tj_uuid id = uuid(1);
    tj_algo_state twap = {TJ_STR("twap"), TJ_STR("{}")};
    assert_ok(tj_algo_save(f->algos, &id, &twap, &err));
    assert_refused(save_equity(f->store, "other", "1"), TJ_NOT_FOUND, "(it has: default)");
}

#define UNKNOWN                                                                                   \
    "book \"defualt\" is not in this journal (it has: default, zeta); a new one must be created " \
    "before its first use"

static void test_a_misspelt_book_is_not_found(fixture *f)
{
    tj_uuid id = uuid(1);
    tj_algo_state twap = {TJ_STR("twap"), TJ_STR("{}")};
    tj_ledger_entry entry = plain_entry(1, "1");
    tj_live_state *state = (tj_live_state *)&entry;
    tj_algo_record *record = (tj_algo_record *)&entry;
    tj_algo_list *list = (tj_algo_list *)&entry;
    tj_ledger_list *found = (tj_ledger_list *)&entry;
    uint64_t latest = 77;
    assert_ok(save_equity(f->store, NULL, "1"));
    assert_ok(tj_store_book_create(f->store, "zeta", &err));
    tj_state_repository *states = tj_store_state_repository(f->store, "defualt");
    tj_algo_repository *algos = tj_store_algo_repository(f->store, "defualt");
    tj_ledger_repository *ledger = tj_store_ledger_repository(f->store, "defualt");

    assert_refused(save_equity(f->store, "defualt", "2"), TJ_NOT_FOUND, UNKNOWN);
    assert_refused(tj_state_load(states, &state, &err), TJ_NOT_FOUND, UNKNOWN);
    assert_null(state);
    assert_refused(tj_algo_save(algos, &id, &twap, &err), TJ_NOT_FOUND, UNKNOWN);
    assert_refused(tj_algo_delete(algos, &id, &err), TJ_NOT_FOUND, UNKNOWN);
    assert_refused(tj_algo_load(algos, &id, &record, &err), TJ_NOT_FOUND, UNKNOWN);
    assert_null(record);
    assert_refused(tj_algo_load_all(algos, &list, &err), TJ_NOT_FOUND, UNKNOWN);
    assert_null(list);
    assert_refused(tj_ledger_append(ledger, &entry, 1, &latest, &err), TJ_NOT_FOUND, UNKNOWN);
    assert_refused(tj_ledger_latest(ledger, &latest, &err), TJ_NOT_FOUND, UNKNOWN);
    assert_int_equal(latest, 77);
    assert_refused(tj_ledger_find(ledger, NULL, &found, &err), TJ_NOT_FOUND, UNKNOWN);
    assert_null(found);
    tj_txn *txn = begin(f);
    assert_ok(tj_txn_delete_order(txn, TJ_STR("a"), &err));
    assert_ok(tj_txn_use_book(txn, "defualt", &err));
    assert_ok(tj_txn_delete_order(txn, TJ_STR("a"), &err));
    assert_refused(tj_txn_commit(txn, NULL, NULL, &err), TJ_NOT_FOUND, UNKNOWN);
    assert_int_equal(newest_sequence(f->store), 2);
}

static void test_books_are_created(fixture *f)
{
    assert_ok(tj_store_book_create(f->store, "alpha", &err)); /* the first one, too */
    assert_refused(tj_store_book_create(f->store, "alpha", &err), TJ_EXISTS,
                   "book \"alpha\" is in this journal already");
    assert_ok(tj_store_book_create(f->store, "beta", &err));
    fixture_reopen(f);
    assert_refused(tj_store_book_create(f->store, "beta", &err), TJ_EXISTS,
                   "book \"beta\" is in this journal already");
    assert_ok(save_equity(f->store, "beta", "2"));
    tj_live_state *state = load_state(f->store, "alpha");
    assert_false(state->has_portfolio_equity);
    tj_live_state_free(state);
}

static void test_names_that_are_no_book_names(fixture *f)
{
    char longest[TJ_BOOK_SIZE_MAX + 2];
    memset(longest, 'b', sizeof longest);
    longest[TJ_BOOK_SIZE_MAX + 1] = '\0';
    static const struct {
        const char *name;
        const char *text;
    } wrong[] = {{"", "a book's name must not be empty"},
                 {"a\nb", "control characters"},
                 {"a\x7f", "control"}};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        assert_null(tj_store_state_repository(f->store, wrong[i].name));
        assert_null(tj_store_algo_repository(f->store, wrong[i].name));
        assert_null(tj_store_ledger_repository(f->store, wrong[i].name));
        assert_refused(tj_store_book_create(f->store, wrong[i].name, &err), TJ_INVALID,
                       wrong[i].text);
        tj_txn *txn = begin(f);
        assert_refused(tj_txn_use_book(txn, wrong[i].name, &err), TJ_INVALID, wrong[i].text);
        tj_txn_abort(txn);
    }
    assert_null(tj_store_state_repository(f->store, longest));
    assert_refused(tj_store_book_create(f->store, "a\xff", &err), TJ_INVALID, "UTF-8");
    longest[TJ_BOOK_SIZE_MAX] = '\0';
    assert_ok(save_equity(f->store, longest, "3"));
    assert_equity(f->store, longest, "3");
}

static void test_one_book_gives_one_handle(fixture *f)
{
    assert_ptr_equal(tj_store_state_repository(f->store, NULL), f->states);
    assert_ptr_equal(tj_store_state_repository(f->store, TJ_BOOK_DEFAULT), f->states);
    assert_ptr_equal(tj_store_algo_repository(f->store, "b"),
                     tj_store_algo_repository(f->store, "b"));
    assert_ptr_not_equal(tj_store_ledger_repository(f->store, "b"), f->ledger);
}

static void test_the_configured_book_is_the_default(fixture *f)
{
    fixture_close(f);
    f->config.book = "configured";
    fixture_open(f);
    assert_ok(save_equity(f->store, NULL, "4"));
    assert_equity(f->store, "configured", "4");
    tj_txn *txn = begin(f);
    tj_decimal five = decimal("5");
    assert_ok(tj_txn_set_portfolio_equity(txn, &five, &err));
    commit(txn);
    assert_equity(f->store, "configured", "5");
}

/* ---- apart --------------------------------------------------------------------------------- */

static void fill_book(fixture *f, const char *book, const char *equity, unsigned number)
{
    tj_uuid id = uuid(1); /* the same in every book */
    tj_algo_state algo = {TJ_STR("twap"), tj_str_of(equity)};
    tj_ledger_entry entry = plain_entry(number, equity);
    tj_order order = plain_order("order");
    order.request.quantity = decimal(equity);
    tj_live_state state = {.has_portfolio_equity = true,
                           .portfolio_equity = decimal(equity),
                           .open_orders = &order,
                           .open_order_count = 1};
    assert_ok(tj_state_save(tj_store_state_repository(f->store, book), &state, &err));
    assert_ok(tj_algo_save(tj_store_algo_repository(f->store, book), &id, &algo, &err));
    assert_ok(tj_ledger_append(tj_store_ledger_repository(f->store, book), &entry, 1, NULL, &err));
}

static void check_book(fixture *f, const char *book, const char *equity, size_t entries)
{
    tj_uuid id = uuid(1);
    tj_live_state *state = load_state(f->store, book);
    same_decimal("equity", state->portfolio_equity, decimal(equity));
    assert_int_equal(state->open_order_count, 1);
    same_decimal("quantity", state->open_orders[0].request.quantity, decimal(equity));
    tj_live_state_free(state);
    tj_algo_record *record = NULL;
    assert_ok(tj_algo_load(tj_store_algo_repository(f->store, book), &id, &record, &err));
    same_text("payload", record->state.payload, tj_str_of(equity));
    tj_algo_record_free(record);
    tj_ledger_list *list = NULL;
    assert_ok(tj_ledger_find(tj_store_ledger_repository(f->store, book), NULL, &list, &err));
    assert_int_equal(list->count, entries);
    assert_int_equal(list->entries[entries - 1].sequence, entries);
    tj_ledger_list_free(list);
}

static void test_books_do_not_see_each_other(fixture *f)
{
    tj_uuid id = uuid(1);
    fill_book(f, "default", "1", 1);
    assert_ok(tj_store_book_create(f->store, "default2", &err));
    fill_book(f, "default2", "2", 2);
    fill_book(f, "default2", "2.0", 3);
    check_book(f, "default", "1", 1);
    check_book(f, "default2", "2.0", 2);
    fixture_reopen(f);
    check_book(f, "default", "1", 1);

    tj_live_state none = {0};
    assert_ok(tj_state_save(f->states, &none, &err));
    assert_ok(tj_algo_delete(f->algos, &id, &err));
    check_book(f, "default2", "2.0", 2);
}

static void test_books_are_listed_with_their_counts(fixture *f)
{
    fill_book(f, "beta", "1", 1);
    assert_ok(tj_store_book_create(f->store, "alpha", &err));
    tj_position positions[] = {plain_position("A"), plain_position("B")};
    tj_sub_account account = {
        .exchange = TJ_STR("okx"), .positions = positions, .position_count = 1};
    tj_live_state state = {.has_portfolio = true, .portfolio = plain_portfolio()};
    state.portfolio.positions = positions;
    state.portfolio.position_count = 2;
    state.portfolio.sub_accounts = &account;
    state.portfolio.sub_account_count = 1;
    assert_ok(tj_state_save(tj_store_state_repository(f->store, "alpha"), &state, &err));

    tj_book_list *books = NULL;
    assert_ok(tj_store_books(f->store, &books, &err));
    assert_int_equal(books->count, 2);
    same_text("name", books->books[0].name, TJ_STR("alpha"));
    assert_int_equal(books->books[0].state_row_count, 5); /* head, 2 + 1 positions, sub-account */
    assert_int_equal(books->books[0].position_count, 2);  /* A is in both */
    assert_int_equal(books->books[0].open_order_count, 0);
    assert_int_equal(books->books[0].algo_count, 0);
    assert_int_equal(books->books[0].ledger_sequence, 0);
    same_text("name", books->books[1].name, TJ_STR("beta"));
    assert_int_equal(books->books[1].state_row_count, 2); /* equity, order */
    assert_int_equal(books->books[1].position_count, 0);
    assert_int_equal(books->books[1].open_order_count, 1);
    assert_int_equal(books->books[1].algo_count, 1);
    assert_int_equal(books->books[1].ledger_sequence, 1);
    tj_book_list_free(books);
}

static const contract_case cases[] = {
    CASE(test_the_first_save_makes_the_first_book),
    CASE(test_an_algorithm_makes_the_first_book_too),
    CASE(test_a_misspelt_book_is_not_found),
    CASE(test_books_are_created),
    CASE(test_names_that_are_no_book_names),
    CASE(test_one_book_gives_one_handle),
    CASE(test_the_configured_book_is_the_default),
    CASE(test_books_do_not_see_each_other),
    CASE(test_books_are_listed_with_their_counts),
};

CONTRACT_MAIN("books", cases)
