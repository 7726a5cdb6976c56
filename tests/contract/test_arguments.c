/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Calls that are wrong in themselves, calls on a store that only looks on, and what is told of
 * one. */
#include "contract.h"

#define NO_REPOSITORY "no repository, or an argument that must not be NULL is NULL"
#define NO_TXN "no transaction, or an argument that must not be NULL is NULL"

static void test_stores(fixture *f)
{
    tj_store *store = f->store;
    tj_config config = TJ_CONFIG_INIT;
    assert_refused(tj_store_open(&config, NULL, &err), TJ_MISUSE,
                   "no place to return the store in");
    assert_refused(tj_store_open(NULL, &store, &err), TJ_MISUSE, "TJ_CONFIG_INIT");
    assert_null(store);
    config.struct_size--;
    store = f->store;
    assert_refused(tj_store_open(&config, &store, &err), TJ_MISUSE, "TJ_CONFIG_INIT");
    assert_null(store);
    config = (tj_config)TJ_CONFIG_INIT;
    assert_refused(tj_store_open(&config, &store, &err), TJ_MISUSE, "no path is configured");
    config.type = (tj_engine_type)77;
    assert_refused(tj_store_open(&config, &store, &err), TJ_MISUSE, "there is no engine number 77");
    config.type = TJ_ENGINE_MEMORY;
    config.lmdb.segment_size_bytes = TJ_SEGMENT_SIZE_MIN - 1;
    assert_refused(tj_store_open(&config, &store, &err), TJ_MISUSE,
                   "segment_size is 65535 bytes; it must be at least 65536");
    config.lmdb.segment_size_bytes = UINT64_MAX;
    assert_refused(
        tj_store_open(&config, &store, &err), TJ_MISUSE,
        "segment_size is 18446744073709551615 bytes; it must be at most 1152921504606846976");
    config.lmdb.segment_size_bytes = 0;
    config.durability = (tj_durability)77;
    assert_refused(tj_store_open(&config, &store, &err), TJ_MISUSE,
                   "durability is none of its values");
    config.durability = TJ_DURABILITY_SYNC;
    config.postgres.standby_lost = (tj_standby_lost)2;
    assert_refused(tj_store_open(&config, &store, &err), TJ_MISUSE,
                   "standby_lost is none of its values");
    config.postgres.standby_lost = TJ_STANDBY_LOST_WAIT;
    config.read_only = true;
    assert_refused(tj_store_open(&config, &store, &err), TJ_MISUSE, "read-only");
    config.read_only = false;
    config.book = "";
    assert_refused(tj_store_open(&config, &store, &err), TJ_INVALID, "must not be empty");
    assert_ok(tj_store_close(NULL, &err));
    assert_int_equal(tj_store_open(NULL, &store, NULL), TJ_MISUSE); /* an error is optional */
}

static void test_store_calls(fixture *f)
{
    tj_store_info info = TJ_STORE_INFO_INIT;
    tj_book_list *books = NULL;
    assert_null(tj_store_state_repository(NULL, NULL));
    assert_null(tj_store_algo_repository(NULL, "a"));
    assert_null(tj_store_ledger_repository(NULL, NULL));
    assert_refused(tj_store_book_create(NULL, "a", &err), TJ_MISUSE, "no store");
    assert_refused(tj_store_book_create(f->store, NULL, &err), TJ_INVALID, "must not be empty");
    assert_refused(tj_store_books(NULL, &books, &err), TJ_MISUSE, "no store");
    assert_refused(tj_store_books(f->store, NULL, &err), TJ_MISUSE, "no place");
    assert_refused(tj_store_info_get(NULL, &info, &err), TJ_MISUSE, "no store");
    assert_refused(tj_store_info_get(f->store, NULL, &err), TJ_MISUSE, "TJ_STORE_INFO_INIT");
    info.struct_size = 4;
    assert_refused(tj_store_info_get(f->store, &info, &err), TJ_MISUSE, "TJ_STORE_INFO_INIT");
    tj_uuid id = uuid(1);
    assert_refused(tj_store_commit_find(NULL, &id, NULL, &err), TJ_MISUSE, "no store");
    assert_refused(tj_store_commit_find(f->store, NULL, NULL, &err), TJ_MISUSE, "no store");
    assert_refused(tj_store_work(NULL, &err), TJ_MISUSE, "no store");
    tj_book_list_free(NULL);
}

static void test_state_calls(fixture *f)
{
    tj_live_state state = {0};
    tj_live_state *loaded = NULL;
    assert_refused(tj_state_load(NULL, &loaded, &err), TJ_MISUSE, NO_REPOSITORY);
    assert_refused(tj_state_load(f->states, NULL, &err), TJ_MISUSE, NO_REPOSITORY);
    assert_refused(tj_state_save(NULL, &state, &err), TJ_MISUSE, NO_REPOSITORY);
    assert_refused(tj_state_save(f->states, NULL, &err), TJ_MISUSE, NO_REPOSITORY);
    tj_live_state_free(NULL);
}

/* Refuses a state of which a list that should hold something is NULL. */
static void refuses_list(fixture *f, tj_live_state *state, size_t *count, const char *told)
{
    *count = 2;
    assert_refused(tj_state_save(f->states, state, &err), TJ_MISUSE, told);
    *count = 0;
}

static void test_lists(fixture *f)
{
    tj_live_state state = {.has_portfolio = true,
                           .portfolio.reporting_currency = {TJ_STR("a"), TJ_STR("USDT")},
                           .has_execution_checkpoint = true};
    tj_sub_account account = {.exchange = TJ_STR("a")};
    refuses_list(f, &state, &state.open_order_count, "open_orders is NULL, and should hold 2");
    refuses_list(f, &state, &state.last_price_count, "last_prices is NULL");
    refuses_list(f, &state, &state.portfolio.position_count, "positions is NULL");
    refuses_list(f, &state, &state.portfolio.balance_count, "balances is NULL");
    refuses_list(f, &state, &state.portfolio.sub_account_count, "sub_accounts is NULL");
    refuses_list(f, &state, &state.execution_checkpoint.exec_id_count, "exec_ids is NULL");
    state.portfolio.sub_accounts = &account;
    state.portfolio.sub_account_count = 1;
    refuses_list(f, &state, &account.position_count, "positions is NULL");
}

static void test_algo_calls(fixture *f)
{
    tj_uuid id = uuid(1);
    tj_algo_state algo = {TJ_STR("twap"), TJ_STR("1")};
    tj_algo_record *record = NULL;
    tj_algo_list *list = NULL;
    assert_refused(tj_algo_save(NULL, &id, &algo, &err), TJ_MISUSE, NO_REPOSITORY);
    assert_refused(tj_algo_save(f->algos, NULL, &algo, &err), TJ_MISUSE, NO_REPOSITORY);
    assert_refused(tj_algo_save(f->algos, &id, NULL, &err), TJ_MISUSE, NO_REPOSITORY);
    assert_refused(tj_algo_load(NULL, &id, &record, &err), TJ_MISUSE, NO_REPOSITORY);
    assert_refused(tj_algo_load(f->algos, NULL, &record, &err), TJ_MISUSE, NO_REPOSITORY);
    assert_refused(tj_algo_load(f->algos, &id, NULL, &err), TJ_MISUSE, NO_REPOSITORY);
    assert_refused(tj_algo_load_all(NULL, &list, &err), TJ_MISUSE, NO_REPOSITORY);
    assert_refused(tj_algo_load_all(f->algos, NULL, &err), TJ_MISUSE, NO_REPOSITORY);
    assert_refused(tj_algo_delete(NULL, &id, &err), TJ_MISUSE, NO_REPOSITORY);
    assert_refused(tj_algo_delete(f->algos, NULL, &err), TJ_MISUSE, NO_REPOSITORY);
    tj_algo_record_free(NULL);
    tj_algo_list_free(NULL);
}

static void test_ledger_calls(fixture *f)
{
    tj_ledger_entry entry = plain_entry(1, "1");
    tj_ledger_query query = TJ_LEDGER_QUERY_INIT;
    tj_ledger_list *list = NULL;
    uint64_t last = 0;
    assert_refused(tj_ledger_append(NULL, &entry, 1, &last, &err), TJ_MISUSE, NO_REPOSITORY);
    assert_refused(tj_ledger_append(f->ledger, NULL, 1, &last, &err), TJ_MISUSE, NO_REPOSITORY);
    assert_refused(tj_ledger_latest(NULL, &last, &err), TJ_MISUSE, NO_REPOSITORY);
    assert_refused(tj_ledger_latest(f->ledger, NULL, &err), TJ_MISUSE, NO_REPOSITORY);
    assert_refused(tj_ledger_find(NULL, &query, &list, &err), TJ_MISUSE, NO_REPOSITORY);
    assert_refused(tj_ledger_find(f->ledger, &query, NULL, &err), TJ_MISUSE, NO_REPOSITORY);
    query.type = (tj_ledger_type)7;
    assert_refused(tj_ledger_find(f->ledger, &query, &list, &err), TJ_INVALID,
                   "type is 7, which is none of its values (0 to 6)");
    query.struct_size = 1;
    assert_refused(tj_ledger_find(f->ledger, &query, &list, &err), TJ_MISUSE,
                   "TJ_LEDGER_QUERY_INIT");
    assert_null(list);
    tj_ledger_list_free(NULL);
}

static void test_calls_without_a_transaction(fixture *f)
{
    tj_txn *txn = NULL;
    tj_uuid id = uuid(1);
    tj_live_state state = {0};
    tj_order order = plain_order("a");
    tj_portfolio portfolio = plain_portfolio();
    tj_sub_account account = {.exchange = TJ_STR("okx")};
    tj_position position = plain_position("ABC");
    tj_balance balance = plain_balance("USDT");
    tj_price price = {identity("ABC"), decimal("1")};
    tj_algo_state algo = {TJ_STR("twap"), TJ_STR("1")};
    tj_ledger_entry entry = plain_entry(1, "1");
    tj_str none = {NULL, 0};
    assert_refused(tj_txn_begin(NULL, &txn, &err), TJ_MISUSE, NO_TXN);
    assert_refused(tj_txn_begin(f->store, NULL, &err), TJ_MISUSE, NO_TXN);
    assert_refused(tj_txn_use_book(NULL, "a", &err), TJ_MISUSE, NO_TXN);
    assert_refused(tj_txn_put_state(NULL, &state, &err), TJ_MISUSE, NO_TXN);
    assert_refused(tj_txn_put_order(NULL, &order, &err), TJ_MISUSE, NO_TXN);
    assert_refused(tj_txn_delete_order(NULL, order.id, &err), TJ_MISUSE, NO_TXN);
    assert_refused(tj_txn_put_portfolio(NULL, &portfolio, &err), TJ_MISUSE, NO_TXN);
    assert_refused(tj_txn_delete_portfolio(NULL, &err), TJ_MISUSE, NO_TXN);
    assert_refused(tj_txn_put_sub_account(NULL, &account, &err), TJ_MISUSE, NO_TXN);
    assert_refused(tj_txn_delete_sub_account(NULL, account.exchange, &err), TJ_MISUSE, NO_TXN);
    assert_refused(tj_txn_put_position(NULL, none, &position, &err), TJ_MISUSE, NO_TXN);
    assert_refused(tj_txn_delete_position(NULL, none, position.symbol, &err), TJ_MISUSE, NO_TXN);
    assert_refused(tj_txn_put_balance(NULL, none, &balance, &err), TJ_MISUSE, NO_TXN);
    assert_refused(tj_txn_delete_balance(NULL, none, balance.currency, &err), TJ_MISUSE, NO_TXN);
    assert_refused(tj_txn_put_price(NULL, &price, &err), TJ_MISUSE, NO_TXN);
    assert_refused(tj_txn_delete_price(NULL, price.symbol, &err), TJ_MISUSE, NO_TXN);
    assert_refused(tj_txn_set_portfolio_equity(NULL, NULL, &err), TJ_MISUSE, NO_TXN);
    assert_refused(tj_txn_set_last_candle_ts(NULL, NULL, &err), TJ_MISUSE, NO_TXN);
    assert_refused(tj_txn_set_strategy_state(NULL, none, &err), TJ_MISUSE, NO_TXN);
    assert_refused(tj_txn_set_execution_checkpoint(NULL, NULL, &err), TJ_MISUSE, NO_TXN);
    assert_refused(tj_txn_set_extra(NULL, TJ_STR("{}"), &err), TJ_MISUSE, NO_TXN);
    assert_refused(tj_txn_put_algo(NULL, &id, &algo, &err), TJ_MISUSE, NO_TXN);
    assert_refused(tj_txn_delete_algo(NULL, &id, &err), TJ_MISUSE, NO_TXN);
    assert_refused(tj_txn_append_ledger(NULL, &entry, &err), TJ_MISUSE, NO_TXN);
    assert_refused(tj_txn_commit(NULL, NULL, NULL, &err), TJ_MISUSE, NO_TXN);
    assert_refused(tj_txn_apply_json(NULL, TJ_STR("{}"), NULL, &err), TJ_MISUSE, "no transaction");
}

static void test_transaction_calls_without_a_value(fixture *f)
{
    tj_uuid id = uuid(1);
    tj_algo_state algo = {TJ_STR("twap"), TJ_STR("1")};
    tj_str none = {NULL, 0};
    tj_txn *txn = begin(f);
    assert_refused(tj_txn_put_state(txn, NULL, &err), TJ_MISUSE, NO_TXN);
    assert_refused(tj_txn_put_order(txn, NULL, &err), TJ_MISUSE, NO_TXN);
    assert_refused(tj_txn_put_portfolio(txn, NULL, &err), TJ_MISUSE, NO_TXN);
    assert_refused(tj_txn_put_sub_account(txn, NULL, &err), TJ_MISUSE, NO_TXN);
    assert_refused(tj_txn_put_position(txn, none, NULL, &err), TJ_MISUSE, NO_TXN);
    assert_refused(tj_txn_put_balance(txn, none, NULL, &err), TJ_MISUSE, NO_TXN);
    assert_refused(tj_txn_put_price(txn, NULL, &err), TJ_MISUSE, NO_TXN);
    assert_refused(tj_txn_put_algo(txn, NULL, &algo, &err), TJ_MISUSE, NO_TXN);
    assert_refused(tj_txn_put_algo(txn, &id, NULL, &err), TJ_MISUSE, NO_TXN);
    assert_refused(tj_txn_delete_algo(txn, NULL, &err), TJ_MISUSE, NO_TXN);
    assert_refused(tj_txn_append_ledger(txn, NULL, &err), TJ_MISUSE, NO_TXN);
    tj_commit_options options = TJ_COMMIT_OPTIONS_INIT;
    options.struct_size = 3;
    assert_refused(tj_txn_commit(txn, &options, NULL, &err), TJ_MISUSE, "TJ_COMMIT_OPTIONS_INIT");
}

/* ---- what another version of the library was built with ------------------------------------- */

/* What lies behind an older struct is neither read nor written: it is all ones here. */
#define OLDER(type, last_member) (offsetof(type, last_member) + sizeof(((type *)0)->last_member))

/* What is older than an engine cannot say where its server is. */
static void open_older(fixture *f, const tj_config *config)
{
    fixture_close(f);
    if (is_durable(f) && !is_journal(f)) {
        assert_refused(tj_store_open(config, &f->store, &err), TJ_MISUSE, "needs journal.url");
        fixture_open(f);
    } else {
        assert_ok(tj_store_open(config, &f->store, &err));
    }
}

static void test_structs_of_an_older_library(fixture *f)
{
    tj_config config;
    memset(&config, 0xff, sizeof config);
    memcpy(&config, &f->config, OLDER(tj_config, path));
    config.struct_size = OLDER(tj_config, path);
    open_older(f, &config);
    fixture_close(f);
    fixture_open(f);
    tj_store_info info;
    memset(&info, 0xff, sizeof info);
    info.struct_size = OLDER(tj_store_info, sequence);
    assert_ok(tj_store_info_get(f->store, &info, &err));
    assert_int_equal(info.type, f->engine->type);
    assert_int_equal(info.sequence, 0);
    assert_int_equal(info.sequence_time, -1);
    assert_int_equal(info.clock_behind_ns, -1);
    tj_ledger_query query;
    memset(&query, 0xff, sizeof query);
    query.struct_size = OLDER(tj_ledger_query, exchange);
    query.exchange = (tj_str){NULL, 0};
    tj_ledger_list *list = NULL;
    assert_ok(tj_ledger_find(f->ledger, &query, &list, &err));
    tj_ledger_list_free(list);
}

/* What an engine alone has keeps its size, and so moves nothing that comes behind it. */
_Static_assert(sizeof(tj_lmdb_config) == 128 && offsetof(tj_config, lmdb) == 64,
               "of configuration");
_Static_assert(offsetof(tj_config, lag_ms) == offsetof(tj_config, lmdb.lag_ms) &&
                   offsetof(tj_config, segment_size_bytes) ==
                       offsetof(tj_config, lmdb.segment_size_bytes) &&
                   offsetof(tj_store_info, space_low) == offsetof(tj_store_info, lmdb.space_low) &&
                   offsetof(tj_store_info, recovered_at) ==
                       offsetof(tj_store_info, lmdb.recovered_at),
               "programs written when there was one engine compile, and mean the same");
_Static_assert(sizeof(tj_postgres_config) == 120 && sizeof(tj_postgres_info) == 104,
               "of a server's");
_Static_assert(sizeof(tj_lmdb_info) == 192 && offsetof(tj_store_info, lmdb) == 4440,
               "of information");

static void test_structs_from_before_an_engine(fixture *f)
{
    tj_config config;
    memset(&config, 0xff, sizeof config);
    memcpy(&config, &f->config, offsetof(tj_config, lmdb));
    config.struct_size = offsetof(tj_config, lmdb);
    open_older(f, &config);
    tj_store_info info;
    memset(&info, 0xff, sizeof info);
    info.struct_size = offsetof(tj_store_info, lmdb);
    assert_ok(tj_store_info_get(f->store, &info, &err));
    assert_int_equal(info.clock_behind_ns, 0);
    assert_int_equal(info.lmdb.applied_sequence, UINT64_MAX);
    fixture_close(f);
    fixture_open(f);
}

static void test_engine_members_of_a_newer_library(fixture *f)
{
    tj_store *store = NULL;
    tj_config config = f->config;
    config.lmdb.reserved[7] = 1;
    assert_refused(tj_store_open(&config, &store, &err), TJ_MISUSE,
                   "the configuration's `lmdb` has members set that this library");
    assert_null(store);
    tj_store_info info;
    memset(&info, 0xff, sizeof info);
    info.struct_size = sizeof info;
    assert_ok(tj_store_info_get(f->store, &info, &err));
    assert_int_equal(info.lmdb.reserved[0], 0);
    assert_int_equal(info.lmdb.reserved[sizeof info.lmdb.reserved / sizeof *info.lmdb.reserved - 1],
                     0);
    assert_int_equal(info.lmdb.segment_count, is_journal(f) ? 1 : 0);
    assert_int_equal(
        info.postgres.reserved[sizeof info.postgres.reserved / sizeof *info.postgres.reserved - 1],
        0);
}

/* The server of the tests has none, either. */
static void test_standbys(fixture *f)
{
    tj_standby_list *list = NULL;
    assert_refused(tj_store_standbys(NULL, &list, &err), TJ_MISUSE, "no store");
    assert_refused(tj_store_standbys(f->store, NULL, &err), TJ_MISUSE, "no store, or no place");
    assert_ok(tj_store_standbys(f->store, &list, &err));
    assert_int_equal(list->count, 0);
    assert_true(list->is_shown && !list->is_behind);
    assert_int_equal(list->wanted.size, 0);
    tj_standby_list_free(list);
    tj_standby_list_free(NULL);
}

static void test_commit_options_of_an_older_library(fixture *f)
{
    tj_commit_options options;
    memset(&options, 0xff, sizeof options);
    options.struct_size = OLDER(tj_commit_options, commit_id);
    options.commit_id = uuid(1);
    uint64_t first = 0;
    uint64_t again = 0;
    assert_ok(tj_txn_commit(begin(f), &options, &first, &err));
    assert_ok(tj_txn_commit(begin(f), &options, &again, &err));
    assert_int_equal(first, 1);
    assert_int_equal(again, 1);
    tj_txn *txn = begin(f);
    const char *line = "{\"id\":\"00000000-0000-4000-8000-000000000007\"}";
    assert_ok(tj_txn_apply_json(txn, tj_str_of(line), &options, &err));
    tj_txn_abort(txn);
    assert_int_equal(options.struct_size, OLDER(tj_commit_options, commit_id));
    assert_int_equal(options.commit_id.bytes[15], 7);
    assert_int_equal(options.expected_sequence, UINT64_MAX);
}

static void test_structs_of_a_newer_library(fixture *f)
{
    tj_store *store = NULL;
    tj_config config = f->config;
    config.struct_size += sizeof(size_t);
    assert_refused(tj_store_open(&config, &store, &err), TJ_MISUSE, "made for a newer library");
    tj_store_info info = TJ_STORE_INFO_INIT;
    info.struct_size += sizeof(size_t);
    assert_refused(tj_store_info_get(f->store, &info, &err), TJ_MISUSE, "made for a newer library");
    tj_commit_options options = TJ_COMMIT_OPTIONS_INIT;
    options.struct_size += sizeof(size_t);
    assert_refused(tj_txn_commit(begin(f), &options, NULL, &err), TJ_MISUSE,
                   "made for a newer library");
}

/* ---- looking on ---------------------------------------------------------------------------- */

static void test_a_store_that_only_looks_on(fixture *f)
{
    if (!is_durable(f)) {
        return;
    }
    tj_uuid id = uuid(1);
    tj_live_state state = {.has_last_candle_ts = true, .last_candle_ts = 5};
    tj_algo_state algo = {TJ_STR("twap"), TJ_STR("1")};
    tj_ledger_entry entry = plain_entry(1, "1");
    assert_ok(tj_state_save(f->states, &state, &err));
    assert_ok(tj_algo_save(f->algos, &id, &algo, &err));
    fixture_close(f);
    f->config.read_only = true;
    fixture_open(f);
    assert_stored(f, &state);
    tj_txn *txn = (tj_txn *)&state;
    const char *reason = "the store was opened read-only: nothing can be saved";
    assert_refused(tj_state_save(f->states, &state, &err), TJ_READONLY, reason);
    assert_refused(tj_algo_save(f->algos, &id, &algo, &err), TJ_READONLY, reason);
    assert_refused(tj_algo_delete(f->algos, &id, &err), TJ_READONLY, reason);
    assert_refused(tj_ledger_append(f->ledger, &entry, 1, NULL, &err), TJ_READONLY, reason);
    assert_refused(tj_store_book_create(f->store, "new", &err), TJ_READONLY, reason);
    assert_refused(tj_txn_begin(f->store, &txn, &err), TJ_READONLY, reason);
    assert_null(txn);
    assert_stored(f, &state);
    fixture_close(f);
    f->config.read_only = false;
    fixture_open(f);
}

/* Of the row tables or of LMDB, whichever the engine has. */
static uint64_t applied_sequence(const fixture *f, const tj_store_info *info)
{
    return is_journal(f) ? info->lmdb.applied_sequence : info->postgres.applied_sequence;
}

static void assert_told_of_files(const fixture *f, const tj_store_info *info)
{
    assert_string_equal(info->path, f->journal);
    assert_int_equal(info->format_version, 2);
    assert_true(info->lmdb.segment_count >= 1 && info->lmdb.log_bytes >= TJ_SEGMENT_SIZE_MIN);
    assert_int_equal(info->lmdb.map_size_bytes, TJ_MAP_SIZE_DEFAULT);
    assert_int_equal(info->lmdb.recovered_bytes_cut, 0);
}

static void assert_told_of_a_server(const fixture *f, const tj_store_info *info)
{
    char end[DIRECTORY_SIZE + 32];
    snprintf(end, sizeof end, " contract.%s", f->journal);
    assert_non_null(strstr(info->path, end));
    assert_int_equal(info->format_version, 2);
    assert_int_equal(info->postgres.epoch, 1);
    assert_true(info->postgres.server_version >= 140000);
    assert_int_equal(info->postgres.away_since, 0);
}

static void assert_told_of_what_lasts(fixture *f, tj_store_info *info)
{
    assert_int_equal(info->durability, f->engine->durability);
    assert_false(tj_uuid_is_nil(info->journal_id));
    assert_true(info->state_bytes > 0);
    assert_true(info->writer_alive);
    assert_int_equal(info->writer_pid, getpid());
    assert_non_null(strstr(info->writer, "test_contract_a"));
    if (is_journal(f)) {
        assert_told_of_files(f, info);
    } else {
        assert_told_of_a_server(f, info);
    }
    tj_uuid id = info->journal_id;
    fixture_reopen(f);
    assert_ok(tj_store_info_get(f->store, info, &err));
    assert_int_equal(tj_uuid_compare(info->journal_id, id), 0);
    assert_int_equal(info->sequence, 5);
    assert_int_equal(applied_sequence(f, info), 5);
    assert_int_equal(info->lmdb.lag_bytes, 0);
    assert_int_equal(info->postgres.lag_bytes, 0);
}

static void test_what_is_told_of_a_store(fixture *f)
{
    tj_store_info info = TJ_STORE_INFO_INIT;
    tj_time before = tj_time_now();
    tj_live_state state = {.has_last_candle_ts = true};
    assert_ok(tj_store_info_get(f->store, &info, &err));
    assert_int_equal(info.type, f->engine->type);
    assert_int_equal(info.sequence, 0);
    assert_int_equal(info.sequence_time, 0);
    assert_int_equal(applied_sequence(f, &info), 0);
    for (int i = 0; i < 5; i++) {
        state.last_candle_ts++;
        assert_ok(tj_state_save(f->states, &state, &err));
    }
    assert_ok(tj_store_info_get(f->store, &info, &err));
    assert_int_equal(info.sequence, 5);
    assert_true(info.sequence_time >= before && info.sequence_time <= tj_time_now() + 1000);
    assert_true(applied_sequence(f, &info) <= 5);
    if (is_durable(f)) {
        assert_told_of_what_lasts(f, &info);
    }
}

static const contract_case cases[] = {
    CASE(test_stores),
    CASE(test_store_calls),
    CASE(test_state_calls),
    CASE(test_lists),
    CASE(test_algo_calls),
    CASE(test_ledger_calls),
    CASE(test_calls_without_a_transaction),
    CASE(test_transaction_calls_without_a_value),
    CASE(test_structs_of_an_older_library),
    CASE(test_structs_from_before_an_engine),
    CASE(test_engine_members_of_a_newer_library),
    CASE(test_standbys),
    CASE(test_commit_options_of_an_older_library),
    CASE(test_structs_of_a_newer_library),
    CASE(test_a_store_that_only_looks_on),
    CASE(test_what_is_told_of_a_store),
};

CONTRACT_MAIN("arguments", cases)
