/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Tesser's LMDB files: which snapshot is the newest, what is no journal of Tesser's. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "base/error.h"
#include "migrate/support.h"
#include "table/foreign.h"

#define META_SIZE 4096
#define TRANSACTION_AT (16 + 128)

static path_text tessers(const char *folder)
{
    path_text directory = path_in(testdata(), folder);
    return path_in(directory.text, "journal.lmdb/data.mdb");
}

/* Any single bit of either transaction number: LMDB takes half of them and shows an older
 * snapshot. */
static void a_changed_transaction_number_is_told(void **state)
{
    const place *p = *state;
    path_text copy = path_in(p->directory, "data.mdb");
    for (size_t meta = 0; meta < 2; meta++) {
        for (unsigned bit = 0; bit < 64; bit++) {
            bytes file;
            tj__foreign *opened = NULL;
            read_bytes(tessers("0.9.3/typical").text, &file);
            file.data[meta * META_SIZE + TRANSACTION_AT + bit / 8] ^= (uint8_t)(1u << bit % 8);
            write_bytes(copy.text, &file);
            free(file.data);
            err = (tj_error)TJ_ERROR_INIT;
            assert_int_equal(tj__foreign_open(copy.text, &opened, &err), TJ_CORRUPT);
            assert_null(opened);
            assert_non_null(strstr(err.message, copy.text));
        }
    }
}

typedef struct visited {
    size_t rows;
    size_t bytes;
} visited;

static tj_status count(void *context, tj__bytes key, tj__bytes value, tj_error *error)
{
    (void)error;
    visited *v = context;
    v->rows++;
    v->bytes += key.size + value.size;
    return TJ_OK;
}

static tj_status stop(void *context, tj__bytes key, tj__bytes value, tj_error *error)
{
    (void)key;
    (void)value;
    ((visited *)context)->rows++;
    return tj__fail(error, TJ_LIMIT, "enough");
}

static void rows_are_visited(void **state)
{
    (void)state;
    tj__foreign *file = NULL;
    visited v = {0, 0};
    assert_ok(tj__foreign_open(tessers("0.9.2/typical").text, &file, &err));
    assert_true(tj__foreign_has(file, "live_state"));
    assert_true(tj__foreign_has(file, "algo_states"));
    assert_false(tj__foreign_has(file, "live"));
    assert_ok(tj__foreign_scan(file, "algo_states", count, &v, &err));
    assert_int_equal(v.rows, 18);
    v = (visited){0, 0};
    assert_ok(tj__foreign_scan(file, "live_state", count, &v, &err));
    assert_int_equal(v.rows, 1);
    assert_true(v.bytes > 4096); /* it lies in overflow pages */
    assert_ok(tj__foreign_scan(file, "nothing", count, &v, &err));
    assert_int_equal(v.rows, 1);
    assert_refused(tj__foreign_scan(file, "algo_states", stop, &v, &err), TJ_LIMIT, "enough");
    assert_int_equal(v.rows, 2);
    tj__foreign_close(file);
}

static void a_file_that_changes_is_busy(void **state)
{
    const place *p = *state;
    path_text copy = path_in(p->directory, "data.mdb");
    tj__foreign *file = NULL;
    visited v = {0, 0};
    bytes content;
    copy_file(tessers("0.9.3/small").text, copy.text);
    assert_ok(tj__foreign_open(copy.text, &file, &err));
    read_bytes(copy.text, &content);
    content.data[TRANSACTION_AT] ^= 4;
    FILE *same = fopen(copy.text, "r+b");
    assert_non_null(same);
    assert_int_equal(fwrite(content.data, 1, META_SIZE, same), META_SIZE);
    fclose(same);
    free(content.data);
    assert_refused(tj__foreign_scan(file, "algo_states", count, &v, &err), TJ_BUSY,
                   "is being written by another program; stop it and try again");
    tj__foreign_close(file);
}

static void own_journals_are_not_imported(void **state)
{
    const place *p = *state;
    tj_config config = config_of(p);
    tj_store *store = NULL;
    tj_import_report *report = NULL;
    assert_ok(tj_store_open(&config, &store, &err));
    close_journal(store);
    const char *sources[] = {p->journal.text};
    tj_import_options options = options_of(sources, 1);
    options.dry_run = true;
    assert_refused(tj_import(NULL, &options, &report, &err), TJ_UNSUPPORTED,
                   "belongs to a journal of this library and needs no import");
    assert_null(report);
    path_text copy = path_in(p->directory, "data.mdb");
    copy_file(path_in(p->journal.text, "data.mdb").text, copy.text);
    sources[0] = copy.text;
    assert_refused(tj_import(NULL, &options, &report, &err), TJ_UNSUPPORTED,
                   "is a copy of data.mdb alone, as mdb_copy makes it");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_changed_transaction_number_is_told, place_setup,
                                        place_teardown),
        cmocka_unit_test(rows_are_visited),
        cmocka_unit_test_setup_teardown(a_file_that_changes_is_busy, place_setup, place_teardown),
        cmocka_unit_test_setup_teardown(own_journals_are_not_imported, place_setup, place_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
