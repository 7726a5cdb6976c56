/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* What the tests of the migrate room share: Tesser's data, imports, sources made on the spot.
 * Include <cmocka.h> first. */
#ifndef TJ_TESTS_MAINTAIN_SUPPORT_H
#define TJ_TESTS_MAINTAIN_SUPPORT_H

#include <string.h>
#include <sys/stat.h>

#include <tesser/json.h>
#include <tesser/migrate.h>

#include "migrate/mutate.h"
#include "support/check.h"
#include "support/directory.h"

#define PATH_ROOM 700

/* Tesser's own data: the whole of it where it is, else the copy in this tree. */
static inline const char *testdata(void)
{
    return access(TJ_TESTDATA, R_OK) == 0 ? TJ_TESTDATA : TJ_TESTDATA_COPY "/tesser";
}

typedef struct path_text {
    char text[PATH_ROOM];
} path_text;

static inline path_text path_in(const char *directory, const char *name)
{
    path_text path;
    int size = snprintf(path.text, sizeof path.text, "%s/%s", directory, name);
    assert_in_range(size, 1, PATH_ROOM - 1);
    return path;
}

/* A file with this text. */
static inline path_text file_with(const char *directory, const char *name, const char *text)
{
    path_text path = path_in(directory, name);
    bytes content = {(uint8_t *)(uintptr_t)text, strlen(text)};
    write_bytes(path.text, &content);
    return path;
}

static inline void copy_file(const char *from, const char *to)
{
    bytes content;
    read_bytes(from, &content);
    write_bytes(to, &content);
    free(content.data);
}

typedef struct place {
    char directory[DIRECTORY_SIZE];
    path_text journal;
} place;

static inline int place_setup(void **state)
{
    place *p = calloc(1, sizeof *p);
    assert_non_null(p);
    directory_make(p->directory, "tj-migrate");
    p->journal = path_in(p->directory, "journal");
    *state = p;
    return 0;
}

static inline int place_teardown(void **state)
{
    place *p = *state;
    directory_remove(p->directory);
    free(p);
    return 0;
}

static inline tj_config config_of(const place *p)
{
    tj_config config = TJ_CONFIG_INIT;
    config.path = p->journal.text;
    config.lmdb.segment_size_bytes = TJ_SEGMENT_SIZE_MIN;
    return config;
}

static inline tj_import_options options_of(const char *const *sources, size_t count)
{
    tj_import_options options = TJ_IMPORT_OPTIONS_INIT;
    options.sources = sources;
    options.source_count = count;
    return options;
}

static inline tj_store *open_journal(const place *p)
{
    tj_config config = config_of(p);
    tj_store *store = NULL;
    config.must_exist = true;
    assert_ok(tj_store_open(&config, &store, &err));
    return store;
}

static inline void close_journal(tj_store *store)
{
    assert_ok(tj_store_close(store, &err));
}

/* The book's state as JSON, or NULL when it cannot be loaded. Released with free. */
static inline char *state_json(const place *p, const char *book)
{
    tj_store *store = open_journal(p);
    tj_live_state *state = NULL;
    tj_text text = {NULL, 0};
    err = (tj_error)TJ_ERROR_INIT;
    if (tj_state_load(tj_store_state_repository(store, book), &state, &err) == TJ_OK) {
        assert_ok(tj_live_state_to_json(state, &text, &err));
    }
    tj_live_state_free(state);
    tj_error kept = err;
    close_journal(store);
    err = kept;
    return text.data;
}

static inline void assert_state(const place *p, const char *book, const char *expected)
{
    char *json = state_json(p, book);
    assert_non_null(json);
    assert_string_equal(json, expected);
    free(json);
}

static inline bool is_journal(const place *p)
{
    return access(p->journal.text, F_OK) == 0;
}

static inline void assert_text(tj_str text, const char *expected)
{
    char copy[1024];
    snprintf(copy, sizeof copy, "%.*s", (int)text.size, text.data);
    assert_string_equal(copy, expected);
}

#endif
