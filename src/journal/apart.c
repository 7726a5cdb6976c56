/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Keeping what is written elsewhere out of the directories of journals and backups. */
#include <tesser/config.h>

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/error.h"
#include "base/file.h"
#include "base/text.h"
#include "journal/journal.h"

static bool holds(const char *directory, const char *name)
{
    char path[PATH_MAX];
    struct stat found;
    return tj__path_join(path, sizeof path, directory, name, NULL) == TJ_OK &&
           lstat(path, &found) == 0;
}

/* NULL: neither. A journal may have lost its data.mdb. */
static const char *what_is(const char *directory)
{
    if (!holds(directory, "log")) {
        return NULL;
    }
    if (holds(directory, "data.mdb")) {
        return "journal";
    }
    if (holds(directory, "points")) {
        return "backup";
    }
    return holds(directory, "writer.lock") ? "journal" : NULL;
}

tj_status tj__journal_refuse_backup(const char *path, tj_error *error)
{
    char word[TJ__WORD_SIZE];
    const char *what = what_is(path);
    return !what || strcmp(what, "journal") == 0
               ? TJ_OK
               : tj__fail(error, TJ_INVALID,
                          "%s is a backup and no journal: `tesser-journal restore %s --into NEW` "
                          "makes one of it",
                          path, tj__word(path, word));
}

/* Of an absolute path; "/" is what is left in the end. */
static void cut_last(char *path)
{
    char *slash = strrchr(path, '/');
    slash[slash == path] = '\0';
}

/* Links are followed as far as the path is there. False: it cannot be told, and whoever writes
 * there will say why. */
static bool real_path(const char *path, char real[PATH_MAX])
{
    char at[PATH_MAX];
    if (tj__path_absolute(path, at, sizeof at, NULL) != TJ_OK) {
        return false;
    }
    while (!realpath(at, real)) {
        if ((errno != ENOENT && errno != ENOTDIR) || strcmp(at, "/") == 0) {
            return false;
        }
        cut_last(at);
    }
    return true;
}

/* From `at` up. */
static tj_status refuse_inside(const char *path, char at[PATH_MAX], tj_error *error)
{
    for (bool more = true; more; cut_last(at)) {
        const char *what = what_is(at);
        if (what) {
            return tj__fail(error, TJ_INVALID,
                            "%s is inside the %s %s: choose a place outside of it", path, what, at);
        }
        more = strcmp(at, "/") != 0;
    }
    return TJ_OK;
}

tj_status tj_path_apart(const char *path, tj_error *error)
{
    char at[PATH_MAX];
    if (!path) {
        return tj__fail(error, TJ_MISUSE, "no path is given");
    }
    return real_path(path, at) ? refuse_inside(path, at, error) : TJ_OK;
}

tj_status tj__path_apart_above(const char *path, tj_error *error)
{
    char at[PATH_MAX];
    bool there = false;
    struct stat found;
    if (!real_path(path, at)) {
        return TJ_OK;
    }
    TJ_TRY(tj__path_look(path, &there, &found, error));
    if (there) {
        cut_last(at);
    }
    return refuse_inside(path, at, error);
}
