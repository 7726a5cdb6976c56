/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Journals as earlier releases left them: each is looked at, opened by a writer, closed and looked
 * at again, and holds at every step what its release said it holds.
 */
#include <inttypes.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include <cmocka.h>

#include <tesser/journal.h>

#include "support/check.h"
#include "support/directory.h"

#ifndef FORMAT_DIRECTORY
#define FORMAT_DIRECTORY TJ_TESTDATA_COPY "/../format"
#endif
#define PATH_TEXT_SIZE (DIRECTORY_SIZE + 64)

/* ---- what a journal holds, as text ------------------------------------------------------- */

static void put_text(FILE *out, const char *name, tj_text *text)
{
    fprintf(out, ",\"%s\":%s", name, text->data);
    tj_text_dispose(text);
}

static void put_state(FILE *out, tj_store *store, const char *book)
{
    tj_live_state *state = NULL;
    tj_text text = {0};
    assert_ok(tj_state_load(tj_store_state_repository(store, book), &state, &err));
    assert_ok(tj_live_state_to_json(state, &text, &err));
    put_text(out, "state", &text);
    tj_live_state_free(state);
}

static void put_algos(FILE *out, tj_store *store, const char *book)
{
    tj_algo_list *list = NULL;
    tj_text text = {0};
    assert_ok(tj_algo_load_all(tj_store_algo_repository(store, book), &list, &err));
    assert_ok(tj_algo_list_to_json(list, &text, &err));
    put_text(out, "algos", &text);
    tj_algo_list_free(list);
}

static void put_ledger(FILE *out, tj_store *store, const char *book, bool by_time)
{
    tj_ledger_list *list = NULL;
    tj_ledger_query query = TJ_LEDGER_QUERY_INIT;
    query.by_time = by_time;
    assert_ok(tj_ledger_find(tj_store_ledger_repository(store, book), &query, &list, &err));
    fprintf(out, ",\"%s\":[", by_time ? "by_time" : "ledger");
    for (size_t i = 0; i < list->count; i++) {
        tj_text text = {0};
        assert_ok(tj_ledger_entry_to_json(&list->entries[i], &text, &err));
        fprintf(out, "%s%s", i > 0 ? "," : "", text.data);
        tj_text_dispose(&text);
    }
    fputc(']', out);
    tj_ledger_list_free(list);
}

static void put_quarantine(FILE *out, tj_store *store, const char *book)
{
    tj_quarantine_list *list = NULL;
    assert_ok(tj_quarantine_load(store, book, &list, &err));
    fputs(",\"quarantine\":[", out);
    for (size_t i = 0; i < list->count; i++) {
        fprintf(out, "%s\"%.*s: %zu bytes\"", i > 0 ? "," : "", (int)list->items[i].name.size,
                list->items[i].name.data, list->items[i].raw.size);
    }
    fputc(']', out);
    tj_quarantine_list_free(list);
}

static void put_book(FILE *out, tj_store *store, const char *book)
{
    uint64_t next = 0;
    assert_ok(tj_counter_next(store, book, "order-id", &next, &err));
    fprintf(out, "{\"book\":\"%s\",\"next_order_id\":%" PRIu64, book, next);
    put_state(out, store, book);
    put_algos(out, store, book);
    put_ledger(out, store, book, false);
    put_ledger(out, store, book, true);
    put_quarantine(out, store, book);
    fputs("}\n", out);
}

/* The caller frees it. */
static char *content(tj_store *store)
{
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    tj_book_list *books = NULL;
    assert_non_null(out);
    assert_ok(tj_store_books(store, &books, &err));
    for (size_t i = 0; i < books->count; i++) {
        char name[TJ_BOOK_SIZE_MAX + 1];
        snprintf(name, sizeof name, "%.*s", (int)books->books[i].name.size,
                 books->books[i].name.data);
        put_book(out, store, name);
    }
    tj_book_list_free(books);
    fclose(out);
    return text;
}

/* ---- the journals of a release ----------------------------------------------------------- */

typedef struct fixture {
    char directory[DIRECTORY_SIZE];
    char path[PATH_TEXT_SIZE];
    tj_config config;
    char *expected;
    unsigned upgrades_told;
} fixture;

static char *read_text(const char *path)
{
    char *text = NULL;
    size_t size = 0;
    FILE *in = fopen(path, "r");
    assert_non_null(in);
    assert_true(getdelim(&text, &size, '\0', in) > 0);
    fclose(in);
    return text;
}

static void note_upgrade(void *context, tj_trace_level level, const char *message)
{
    fixture *f = context;
    f->upgrades_told += level == TJ_TRACE_INFO && strstr(message, "format version");
}

static void unpack(fixture *f, unsigned version, const char *name)
{
    char command[6 * PATH_TEXT_SIZE];
    directory_make(f->directory, "tj-format");
    /* Without the mark of the place where they were made, they are no copies. */
    snprintf(command, sizeof command,
             "tar -xzf '%s/v%u/%s.tar.gz' -C '%s' && rm -f '%s/%s/writer.lock'", FORMAT_DIRECTORY,
             version, name, f->directory, f->directory, name);
    assert_int_equal(system(command), 0);
    snprintf(f->path, sizeof f->path, "%s/%s", f->directory, name);
    char path[2 * PATH_TEXT_SIZE];
    snprintf(path, sizeof path, "%s/v%u/content.jsonl", FORMAT_DIRECTORY, version);
    f->expected = read_text(path);
    f->config = (tj_config)TJ_CONFIG_INIT;
    f->config.path = f->path;
    f->config.trace = note_upgrade;
    f->config.trace_context = f;
}

static void assert_holds(fixture *f, bool read_only, uint32_t version)
{
    tj_store *store = NULL;
    uint64_t sequence = 0;
    tj_uuid id = {{[6] = 0x40, [8] = 0x80, [15] = 2}}; /* of the commit in book "momentum" */
    tj_store_info info = TJ_STORE_INFO_INIT;
    f->config.read_only = read_only;
    assert_ok(tj_store_open(&f->config, &store, &err));
    assert_ok(tj_store_info_get(store, &info, &err));
    assert_int_equal(info.format_version, version);
    assert_int_equal(info.sequence, 161);
    char *text = content(store);
    assert_string_equal(text, f->expected);
    free(text);
    assert_ok(tj_store_commit_find(store, &id, &sequence, &err));
    assert_int_equal(sequence, 7);
    assert_ok(tj_store_close(store, &err));
}

static void finish(fixture *f)
{
    free(f->expected);
    directory_remove(f->directory);
}

#define VERSION_NOW 2
/* The last come when opening is nearly done. */
#define KILLS 24u
#define KILL_STEP_US 1500u

static void test_version_1(void **context)
{
    static const char *const names[] = {"closed", "killed"};
    (void)context;
    for (size_t i = 0; i < 2; i++) {
        fixture f = {0};
        unpack(&f, 1, names[i]);
        assert_holds(&f, true, 1);
        assert_int_equal(f.upgrades_told, 0);
        assert_holds(&f, false, VERSION_NOW);
        assert_holds(&f, false, VERSION_NOW);
        assert_holds(&f, true, VERSION_NOW);
        assert_int_equal(f.upgrades_told, 1);
        finish(&f);
    }
}

static uint32_t version_of(fixture *f)
{
    tj_store *store = NULL;
    tj_store_info info = TJ_STORE_INFO_INIT;
    f->config.read_only = true;
    assert_ok(tj_store_open(&f->config, &store, &err));
    assert_ok(tj_store_info_get(store, &info, &err));
    assert_ok(tj_store_close(store, &err));
    return info.format_version;
}

/* Wherever it is killed, the upgrade leaves a journal of the one version or of the other. */
static void test_killed_upgrades(void **context)
{
    (void)context;
    unsigned upgraded = 0;
    for (unsigned round = 0; round < KILLS; round++) {
        fixture f = {0};
        unpack(&f, 1, round % 2 ? "killed" : "closed");
        pid_t child = fork();
        assert_true(child >= 0);
        if (child == 0) {
            tj_store *store = NULL;
            tj_error ignored = TJ_ERROR_INIT;
            f.config.trace = NULL;
            _exit(tj_store_open(&f.config, &store, &ignored) == TJ_OK ? 0 : 1);
        }
        usleep(round * KILL_STEP_US);
        kill(child, SIGKILL);
        assert_int_equal(waitpid(child, NULL, 0), child);
        uint32_t version = version_of(&f);
        upgraded += version == VERSION_NOW;
        assert_true(version == 1 || version == VERSION_NOW);
        assert_holds(&f, true, version);
        assert_holds(&f, false, VERSION_NOW);
        finish(&f);
    }
    print_message("%u of %u had been upgraded\n", upgraded, KILLS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_version_1),
        cmocka_unit_test(test_killed_upgrades),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
