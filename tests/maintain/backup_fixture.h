/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* A journal with small segments, and a backup of it. */
#ifndef TJ_TESTS_MAINTAIN_BACKUP_FIXTURE_H
#define TJ_TESTS_MAINTAIN_BACKUP_FIXTURE_H

#include "journal/journal_fixture.h"

#include "base/random.h"

/* So small that a few hundred commits fill several segments. */
#define SMALL_SEGMENT ((uint64_t)64 << 10)

static char backup_path[PATH_TEXT_SIZE + 16];

static inline void small_segments_open(fixture *f)
{
    snprintf(backup_path, sizeof backup_path, "%s/backup", f->directory);
    f->config.lmdb.segment_size_bytes = SMALL_SEGMENT;
    fixture_open(f);
}

static inline tj_backup_point back_up(tj_store *store)
{
    static const tj_backup_options quickly = {sizeof quickly, TJ_BACKUP_RATE_UNBOUNDED, false};
    tj_backup_report *report = NULL;
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

/* What the backup has of the log is what the journal has; returns how many files there are. */
static inline unsigned assert_same_log(const fixture *f)
{
    char log_path[PATH_MAX];
    struct dirent **names = NULL;
    unsigned files = 0;
    file_in(log_path, backup_path, "log");
    int count = scandir(log_path, &names, NULL, alphasort);
    for (int i = 0; i < count; i++) {
        if (names[i]->d_name[0] != '.') {
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
            files++;
        }
        free(names[i]);
    }
    free(names);
    return files;
}

#endif
