/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* What the journal stands on: file system, mount, what a flush costs, space. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/sysmacros.h>
#include <time.h>
#include <unistd.h>

#include "base/error.h"
#include "base/file.h"
#include "base/in_place.h"
#include "journal/journal.h"
#include "maintain/checkup.h"

/* ---- file system and mount ------------------------------------------------------------------- */

static void look_at_file_system(tj__examinee *x)
{
    tj__place place;
    tj_error error = TJ_ERROR_INIT;
    if (tj__journal_place(x->path, &place, &error) != TJ_OK) {
        tj__checkup_add(x, "file system", TJ_HEALTH_UNKNOWN, NULL, "%s", error.message);
        return;
    }
    const char *move = "tesser-journal restore %s --into NEW";
    if (place.refused) {
        tj__checkup_add(x, "file system", TJ_HEALTH_WRONG,
                        tj__checkup_command(x, move, tj__checkup_word(x, x->path)),
                        "it is %s, which cannot hold a journal: %s; NEW is on ext4, xfs, btrfs, "
                        "f2fs or zfs",
                        place.name, place.refused);
    } else if (place.warning) {
        tj__checkup_add(x, "file system", TJ_HEALTH_WARNING,
                        tj__checkup_command(x, move, tj__checkup_word(x, x->path)),
                        "it is %s: %s; NEW is on ext4, xfs, btrfs or f2fs", place.name,
                        place.warning);
    } else {
        tj__checkup_add(x, "file system", TJ_HEALTH_OK, NULL, "it is %s", place.name);
    }
}

typedef struct mount {
    char point[PATH_MAX];
    char options[1024]; /* of the mount and of the file system, between commas */
} mount;

/* The kernel writes a blank as "\040", and so with whatever else would end a word or a line. */
static void unescape(char *text)
{
    char *out = text;
    for (const char *at = text; *at; out++) {
        if (at[0] == '\\' && strspn(at + 1, "01234567") >= 3) {
            *out = (char)((at[1] - '0') << 6 | (at[2] - '0') << 3 | (at[3] - '0'));
            at += 4;
        } else {
            *out = *at++;
        }
    }
    *out = '\0';
}

/* "36 35 98:0 /root /mnt rw,noatime shared:1 - ext4 /dev/sda1 rw,errors=continue" */
static bool read_mount(char *line, mount *out)
{
    char own[512];
    char its[512] = "";
    char *end = strstr(line, " - ");
    if (!end || sscanf(line, "%*s %*s %*s %*s %4095s %511s", out->point, own) != 2) {
        return false;
    }
    (void)sscanf(end + 3, "%*s %*s %511s", its);
    unescape(out->point);
    snprintf(out->options, sizeof out->options, ",%s,%s,", own, its);
    return true;
}

/* The mount that holds the path, by its id. */
static bool find_mount(const char *path, mount *out)
{
    struct statx found;
    char *line = NULL;
    size_t size = 0;
    bool known = false;
    if (statx(AT_FDCWD, path, 0, STATX_MNT_ID, &found) != 0 ||
        (found.stx_mask & STATX_MNT_ID) == 0) {
        return false;
    }
    FILE *mounts = fopen("/proc/self/mountinfo", "re");
    while (mounts && !known && getline(&line, &size, mounts) > 0) {
        known = strtoull(line, NULL, 10) == found.stx_mnt_id && read_mount(line, out);
    }
    free(line);
    if (mounts) {
        fclose(mounts);
    }
    return known;
}

static bool has_option(const mount *m, const char *option)
{
    char sought[64];
    snprintf(sought, sizeof sought, ",%s,", option);
    return strstr(m->options, sought) != NULL;
}

static void look_at_mount(tj__examinee *x)
{
    mount m;
    if (!find_mount(x->path, &m)) {
        tj__checkup_add(x, "mount", TJ_HEALTH_UNKNOWN, NULL,
                        "/proc/self/mountinfo does not tell how %s is mounted", x->path);
    } else if (has_option(&m, "nobarrier") || has_option(&m, "barrier=0")) {
        tj__checkup_add(
            x, "mount", TJ_HEALTH_WRONG,
            tj__checkup_command(x, "mount -o remount,barrier %s", tj__checkup_word(x, m.point)),
            "%s is mounted without barriers: a flush does not reach the disk, and a "
            "power cut loses commits that were acknowledged",
            m.point);
    } else if (has_option(&m, "emergency_ro")) {
        tj__checkup_add(x, "mount", TJ_HEALTH_WRONG, "dmesg",
                        "%s takes no writes any more after an error, which the kernel's log tells: "
                        "unmount it, and check it with fsck",
                        m.point);
    } else if (has_option(&m, "ro")) {
        tj__checkup_add(
            x, "mount", TJ_HEALTH_WARNING,
            tj__checkup_command(x, "mount -o remount,rw %s", tj__checkup_word(x, m.point)),
            "%s is mounted read-only: the journal can be read, and not written", m.point);
    } else if (has_option(&m, "sync")) {
        tj__checkup_add(
            x, "mount", TJ_HEALTH_WARNING,
            tj__checkup_command(x, "mount -o remount,async %s", tj__checkup_word(x, m.point)),
            "%s is mounted with sync: every write waits for the disk, and a commit "
            "needs only one flush",
            m.point);
    } else {
        tj__checkup_add(x, "mount", TJ_HEALTH_OK, NULL, "%s, with barriers", m.point);
    }
}

/* ---- flushes --------------------------------------------------------------------------------- */

#define FLUSHES 25
#define FLUSHED_SIZE ((size_t)4096)
/* Slower than this, savers wait where people notice it. */
#define FLUSH_SLOW_NS INT64_C(10000000)
/* Faster than any disk: memory, or a cache that is not asked to let go. */
#define FLUSH_UNREAL_NS INT64_C(5000)

static int64_t now_ns(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

static int by_value(const void *a, const void *b)
{
    int64_t left = *(const int64_t *)a;
    int64_t right = *(const int64_t *)b;
    return (left > right) - (left < right);
}

/* A file without a name: whatever happens, nothing is left of it. */
static tj_status open_unnamed(const char *directory, int *fd, tj_error *error)
{
    static const uint8_t zeros[FLUSHED_SIZE];
    *fd = open(directory, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    if (*fd < 0) {
        return tj__fail_errno(error, errno, "making a file in %s", directory);
    }
    tj__file_in_place(*fd);
    for (uint64_t i = 0; i < FLUSHES; i++) {
        TJ_TRY(tj__file_write_at(*fd, directory, zeros, sizeof zeros, i * sizeof zeros, error));
    }
    return tj__file_sync(*fd, directory, error);
}

/* As the log does it: over blocks that are there. */
static tj_status measure(int fd, const char *directory, int64_t took[FLUSHES], tj_error *error)
{
    uint8_t page[FLUSHED_SIZE];
    for (uint64_t i = 0; i < FLUSHES; i++) {
        memset(page, (int)i + 1, sizeof page);
        int64_t begun = now_ns();
        TJ_TRY(tj__file_write_at(fd, directory, page, sizeof page, i * sizeof page, error));
        TJ_TRY(tj__file_sync_data(fd, directory, error));
        took[i] = now_ns() - begun;
    }
    qsort(took, FLUSHES, sizeof *took, by_value);
    return TJ_OK;
}

static void judge_flush(tj__examinee *x, const int64_t took[FLUSHES])
{
    int64_t median = took[FLUSHES / 2];
    double ms = (double)median / 1e6;
    double worst = (double)took[FLUSHES - 1] / 1e6;
    double per_second = 1e9 / (double)(median > 0 ? median : 1);
    if (median > FLUSH_SLOW_NS) {
        tj__checkup_add(x, "flush", TJ_HEALTH_WARNING,
                        tj__checkup_command(x, "tesser-journal restore %s --into NEW",
                                            tj__checkup_word(x, x->path)),
                        "a write and its flush take %.3g ms, at most %.3g ms, of %d: a durable "
                        "save waits as long, and one saver makes %.0f a second; NEW is on a "
                        "faster disk",
                        ms, worst, FLUSHES, per_second);
    } else if (median < FLUSH_UNREAL_NS) {
        tj__checkup_add(x, "flush", TJ_HEALTH_WARNING, "lsblk -o NAME,TYPE,MOUNTPOINTS",
                        "a write and its flush take %.3g ms, faster than any disk: what is flushed "
                        "stays in memory, of this machine or of its host, and a power cut there "
                        "loses it",
                        ms);
    } else {
        tj__checkup_add(x, "flush", TJ_HEALTH_OK, NULL,
                        "a write and its flush take %.3g ms, at most %.3g ms, of %d: about %.0f "
                        "durable saves a second by one saver, and more by several",
                        ms, worst, FLUSHES, per_second);
    }
}

static void look_at_flush(tj__examinee *x)
{
    int64_t took[FLUSHES];
    int fd = -1;
    tj_error error = TJ_ERROR_INIT;
    tj_status status = open_unnamed(x->path, &fd, &error);
    if (status == TJ_OK) {
        status = measure(fd, x->path, took, &error);
    }
    tj__file_close(fd);
    if (status == TJ_OK) {
        judge_flush(x, took);
    } else {
        tj__checkup_add(x, "flush", TJ_HEALTH_UNKNOWN, NULL, "%s", error.message);
    }
}

/* ---- space ----------------------------------------------------------------------------------- */

/* Segments that should still fit, as in space.c. */
#define LOW_SEGMENTS 4
#define LOW_FILES 1000

static void look_at_bytes(tj__examinee *x, uint64_t free_now)
{
    char size[TJ__AMOUNT_SIZE];
    char needed[TJ__AMOUNT_SIZE];
    uint64_t segment = x->config->lmdb.segment_size_bytes;
    uint64_t low = LOW_SEGMENTS * segment;
    tj__amount(free_now, size);
    if (free_now < segment) {
        tj__checkup_add(x, "space", TJ_HEALTH_WRONG,
                        tj__checkup_command(x, "df -h %s", tj__checkup_word(x, x->path)),
                        "%s are free, and the next segment of the log takes %s: only critical "
                        "commits and deletes are taken when the newest is full, until other files "
                        "on this file system are removed",
                        size, tj__amount(segment, needed));
    } else if (free_now < low) {
        tj__checkup_add(x, "space", TJ_HEALTH_WARNING,
                        tj__checkup_command(x, "df -h %s", tj__checkup_word(x, x->path)),
                        "%s are free, less than %s, which %d segments of the log take: remove "
                        "other files on this file system",
                        size, tj__amount(low, needed), LOW_SEGMENTS);
    } else {
        tj__checkup_add(x, "space", TJ_HEALTH_OK, NULL, "%s are free", size);
    }
}

static void look_at_space(tj__examinee *x)
{
    struct statvfs space;
    if (statvfs(x->path, &space) != 0) {
        tj_error error = TJ_ERROR_INIT;
        (void)tj__fail_errno(&error, errno, "asking for the free space of %s", x->path);
        tj__checkup_add(x, "space", TJ_HEALTH_UNKNOWN, NULL, "%s", error.message);
        return;
    }
    look_at_bytes(x, (uint64_t)space.f_bavail * space.f_frsize);
    if (space.f_files == 0) {
        tj__checkup_add(x, "inodes", TJ_HEALTH_OK, NULL, "the file system has no such number");
    } else {
        bool low = space.f_favail < LOW_FILES;
        tj__checkup_add(x, "inodes",
                        space.f_favail < LOW_SEGMENTS ? TJ_HEALTH_WRONG
                        : low                         ? TJ_HEALTH_WARNING
                                                      : TJ_HEALTH_OK,
                        low ? tj__checkup_command(x, "df -i %s", tj__checkup_word(x, x->path))
                            : NULL,
                        "%" PRIu64 " files can be made%s", (uint64_t)space.f_favail,
                        low ? ": remove some on this file system" : "");
    }
}

void tj__checkup_disk(tj__examinee *x)
{
    look_at_file_system(x);
    look_at_mount(x);
    if (x->measure_flush) {
        look_at_flush(x);
    }
    look_at_space(x);
}
