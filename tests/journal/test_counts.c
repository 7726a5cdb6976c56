/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Counts of books: those who look on are told what opening has counted of LMDB, with what the log
 * changed since, and then what a scan finds. Both are the same, whatever a killed writer left in
 * the log.
 */
#include "journal_fixture.h"

#include "base/random.h"
#include "child.h"

#define ROUNDS 12
#define THINGS 120 /* of each kind that a book may have */

static void note_random_change(tj_txn *txn)
{
    static const char *const accounts[] = {"", "okx"};
    char name[16];
    unsigned number = random_below(THINGS);
    bool deletes = random_below(3) == 0;
    tj_str account = tj_str_of(accounts[random_below(2)]);
    tj_uuid id = uuid(number);
    tj_algo_state algo = {TJ_STR("twap"), TJ_STR("{}")};
    snprintf(name, sizeof name, "C%u", number);
    tj_order order = plain_order(name);
    tj_position position = plain_position(name);
    switch (random_below(3)) {
    case 0:
        child_must(deletes ? tj_txn_delete_order(txn, order.id, &err)
                           : tj_txn_put_order(txn, &order, &err),
                   &err);
        break;
    case 1:
        child_must(deletes ? tj_txn_delete_position(txn, account, position.symbol, &err)
                           : tj_txn_put_position(txn, account, &position, &err),
                   &err);
        break;
    default:
        child_must(deletes ? tj_txn_delete_algo(txn, &id, &err)
                           : tj_txn_put_algo(txn, &id, &algo, &err),
                   &err);
    }
}

static void commit_changes(tj_store *store, unsigned changes)
{
    static const char *const books[] = {"default", "other"};
    tj_portfolio portfolio = plain_portfolio();
    for (size_t book = 0; book < 2; book++) {
        tj_txn *txn = NULL;
        child_must(tj_txn_begin(store, &txn, &err), &err);
        child_must(tj_txn_use_book(txn, books[book], &err), &err);
        child_must(tj_txn_put_portfolio(txn, &portfolio, &err), &err);
        for (unsigned i = 0; i < changes; i++) {
            note_random_change(txn);
        }
        child_must(tj_txn_commit(txn, NULL, NULL, &err), &err);
    }
}

/* Some changes that LMDB gets, and some that only the log has. */
static int child_change(const char *path, const char *seed)
{
    random_state = strtoull(seed, NULL, 10);
    tj_store *store = child_open(path, TJ_DURABILITY_OS);
    tj_status status = tj_store_book_create(store, "default", &err);
    if (status != TJ_EXISTS) {
        child_must(status, &err);
        child_must(tj_store_book_create(store, "other", &err), &err);
    }
    commit_changes(store, random_below(1000));
    child_must(tj_store_close(store, &err), &err);
    store = child_open(path, TJ_DURABILITY_OS);
    commit_changes(store, random_below(2) ? random_below(10) : random_below(300));
    say("saved");
    return child_wait();
}

static void assert_same_counts(const tj_book_info *told, const tj_book_info *found)
{
    same_text("name", told->name, found->name);
    assert_int_equal(told->state_row_count, found->state_row_count);
    assert_int_equal(told->open_order_count, found->open_order_count);
    assert_int_equal(told->position_count, found->position_count);
    assert_int_equal(told->algo_count, found->algo_count);
}

static void test_counts_beside_the_log(void **state)
{
    fixture *f = *state;
    size_t rows = 0;
    random_start();
    f->config.read_only = true;
    for (unsigned round = 0; round < ROUNDS; round++) {
        char seed[32];
        tj_book_list *told = NULL;
        tj_book_list *found = NULL;
        snprintf(seed, sizeof seed, "%" PRIu64, random_u64());
        save_and_be_killed(f, "change", seed);
        fixture_open(f);
        assert_ok(tj_store_books(f->store, &told, &err));
        assert_ok(tj_store_books(f->store, &found, &err));
        assert_int_equal(told->count, 2);
        for (size_t i = 0; i < 2; i++) {
            assert_same_counts(&told->books[i], &found->books[i]);
            rows += found->books[i].state_row_count;
        }
        tj_book_list_free(told);
        tj_book_list_free(found);
        fixture_close(f);
    }
    assert_true(rows > 0);
}

int main(int argc, char **argv)
{
    if (argc == 5 && strcmp(argv[1], "child") == 0) {
        return child_change(argv[3], argv[4]);
    }
    const struct CMUnitTest tests[] = {
        JOURNAL_TEST(test_counts_beside_the_log),
    };
    return cmocka_run_group_tests_name("counts", tests, NULL, NULL);
}
