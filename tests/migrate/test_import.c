/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Sources against each other, against the options and against the journal. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "migrate/support.h"

#define SNAPSHOT(prices)                                              \
    "{\"portfolio\":null,\"open_orders\":[],\"last_prices\":{" prices \
    "},\"last_candle_ts\":null,\"strategy_state\":null}"
#define ALGO_ID "00000000-0000-4000-8000-000000000001"
#define ENTRY(sequence, amount)                                                            \
    "{\"id\":\"abc00000-0000-4000-8000-00000000000" sequence "\",\"sequence\":" sequence   \
    ",\"timestamp\":\"2025-11-23T12:13:20Z\",\"exchange\":\"binance\",\"asset\":\"USDT\"," \
    "\"amount\":\"" amount "\",\"entry_type\":\"fee\",\"reference_id\":\"r\",\"meta\":null}\n"

static tj_status import(const place *p, const tj_import_options *options, const char *book,
                        tj_import_report **report)
{
    tj_config config = config_of(p);
    config.book = book;
    err = (tj_error)TJ_ERROR_INIT;
    return tj_import(&config, options, report, &err);
}

/* Imports files into a book and gives the report back. */
static tj_import_report *imported(const place *p, const tj_import_options *options,
                                  const char *book)
{
    tj_import_report *report = NULL;
    assert_ok(import(p, options, book, &report));
    assert_non_null(report);
    return report;
}

static void import_text(const place *p, const char *text, const char *book, bool replace)
{
    path_text file = file_with(p->directory, "source", text);
    const char *sources[] = {file.text};
    tj_import_options options = options_of(sources, 1);
    options.replace = replace;
    tj_import_report_free(imported(p, &options, book));
}

static void refused(const place *p, const char *text, const tj_import_options *given,
                    tj_status status, const char *message)
{
    path_text file = file_with(p->directory, "source", text);
    const char *sources[] = {file.text};
    tj_import_options options = given ? *given : options_of(sources, 1);
    options.sources = sources;
    options.source_count = 1;
    tj_import_report *report = NULL;
    assert_refused(import(p, &options, NULL, &report), status, message);
    /* It tells of repeated keys, and of nothing else. */
    assert_true(!report || report->repeated_count > 0);
    tj_import_report_free(report);
}

/* ---- what is no source --------------------------------------------------------------------- */

static void other_files_are_refused(void **state)
{
    const place *p = *state;
    refused(p, "", NULL, TJ_INVALID, "source is empty (0 bytes)");
    refused(p, "hello", NULL, TJ_INVALID,
            "is no LMDB file, no SQLite database and no JSON: line 1, column 1");
    refused(p, "[1]", NULL, TJ_UNSUPPORTED, "is JSON, but no snapshot");
    refused(p, "{\"some\":1}", NULL, TJ_UNSUPPORTED, "is JSON, but no snapshot");
    refused(p, "{\"last_prices\":{\"A\":\"x\"}}", NULL, TJ_INVALID,
            "source: last_prices.A: line 1");
    refused(p, ENTRY("1", "1") "{}\n", NULL, TJ_INVALID, "line 2, column 1: member ");
    refused(p, ENTRY("1", "1") "{\"sequence\":1,\"sequence\":2}\n", NULL, TJ_INVALID,
            "key \"sequence\" stands twice (column 2 and line 2, column 15)");
    refused(p, ENTRY("1", "1") ENTRY("1", "2"), NULL, TJ_CONFLICT,
            "holds different ledger entries with sequence 1");
    refused(p, "{}", NULL, TJ_NOT_FOUND, "the sources hold nothing to import");
    refused(p, "{\"" ALGO_ID "\":{\"algo_type\":\"TWAP\"}}", NULL, TJ_INVALID, "state");
    assert_false(is_journal(p)); /* a journal is created only when all was read */
    const char *nowhere[] = {"/nowhere/at/all"};
    tj_import_options options = options_of(nowhere, 1);
    tj_import_report *report = NULL;
    assert_refused(import(p, &options, NULL, &report), TJ_NOT_FOUND, "/nowhere/at/all");
    const char *directory[] = {p->directory};
    options.sources = directory;
    assert_refused(import(p, &options, NULL, &report), TJ_UNSUPPORTED,
                   "is a directory without data.mdb: name the stores themselves");
}

static void wrong_calls_are_refused(void **state)
{
    const place *p = *state;
    tj_import_options options = options_of(NULL, 0);
    tj_import_report *report = NULL;
    assert_refused(import(p, &options, NULL, &report), TJ_MISUSE, "no source is named");
    options.struct_size = 1;
    assert_refused(import(p, &options, NULL, &report), TJ_MISUSE, "TJ_IMPORT_OPTIONS_INIT");
    const char *sources[] = {"x"};
    options = options_of(sources, 1);
    assert_refused(tj_import(NULL, &options, &report, &err), TJ_MISUSE,
                   "no journal to import into");
    assert_refused(tj_import(NULL, &options, NULL, &err), TJ_MISUSE, "no place");
    const char *const none[] = {NULL};
    options.sources = none;
    assert_refused(import(p, &options, NULL, &report), TJ_MISUSE, "source 1 is NULL");
    options.sources = sources;
    options.maps = none;
    options.map_count = 1;
    assert_refused(import(p, &options, NULL, &report), TJ_MISUSE, "map 1 is NULL");
    options = options_of(sources, 1);
    tj_config memory = TJ_CONFIG_INIT;
    memory.type = TJ_ENGINE_MEMORY;
    assert_refused(tj_import(&memory, &options, &report, &err), TJ_MISUSE, "a store in memory");
}

static void maps_are_checked(void **state)
{
    const place *p = *state;
    const struct {
        const char *map;
        const char *message;
    } wrong[] = {{"BTCUSDT", "has no ="},
                 {"=a:B", "names no code before its ="},
                 {"x:BTCUSDT=a:B", "starts from a code that has an exchange already"},
                 {"BTCUSDT=BTCUSDT", "does not end in an exchange and a code"},
                 {"BTCUSDT=-", "does not end in an exchange and a code"},
                 {"BTCUSDT#0=a:B", "has no number from 1 on behind its #"},
                 {"BTCUSDT#x=a:B", "has no number behind its #"}};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        tj_import_options options = options_of(NULL, 0);
        options.maps = &wrong[i].map;
        options.map_count = 1;
        refused(p, SNAPSHOT("\"A\":\"1\""), &options, TJ_INVALID, wrong[i].message);
    }
    char longer[TJ_CODE_SIZE_MAX + 8];
    snprintf(longer, sizeof longer, "%0*d=a:B", TJ_CODE_SIZE_MAX + 1, 0);
    const char *map = longer;
    tj_import_options options = options_of(NULL, 0);
    options.maps = &map;
    options.map_count = 1;
    refused(p, SNAPSHOT("\"A\":\"1\""), &options, TJ_LIMIT, "has 129 bytes; at most 128");
    options = options_of(NULL, 0);
    options.exchange = " ";
    refused(p, SNAPSHOT("\"A\":\"1\""), &options, TJ_INVALID, "exchange");
}

/* ---- exchanges ----------------------------------------------------------------------------- */

static const char venues_snapshot[] =
    "{\"portfolio\":{\"positions\":{\"AAA\":{\"symbol\":\"AAA\",\"side\":null,\"quantity\":\"0\","
    "\"entry_price\":null,\"unrealized_pnl\":\"0\",\"updated_at\":\"2025-01-01T00:00:00Z\"}},"
    "\"balances\":{\"USDT\":{\"currency\":\"USDT\",\"quantity\":\"1\",\"conversion_rate\":\"1\"}},"
    "\"reporting_currency\":\"USDT\",\"initial_equity\":\"1\",\"drawdown_limit\":null,"
    "\"peak_equity\":\"1\",\"liquidate_only\":false,\"sub_accounts\":{\"sub\":{\"exchange\":"
    "\"sub\","
    "\"positions\":{},\"balances\":{\"USDT\":{\"currency\":\"USDT\",\"quantity\":\"1\","
    "\"conversion_rate\":\"1\"}}}}},\"open_orders\":[],\"last_prices\":{\"AAA\":\"1\",\"BBB\":"
    "\"2\","
    "\"own:CCC\":\"3\"},\"last_candle_ts\":null,\"strategy_state\":null}";

static void has(const place *p, const char *book, const char *text)
{
    char *json = state_json(p, book);
    assert_non_null(json);
    if (!strstr(json, text)) {
        fail_msg("%s lacks %s", json, text);
    }
    free(json);
}

static void codes_get_their_exchange(void **state)
{
    const place *p = *state;
    path_text file = file_with(p->directory, "source", venues_snapshot);
    path_text ledger = file_with(p->directory, "ledger", ENTRY("1", "1"));
    const char *sources[] = {file.text, ledger.text};
    const char *maps[] = {"bbb=Other:bbx", "usdt=cash:usdt", "nobody=x:Y"};
    tj_import_options options = options_of(sources, 2);

    tj_import_report *report = imported(p, &options, "as it is");
    assert_int_equal(report->unqualified_count, 4); /* AAA twice, BBB, USDT */
    tj_import_report_free(report);
    assert_state(p, "as it is", venues_snapshot);

    options.maps = maps;
    options.map_count = 1;
    report = imported(p, &options, "one");
    assert_int_equal(report->unqualified_count, 3);
    tj_import_report_free(report);
    has(p, "one", "\"last_prices\":{\"AAA\":\"1\",\"other:BBX\":\"2\",\"own:CCC\":\"3\"}");
    has(p, "one", "\"balances\":{\"sub:USDT\":{\"currency\":\"sub:USDT\"");
    has(p, "one", "\"balances\":{\"USDT\":{\"currency\":\"USDT\"");

    options.map_count = 3;
    options.exchange = "Binance_Perp";
    report = imported(p, &options, "all");
    assert_int_equal(report->unqualified_count, 0);
    assert_int_equal(report->remark_count, 1);
    assert_text(report->remarks[0].what, "nobody=x:Y");
    assert_text(report->remarks[0].reason, "this map met nothing in the sources");
    tj_import_report_free(report);
    has(p, "all", "\"last_prices\":{\"binance_perp:AAA\":\"1\",\"other:BBX\":\"2\",\"own:CCC\":");
    has(p, "all", "\"positions\":{\"binance_perp:AAA\":{\"symbol\":\"binance_perp:AAA\"");
    has(p, "all", "\"reporting_currency\":\"cash:USDT\"");
    tj_store *store = open_journal(p);
    tj_ledger_list *entries = NULL;
    assert_ok(tj_ledger_find(tj_store_ledger_repository(store, "all"), NULL, &entries, &err));
    assert_text(entries->entries[0].asset.exchange, "binance");
    tj_ledger_list_free(entries);
    assert_ok(tj_ledger_find(tj_store_ledger_repository(store, "as it is"), NULL, &entries, &err));
    assert_int_equal(entries->entries[0].asset.exchange.size, 0);
    tj_ledger_list_free(entries);
    close_journal(store);
}

static void an_exchange_leaves_the_reporting_currency(void **state)
{
    const place *p = *state;
    path_text file = file_with(p->directory, "source", venues_snapshot);
    const char *sources[] = {file.text};
    tj_import_options options = options_of(sources, 1);
    options.exchange = "x";
    tj_import_report_free(imported(p, &options, NULL));
    has(p, NULL, "\"reporting_currency\":\"USDT\"");
    has(p, NULL, "\"balances\":{\"x:USDT\":");
}

/* A map that gives two codes one identity is caught by the plan. */
static void two_codes_do_not_become_one(void **state)
{
    const char *maps[] = {"AAA=x:A", "BBB=x:A"};
    tj_import_options options = options_of(NULL, 0);
    options.maps = maps;
    options.map_count = 2;
    refused(*state, SNAPSHOT("\"AAA\":\"1\",\"BBB\":\"2\""), &options, TJ_INVALID, "x:A");
}

/* ---- repeated keys --------------------------------------------------------------------------- */

#define REPEATED SNAPSHOT("\"AAA\":\"1\",\"BBB\":\"2.20\",\"bbb\":\"1.10\",\"CCC\":\"3\"")

static void repeated_keys_are_listed(void **state)
{
    refused(
        *state, REPEATED, NULL, TJ_INVALID,
        "last_prices.BBB holds 2 values: #1 \"2.20\", #2 \"1.10\"; say which is which with --map "
        "last_prices.BBB#1=EXCHANGE:BBB --map last_prices.BBB#2=EXCHANGE:BBB (=- instead of an "
        "exchange leaves that one out;");
    /* One of the two is not enough. */
    const char *maps[] = {"BBB#1=x:BBB"};
    tj_import_options options = options_of(NULL, 0);
    options.maps = maps;
    options.map_count = 1;
    refused(*state, REPEATED, &options, TJ_INVALID, "last_prices.BBB holds 2 values");
    /* What is advised for one that has its exchange is an identity, too. */
    refused(*state, SNAPSHOT("\"x:A\":\"1\",\"X:a\":\"2\""), NULL, TJ_INVALID,
            "--map last_prices.x:A#1=EXCHANGE:A --map last_prices.x:A#2=EXCHANGE:A (");
    assert_false(is_journal(*state));
}

static void what_remains_of_repeated_keys_needs_no_map(void **state)
{
    const place *p = *state;
    path_text file = file_with(p->directory, "source", SNAPSHOT("\"x:A\":\"1\",\"X:a\":\"2\""));
    const char *sources[] = {file.text};
    const char *maps[] = {"last_prices.x:A#2=-", "last_prices.x:a#2=y:A"};
    tj_import_options options = options_of(sources, 1);
    options.maps = maps;
    options.map_count = 1;
    tj_import_report *report = imported(p, &options, "one");
    assert_int_equal(report->lost_count, 1);
    tj_import_report_free(report);
    has(p, "one", "\"last_prices\":{\"x:A\":\"1\"}");
    options.map_count = 2;
    refused(p, SNAPSHOT(""), &options, TJ_INVALID, "names a code that another map names already");
}

static void repeated_keys_are_resolved(void **state)
{
    const place *p = *state;
    path_text file = file_with(p->directory, "source", REPEATED);
    const char *sources[] = {file.text};
    const char *maps[] = {"last_prices.BBB#1=x:BBB", "BBB#2=y:BBB"};
    tj_import_options options = options_of(sources, 1);
    options.maps = maps;
    options.map_count = 2;
    tj_import_report *report = imported(p, &options, "both");
    assert_int_equal(report->last_price_count, 4);
    assert_int_equal(report->lost_count, 0);
    tj_import_report_free(report);
    has(p, "both", "{\"AAA\":\"1\",\"CCC\":\"3\",\"x:BBB\":\"2.20\",\"y:BBB\":\"1.10\"}");

    maps[1] = "last_prices.BBB#2=-";
    report = imported(p, &options, "one");
    assert_int_equal(report->last_price_count, 3);
    assert_int_equal(report->lost_count, 1);
    assert_text(report->lost[0].what, "last_prices.BBB#2");
    assert_text(report->lost[0].reason, "left out by --map; its value: \"1.10\"");
    tj_import_report_free(report);
    has(p, "one", "{\"AAA\":\"1\",\"CCC\":\"3\",\"x:BBB\":\"2.20\"}");

    maps[1] = "positions.BBB#2=y:BBB"; /* of another map */
    refused(p, REPEATED, &options, TJ_INVALID, "last_prices.BBB holds 2 values");
}

#define POSITION(symbol, quantity)                                                              \
    "\"" symbol "\":{\"symbol\":\"" symbol "\",\"side\":\"Buy\",\"quantity\":\"" quantity "\"," \
    "\"entry_price\":null,\"unrealized_pnl\":\"0\",\"updated_at\":\"2025-01-01T00:00:00Z\"}"

static void repeated_positions_keep_their_symbol(void **state)
{
    const place *p = *state;
    const char text[] = "{\"portfolio\":{\"positions\":{" POSITION("AAA", "1") "," POSITION(
        "AAA",
        "2") "},\"balances\":{},\"reporting_currency\":\"USDT\",\"initial_equity\":\"1\","
             "\"drawdown_limit\":null,\"peak_equity\":\"1\",\"liquidate_only\":false,\"sub_"
             "accounts\":"
             "{\"sub\":{\"exchange\":\"sub\",\"positions\":{" POSITION("B.C", "3") "," POSITION(
                 "B.C", "4") "},\"balances\":{}}}},\"open_orders\":[],\"last_prices\":{}}";
    path_text file = file_with(p->directory, "source", text);
    const char *sources[] = {file.text};
    const char *maps[] = {"positions.AAA#1=x:AAA", "positions.AAA#2=y:AAA",
                          "sub_accounts.sub.positions.B.C#1=x:B.C",
                          "sub_accounts.sub.positions.B.C#2=y:B.C"};
    tj_import_options options = options_of(sources, 1);
    options.maps = maps;
    options.map_count = 4;
    tj_import_report_free(imported(p, &options, NULL));
    has(p, NULL, "\"positions\":{" POSITION("x:AAA", "1") "," POSITION("y:AAA", "2") "}");
    has(p, NULL, "\"positions\":{" POSITION("x:B.C", "3") "," POSITION("y:B.C", "4") "}");
    options.map_count = 2;
    refused(p, text, &options, TJ_INVALID, "sub_accounts.sub.positions.B.C holds 2 values");
}

/* ---- several sources ------------------------------------------------------------------------- */

static void contradicts(const place *p, const char *a, const char *b, const char *message)
{
    path_text first = file_with(p->directory, "a", a);
    path_text second = file_with(p->directory, "b", b);
    const char *sources[] = {first.text, second.text};
    tj_import_options options = options_of(sources, 2);
    tj_import_report *report = NULL;
    assert_refused(import(p, &options, NULL, &report), TJ_CONFLICT, message);
    assert_false(is_journal(p));
}

static void sources_must_not_contradict(void **state)
{
    const place *p = *state;
    contradicts(p, SNAPSHOT("\"A\":\"1\""), SNAPSHOT("\"A\":\"1.0\""), "hold different states");
    contradicts(p, "{\"" ALGO_ID "\":{\"algo_type\":\"TWAP\",\"state\":1}}",
                "{\"" ALGO_ID "\":{\"algo_type\":\"TWAP\",\"state\":2}}",
                "hold different states of algorithm " ALGO_ID);
    contradicts(p, ENTRY("1", "1"), ENTRY("1", "2"),
                "hold different ledger entries with sequence 1");
}

static void the_same_twice_is_taken_once(void **state)
{
    const place *p = *state;
    path_text a = file_with(p->directory, "a", SNAPSHOT("\"A\":\"1\",\"B\":\"2\""));
    path_text b = file_with(p->directory, "b", SNAPSHOT(" \"B\" : \"2\", \"A\" : \"1\""));
    path_text c = file_with(p->directory, "c",
                            "{\"" ALGO_ID "\":{\"algo_type\":\"T\",\"state\":{\"a\":1,\"b\":2}}}");
    path_text d = file_with(p->directory, "d",
                            "{\"" ALGO_ID "\":{\"plugin\":\"T\",\"payload\":{\"b\":2,\"a\":1}}}");
    path_text e = file_with(p->directory, "e", ENTRY("7", "1") ENTRY("3", "1") ENTRY("0", "5"));
    path_text f = file_with(p->directory, "f", ENTRY("3", "1"));
    const char *sources[] = {a.text, b.text, c.text, d.text, e.text, f.text};
    tj_import_options options = options_of(sources, 6);
    tj_import_report *report = imported(p, &options, NULL);
    assert_int_equal(report->source_count, 6);
    assert_int_equal(report->last_price_count, 2);
    assert_int_equal(report->algo_count, 1);
    assert_int_equal(report->ledger_count, 3);
    assert_int_equal(report->sequence, 1); /* one commit */
    tj_import_report_free(report);
    tj_store *store = open_journal(p);
    tj_ledger_list *entries = NULL;
    assert_ok(tj_ledger_find(tj_store_ledger_repository(store, NULL), NULL, &entries, &err));
    assert_int_equal(entries->count, 3);
    assert_int_equal(entries->entries[0].sequence, 3);
    assert_int_equal(entries->entries[1].sequence, 7);
    assert_int_equal(entries->entries[2].sequence, 8); /* the next number */
    tj_ledger_list_free(entries);
    close_journal(store);
}

static void one_file_is_named_once(void **state)
{
    const place *p = *state;
    path_text a = file_with(p->directory, "a", ENTRY("0", "5"));
    path_text link = path_in(p->directory, "link");
    assert_int_equal(symlink(a.text, link.text), 0);
    const char *sources[] = {a.text, link.text};
    tj_import_options options = options_of(sources, 2);
    tj_import_report *report = NULL;
    assert_refused(import(p, &options, NULL, &report), TJ_INVALID,
                   "/link are the same file: name it once");
    assert_false(is_journal(p));
}

static void unknown_members_are_named(void **state)
{
    const place *p = *state;
    path_text file = path_in(testdata(), "snapshots/unknown-members.json");
    const char *sources[] = {file.text};
    tj_import_options options = options_of(sources, 1);
    options.dry_run = true;
    tj_import_report *report = imported(p, &options, NULL);
    assert_true(report->remark_count >= 3);
    assert_non_null(strstr(report->remarks[0].what.data, "of the state"));
    tj_import_report_free(report);
    assert_false(is_journal(p));
}

/* ---- books that hold data -------------------------------------------------------------------- */

static void data_is_not_overwritten(void **state)
{
    const place *p = *state;
    import_text(p, SNAPSHOT("\"A\":\"1\""), NULL, false);
    refused(p, SNAPSHOT("\"A\":\"2\""), NULL, TJ_EXISTS,
            "book \"default\" holds data already (rows of state: 1, algorithms: 0, last ledger "
            "entry: 0, in quarantine: 0): replace it with --replace, or import into another book");
    assert_state(p, NULL, SNAPSHOT("\"A\":\"1\""));
    import_text(p, SNAPSHOT("\"B\":\"2\""), "other", false);
    assert_state(p, "other", SNAPSHOT("\"B\":\"2\""));
    import_text(p, SNAPSHOT("\"B\":\"3\""), NULL, true);
    assert_state(p, NULL, SNAPSHOT("\"B\":\"3\""));
    /* A dry run tells the same. */
    tj_import_options options = options_of(NULL, 0);
    options.dry_run = true;
    refused(p, SNAPSHOT("\"A\":\"2\""), &options, TJ_EXISTS, "holds data already");
}

static size_t algo_count(const place *p)
{
    tj_store *store = open_journal(p);
    tj_algo_list *list = NULL;
    assert_ok(tj_algo_load_all(tj_store_algo_repository(store, NULL), &list, &err));
    size_t count = list->count;
    tj_algo_list_free(list);
    close_journal(store);
    return count;
}

static void only_what_comes_in_is_replaced(void **state)
{
    const place *p = *state;
    import_text(p,
                "{\"" ALGO_ID "\":{\"algo_type\":\"T\",\"state\":1},"
                "\"00000000-0000-4000-8000-000000000002\":{\"algo_type\":\"T\",\"state\":1}}",
                NULL, false);
    import_text(p, SNAPSHOT("\"A\":\"1\""), NULL, true);
    assert_int_equal(algo_count(p), 2);
    import_text(p, "{\"" ALGO_ID "\":{\"algo_type\":\"T\",\"state\":5}}", NULL, true);
    assert_int_equal(algo_count(p), 1);
    assert_state(p, NULL, SNAPSHOT("\"A\":\"1\""));
}

static void a_ledger_is_never_rewritten(void **state)
{
    const place *p = *state;
    import_text(p, ENTRY("1", "1") ENTRY("4", "4"), NULL, false);
    path_text file = file_with(p->directory, "source", ENTRY("4", "4") ENTRY("5", "5"));
    const char *sources[] = {file.text};
    tj_import_options options = options_of(sources, 1);
    options.replace = true;
    tj_import_report *report = imported(p, &options, NULL);
    assert_int_equal(report->ledger_count, 1);
    assert_int_equal(report->ledger_kept_count, 1);
    tj_import_report_free(report);
    refused(p, ENTRY("4", "9"), &options, TJ_CONFLICT, "a ledger is never rewritten");
    refused(p, ENTRY("2", "2"), &options, TJ_CONFLICT, "what it has at 2 differs");
}

/* Unknown members of what was there before do not stay beside what replaces it. */
static void unknown_members_are_replaced(void **state)
{
    const place *p = *state;
    const char with[] = "{\"portfolio\":null,\"open_orders\":[],\"last_prices\":{\"A\":\"1\"},"
                        "\"last_candle_ts\":null,\"strategy_state\":null,\"more\":1}";
    import_text(p, with, NULL, false);
    assert_state(p, NULL, with);
    import_text(p, SNAPSHOT("\"A\":\"1\""), NULL, true);
    assert_state(p, NULL, SNAPSHOT("\"A\":\"1\""));
}

/* ---- quarantine ------------------------------------------------------------------------------ */

static void import_broken_state(const place *p)
{
    path_text file = path_in(testdata(), "damaged/state-truncated-json.db");
    const char *sources[] = {file.text};
    tj_import_options options = options_of(sources, 1);
    tj_import_report *report = imported(p, &options, NULL);
    assert_int_equal(report->quarantined_count, 1);
    assert_false(report->has_state);
    tj_import_report_free(report);
}

/* Unreadable is never empty. */
static void a_state_in_quarantine_is_no_empty_state(void **state)
{
    const place *p = *state;
    import_broken_state(p);
    assert_null(state_json(p, NULL));
    assert_int_equal(err.status, TJ_CORRUPT);
    assert_non_null(strstr(err.message, "the live state was imported undecoded and is in "
                                        "quarantine: line 1, column 1426"));
    tj_store *store = open_journal(p);
    tj_quarantine_list *list = NULL;
    assert_ok(tj_quarantine_load(store, NULL, &list, &err));
    assert_int_equal(list->count, 1);
    assert_text(list->items[0].name, "state");
    assert_int_equal(list->items[0].raw.size, 1435);
    tj_quarantine_list_free(list);
    /* Whoever saves a state has decided; the bytes stay. */
    tj_live_state empty = {.has_last_candle_ts = true};
    assert_ok(tj_state_save(tj_store_state_repository(store, NULL), &empty, &err));
    close_journal(store);
    has(p, NULL, "\"last_candle_ts\":\"1970-01-01T00:00:00Z\"");
    refused(p, SNAPSHOT("\"A\":\"1\""), NULL, TJ_EXISTS, "in quarantine: 1");
    import_text(p, SNAPSHOT("\"A\":\"1\""), NULL, true);
    store = open_journal(p);
    assert_ok(tj_quarantine_load(store, NULL, &list, &err));
    assert_int_equal(list->count, 0);
    tj_quarantine_list_free(list);
    close_journal(store);
}

static void a_broken_state_replaces_nothing(void **state)
{
    const place *p = *state;
    import_text(p, SNAPSHOT("\"A\":\"1\""), NULL, false);
    path_text file = path_in(testdata(), "damaged/state-truncated-json.db");
    const char *sources[] = {file.text};
    tj_import_options options = options_of(sources, 1);
    tj_import_report *report = NULL;
    options.replace = true;
    assert_refused(import(p, &options, NULL, &report), TJ_CORRUPT,
                   "must not stand beside the older one");
    assert_state(p, NULL, SNAPSHOT("\"A\":\"1\""));
}

static void algorithms_in_quarantine_are_listed(void **state)
{
    const place *p = *state;
    path_text file = path_in(testdata(), "damaged/algos-one-legacy-one-broken.db");
    const char *sources[] = {file.text};
    tj_import_options options = options_of(sources, 1);
    tj_import_report_free(imported(p, &options, NULL));
    tj_store *store = open_journal(p);
    tj_algo_repository *algos = tj_store_algo_repository(store, NULL);
    tj_algo_list *list = NULL;
    tj_algo_record *record = NULL;
    tj_uuid broken;
    assert_ok(tj_algo_load_all(algos, &list, &err));
    assert_int_equal(list->count, 5);
    assert_text(list->records[0].state.plugin, "TWAP");
    assert_text(list->records[0].state.payload,
                "{\"status\":\"Working\",\"filled_quantity\":\"1.5\"}");
    assert_int_equal(list->quarantined_count, 1);
    assert_text(list->quarantined[0].raw, "{\"algo_type\":\"TWAP\",\"sta");
    assert_ok(tj_uuid_parse(TJ_STR("aaaaaaaa-bbbb-4ccc-8ddd-eeeeeeeeeeee"), &broken, &err));
    assert_int_equal(tj_uuid_compare(list->quarantined[0].id, broken), 0);
    assert_refused(tj_algo_load(algos, &broken, &record, &err), TJ_CORRUPT, "is in quarantine");
    tj_algo_list_free(list);
    close_journal(store);
}

/* ---- more than one commit can have ----------------------------------------------------------- */

/* Four algorithms of 15 MiB each, as JSON. */
static path_text large_algos(const place *p)
{
    path_text path = path_in(p->directory, "large");
    FILE *file = fopen(path.text, "w");
    assert_non_null(file);
    char *filling = malloc((size_t)15 << 20);
    assert_non_null(filling);
    memset(filling, 'x', (size_t)15 << 20);
    for (int i = 0; i < 4; i++) {
        fprintf(file,
                "%s\"00000000-0000-4000-8000-00000000000%d\":{\"algo_type\":\"T\",\"state\":\"",
                i == 0 ? "{" : ",", i);
        assert_int_equal(fwrite(filling, 1, (size_t)15 << 20, file), (size_t)15 << 20);
        fputs("\"}", file);
    }
    fputs("}", file);
    assert_int_equal(fclose(file), 0);
    free(filling);
    return path;
}

static void a_large_import_builds_a_new_journal(void **state)
{
    const place *p = *state;
    path_text small = file_with(p->directory, "small", SNAPSHOT("\"A\":\"1\""));
    path_text large = large_algos(p);
    const char *sources[] = {small.text, large.text};
    tj_import_options options = options_of(sources, 2);
    tj_import_report *report = imported(p, &options, NULL);
    assert_int_equal(report->algo_count, 4);
    assert_int_equal(report->sequence, 2);
    tj_import_report_free(report);
    assert_state(p, NULL, SNAPSHOT("\"A\":\"1\""));
    assert_int_equal(algo_count(p), 4);
    assert_int_not_equal(access(path_in(p->directory, "journal.importing").text, F_OK), 0);
    assert_refused(
        import(p, &options, "other", &report), TJ_LIMIT,
        "the sources need 2 commits of about 40 MiB, and one is all that a journal in use "
        "gets: import into a journal that is not there yet");
    /* What a cut import left is not taken for one. */
    place q = *p;
    q.journal = path_in(p->directory, "second");
    assert_int_equal(mkdir(path_in(p->directory, "second.importing").text, 0700), 0);
    for (int dry = 0; dry <= 1; dry++) {
        options.dry_run = dry;
        assert_refused(import(&q, &options, NULL, &report), TJ_EXISTS, "second.importing");
    }
}

/* ---- the report ------------------------------------------------------------------------------ */

static void the_report_is_json(void **state)
{
    const place *p = *state;
    path_text file = path_in(testdata(), "damaged/algos-one-legacy-one-broken.db");
    const char *sources[] = {file.text};
    tj_import_options options = options_of(sources, 1);
    tj_import_report *report = imported(p, &options, NULL);
    tj_text text = {NULL, 0};
    report->sources[0].path = TJ_STR("a\xff\"b");
    assert_ok(tj_import_report_to_json(report, &text, &err));
    assert_non_null(strstr(text.data, "{\"book\":\"default\",\"dry_run\":false,\"seq\":1,"
                                      "\"sources\":[{\"path\":\"\\u0061\\u00ff\\u0022\\u0062\","
                                      "\"kind\":\"sqlite\",\"layout\":\"Tesser's SQLite algorithm "
                                      "store\",\"state\":false,\"algorithms\":5,"
                                      "\"ledger_entries\":0,\"quarantined\":1}],\"state\":null,"));
    assert_non_null(
        strstr(text.data, "\"raw_hex\":\"7b22616c676f5f74797065223a2254574150222c22737461\"}"));
    tj_text_dispose(&text);
    tj_import_report_free(report);
}

static void note_progress(void *context, const char *what, uint64_t done, uint64_t total)
{
    uint64_t *last = context;
    assert_non_null(what);
    assert_true(done >= *last && done <= total && total > 0);
    *last = done;
}

static void progress_reaches_its_end(void **state)
{
    const place *p = *state;
    path_text a = path_in(testdata(), "0.9.3/small/state.db");
    path_text b = path_in(testdata(), "0.9.3/small/ledger.db");
    const char *sources[] = {a.text, b.text};
    struct stat info[2];
    uint64_t last = 0;
    tj_import_options options = options_of(sources, 2);
    options.progress = note_progress;
    options.progress_context = &last;
    tj_import_report_free(imported(p, &options, NULL));
    assert_int_equal(stat(a.text, &info[0]) + stat(b.text, &info[1]), 0);
    assert_int_equal(last, info[0].st_size + info[1].st_size);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, place_setup, place_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(other_files_are_refused),
        TEST(wrong_calls_are_refused),
        TEST(maps_are_checked),
        TEST(codes_get_their_exchange),
        TEST(an_exchange_leaves_the_reporting_currency),
        TEST(two_codes_do_not_become_one),
        TEST(repeated_keys_are_listed),
        TEST(what_remains_of_repeated_keys_needs_no_map),
        TEST(repeated_keys_are_resolved),
        TEST(repeated_positions_keep_their_symbol),
        TEST(sources_must_not_contradict),
        TEST(the_same_twice_is_taken_once),
        TEST(one_file_is_named_once),
        TEST(unknown_members_are_named),
        TEST(data_is_not_overwritten),
        TEST(only_what_comes_in_is_replaced),
        TEST(a_ledger_is_never_rewritten),
        TEST(unknown_members_are_replaced),
        TEST(a_state_in_quarantine_is_no_empty_state),
        TEST(a_broken_state_replaces_nothing),
        TEST(algorithms_in_quarantine_are_listed),
        TEST(a_large_import_builds_a_new_journal),
        TEST(the_report_is_json),
        TEST(progress_reaches_its_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
