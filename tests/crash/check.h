/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Checks one image through the public interface:
 *   - a read-only view of it, before anything is recovered, shows the state after some commit;
 *   - it opens for writing, shows the same, and every row is that of the model after this commit;
 *   - six more commits work, and are there when it is closed and opened again;
 *   - of the past, where the checker is to look at it: some states are those of the model or not
 *     kept any more, and what goes by a prune takes none with it that is to stay.
 * Which commits the image may have lost or not is asked of the outcome afterwards (judge): the same
 * image may be met again when more has been acknowledged.
 */
#ifndef TJ_CRASH_CHECK_H
#define TJ_CRASH_CHECK_H

#include "crash/disk.h"
#include "crash/model.h"

/* The first number of the commits that a recorded recovery adds, and of those that a check adds: an
 * image may have both. */
#define EXTRA_COMMIT_FIRST 900000
#define CHECK_COMMIT_FIRST 910000
#define WHY_SIZE 4096

typedef struct bounds {
    uint64_t low;  /* the last sequence that must be there */
    uint64_t high; /* the last one that may be there */
    bool created;  /* the first open has returned: there is a journal */
} bounds;

#define NO_JOURNAL (-1)

/* The sequence that each open showed. */
typedef struct outcome {
    int32_t view; /* NO_JOURNAL: there is none */
    int32_t opened;
} outcome;

typedef struct checker {
    char directory[512]; /* emptied and filled by every check; the journal is in "journal" in it */
    char messages[WHY_SIZE]; /* what the library traced during the last check */
    char why[WHY_SIZE];      /* why the last check failed */
    bool past;               /* looks at the past, too */
} checker;

/* Replaces the directory's content by the image, with some content of the three files that are
 * not recorded, which the image's hash chooses. */
void image_write(const char *directory, const image *image);
void directory_remove(const char *path);
/* Makes a directory to work in, in memory when there is some: thousands of small files are written
 * each second. */
void make_work_directory(char out[256]);

/* The configuration that workload and checks open with. `path` must live on. */
tj_config crash_config(const char *path);

/* False: the image, taken by itself, breaks a promise; checker->why tells. `h` holds at least as
 * many commits as the image can show. */
bool check_image(checker *c, const image *image, const history *h, outcome *out);
/* Whether the outcome lies within the bounds; if not, why tells. */
bool judge(const outcome *o, const bounds *b, char why[WHY_SIZE]);

#endif
