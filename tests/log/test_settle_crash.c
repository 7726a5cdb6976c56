/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Settling, cut short at each of its writes and flushes: the log then recovers to the same end.
 *
 * This program's own pwrite, fdatasync and fsync note what settling does and pass it on. From the
 * notes, images are made of what a disk may hold at each moment: what was flushed, and any of the
 * 512-byte sectors that were written since. The disk may hold less than the page cache did: the
 * records behind the last known mark, and the tail, are old on some images.
 */
#include <sys/syscall.h>

#include "built_log.h"

#include "base/random.h"

#define SEGMENT_SIZE ((uint64_t)8192)
#define SEGMENTS 3
#define SECTOR 512
#define EVENTS_MAX 64

typedef struct noted {
    uint64_t ordinal; /* 0 for a flush of the directory */
    uint64_t offset;
    size_t size; /* 0 for a flush */
    uint8_t bytes[SEGMENT_SIZE];
} noted;

typedef struct disk {
    uint8_t bytes[SEGMENTS][SEGMENT_SIZE];
} disk;

static noted events[EVENTS_MAX];
static size_t event_count;
static bool noting;

static uint64_t ordinal_of(int fd)
{
    char link[64];
    char path[512] = "";
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t size = readlink(link, path, sizeof path - 1);
    return size > 14 ? strtoull(path + size - 14, NULL, 10) : 0;
}

static void note(int fd, uint64_t offset, const void *data, size_t size)
{
    if (!noting) {
        return;
    }
    assert_true(event_count < EVENTS_MAX);
    assert_true(size <= SEGMENT_SIZE);
    noted *event = &events[event_count++];
    *event = (noted){.ordinal = ordinal_of(fd), .offset = offset, .size = size};
    if (size > 0) {
        memcpy(event->bytes, data, size);
    }
}

ssize_t pwrite(int fd, const void *data, size_t size, off_t offset)
{
    note(fd, (uint64_t)offset, data, size);
    return syscall(SYS_pwrite64, fd, data, size, offset);
}

int fdatasync(int fd)
{
    note(fd, 0, NULL, 0);
    return 0;
}

int fsync(int fd)
{
    note(fd, 0, NULL, 0);
    return 0;
}

static void save(const built_log *log, disk *out)
{
    for (uint64_t i = 0; i < SEGMENTS; i++) {
        peek(log, i + 1, 0, out->bytes[i], SEGMENT_SIZE);
    }
}

static void restore(const built_log *log, const disk *image)
{
    for (uint64_t i = 0; i < SEGMENTS; i++) {
        poke(log, i + 1, 0, image->bytes[i], SEGMENT_SIZE);
    }
}

/* Applies those sectors of a write that `keep` says. */
static void apply(disk *image, const noted *event, uint64_t keep)
{
    for (size_t at = 0; at < event->size; at += SECTOR) {
        size_t left = event->size - at;
        if (keep >> (at / SECTOR) & 1) {
            memcpy(image->bytes[event->ordinal - 1] + event->offset + at, event->bytes + at,
                   left < SECTOR ? left : SECTOR);
        }
    }
}

/* What the disk holds after the first `count` events, when of the unflushed writes the sectors in
 * `keep` got there, a different choice for each write. */
static void make_image(const disk *before, size_t count, uint64_t (*keep)(void), disk *image)
{
    *image = *before;
    for (size_t i = 0; i < count; i++) {
        bool flushed = false;
        for (size_t j = i + 1; j < count; j++) {
            flushed = flushed || (events[j].ordinal == events[i].ordinal && events[j].size == 0);
        }
        apply(image, &events[i], flushed ? UINT64_MAX : keep());
    }
}

static uint64_t keep_none(void)
{
    return 0;
}
static uint64_t keep_all(void)
{
    return UINT64_MAX;
}
/* As recovery does: to the end, look behind it, settle. */
static void recover(const built_log *log, const tj__position *from, tj__position *end,
                    tj__log_tail *tail)
{
    tj_error error = TJ_ERROR_INIT;
    uint64_t last = 0;
    tj__log_reader *reader = reader_from(log, from);
    must(read_all(reader, &last, &error), &error);
    must(tj__log_reader_tail(reader, tail, &error), &error);
    *end = *tj__log_reader_position(reader);
    tj__log_reader_close(reader);
    must(tj__log_settle(log->directory, &log->id, from, end, &error), &error);
}

static void recover_and_note(const built_log *log, const tj__position *from, tj__position *end)
{
    tj__log_tail tail;
    event_count = 0;
    noting = true;
    recover(log, from, end, &tail);
    noting = false;
}

static void check_image(const built_log *log, const disk *image, const tj__position *from,
                        uint64_t least)
{
    tj__position end;
    tj__log_tail tail;
    restore(log, image);
    recover(log, from, &end, &tail);
    assert_true(end.sequence >= least);
    assert_true(tail.durable_max <= end.sequence);
    assert_false(tail.segment_begun_after);
}

/* Commits 1 and 2, a seal, commits 3 to 5 of which 4 is torn: the log ends after 3. */
static void build(built_log *log)
{
    built_open(log, SEGMENT_SIZE);
    add_commit(log, 300);
    log->durable = 1;
    add_commit(log, 700);
    log->durable = 2;
    rotate(log);
    add_commit(log, 100);
    add_commit(log, 1000);
    add_commit(log, 200);
    prepare_segment(log, 3);
    flip(log, 2, log->places[3].offset + 100, 1);
}

/* Goes through every moment of a settling that starts with the disk as `before`. */
static void check_every_crash(const built_log *log, const disk *cache, const disk *before,
                              const tj__position *from, uint64_t least)
{
    tj__position end;
    disk image;
    restore(log, cache);
    recover_and_note(log, from, &end);
    assert_int_equal(end.sequence, 3);
    for (size_t count = 0; count <= event_count; count++) {
        uint64_t held = count == event_count ? 3 : least;
        make_image(before, count, keep_none, &image);
        check_image(log, &image, from, held);
        make_image(before, count, keep_all, &image);
        check_image(log, &image, from, least);
        for (int i = 0; i < 40; i++) {
            make_image(before, count, random_u64, &image);
            check_image(log, &image, from, held);
        }
    }
}

static void a_crash_in_settling_loses_nothing(void **unused)
{
    (void)unused;
    built_log log;
    disk cache;
    build(&log);
    save(&log, &cache);
    check_every_crash(&log, &cache, &cache, &built_start, 3);
    check_every_crash(&log, &cache, &cache, &log.places[2], 3);
    built_close(&log);
}

/* A failed flush: the page cache shows commit 3, the disk holds what was there before, and the
 * other way round behind the end. */
static void what_the_disk_did_not_hold_is_written(void **unused)
{
    (void)unused;
    built_log log;
    disk cache;
    disk before;
    build(&log);
    save(&log, &before);
    cache = before;
    memset(before.bytes[1] + TJ__SEGMENT_HEADER_SIZE, 0, 4 * SECTOR);
    memset(cache.bytes[1] + log.places[3].offset, 0, SEGMENT_SIZE - log.places[3].offset);
    check_every_crash(&log, &cache, &before, &built_start, 2);
    memset(before.bytes[1], 0, TJ__SEGMENT_HEADER_SIZE); /* the segment's header, too */
    check_every_crash(&log, &cache, &before, &log.places[2], 2);
    /* Without settling it is not there. */
    restore(&log, &before);
    check_end(&log, 2, "the next segment is prepared but not begun");
    built_close(&log);
}

/* The later segment first, then the records in their order, then the directory. */
static void files_are_flushed_in_order(void **unused)
{
    (void)unused;
    built_log log;
    tj__position end;
    static const uint64_t order[] = {3, 1, 2, 0};
    size_t flushes = 0;
    build(&log);
    recover_and_note(&log, &built_start, &end);
    for (size_t i = 0; i < event_count; i++) {
        assert_int_equal(events[i].ordinal, order[flushes]);
        flushes += events[i].size == 0;
    }
    assert_int_equal(flushes, 4);
    built_close(&log);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_crash_in_settling_loses_nothing),
        cmocka_unit_test(what_the_disk_did_not_hold_is_written),
        cmocka_unit_test(files_are_flushed_in_order),
    };
    random_start();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
