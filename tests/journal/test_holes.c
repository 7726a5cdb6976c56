/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Old segments that are missing take history and nothing of the newest state: each that is before
 * LMDB's position is taken away in turn, and the journal opens, says so once, and goes on. From
 * there on every one is needed, and a journal that lacks it is refused.
 */
#include "damage.h"

#define COMMITS 2000
#define WARNING "the newest state is whole and commits go on"

static unsigned warnings;
static char warning[TJ_ERROR_MESSAGE_SIZE];

static void note_warning(void *context, tj_trace_level level, const char *message)
{
    (void)context;
    if (level == TJ_TRACE_WARNING && strstr(message, WARNING)) {
        warnings++;
        snprintf(warning, sizeof warning, "%s", message);
    }
}

/* Returns the last one that has records: it is that of LMDB's position. */
static unsigned make_segments(fixture *f)
{
    f->config.lmdb.segment_size_bytes = TJ_SEGMENT_SIZE_MIN;
    f->config.durability = TJ_DURABILITY_OS;
    f->config.trace = note_warning;
    open_and_save(f, 1, COMMITS);
    unsigned last = last_begun(f);
    assert_true(last >= 5);
    return last;
}

static void take_away(const fixture *f, unsigned first, unsigned last)
{
    shell("cd %s/log && mkdir -p ../../kept && for i in $(seq -f %%010.0f %u %u); do "
          "mv $i.log ../../kept; done",
          f->path, first, last);
}

static void put_back(const fixture *f)
{
    shell("cp -a %s/kept/* %s/log && rm -r %s/kept", f->directory, f->path, f->directory);
}

static void copy_aside(const fixture *f)
{
    shell("cd %s && rm -rf aside && cp -a journal aside", f->directory);
}

static void copy_back(const fixture *f)
{
    shell("cd %s && rm -rf journal && cp -a aside journal", f->directory);
}

/* A writer, and one who looks on, open it, each with one warning that has this text. */
static void assert_goes_on(fixture *f, const char *text)
{
    for (int read_only = 1; read_only >= 0; read_only--) {
        f->config.read_only = read_only != 0;
        warnings = 0;
        fixture_open(f);
        assert_int_equal(warnings, 1);
        if (!strstr(warning, text)) {
            fail_msg("\"%s\" says nothing of \"%s\"", warning, text);
        }
        assert_number(f->store, COMMITS);
        tj_store_info info = TJ_STORE_INFO_INIT;
        assert_ok(tj_store_info_get(f->store, &info, &err));
        fixture_close(f);
        assert_int_equal(warnings, 1);
    }
    assert_opens_at(f, COMMITS);
    assert_opens_at(f, COMMITS + 3);
}

static void each_old_segment_may_be_missing(void **state)
{
    fixture *f = *state;
    char text[256];
    unsigned last = make_segments(f);
    copy_aside(f);
    for (unsigned i = 1; i < last; i++) {
        take_away(f, i, i);
        snprintf(text, sizeof text,
                 "lacks 1 old segment, the first being %010u.log: " WARNING
                 ", but history is unbroken only from segment %u on",
                 i, i + 1);
        assert_goes_on(f, text);
        copy_back(f);
    }
    take_away(f, 1, last - 1);
    snprintf(text, sizeof text, "lacks %u old segments, the first being 0000000001.log", last - 1);
    assert_goes_on(f, text);
    f->damaged = true;
}

static void two_holes_are_told_as_one(void **state)
{
    fixture *f = *state;
    (void)make_segments(f);
    take_away(f, 2, 2);
    take_away(f, 4, 4);
    assert_goes_on(f, "lacks 2 old segments, the first being 0000000002.log: " WARNING
                      ", but history is unbroken only from segment 5 on");
    f->damaged = true;
}

/* Whoever looks on beside a writer is told, too, and sees its commits. */
static void a_reader_beside_a_writer_goes_on(void **state)
{
    fixture *f = *state;
    (void)make_segments(f);
    take_away(f, 2, 3);
    tj_config config = f->config;
    config.read_only = true;
    child writer = child_start("save", f->path, "20");
    child_expect(&writer, "saved");
    tj_store *reader = NULL;
    warnings = 0;
    assert_ok(tj_store_open(&config, &reader, &err));
    assert_int_equal(warnings, 1);
    assert_number(reader, COMMITS + 20);
    assert_ok(tj_store_close(reader, &err));
    child_kill(&writer);
    assert_opens_at(f, COMMITS + 20);
    f->damaged = true;
}

/* What was killed is settled, which goes over the segments again. */
static void a_killed_one_with_a_hole_recovers(void **state)
{
    fixture *f = *state;
    (void)make_segments(f);
    take_away(f, 1, 2);
    save_and_be_killed(f, "save", "600");
    assert_opens_at(f, COMMITS + 600);
    shell("cd %s && rm journal/writer.lock && cp -r journal copy && rm -r journal && "
          "mv copy journal",
          f->directory);
    assert_opens_at(f, COMMITS + 603);
    f->damaged = true;
}

/* Put back, it is as before: no warning. */
static void a_hole_may_be_filled_again(void **state)
{
    fixture *f = *state;
    (void)make_segments(f);
    take_away(f, 2, 2);
    assert_opens_at(f, COMMITS);
    put_back(f);
    warnings = 0;
    assert_opens_at(f, COMMITS + 3);
    assert_int_equal(warnings, 0);
}

static void expect_missing(fixture *f, uint64_t expected)
{
    tj_store_info info = TJ_STORE_INFO_INIT;
    f->config.read_only = true;
    fixture_open(f);
    assert_ok(tj_store_info_get(f->store, &info, &err));
    assert_int_equal(info.lmdb.segments_missing, expected);
    fixture_close(f);
    f->config.read_only = false;
}

/* Who looks on counts a segment that was cut short; nothing was ever written to one that is
 * prepared. */
static void a_cut_segment_is_as_one_that_is_missing(void **state)
{
    fixture *f = *state;
    unsigned last = make_segments(f);
    expect_missing(f, 0);
    shell(": >%s/log/%010u.log", f->path, last + 1);
    expect_missing(f, 0);
    copy_aside(f);
    for (unsigned size = 0; size <= 20000; size += 20000) {
        shell("truncate -s %u %s/log/0000000002.log", size, f->path);
        expect_missing(f, 1);
        copy_back(f);
    }
    assert_opens_at(f, COMMITS);
}

static void the_segment_of_the_state_is_needed(void **state)
{
    fixture *f = *state;
    char name[32];
    unsigned last = make_segments(f);
    snprintf(name, sizeof name, "%010u.log", last);
    take_away(f, last, last);
    for (int read_only = 0; read_only < 2; read_only++) {
        f->config.read_only = read_only != 0;
        assert_refused(tj_store_open(&f->config, &f->store, &err), TJ_CORRUPT, name);
    }
    put_back(f);
    f->config.read_only = false;
    assert_opens_at(f, COMMITS);
}

int main(int argc, char **argv)
{
    if (argc == 5 && strcmp(argv[1], "child") == 0) {
        return child_save(argv[3], argv[4], TJ_DURABILITY_SYNC);
    }
    const struct CMUnitTest tests[] = {
        JOURNAL_TEST(each_old_segment_may_be_missing),
        JOURNAL_TEST(two_holes_are_told_as_one),
        JOURNAL_TEST(a_reader_beside_a_writer_goes_on),
        JOURNAL_TEST(a_killed_one_with_a_hole_recovers),
        JOURNAL_TEST(a_hole_may_be_filled_again),
        JOURNAL_TEST(a_cut_segment_is_as_one_that_is_missing),
        JOURNAL_TEST(the_segment_of_the_state_is_needed),
    };
    return cmocka_run_group_tests_name("holes", tests, NULL, NULL);
}
