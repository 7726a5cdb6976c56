/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Tesser's SQLite stores as files: a -wal beside them, damage, other people's databases. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <unistd.h>

#include "base/buffer.h"
#include "migrate/image.h"
#include "migrate/sqlite.h"
#include "migrate/support.h"

#define FRAME_SIZE (24 + 4096)
#define FRAMES 6

/* Tesser's state store with a -wal: the newest state is only there. */
typedef struct live {
    path_text database;
    path_text wal;
    bytes frames;
} live;

static live live_store(const place *p)
{
    live l = {.database = path_in(p->directory, "state.db"),
              .wal = path_in(p->directory, "state.db-wal")};
    copy_file(path_in(testdata(), "live-wal/state.db").text, l.database.text);
    read_bytes(path_in(testdata(), "live-wal/state.db-wal").text, &l.frames);
    assert_int_equal(l.frames.size, 32 + FRAMES * FRAME_SIZE);
    return l;
}

static tj_status import_dry(const char *source, tj_import_report **report)
{
    const char *sources[] = {source};
    tj_import_options options = options_of(sources, 1);
    options.dry_run = true;
    err = (tj_error)TJ_ERROR_INIT;
    return tj_import(NULL, &options, report, &err);
}

/* Writes the -wal as it has become, and imports: the state has so many open orders. */
static void gives_orders(live *l, size_t orders, size_t remarks)
{
    tj_import_report *report = NULL;
    write_bytes(l->wal.text, &l->frames);
    assert_ok(import_dry(l->database.text, &report));
    assert_int_equal(report->open_order_count, orders);
    assert_int_equal(report->remark_count, remarks);
    tj_import_report_free(report);
}

static void gives_orders_by(const char *path, size_t orders)
{
    tj_import_report *report = NULL;
    assert_ok(import_dry(path, &report));
    assert_int_equal(report->open_order_count, orders);
    tj_import_report_free(report);
}

static void the_wal_is_beside_what_links_lead_to(void **state)
{
    const place *p = *state;
    live l = live_store(p);
    path_text link = path_in(p->directory, "link");
    path_text chain = path_in(p->directory, "other.db");
    path_text directory = path_in(p->directory, "directory");
    write_bytes(l.wal.text, &l.frames);
    assert_int_equal(symlink("state.db", link.text), 0);
    assert_int_equal(symlink(link.text, chain.text), 0);
    assert_int_equal(symlink(".", directory.text), 0);
    gives_orders_by(link.text, 24);
    gives_orders_by(chain.text, 24);
    gives_orders_by(path_in(directory.text, "state.db").text, 24);
    gives_orders_by(path_in(directory.text, "directory/link").text, 24);
    /* All pages in the -wal, none in the file. */
    assert_int_equal(truncate(l.database.text, 0), 0);
    gives_orders_by(chain.text, 24);
    tj_import_report *report = NULL;
    /* A rollback journal that was never finished. */
    (void)file_with(p->directory, "state.db-journal", "\xd9\xd5");
    assert_refused(import_dry(link.text, &report), TJ_UNSUPPORTED,
                   "a transaction was cut in the middle");
    free(l.frames.data);
}

static void a_hard_link_hides_the_wal(void **state)
{
    const place *p = *state;
    live l = live_store(p);
    path_text other = path_in(p->directory, "other.db");
    tj_import_report *report = NULL;
    write_bytes(l.wal.text, &l.frames);
    assert_int_equal(link(l.database.text, other.text), 0);
    assert_refused(import_dry(other.text, &report), TJ_UNSUPPORTED,
                   "is a hard link to a file of two names, and its -wal");
    gives_orders_by(l.database.text, 24);
    free(l.frames.data);
}

static void is_refused(live *l, const char *text)
{
    tj_import_report *report = NULL;
    write_bytes(l->wal.text, &l->frames);
    assert_refused(import_dry(l->database.text, &report), TJ_CORRUPT, text);
    assert_null(report);
}

static uint8_t *frame(live *l, size_t number)
{
    return l->frames.data + 32 + number * FRAME_SIZE;
}

static void grow(live *l, size_t more)
{
    l->frames.data = realloc(l->frames.data, l->frames.size + more);
    assert_non_null(l->frames.data);
    memset(l->frames.data + l->frames.size, 0, more);
    l->frames.size += more;
}

static void the_newest_state_is_in_the_wal(void **state)
{
    live l = live_store(*state);
    gives_orders(&l, 24, 0);
    l.frames.size = 0; /* as SQLite leaves it after a checkpoint that truncates */
    gives_orders(&l, 3, 0);
    free(l.frames.data);
}

static void every_changed_byte_of_the_wal_is_told(void **state)
{
    live l = live_store(*state);
    for (size_t number = 0; number < FRAMES; number++) {
        char text[64];
        snprintf(text, sizeof text, "is damaged or cut at frame %zu: it does not", number + 1);
        for (size_t at = 0; at < FRAME_SIZE; at += at < 24 ? 1 : 509) {
            frame(&l, number)[at] ^= 0x10;
            is_refused(&l, text);
            frame(&l, number)[at] ^= 0x10;
        }
    }
    for (size_t at = 0; at < 32; at++) {
        l.frames.data[at] ^= 0x10;
        is_refused(&l, "is damaged or cut in its header: it does not");
        l.frames.data[at] ^= 0x10;
    }
    gives_orders(&l, 24, 0);
    free(l.frames.data);
}

static void a_cut_wal_is_told(void **state)
{
    live l = live_store(*state);
    l.frames.size -= 1;
    is_refused(&l, "at frame 6: it ends in the middle of a frame");
    l.frames.size = 31;
    is_refused(&l, "it does not begin as such a log");
    l.frames.size = 32 + FRAME_SIZE;
    gives_orders(&l, 3, 1); /* a page that is not committed */
    l.frames.size = 32;
    gives_orders(&l, 3, 1); /* SQLite may leave it so, and so may a cut: it is told */
    free(l.frames.data);
}

/* Such a log is sound, and may be what was left of one that was cut: there is always a word of
 * it. */
static void a_wal_cut_between_frames_is_told(void **state)
{
    live l = live_store(*state);
    for (size_t frames = 0; frames < FRAMES; frames++) {
        l.frames.size = 32 + frames * FRAME_SIZE;
        gives_orders(&l, 3, 1);
    }
    free(l.frames.data);
}

/* What a log held before it was started anew stays behind its end. */
static void left_over_frames_are_passed_over(void **state)
{
    live l = live_store(*state);
    grow(&l, FRAME_SIZE);
    memcpy(frame(&l, FRAMES), frame(&l, 0), FRAME_SIZE);
    tj__store_u32_be(frame(&l, FRAMES) + 8, tj__load_u32_be(l.frames.data + 16) - 1);
    tj__store_u32_be(frame(&l, FRAMES) + 12, 0x12345678);
    gives_orders(&l, 24, 0);
    /* One that bears a newer number than the log is none of them. */
    tj__store_u32_be(frame(&l, FRAMES) + 8, tj__load_u32_be(l.frames.data + 16) + 1);
    is_refused(&l, "is damaged or cut at frame 7: it does not match");
    free(l.frames.data);
}

static void add_sums(const uint8_t *data, size_t size, uint32_t sums[2])
{
    for (size_t i = 0; i < size; i += 8) {
        sums[0] += tj__load_u32(data + i) + sums[1];
        sums[1] += tj__load_u32(data + i + 4) + sums[0];
    }
}

/* A sound frame that changes page 2 and does not commit. */
static void an_uncommitted_page_is_left_out(void **state)
{
    live l = live_store(*state);
    grow(&l, FRAME_SIZE);
    uint8_t *fresh = frame(&l, FRAMES);
    const uint8_t *before = frame(&l, FRAMES - 1);
    uint32_t sums[2] = {tj__load_u32_be(before + 16), tj__load_u32_be(before + 20)};
    tj__store_u32_be(fresh, 2);
    memcpy(fresh + 8, before + 8, 8);
    memset(fresh + 24, 0x55, 4096);
    add_sums(fresh, 8, sums);
    add_sums(fresh + 24, 4096, sums);
    tj__store_u32_be(fresh + 16, sums[0]);
    tj__store_u32_be(fresh + 20, sums[1]);
    gives_orders(&l, 24, 1);
    free(l.frames.data);
}

static void a_cut_transaction_is_told(void **state)
{
    live l = live_store(*state);
    const place *p = *state;
    tj_import_report *report = NULL;
    (void)file_with(p->directory, "state.db-journal", "\xd9\xd5\x05\xf9 journal");
    assert_refused(import_dry(l.database.text, &report), TJ_UNSUPPORTED,
                   "a transaction was cut in the middle");
    (void)file_with(p->directory, "state.db-journal", "");
    assert_ok(import_dry(l.database.text, &report));
    tj_import_report_free(report);
    free(l.frames.data);
}

/* ---- databases of other people --------------------------------------------------------------- */

/* A database with this schema and these statements, and what importing it says. */
static tj_status import_made(const place *p, const char *schema, const char *const *statements,
                             tj_import_report **report)
{
    path_text path = path_in(p->directory, "made.db");
    tj__sqlite *database = NULL;
    (void)unlink(path.text);
    assert_ok(tj__sqlite_create(path.text, schema, false, &database, &err));
    for (size_t i = 0; statements[i]; i++) {
        assert_ok(tj__sqlite_run(database, statements[i], NULL, 0, &err));
    }
    assert_ok(tj__sqlite_close(database, &err));
    return import_dry(path.text, report);
}

static void other_databases_are_refused(void **state)
{
    const place *p = *state;
    tj_import_report *report = NULL;
    const char *none[] = {NULL};
    assert_refused(import_made(p, "CREATE TABLE other (id)", none, &report), TJ_UNSUPPORTED,
                   "it has no table state, algo_states or ledger_entries");
    assert_refused(import_made(p, "CREATE TABLE state (id, text)", none, &report), TJ_CORRUPT,
                   "no such column: payload");
}

/* A view would run the code of whoever made the file. */
static void views_are_not_looked_into(void **state)
{
    const place *p = *state;
    tj_import_report *report = NULL;
    const char *none[] = {NULL};
    assert_refused(import_made(p,
                               "CREATE VIEW state AS WITH RECURSIVE r(n) AS (SELECT 1 UNION ALL "
                               "SELECT n + 1 FROM r) SELECT 1 AS id, n AS payload FROM r",
                               none, &report),
                   TJ_UNSUPPORTED, "none of Tesser's stores");
}

static void what_is_not_tessers_is_told(void **state)
{
    const place *p = *state;
    tj_import_report *report = NULL;
    const char *rows[] = {
        "INSERT INTO algo_states VALUES ('no-uuid', '{\"algo_type\":\"TWAP\",\"state\":1}')",
        "INSERT INTO algo_states VALUES ('no-uuid', 'again')",
        "INSERT INTO algo_states VALUES ('00000000-0000-4000-8000-000000000001', 7)",
        "INSERT INTO algo_states VALUES ('00000000-0000-4000-8000-000000000002', '{\"a\":1}')",
        "INSERT INTO algo_states VALUES ('00000000-0000-4000-8000-000000000003', x'00ff')",
        NULL};
    assert_ok(import_made(p,
                          "CREATE TABLE algo_states (id TEXT, payload TEXT); "
                          "CREATE TABLE more (x); CREATE INDEX i ON algo_states(id)",
                          rows, &report));
    assert_int_equal(report->algo_count, 1);
    assert_int_equal(report->quarantined_count, 4);
    assert_text(report->quarantined[0].name, "algo:\"no-uuid\"");
    assert_non_null(strstr(report->quarantined[0].reason.data, "\"no-uuid\" is not a UUID"));
    assert_text(report->quarantined[1].name, "algo:\"no-uuid\"#2");
    assert_text(report->quarantined[1].raw, "again");
    assert_text(report->quarantined[2].reason, "it is no JSON object");
    assert_text(report->quarantined[3].name, "algo:00000000-0000-4000-8000-000000000003");
    assert_int_equal(report->quarantined[3].raw.size, 2);
    assert_int_equal(report->lost_count, 1);
    assert_text(report->lost[0].what, "table \"more\"");
    assert_int_equal(report->remark_count, 1);
    assert_text(report->remarks[0].what, "algorithm 00000000-0000-4000-8000-000000000002");
    tj_import_report_free(report);
}

/* Rows without a key are many under one: that must not cost a search each. */
static void many_rows_with_one_key_are_kept(void **state)
{
    const place *p = *state;
    tj_import_report *report = NULL;
    const char *rows[] = {
        "INSERT INTO algo_states VALUES ('x#2', 'broken')",
        "WITH RECURSIVE r(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM r WHERE n < "
        "100000) INSERT INTO algo_states SELECT 'x', 'broken' FROM r",
        NULL};
    assert_ok(import_made(p, "CREATE TABLE algo_states (id TEXT, payload TEXT)", rows, &report));
    assert_int_equal(report->quarantined_count, 100001);
    assert_text(report->quarantined[0].name, "algo:\"x#2\"");
    assert_text(report->quarantined[1].name, "algo:\"x\"");
    assert_text(report->quarantined[2].name, "algo:\"x\"#3");
    assert_text(report->quarantined[100000].name, "algo:\"x\"#100001");
    tj_import_report_free(report);
}

static void broken_ledger_rows_are_kept(void **state)
{
    const place *p = *state;
    tj_import_report *report = NULL;
    const char *rows[] = {
        "INSERT INTO ledger_entries VALUES (1, 'abc00000-0000-4000-8000-000000000000', "
        "'2025-11-23T12:13:20+00:00', 'binance', 'unspecified:USDT', '1.50', 'fee', 'r', NULL)",
        "INSERT INTO ledger_entries VALUES (2, 'abc00000-0000-4000-8000-000000000000', "
        "'2025-11-23T12:13:20+00:00', 'binance', 'USDT', '1.50', 'tax', 'r', NULL)",
        "INSERT INTO ledger_entries VALUES (3, 'abc00000-0000-4000-8000-000000000000', "
        "'2025-11-23T12:13:20+00:00', 'binance', 'USDT', '1.50', 'fee', 'r', 'null,\"x\":1')",
        "INSERT INTO ledger_entries VALUES (0, 'abc00000-0000-4000-8000-000000000000', "
        "'2025-11-23T12:13:20+00:00', 'binance', 'USDT', '1.50', 'fee', 'r', NULL)",
        "INSERT INTO ledger_entries VALUES (-5, 'abc00000-0000-4000-8000-000000000000', "
        "'2025-11-23T12:13:20+00:00', 'binance', 'USDT', '1.50', 'fee', 'r', NULL)",
        NULL};
    assert_ok(import_made(p,
                          "CREATE TABLE ledger_entries (sequence INTEGER PRIMARY KEY, entry_id, "
                          "timestamp, exchange, asset, amount, entry_type, reference_id, meta)",
                          rows, &report));
    assert_int_equal(report->ledger_count, 1);
    assert_int_equal(report->quarantined_count, 4);
    assert_text(report->quarantined[0].name, "ledger:-5");
    assert_text(report->quarantined[1].name, "ledger:0");
    assert_text(report->quarantined[1].reason, "its sequence is 0");
    assert_text(report->quarantined[2].name, "ledger:2");
    assert_non_null(strstr(report->quarantined[2].reason.data, "tax"));
    assert_text(report->quarantined[3].raw,
                "{\"sequence\":3,\"id\":\"abc00000-0000-4000-8000-000000000000\",\"timestamp\":"
                "\"2025-11-23T12:13:20+00:00\",\"exchange\":\"binance\",\"asset\":\"USDT\","
                "\"amount\":\"1.50\",\"entry_type\":\"fee\",\"reference_id\":\"r\",\"meta\":"
                "\"null,\\\"x\\\":1\"}");
    tj_import_report_free(report);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(the_newest_state_is_in_the_wal, place_setup,
                                        place_teardown),
        cmocka_unit_test_setup_teardown(the_wal_is_beside_what_links_lead_to, place_setup,
                                        place_teardown),
        cmocka_unit_test_setup_teardown(a_hard_link_hides_the_wal, place_setup, place_teardown),
        cmocka_unit_test_setup_teardown(every_changed_byte_of_the_wal_is_told, place_setup,
                                        place_teardown),
        cmocka_unit_test_setup_teardown(a_cut_wal_is_told, place_setup, place_teardown),
        cmocka_unit_test_setup_teardown(a_wal_cut_between_frames_is_told, place_setup,
                                        place_teardown),
        cmocka_unit_test_setup_teardown(left_over_frames_are_passed_over, place_setup,
                                        place_teardown),
        cmocka_unit_test_setup_teardown(an_uncommitted_page_is_left_out, place_setup,
                                        place_teardown),
        cmocka_unit_test_setup_teardown(a_cut_transaction_is_told, place_setup, place_teardown),
        cmocka_unit_test_setup_teardown(other_databases_are_refused, place_setup, place_teardown),
        cmocka_unit_test_setup_teardown(views_are_not_looked_into, place_setup, place_teardown),
        cmocka_unit_test_setup_teardown(what_is_not_tessers_is_told, place_setup, place_teardown),
        cmocka_unit_test_setup_teardown(many_rows_with_one_key_are_kept, place_setup,
                                        place_teardown),
        cmocka_unit_test_setup_teardown(broken_ledger_rows_are_kept, place_setup, place_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
