/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Damaged texts: never a crash, the verdict that SQLite has, and what is read can be written and
 * read again. */
#include "support.h"

#include <sqlite3.h>

#include "base/random.h"
#include "json/check.h"
#include "json/dom.h"

#define ROUNDS 5000

static size_t place_in(size_t size)
{
    return (size_t)(random_u64() % size);
}

/* One change: a byte, a bit, a cut, a piece taken out, a piece doubled, a token put in. */
static void mutate(tj__buffer *text)
{
    static const char *const tokens[] = {
        "{",  "}",  "[", "]",       ",",       ":",      "null", "true", "1e5", "-",       "\"",
        "\\", "\v", "0", "\\ud800", "\\u0000", "\"id\"", "\xff", "0.",   " ",   "\"a\":1,"};
    size_t at = place_in(text->size);
    size_t size = 1 + place_in(text->size - at < 40 ? text->size - at : 40);
    tj__buffer out = {0};
    switch (random_below(6)) {
    case 0:
        text->data[at] = (uint8_t)random_below(256);
        return;
    case 1:
        text->data[at] ^= (uint8_t)(1u << random_below(8));
        return;
    case 2:
        text->size = at + 1;
        return;
    case 3:
        memmove(text->data + at, text->data + at + size, text->size - at - size);
        text->size -= text->size - size > 0 ? size : 0;
        return;
    case 4:
        tj__put_bytes(&out, text->data, at + size);
        tj__put_bytes(&out, text->data + at, text->size - at);
        break;
    default:
        tj__put_bytes(&out, text->data, at);
        tj__put_cstr(&out, tokens[random_below(sizeof tokens / sizeof *tokens)]);
        tj__put_bytes(&out, text->data + at, text->size - at);
        break;
    }
    assert_false(out.failed);
    tj__buffer_dispose(text);
    *text = out;
}

/* A copy of exactly its size, so that the sanitizer sees a read behind the end. */
static tj_str exact_copy(const tj__buffer *text)
{
    char *copy = malloc(text->size);
    assert_non_null(copy);
    memcpy(copy, text->data, text->size);
    return (tj_str){copy, text->size};
}

static void assert_sentence(const tj_error *error)
{
    assert_true(error->status == TJ_INVALID || error->status == TJ_LIMIT);
    assert_true(strlen(error->message) > 10);
    assert_null(strchr(error->message, '\n'));
    assert_non_null(strstr(error->message, "line "));
}

static sqlite3 *database;
static sqlite3_stmt *json_valid;

static bool sqlite_takes(tj_str text)
{
    assert_int_equal(sqlite3_reset(json_valid), SQLITE_OK);
    assert_int_equal(sqlite3_bind_text(json_valid, 1, text.data, (int)text.size, SQLITE_STATIC),
                     SQLITE_OK);
    assert_int_equal(sqlite3_step(json_valid), SQLITE_ROW);
    return sqlite3_column_int(json_valid, 0) != 0;
}

/* Where this reader is the stricter one, and where SQLite sees only what stands before a NUL. */
static bool differs(tj_str text, const char *message)
{
    return strstr(message, "UTF-8") || strstr(message, "surrogate") || strstr(message, "deeper") ||
           memchr(text.data, '\0', text.size);
}

/* What becomes nodes, what is stepped over and SQLite are three readings of one grammar. */
static void assert_read_alike(tj_str text)
{
    const tj__json_source source = {text, NULL};
    tj_error error[2] = {TJ_ERROR_INIT, TJ_ERROR_INIT};
    tj__json_doc *doc = NULL;
    tj_status stepped_over = tj__json_validate(&source, &error[0]);
    tj_status built = tj__json_parse(text, NULL, ALL_LEVELS, &doc, &error[1]);
    tj__json_doc_free(doc);
    if (stepped_over != built || strcmp(error[0].message, error[1].message) != 0) {
        fail_msg("stepped over: %s; built: %s: %.*s", error[0].message, error[1].message,
                 (int)text.size, text.data);
    }
    if (!differs(text, error[0].message) && sqlite_takes(text) != (built == TJ_OK)) {
        fail_msg("SQLite thinks otherwise: %s: %.*s", error[0].message, (int)text.size, text.data);
    }
}

/* Whether the text was read. */
static bool try_state(tj_str text)
{
    tj_error error = TJ_ERROR_INIT;
    tj_live_state *state = NULL;
    tj_live_state *again = NULL;
    tj_text written = {NULL, 0};
    tj_text rewritten = {NULL, 0};
    assert_read_alike(text);
    if (tj_live_state_from_json(text, &state, &error) != TJ_OK) {
        assert_sentence(&error);
        return false;
    }
    assert_int_equal(tj__json_check(text, "state", &error), TJ_OK);
    if (tj_live_state_to_json(state, &written, &error) != TJ_OK ||
        tj_live_state_from_json((tj_str){written.data, written.size}, &again, &error) != TJ_OK ||
        tj_live_state_to_json(again, &rewritten, &error) != TJ_OK) {
        fail_msg("%s\n%.*s", error.message, (int)text.size, text.data);
    }
    assert_string_equal(written.data, rewritten.data);
    tj_text_dispose(&written);
    tj_text_dispose(&rewritten);
    tj_live_state_free(state);
    tj_live_state_free(again);
    return true;
}

static void mutated_snapshots_never_crash(void **state)
{
    (void)state;
    tj__buffer original;
    read_file(COPY("0.9.3/edge/snapshot.json"), &original);
    int read = 0;
    random_start();
    for (int i = 0; i < ROUNDS; i++) {
        tj__buffer text = {0};
        tj__put_bytes(&text, original.data, original.size);
        for (unsigned changes = 1 + random_below(3); changes > 0; changes--) {
            mutate(&text);
        }
        tj_str copy = exact_copy(&text);
        read += try_state(copy);
        free((void *)(uintptr_t)copy.data);
        tj__buffer_dispose(&text);
    }
    printf("%d of %d damaged texts were still a state\n", read, ROUNDS);
    assert_true(read > 0 && read < ROUNDS);
    tj__buffer_dispose(&original);
}

static void every_cut_is_an_error(void **state)
{
    (void)state;
    tj__buffer file;
    read_file(COPY("0.9.3/small/snapshot.json"), &file);
    for (size_t size = 0; size < file.size; size++) {
        tj__buffer cut = {.data = file.data, .size = size};
        tj_str copy = size ? exact_copy(&cut) : TJ_STR("");
        assert_false(try_state(copy));
        if (size) {
            free((void *)(uintptr_t)copy.data);
        }
    }
    tj__buffer_dispose(&file);
}

static int open_sqlite(void **state)
{
    (void)state;
    return sqlite3_open(":memory:", &database) != SQLITE_OK ||
           sqlite3_prepare_v2(database, "SELECT json_valid(?1)", -1, &json_valid, NULL) !=
               SQLITE_OK;
}

static int close_sqlite(void **state)
{
    (void)state;
    return sqlite3_finalize(json_valid) != SQLITE_OK || sqlite3_close(database) != SQLITE_OK;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(mutated_snapshots_never_crash),
        cmocka_unit_test(every_cut_is_an_error),
    };
    return cmocka_run_group_tests(tests, open_sqlite, close_sqlite);
}
