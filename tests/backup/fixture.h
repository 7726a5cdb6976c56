/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* A journal with small segments, and a backup of it. */
#ifndef TJ_TESTS_BACKUP_FIXTURE_H
#define TJ_TESTS_BACKUP_FIXTURE_H

#include "journal/journal_fixture.h"

#include "base/random.h"

/* So small that a few hundred commits fill several segments. */
#define SMALL_SEGMENT ((uint64_t)64 << 10)

static char backup_path[PATH_TEXT_SIZE + 16];
static uint64_t backup_compression; /* of those to come */

static inline void small_segments_open(fixture *f)
{
    snprintf(backup_path, sizeof backup_path, "%s/backup", f->directory);
    f->config.lmdb.segment_size_bytes = SMALL_SEGMENT;
    fixture_open(f);
}

static inline tj_backup_point back_up(tj_store *store)
{
    tj_backup_options quickly = TJ_BACKUP_OPTIONS_INIT;
    tj_backup_report *report = NULL;
    quickly.bytes_per_s = TJ_BACKUP_RATE_UNBOUNDED;
    quickly.compression = backup_compression;
    assert_ok(tj_backup(store, backup_path, &quickly, &report, &err));
    tj_backup_point point = report->point;
    tj_backup_report_free(report);
    return point;
}

/* A journal with so many commits, and a backup of them. */
static inline void open_backed_up(fixture *f, uint64_t commits)
{
    small_segments_open(f);
    save_numbers(f->store, 1, commits);
    back_up(f->store);
}

static inline void file_in(char path[PATH_MAX], const char *directory, const char *name)
{
    snprintf(path, PATH_MAX, "%s/%s", directory, name);
}

/* Whether it is the file of a segment, and not in both forms: the name before is that of another
 * one. */
static inline bool is_next_segment(const char *name, const char *before)
{
    return name[0] >= '0' && name[0] <= '9' && strncmp(name, before, 10) != 0;
}

/* What the backup has of the log is what the journal has, where it is not compressed; returns how
 * many segments there are. */
static inline unsigned assert_same_log(const fixture *f)
{
    char log_path[PATH_MAX];
    struct dirent **names = NULL;
    unsigned files = 0;
    file_in(log_path, backup_path, "log");
    int count = scandir(log_path, &names, NULL, alphasort);
    for (int i = 0; i < count; i++) {
        bool counts = is_next_segment(names[i]->d_name, i > 0 ? names[i - 1]->d_name : "");
        files += counts;
        if (counts && !strstr(names[i]->d_name, ".zst")) {
            char path[PATH_MAX + NAME_MAX + 2];
            char journals[PATH_MAX];
            size_t size = 0;
            size_t whole = 0;
            snprintf(path, sizeof path, "%s/%s", log_path, names[i]->d_name);
            snprintf(journals, sizeof journals, "%s/log/%.10s.log", f->path, names[i]->d_name);
            uint8_t *own = read_whole(path, &size);
            uint8_t *there = read_whole(journals, &whole);
            assert_true(size <= whole);
            if (memcmp(own, there, size) != 0) {
                fail_msg("%s differs from %s", path, journals);
            }
            free(own);
            free(there);
        }
    }
    for (int i = 0; i < count; i++) {
        free(names[i]);
    }
    free(names);
    return files;
}

#endif
