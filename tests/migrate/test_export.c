/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Export: what Tesser cannot hold, a directory that is whole or not there, and back again. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "migrate/limits.h"
#include "migrate/sqlite.h"
#include "migrate/support.h"

#define ID "00000000-0000-4000-8000-000000000001"

/* A journal that was filled by one JSON line. */
static tj_store *filled(const place *p, const char *line)
{
    tj_config config = config_of(p);
    tj_store *store = NULL;
    tj_txn *txn = NULL;
    assert_ok(tj_store_open(&config, &store, &err));
    assert_ok(tj_txn_begin(store, &txn, &err));
    assert_ok(tj_txn_apply_json(txn, tj_str_of(line), NULL, &err));
    assert_ok(tj_txn_commit(txn, NULL, NULL, &err));
    return store;
}

static tj_export_options options_new(bool dry_run, bool force)
{
    tj_export_options options = TJ_EXPORT_OPTIONS_INIT;
    options.dry_run = dry_run;
    options.force = force;
    return options;
}

static bool there(const place *p, const char *name)
{
    return access(path_in(p->directory, name).text, F_OK) == 0;
}

static const char *note_on(const tj_export_report *report, const char *what)
{
    for (size_t i = 0; i < report->lost_count; i++) {
        if (strcmp(report->lost[i].what.data, what) == 0) {
            return report->lost[i].reason.data;
        }
    }
    fail_msg("nothing is said of %s", what);
    return NULL;
}

/* The line's book needs force for this one thing; nothing is written without. */
static void needs_force(const place *p, const char *line, const char *what, const char *reason)
{
    tj_store *store = filled(p, line);
    tj_export_report *report = NULL;
    path_text out = path_in(p->directory, "out");
    assert_refused(tj_export_tesser(store, out.text, NULL, &report, &err), TJ_CONFLICT,
                   "Tesser would lose or refuse 1 thing");
    assert_non_null(report);
    assert_int_equal(report->refused_count, 1);
    if (!strstr(note_on(report, what), reason)) {
        fail_msg("%s: %s", what, note_on(report, what));
    }
    assert_false(there(p, "out"));
    tj_export_report_free(report);
    tj_export_options force = options_new(false, true);
    assert_ok(tj_export_tesser(store, out.text, &force, &report, &err));
    assert_int_equal(report->refused_count, 1);
    tj_export_report_free(report);
    assert_true(there(p, "out/state.algos.db"));
    close_journal(store);
}

static void two_venues_with_one_code_need_force(void **state)
{
    needs_force(*state, "{\"last_prices\":{\"a:X\":\"1\",\"b:X\":\"2\",\"X\":\"3\",\"a:Y\":\"1\"}}",
                "last_prices of X", "exchanges none, a, b have this code");
}

static void a_long_decimal_needs_force(void **state)
{
    needs_force(*state, "{\"last_prices\":{\"X\":\"79228162514264337593543950336\"}}",
                "last price X: price",
                "79228162514264337593543950336 has more digits than Tesser's decimals hold");
}

static void a_long_scale_needs_force(void **state)
{
    needs_force(*state, "{\"last_prices\":{\"X\":\"0.00000000000000000000000000001\"}}",
                "last price X: price", "has more digits");
}

static void deep_json_needs_force(void **state)
{
    char line[1024] = "{\"algos\":{\"" ID "\":{\"plugin\":\"T\",\"payload\":";
    size_t size = strlen(line);
    memset(line + size, '[', 127);
    memset(line + size + 127, ']', 127);
    memcpy(line + size + 254, "}}}", 4);
    needs_force(*state, line, "algorithm " ID, "nested deeper than Tesser reads (127 levels)");
}

static void numbers_and_names_need_force(void **state)
{
    needs_force(*state, "{\"strategy_state\":{\"x\":[1E400,-1E400]}}", "strategy_state",
                "x[0] is 1E400: a larger number than Tesser reads; it refuses the whole state and "
                "starts from defaults (2 such in all)");
}

static void a_wide_integer_needs_force(void **state)
{
    needs_force(*state,
                "{\"algos\":{\"" ID "\":{\"plugin\":\"T\",\"payload\":"
                "{\"wei\":18446744073709551616}}}}",
                "algorithm " ID, "wei is 18446744073709551616: an integer of more than 64 bits");
}

static void a_repeated_name_needs_force(void **state)
{
    needs_force(*state, "{\"strategy_state\":{\"x\":1,\"x\":2}}", "strategy_state",
                "x stands twice: of members with one name Tesser keeps the last");
}

static void meta_is_looked_at(void **state)
{
    needs_force(*state,
                "{\"ledger\":[{\"id\":\"" ID "\",\"timestamp\":\"2025-01-01T00:00:00Z\","
                "\"exchange\":\"a\",\"asset\":\"USDT\",\"amount\":\"-2\",\"entry_type\":\"fee\","
                "\"reference_id\":\"o\",\"meta\":{\"x\":0.123456789012345678901234}}]}",
                "ledger entry 1", "x is 0.123456789012345678901234: more digits than the float");
}

/* Such a ledger is from before an id was refused when it came again. */
static void an_id_that_stands_twice_is_told(void **state)
{
    (void)state;
    tj_ledger_entry entries[3] = {{.sequence = 1}, {.sequence = 2}, {.sequence = 3}};
    tj_ledger_list ledger = {.entries = entries, .count = 3};
    tj_live_state live = {0};
    tj_algo_list algos = {0};
    tj_quarantine_list quarantine = {0};
    tj__exported book = {
        .state = &live, .algos = &algos, .ledger = &ledger, .quarantine = &quarantine};
    void *object = NULL;
    tj__arena *arena = tj__arena_new(sizeof(tj_export_report), &object);
    assert_non_null(arena);
    tj_export_report *report = object;
    entries[1].id.bytes[0] = 1;
    assert_ok(tj_decimal_parse(TJ_STR("-2.50"), &entries[2].amount, &err));
    report->ledger_count = 3;
    assert_ok(tj__limits_check(&book, arena, report, &err));
    assert_int_equal(report->refused_count, 1);
    assert_int_equal(report->ledger_count, 2);
    assert_non_null(strstr(note_on(report, "ledger entry 3"),
                           "is that of entry 1 too, and Tesser's table holds an id once: this one, "
                           "of -2.50, is left out"));
    assert_false(book.left_out[0] || book.left_out[1]);
    assert_true(book.left_out[2]);
    free(book.left_out);
    tj_export_report_free(report);
}

/* What Tesser's largest decimal and deepest JSON are is no loss. */
static void the_largest_is_whole(void **state)
{
    const place *p = *state;
    char line[1024] =
        "{\"last_prices\":{\"X\":\"-79228162514264337593543950335\",\"Y\":"
        "\"0.0000000000000000000000000001\"},\"algos\":{\"" ID "\":{\"plugin\":\"T\",\"payload\":";
    size_t size = strlen(line);
    memset(line + size, '[', 126);
    memset(line + size + 126, ']', 126);
    memcpy(line + size + 252, "}}}", 4);
    tj_store *store = filled(p, line);
    tj_export_report *report = NULL;
    tj_export_options dry = options_new(true, false);
    assert_ok(tj_export_tesser(store, path_in(p->directory, "out").text, &dry, &report, &err));
    assert_int_equal(report->lost_count, 0);
    assert_int_equal(report->algo_count, 1);
    tj_export_report_free(report);
    assert_false(there(p, "out"));
    close_journal(store);
}

static void an_exchange_is_told_and_goes(void **state)
{
    const place *p = *state;
    tj_store *store = filled(p, "{\"last_prices\":{\"a:X\":\"1\"},\"portfolio_equity\":\"5\"}");
    tj_export_report *report = NULL;
    tj_text text = {NULL, 0};
    path_text out = path_in(p->directory, "deeper/out");
    assert_ok(tj_export_tesser(store, out.text, NULL, &report, &err));
    assert_int_equal(report->qualified_count, 1);
    assert_int_equal(report->refused_count, 0);
    assert_non_null(strstr(note_on(report, "codes with an exchange"), "1 of them: Tesser reads"));
    assert_non_null(strstr(note_on(report, "portfolio_equity"), "passes over it"));
    assert_ok(tj_export_report_to_json(report, &text, &err));
    assert_non_null(strstr(text.data, "\"qualified_codes\":1,\"lost\":[{\"source\":null,"));
    tj_text_dispose(&text);
    tj_export_report_free(report);
    assert_refused(tj_export_tesser(store, out.text, NULL, &report, &err), TJ_EXISTS,
                   "is there already");
    assert_null(report);
    close_journal(store);
    bytes snapshot;
    read_bytes(path_in(out.text, "snapshot.json").text, &snapshot);
    assert_non_null(memmem(snapshot.data, snapshot.size, "{\"a:X\":\"1\"}", 11));
    free(snapshot.data);
}

static void quarantine_needs_force(void **state)
{
    const place *p = *state;
    path_text file = path_in(testdata(), "damaged/algos-one-legacy-one-broken.db");
    const char *sources[] = {file.text};
    tj_import_options options = options_of(sources, 1);
    tj_config config = config_of(p);
    tj_import_report *imported = NULL;
    tj_export_report *report = NULL;
    assert_ok(tj_import(&config, &options, &imported, &err));
    tj_import_report_free(imported);
    tj_store *store = open_journal(p);
    assert_refused(tj_export_tesser(store, path_in(p->directory, "out").text, NULL, &report, &err),
                   TJ_CONFLICT, "Tesser would lose or refuse 1 thing");
    assert_non_null(strstr(note_on(report, "algo:aaaaaaaa-bbbb-4ccc-8ddd-eeeeeeeeeeee"),
                           "`quarantine show --raw` gives its bytes"));
    tj_export_report_free(report);
    close_journal(store);
}

/* A target that cannot be written leaves nothing behind. */
static void a_failed_export_leaves_nothing(void **state)
{
    const place *p = *state;
    tj_store *store = filled(p, "{\"last_prices\":{\"X\":\"1\"}}");
    tj_export_report *report = NULL;
    (void)file_with(p->directory, "file", "x");
    path_text out = path_in(p->directory, "file/out");
    err = (tj_error)TJ_ERROR_INIT;
    assert_int_not_equal(tj_export_tesser(store, out.text, NULL, &report, &err), TJ_OK);
    assert_null(report);
    assert_non_null(strstr(err.message, "file"));
    assert_refused(tj_export_tesser(store, "", NULL, &report, &err), TJ_INVALID, "path is empty");
    assert_refused(tj_export_tesser(NULL, "x", NULL, &report, &err), TJ_MISUSE, "NULL");
    close_journal(store);
}

/* Everything of Tesser's own data comes back from an export of it. */
static void an_export_imports_again(void **state)
{
    static const char *const folders[] = {"0.9.2/typical", "0.9.2/edge", "0.9.3/typical",
                                          "0.9.3/edge"};
    const place *p = *state;
    for (size_t i = 0; i < sizeof folders / sizeof *folders; i++) {
        path_text folder = path_in(testdata(), folders[i]);
        path_text files[] = {path_in(folder.text, "state.db"), path_in(folder.text, "algos.db"),
                             path_in(folder.text, "ledger.db")};
        const char *sources[] = {files[0].text, files[1].text, files[2].text};
        tj_import_options options = options_of(sources, 3);
        tj_config config = config_of(p);
        tj_import_report *imported = NULL;
        tj_export_report *report = NULL;
        char name[32];
        snprintf(name, sizeof name, "out-%zu", i);
        path_text out = path_in(p->directory, name);
        config.book = folders[i];
        assert_ok(tj_import(&config, &options, &imported, &err));
        size_t ledger_count = imported->ledger_count;
        size_t algo_count = imported->algo_count;
        tj_import_report_free(imported);
        char *before = state_json(p, folders[i]);

        tj_store *store = open_journal(p);
        tj_export_options export = TJ_EXPORT_OPTIONS_INIT;
        export.book = folders[i];
        assert_ok(tj_export_tesser(store, out.text, &export, &report, &err));
        tj_export_report_free(report);
        close_journal(store);

        path_text back[] = {path_in(out.text, "state.db"), path_in(out.text, "state.algos.db"),
                            path_in(out.text, "snapshot.json")};
        const char *again[] = {back[0].text,  back[1].text,  back[2].text,
                               files[0].text, files[1].text, files[2].text};
        /* Together with the originals: what differed would be a contradiction. */
        options = options_of(again, 6);
        config.book = name;
        assert_ok(tj_import(&config, &options, &imported, &err));
        assert_int_equal(imported->ledger_count, ledger_count);
        assert_int_equal(imported->algo_count, algo_count);
        tj_import_report_free(imported);
        assert_state(p, name, before);
        free(before);
    }
}

/* As where a network's file system gives no locks: the journal is not damaged by that. */
static void a_locked_file_is_no_damage(void **state)
{
    const place *p = *state;
    path_text path = path_in(p->directory, "locked.db");
    tj__sqlite *first = NULL;
    tj__sqlite *second = NULL;
    assert_ok(tj__sqlite_create(path.text, "CREATE TABLE t (x)", false, &first, &err));
    assert_ok(tj__sqlite_run(first, "BEGIN EXCLUSIVE", NULL, 0, &err));
    assert_refused(tj__sqlite_create(path.text, "CREATE TABLE u (x)", false, &second, &err), TJ_IO,
                   "database is locked");
    assert_ok(tj__sqlite_run(first, "COMMIT", NULL, 0, &err));
    assert_ok(tj__sqlite_close(first, &err));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, place_setup, place_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(two_venues_with_one_code_need_force),
        TEST(a_long_decimal_needs_force),
        TEST(a_long_scale_needs_force),
        TEST(deep_json_needs_force),
        TEST(numbers_and_names_need_force),
        TEST(a_wide_integer_needs_force),
        TEST(a_repeated_name_needs_force),
        TEST(meta_is_looked_at),
        cmocka_unit_test(an_id_that_stands_twice_is_told),
        TEST(the_largest_is_whole),
        TEST(an_exchange_is_told_and_goes),
        TEST(quarantine_needs_force),
        TEST(a_failed_export_leaves_nothing),
        TEST(a_locked_file_is_no_damage),
        TEST(an_export_imports_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
