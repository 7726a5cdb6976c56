/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Journals to damage. */
#ifndef TJ_TESTS_JOURNAL_DAMAGE_H
#define TJ_TESTS_JOURNAL_DAMAGE_H

#include "journal_fixture.h"

#include "child.h"

#define APPLIED 20
#define WRITTEN 40

/* Everything is in LMDB. */
static inline void make_closed(fixture *f)
{
    open_and_save(f, 1, APPLIED);
}

/* 1 to APPLIED are in LMDB, the rest is in the log only; the writer was killed. */
static inline void make_crashed(fixture *f)
{
    make_closed(f);
    save_and_be_killed(f, "save", "20");
}

/* The same journal elsewhere: no mark of the writer is valid there. */
static inline void move_to_a_copy(fixture *f)
{
    shell("cd %s && cp -r journal copy && rm -r journal", f->directory);
    snprintf(f->path, sizeof f->path, "%s/copy", f->directory);
}

static inline void file_path(const fixture *f, const char *name, char out[PATH_TEXT_SIZE])
{
    int written = snprintf(out, PATH_TEXT_SIZE, "%s/%s", f->path, name);
    assert_true(written > 0 && written < PATH_TEXT_SIZE);
}

/* The last segment that has records; behind it there may be a prepared one. */
static inline unsigned last_begun(const fixture *f)
{
    unsigned last = 0;
    for (unsigned i = 1; i < 100; i++) {
        char name[32];
        char path[PATH_TEXT_SIZE];
        size_t size = 0;
        snprintf(name, sizeof name, "log/%010u.log", i);
        file_path(f, name, path);
        if (access(path, F_OK) == 0) {
            uint8_t *bytes = read_whole(path, &size);
            last = memcmp(bytes, "TJLOGSEG", 8) == 0 ? i : last;
            free(bytes);
        }
    }
    return last;
}

#endif
