/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * One suite for every engine. Each test runs once for each configuration in `engines`; a new engine
 * is one more row there. After a test, a durable store is closed and opened again, for writing and
 * for reading, must show what it showed before, and be sound. The directory of a test that
 * fails stays.
 */
#ifndef TJ_TESTS_CONTRACT_CONTRACT_H
#define TJ_TESTS_CONTRACT_CONTRACT_H

#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <tesser/journal.h>

#include "support/check.h"
#include "support/directory.h"
#include "support/intact.h"
#include "support/random_state.h"
#include "support/same.h"
#include "support/values.h"

typedef struct engine {
    const char *name;
    tj_engine_type type;
    tj_durability durability;
    uint64_t segment_size_bytes;
    uint64_t lag_bytes;
    uint32_t lag_ms;
    bool no_threads;
} engine;

static const engine engines[] = {
    {.name = "memory", .type = TJ_ENGINE_MEMORY},
    {.name = "lmdb", .type = TJ_ENGINE_LMDB},
    {.name = "lmdb, os", .type = TJ_ENGINE_LMDB, .durability = TJ_DURABILITY_OS},
    /* Changes segments all the time, and LMDB has nearly everything. */
    {.name = "lmdb, small segments",
     .type = TJ_ENGINE_LMDB,
     .segment_size_bytes = TJ_SEGMENT_SIZE_MIN,
     .lag_bytes = 1024,
     .lag_ms = 1},
    /* LMDB has nothing: every load is from the log. */
    {.name = "lmdb, lazy", .type = TJ_ENGINE_LMDB, .lag_ms = 3600 * 1000},
    /* The work is done by whoever must wait for it. */
    {.name = "lmdb, no threads",
     .type = TJ_ENGINE_LMDB,
     .segment_size_bytes = TJ_SEGMENT_SIZE_MIN,
     .lag_bytes = 8192,
     .no_threads = true},
};

/* The same on a server: these run instead when TJ_POSTGRES_URL says where it is. */
static const engine server_engines[] = {
    {.name = "postgres", .type = TJ_ENGINE_POSTGRES},
    /* The row tables have nothing: every load is from the log. */
    {.name = "postgres, lazy", .type = TJ_ENGINE_POSTGRES, .lag_ms = 3600 * 1000},
    {.name = "postgres, os, no threads",
     .type = TJ_ENGINE_POSTGRES,
     .durability = TJ_DURABILITY_OS,
     .no_threads = true},
};

typedef struct fixture {
    const engine *engine;
    tj_config config;
    char directory[DIRECTORY_SIZE];
    char journal[DIRECTORY_SIZE + 16];
    tj_store *store;
    tj_state_repository *states; /* of the configured book */
    tj_algo_repository *algos;
    tj_ledger_repository *ledger;
} fixture;

/* ---- the store --------------------------------------------------------------------------- */

static inline bool is_durable(const fixture *f)
{
    return f->engine->type != TJ_ENGINE_MEMORY;
}

/* In a directory of files. */
static inline bool is_journal(const fixture *f)
{
    return f->engine->type == TJ_ENGINE_LMDB;
}

static inline void fixture_open(fixture *f)
{
    assert_ok(tj_store_open(&f->config, &f->store, &err));
    f->states = tj_store_state_repository(f->store, NULL);
    f->algos = tj_store_algo_repository(f->store, NULL);
    f->ledger = tj_store_ledger_repository(f->store, NULL);
    assert_non_null(f->states);
    assert_non_null(f->algos);
    assert_non_null(f->ledger);
}

static inline void fixture_close(fixture *f)
{
    assert_ok(tj_store_close(f->store, &err));
    f->store = NULL;
}

/* A store in memory only goes on. */
static inline void fixture_reopen(fixture *f)
{
    if (is_durable(f)) {
        fixture_close(f);
        fixture_open(f);
    }
}

static inline uint64_t newest_sequence(tj_store *store)
{
    tj_store_info info = TJ_STORE_INFO_INIT;
    assert_ok(tj_store_info_get(store, &info, &err));
    return info.sequence;
}

/* ---- everything a store shows, as text --------------------------------------------------- */

static inline void dump_text(FILE *out, tj_text *text)
{
    fprintf(out, "%s\n", text->data);
    tj_text_dispose(text);
}

static inline void dump_state(FILE *out, tj_store *store, const char *book)
{
    tj_live_state *state = NULL;
    tj_text text = {0};
    assert_ok(tj_state_load(tj_store_state_repository(store, book), &state, &err));
    assert_ok(tj_live_state_to_json(state, &text, &err));
    dump_text(out, &text);
    tj_live_state_free(state);
}

static inline void dump_algos(FILE *out, tj_store *store, const char *book)
{
    tj_algo_list *list = NULL;
    tj_text text = {0};
    assert_ok(tj_algo_load_all(tj_store_algo_repository(store, book), &list, &err));
    assert_int_equal(list->quarantined_count, 0);
    assert_ok(tj_algo_list_to_json(list, &text, &err));
    dump_text(out, &text);
    tj_algo_list_free(list);
}

static inline void dump_ledger(FILE *out, tj_store *store, const char *book)
{
    tj_ledger_list *list = NULL;
    assert_ok(tj_ledger_find(tj_store_ledger_repository(store, book), NULL, &list, &err));
    for (size_t i = 0; i < list->count; i++) {
        tj_text text = {0};
        assert_ok(tj_ledger_entry_to_json(&list->entries[i], &text, &err));
        dump_text(out, &text);
    }
    tj_ledger_list_free(list);
}

/* The caller frees it. */
static inline char *dump_store(tj_store *store)
{
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    assert_non_null(out);
    tj_book_list *books = NULL;
    assert_ok(tj_store_books(store, &books, &err));
    fprintf(out, "sequence %" PRIu64 "\n", newest_sequence(store));
    for (size_t i = 0; i < books->count; i++) {
        const tj_book_info *book = &books->books[i];
        char name[TJ_BOOK_SIZE_MAX + 1];
        snprintf(name, sizeof name, "%.*s", (int)book->name.size, book->name.data);
        fprintf(out,
                "book %s: %zu rows, %zu orders, %zu positions, %zu algorithms, ledger %" PRIu64
                "\n",
                name, book->state_row_count, book->open_order_count, book->position_count,
                book->algo_count, book->ledger_sequence);
        dump_state(out, store, name);
        dump_algos(out, store, name);
        dump_ledger(out, store, name);
    }
    tj_book_list_free(books);
    fclose(out);
    return text;
}

/* ---- running ----------------------------------------------------------------------------- */

typedef struct contract_case {
    const char *name;
    void (*run)(fixture *f);
} contract_case;

#define CASE(function)      \
    {                       \
#function, function \
    }

/* One test on one engine. */
typedef struct contract_run {
    const contract_case *test;
    const engine *engine;
    char name[128];
    fixture f;
} contract_run;

static inline void fixture_start(fixture *f, const engine *on)
{
    *f = (fixture){.engine = on, .config = TJ_CONFIG_INIT};
    f->config.type = on->type;
    f->config.durability = on->durability;
    f->config.lmdb.segment_size_bytes = on->segment_size_bytes;
    f->config.lmdb.lag_bytes = on->lag_bytes;
    f->config.lmdb.lag_ms = on->lag_ms;
    f->config.no_threads = on->no_threads;
    if (on->type == TJ_ENGINE_POSTGRES) {
        static unsigned number;
        f->config.postgres.url = getenv("TJ_POSTGRES_URL");
        f->config.postgres.schema = "contract";
        f->config.postgres.lag_bytes = on->lag_bytes;
        f->config.postgres.lag_ms = on->lag_ms;
        snprintf(f->journal, sizeof f->journal, "%lld.%u", (long long)getpid(), ++number);
        f->config.postgres.name = f->journal;
    }
    if (is_journal(f)) {
        directory_make(f->directory, "tj-contract");
        snprintf(f->journal, sizeof f->journal, "%s/journal", f->directory);
        f->config.path = f->journal;
    }
    fixture_open(f);
}

/* What is stored is the same after closing, for a writer and for one who looks on. */
static inline void fixture_verify(fixture *f)
{
    char *before = dump_store(f->store);
    for (int i = 0; i < 2 && is_durable(f); i++) {
        fixture_close(f);
        f->config.read_only = i == 1;
        fixture_open(f);
        char *after = dump_store(f->store);
        assert_string_equal(after, before);
        free(after);
    }
    free(before);
}

static inline void contract_run_one(void **state)
{
    contract_run *run = *state;
    fixture_start(&run->f, run->engine);
    run->test->run(&run->f);
    fixture_verify(&run->f);
    fixture_close(&run->f);
    if (is_journal(&run->f)) {
        assert_journal_sound(run->f.journal);
        directory_remove(run->f.directory);
    }
    run->f.directory[0] = '\0';
}

/* A failed test leaves its directory behind. */
static inline int contract_tell(void **state)
{
    contract_run *run = *state;
    if (run->f.directory[0] != '\0') {
        fprintf(stderr, "%s: the journal is kept in %s; the random numbers were at 0x%" PRIx64 "\n",
                run->name, run->f.journal, random_state);
    }
    return 0;
}

static inline int contract_run_all(const char *group, const contract_case *cases, size_t count)
{
    bool server = getenv("TJ_POSTGRES_URL") != NULL;
    const engine *on = server ? server_engines : engines;
    size_t engine_count = server ? sizeof server_engines / sizeof server_engines[0]
                                 : sizeof engines / sizeof engines[0];
    contract_run *runs = calloc(count * engine_count, sizeof *runs);
    struct CMUnitTest *tests = calloc(count * engine_count, sizeof *tests);
    if (!runs || !tests) {
        return EXIT_FAILURE;
    }
    random_start();
    for (size_t i = 0; i < count * engine_count; i++) {
        contract_run *run = &runs[i];
        run->test = &cases[i / engine_count];
        run->engine = &on[i % engine_count];
        snprintf(run->name, sizeof run->name, "%s [%s]", run->test->name, run->engine->name);
        tests[i] = (struct CMUnitTest){.name = run->name,
                                       .test_func = contract_run_one,
                                       .teardown_func = contract_tell,
                                       .initial_state = run};
    }
    int failed = _cmocka_run_group_tests(group, tests, count * engine_count, NULL, NULL);
    free(tests);
    free(runs);
    return failed;
}

#define CONTRACT_MAIN(group, cases)                                             \
    int main(void)                                                              \
    {                                                                           \
        return contract_run_all(group, cases, sizeof(cases) / sizeof *(cases)); \
    }

/* ---- loading ----------------------------------------------------------------------------- */

static inline tj_live_state *load_state(tj_store *store, const char *book)
{
    tj_live_state *state = NULL;
    assert_ok(tj_state_load(tj_store_state_repository(store, book), &state, &err));
    assert_non_null(state);
    return state;
}

/* What is stored in the configured book is this state. */
static inline void assert_stored(fixture *f, const tj_live_state *expected)
{
    tj_live_state *state = load_state(f->store, NULL);
    same_state(state, expected);
    assert_int_equal(state->sequence, newest_sequence(f->store));
    tj_live_state_free(state);
}

static inline void assert_same_json(const tj_live_state *a, const tj_live_state *b)
{
    tj_text left = {0};
    tj_text right = {0};
    assert_ok(tj_live_state_to_json(a, &left, &err));
    assert_ok(tj_live_state_to_json(b, &right, &err));
    assert_string_equal(left.data, right.data);
    tj_text_dispose(&left);
    tj_text_dispose(&right);
}

static inline tj_txn *begin(fixture *f)
{
    tj_txn *txn = NULL;
    assert_ok(tj_txn_begin(f->store, &txn, &err));
    return txn;
}

static inline uint64_t commit(tj_txn *txn)
{
    uint64_t sequence = 0;
    assert_ok(tj_txn_commit(txn, NULL, &sequence, &err));
    return sequence;
}

#endif
