/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* As test_memory.c, of what looks after a journal: import, export, quarantine, doctor, compact. */
#include <stdio.h>

#include "support/sanitized.h"

#if SANITIZED

int main(void)
{
    printf("SKIP: a sanitizer has its own allocator\n");
    return 77;
}

#else

#include "memory.h"

#include <tesser/migrate.h>

#include "commit/plan.h"
#include "store/store.h"

/* ---- importing and exporting ------------------------------------------------------------- */

#define SOURCES TJ_TESTDATA_COPY "/tesser/0.9.3/small/"

static tj_status do_import(scene *s, tj_error *error)
{
    static const char *const sources[] = {SOURCES "state.db", SOURCES "algos.db",
                                          SOURCES "ledger.db"};
    tj_import_options options = TJ_IMPORT_OPTIONS_INIT;
    options.sources = sources;
    options.source_count = 3;
    options.exchange = "binance_perp";
    tj_import_report *report = NULL;
    tj_status status = tj_import(&s->f.config, &options, &report, error);
    assert_true((status == TJ_OK) == (report != NULL));
    tj_import_report_free(report);
    return status;
}

static tj_status do_export(scene *s, tj_error *error)
{
    char directory[DIRECTORY_SIZE + 16];
    tj_export_options options = TJ_EXPORT_OPTIONS_INIT;
    tj_export_report *report = NULL;
    options.force = true;
    snprintf(directory, sizeof directory, "%s/exported", s->f.directory);
    tj_status status = tj_export_tesser(s->f.store, directory, &options, &report, error);
    tj_export_report_free(report);
    return status;
}

/* Every third allocation: there are many, and they are alike. */
static void imports(void **state)
{
    scene *s = *state;
    long at = 1;
    do {
        directory_remove(s->f.path);
        (void)perform(s, "import", do_import, at);
        at += 3;
    } while (reached());
    assert_in_range(at, 100, 20000);
}

static void exports(void **state)
{
    scene *s = *state;
    char directory[DIRECTORY_SIZE + 16];
    long at = 1;
    assert_ok(do_import(s, &err));
    fixture_open(&s->f);
    snprintf(directory, sizeof directory, "%s/exported", s->f.directory);
    do {
        (void)perform(s, "export", do_export, at);
        at += 3;
        directory_remove(directory);
    } while (reached());
    assert_in_range(at, 100, 20000);
}

/* ---- looking after it -------------------------------------------------------------------- */

static void set_aside(tj_store *store, unsigned number)
{
    uint8_t id[16] = {0xaa, [15] = (uint8_t)number};
    tj__quarantined row = {.table = TJ__TABLE_ALGOS,
                           .key = tj__bytes_of(id, sizeof id),
                           .reason = TJ_STR("of before")};
    static const char raw[] = "{\"algo_type\":\"TWAP\",\"state\":1}";
    row.raw = tj__bytes_of(raw, sizeof raw - 1);
    tj__plan *plan = tj__plan_new();
    assert_non_null(plan);
    assert_ok(tj__plan_use_book(plan, TJ_STR("default"), &err));
    assert_ok(tj__plan_put_quarantine(plan, &row, &err));
    assert_ok(tj__store_commit(store, plan, NULL, NULL, &err));
    tj__plan_free(plan);
}

static size_t count_aside(tj_store *store)
{
    tj_quarantine_list *list = NULL;
    assert_ok(tj_quarantine_load(store, NULL, &list, &err));
    size_t count = list->count;
    tj_quarantine_list_free(list);
    return count;
}

static tj_status do_retry(scene *s, tj_error *error)
{
    tj_quarantine_options options = TJ_QUARANTINE_OPTIONS_INIT;
    options.all = true;
    return tj_quarantine_retry(s->f.store, &options, NULL, error);
}

static tj_status do_drop(scene *s, tj_error *error)
{
    tj_quarantine_options options = TJ_QUARANTINE_OPTIONS_INIT;
    options.all = true;
    return tj_quarantine_drop(s->f.store, &options, TJ_STR("why"), NULL, error);
}

static void quarantine(void **state)
{
    static act *const decisions[] = {do_retry, do_drop};
    scene *s = *state;
    unsigned number = 1;
    fixture_open(&s->f);
    for (size_t i = 0; i < 2; i++) {
        long at = 1;
        do {
            if (count_aside(s->f.store) == 0) {
                set_aside(s->f.store, number++);
            }
            tj_status status = perform(s, "quarantine", decisions[i], at++);
            assert_int_equal(count_aside(s->f.store), status == TJ_OK ? 0 : 1);
        } while (reached());
        assert_in_range(at, 8, 5000);
    }
    fixture_close(&s->f);
}

static tj_status do_compact(scene *s, tj_error *error)
{
    tj_compact_report report = TJ_COMPACT_REPORT_INIT;
    return tj_compact(&s->f.config, NULL, &report, error);
}

static tj_status do_doctor(scene *s, tj_error *error)
{
    tj_checkup *checkup = NULL;
    tj_status status = tj_doctor(&s->f.config, NULL, &checkup, error);
    tj_checkup_free(checkup);
    return status;
}

static void looking_after_it(void **state)
{
    static act *const calls[] = {do_doctor, do_compact};
    scene *s = *state;
    fixture_open(&s->f);
    commit_number(s->f.store, s->next++);
    fixture_close(&s->f);
    for (size_t i = 0; i < 2; i++) {
        long at = 1;
        do {
            (void)perform(s, i == 0 ? "doctor" : "compact", calls[i], at++);
        } while (reached());
        assert_in_range(at, 10, 5000);
        fixture_open(&s->f);
        assert_true(holds_number(s->f.store, 1));
        fixture_close(&s->f);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(imports),
        TEST(exports),
        TEST(quarantine),
        TEST(looking_after_it),
    };
    directory_in_memory();
    return cmocka_run_group_tests(tests, NULL, NULL);
}

#endif
