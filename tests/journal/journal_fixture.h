/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * A journal to write to and to damage, and what must hold when it is refused: a sentence, and
 * nothing changed on the disk.
 *
 * A test program that needs other processes starts itself again with a command; see child.h.
 */
#ifndef TJ_TESTS_JOURNAL_FIXTURE_H
#define TJ_TESTS_JOURNAL_FIXTURE_H

#include <dirent.h>
#include <fcntl.h>
#include <inttypes.h>
#include <sys/stat.h>
#include <unistd.h>

#include "support/fixture.h"

#include "base/hash.h"
#include "support/same.h"
#include "support/values.h"

/* LMDB then stays as it is until the journal is closed. */
#define NEVER_MS (3600 * 1000)

/* ---- values: commit n leaves equity n ------------------------------------------------------ */

static inline tj_status save_number(tj_store *store, uint64_t number, tj_error *error)
{
    tj_live_state state = {.has_portfolio_equity = true,
                           .portfolio_equity = tj_decimal_int((int64_t)number)};
    return tj_state_save(tj_store_state_repository(store, NULL), &state, error);
}

static inline void save_numbers(tj_store *store, uint64_t first, uint64_t last)
{
    for (uint64_t i = first; i <= last; i++) {
        assert_ok(save_number(store, i, &err));
    }
}

/* Leaves a journal that is closed. */
static inline void open_and_save(fixture *f, uint64_t first, uint64_t last)
{
    fixture_open(f);
    save_numbers(f->store, first, last);
    fixture_close(f);
}

/* The number that is stored; it must be the sequence of the last commit, too. */
static inline tj_status load_number(tj_store *store, uint64_t *number, tj_error *error)
{
    tj_live_state *state = NULL;
    tj_status status = tj_state_load(tj_store_state_repository(store, NULL), &state, error);
    if (status == TJ_OK) {
        *number = state->sequence;
        tj_decimal expected = tj_decimal_int((int64_t)state->sequence);
        if (tj_decimal_compare(state->portfolio_equity, expected) != 0) {
            status = TJ_CONFLICT;
        }
        tj_live_state_free(state);
    }
    return status;
}

static inline void assert_number(tj_store *store, uint64_t expected)
{
    uint64_t number = 0;
    assert_ok(load_number(store, &number, &err));
    assert_int_equal(number, expected);
}

/* A writer, and one who looks on, see commit `expected`; the writer can go on. */
static inline void assert_opens_at(fixture *f, uint64_t expected)
{
    f->config.read_only = true;
    fixture_open(f);
    assert_number(f->store, expected);
    fixture_close(f);
    f->config.read_only = false;
    fixture_open(f);
    assert_number(f->store, expected);
    save_numbers(f->store, expected + 1, expected + 3);
    assert_number(f->store, expected + 3);
    fixture_close(f);
}

/* ---- files --------------------------------------------------------------------------------- */

static inline void shell(const char *format, ...) __attribute__((format(printf, 1, 2)));
static inline void shell(const char *format, ...)
{
    char command[4096];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(command, sizeof command, format, arguments);
    va_end(arguments);
    if (system(command) != 0) {
        fail_msg("failed: %s", command);
    }
}

static inline uint8_t *read_whole(const char *path, size_t *size)
{
    FILE *file = fopen(path, "rb");
    struct stat found;
    assert_non_null(file);
    assert_int_equal(fstat(fileno(file), &found), 0);
    *size = (size_t)found.st_size;
    uint8_t *bytes = malloc(*size + 1);
    assert_non_null(bytes);
    assert_int_equal(fread(bytes, 1, *size, file), *size);
    fclose(file);
    return bytes;
}

static inline void write_at(const char *path, size_t offset, const void *bytes, size_t size)
{
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    assert_true(fd >= 0);
    assert_int_equal(pwrite(fd, bytes, size, (off_t)offset), size);
    close(fd);
}

/* Twice, they are as they were. */
static inline void turn_bits(const char *path, uint64_t offset, uint8_t bits)
{
    uint8_t byte = 0;
    int fd = open(path, O_RDWR | O_CLOEXEC);
    assert_true(fd >= 0);
    assert_int_equal(pread(fd, &byte, 1, (off_t)offset), 1);
    byte ^= bits;
    assert_int_equal(pwrite(fd, &byte, 1, (off_t)offset), 1);
    close(fd);
}

static inline void flip_byte(const char *path, size_t offset)
{
    turn_bits(path, offset, 1);
}

static inline void digest_into(FILE *out, const char *directory, const char *shown)
{
    struct dirent **names = NULL;
    int count = scandir(directory, &names, NULL, alphasort);
    for (int i = 0; i < count; i++) {
        const char *name = names[i]->d_name;
        char path[PATH_MAX];
        struct stat found;
        snprintf(path, sizeof path, "%s/%s", directory, name);
        if (strcmp(name, ".") != 0 && strcmp(name, "..") != 0 && strcmp(name, "lock.mdb") != 0 &&
            stat(path, &found) == 0) {
            char below[PATH_MAX];
            snprintf(below, sizeof below, "%s/%s", shown, name);
            if (S_ISDIR(found.st_mode)) {
                fprintf(out, "%s/\n", below);
                digest_into(out, path, below);
            } else {
                size_t size = 0;
                uint8_t *bytes = read_whole(path, &size);
                fprintf(out, "%s %zu %016" PRIx64 "\n", below, size, tj__hash(bytes, size));
                free(bytes);
            }
        }
        free(names[i]);
    }
    free(names);
}

/* Every file below a directory but lock.mdb, with size and hash; the caller frees it. */
static inline char *digest(const char *directory)
{
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    assert_non_null(out);
    digest_into(out, directory, "");
    fclose(out);
    return text;
}

/* ---- refusals ------------------------------------------------------------------------------ */

#define SENTENCES_MAX 128

/* All that was said, each sentence once, for a person to read at the end. */
static char *sentences[SENTENCES_MAX];
static size_t sentence_count;

static inline void note_sentence(void)
{
    char *line = NULL;
    assert_true(asprintf(&line, "%-12s %s", tj_status_name(err.status), err.message) > 0);
    for (size_t i = 0; i < sentence_count; i++) {
        if (strcmp(sentences[i], line) == 0) {
            free(line);
            return;
        }
    }
    assert_true(sentence_count < SENTENCES_MAX);
    sentences[sentence_count++] = line;
}

/* A refusal says where: without the path nobody knows which journal is meant. */
static inline void note_refusal(const fixture *f)
{
    note_sentence();
    if (!strstr(err.message, f->directory)) {
        fail_msg("names no place: %s", err.message);
    }
}

static inline void print_sentences(void)
{
    if (sentence_count > 0) {
        printf("\nWhat was said:\n");
    }
    for (size_t i = 0; i < sentence_count; i++) {
        printf("  %s\n", sentences[i]);
        free(sentences[i]);
    }
}

/* Opening as configured is refused so, and changes nothing below the fixture's directory. */
static inline void refuse_open_as_is(fixture *f, tj_status status, const char *text)
{
    char *before = digest(f->directory);
    tj_store *store = (tj_store *)f;
    assert_refused(tj_store_open(&f->config, &store, &err), status, text);
    assert_null(store);
    note_refusal(f);
    char *after = digest(f->directory);
    assert_string_equal(after, before);
    free(before);
    free(after);
}

/* One who looks on is refused when opening or, for what only the log shows, when loading. */
static inline void refuse_onlooker(fixture *f, tj_status status, const char *text)
{
    char *before = digest(f->directory);
    tj_live_state *state = (tj_live_state *)f;
    f->config.read_only = true;
    err = (tj_error)TJ_ERROR_INIT;
    if (tj_store_open(&f->config, &f->store, &err) == TJ_OK) {
        tj_status loaded = tj_state_load(tj_store_state_repository(f->store, NULL), &state, &err);
        assert_int_equal(loaded, status);
        assert_null(state);
        assert_int_equal(tj_store_close(f->store, NULL), TJ_OK);
        f->store = NULL;
    }
    f->config.read_only = false;
    if (err.status != status || !strstr(err.message, text)) {
        fail_msg("%s, not %s (%s): %s", tj_status_name(err.status), tj_status_name(status), text,
                 err.message);
    }
    note_refusal(f);
    char *after = digest(f->directory);
    assert_string_equal(after, before);
    free(before);
    free(after);
}

/* For a writer, and for one who looks on. */
static inline void refuse_open(fixture *f, tj_status status, const char *text)
{
    refuse_open_as_is(f, status, text);
    refuse_onlooker(f, status, text);
}

#endif
