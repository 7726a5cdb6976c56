/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* The builder: behind a writer, after a writer that built none, and killed at any moment. */
#include "history_fixture.h"

#include <dirent.h>

#include "journal/child.h"

#define COMMITS 500

static history h;

static void digest_files(const char *directory, char text[8192])
{
    char command[1024];
    snprintf(command, sizeof command, "cd %s 2>/dev/null && sha256sum [0-9]* 2>/dev/null",
             directory);
    FILE *pipe = popen(command, "r");
    assert_non_null(pipe);
    size_t size = fread(text, 1, 8191, pipe);
    text[size] = '\0';
    pclose(pipe);
}

/* What somebody else makes of the same log, in another directory. */
static void build_beside(const fixture *f, char text[8192])
{
    static char directory[PATH_TEXT_SIZE + 16];
    history other = h;
    snprintf(directory, sizeof directory, "%s/beside", f->directory);
    memcpy(other.history_path, directory, sizeof other.history_path);
    other.place.directory = other.history_path;
    build_bases(&other);
    build_keys(&other);
    digest_files(directory, text);
    shell("rm -r %s", directory);
}

static size_t count_lines(const char *text)
{
    size_t count = 0;
    for (; *text; text++) {
        count += *text == '\n';
    }
    return count;
}

/* Waits for a thread that has nothing else to do than what is waited for. */
static void await_files(const fixture *f, const char *expected)
{
    static char is[8192];
    for (int i = 0; i < 3000; i++) {
        digest_files(h.history_path, is);
        if (strcmp(is, expected) == 0) {
            return;
        }
        usleep(10000);
    }
    fail_msg("%s has\n%sand should have\n%s", f->path, is, expected);
}

static void it_builds_behind_the_writer(void **state)
{
    fixture *f = *state;
    static char expected[8192];
    random_start();
    f->config.lmdb.lag_ms = 1;
    history_begin(f, &h);
    history_go_on(f, &h, COMMITS);
    build_beside(f, expected);
    assert_true(count_lines(expected) > 6);
    await_files(f, expected);
    fixture_close(f);
}

static void it_builds_what_an_earlier_writer_left_undone(void **state)
{
    fixture *f = *state;
    static char expected[8192];
    history_make(f, &h, COMMITS);
    shell("rm -rf %s", h.history_path);
    build_beside(f, expected);
    shell("mkdir %s && touch %s/0000000001.state.tmp", h.history_path, h.history_path);
    fixture_open(f);
    await_files(f, expected);
    fixture_close(f);
    shell("cd %s && ! ls *.tmp 2>/dev/null", h.history_path);
}

static void without_threads_the_caller_builds_one_at_a_time(void **state)
{
    fixture *f = *state;
    static char expected[8192];
    static char is[8192];
    random_start();
    f->config.no_threads = true;
    history_begin(f, &h);
    history_go_on(f, &h, COMMITS);
    build_beside(f, expected);
    size_t before = 0;
    for (size_t i = 0; i < count_lines(expected); i++) {
        assert_ok(tj_store_work(f->store, &err));
        digest_files(h.history_path, is);
        assert_true(count_lines(is) <= before + TJ__BASE_KINDS);
        before = count_lines(is);
    }
    assert_string_equal(is, expected);
    fixture_close(f);
}

/* ---- killed ----------------------------------------------------------------------------- */

/* By no other process: that would outlive a builder that is killed, and remove what the next one
 * builds. */
static void remove_files(const char *directory)
{
    DIR *stream = opendir(directory);
    const struct dirent *entry;
    while (stream && (entry = readdir(stream)) != NULL) {
        (void)unlinkat(dirfd(stream), entry->d_name, 0);
    }
    if (stream) {
        closedir(stream);
    }
}

/* Builds, and builds again, until it is killed. */
static _Noreturn void child_build(const char *path, const char *id)
{
    static history in_child;
    tj_error error = TJ_ERROR_INIT;
    snprintf(in_child.log_path, sizeof in_child.log_path, "%s/log", path);
    snprintf(in_child.history_path, sizeof in_child.history_path, "%s/history", path);
    in_child.place = (tj__base_place){
        .log_path = in_child.log_path, .directory = in_child.history_path, .memory = 20000};
    child_must(tj_uuid_parse(tj_str_of(id), &in_child.place.journal_id, &error), &error);
    for (;;) {
        tj__base_tidy(in_child.history_path);
        build_bases(&in_child);
        build_keys(&in_child);
        say("built");
        remove_files(in_child.history_path);
    }
}

/* Every file that has a name has all its bytes. */
static size_t assert_files_among(const char *expected)
{
    static char is[8192];
    digest_files(h.history_path, is);
    size_t count = 0;
    for (char *line = strtok(is, "\n"); line; line = strtok(NULL, "\n")) {
        if (!strstr(line, ".tmp") && !strstr(expected, line)) {
            fail_msg("%s differs from what an undisturbed builder wrote", line);
        }
        count++;
    }
    return count;
}

static void killed_at_any_moment_it_leaves_whole_files(void **state)
{
    fixture *f = *state;
    static char expected[8192];
    char id[TJ_UUID_TEXT_SIZE];
    const char *longer = getenv("TJ_LONG");
    int kills = longer && strcmp(longer, "1") == 0 ? 10000 : 40;
    size_t files = 0;
    history_make(f, &h, COMMITS);
    shell("rm -rf %s", h.history_path);
    build_beside(f, expected);
    tj_uuid_format(h.source.journal_id, id);
    for (int i = 0; i < kills; i++) {
        child builder = child_start("build", f->path, id);
        if (i % 4 == 3) {
            child_expect(&builder, "built");
        }
        usleep(random_below(15000));
        child_kill(&builder);
        files += assert_files_among(expected);
        assert_past(&h, 1 + random_below((unsigned)h.last), based_tables());
    }
    printf("%d kills, %zu files looked at\n", kills, files);
    assert_true(files > 0);
    build_bases(&h);
}

int main(int argc, char **argv)
{
    directory_in_memory();
    if (argc == 5 && strcmp(argv[2], "build") == 0) {
        child_build(argv[3], argv[4]);
    }
    const struct CMUnitTest tests[] = {
        JOURNAL_TEST(it_builds_behind_the_writer),
        JOURNAL_TEST(it_builds_what_an_earlier_writer_left_undone),
        JOURNAL_TEST(without_threads_the_caller_builds_one_at_a_time),
        JOURNAL_TEST(killed_at_any_moment_it_leaves_whole_files),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
