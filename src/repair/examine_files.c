/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* What is in a journal's directory, and whose it is. */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "backup/note.h"
#include "base/error.h"
#include "base/file.h"
#include "base/text.h"
#include "journal/journal.h"
#include "repair/examine.h"

typedef struct known_name {
    const char *name;
    bool directory;
} known_name;

static const known_name known[] = {
    {"data.mdb", false},
    {"lock.mdb", false},
    {TJ__WRITER_LOCK_NAME, false},
    {"log", true},
    {"reserve", false},
    {"creating", true},
    {TJ__HISTORY_DIRECTORY, true},
    {"lost+found", true},
    {TJ__BACKUP_NOTE_NAME, false},
    {TJ__BACKUP_NOTE_NAME ".tmp", false},
};

static const known_name *find_known(const char *name)
{
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        if (strcmp(known[i].name, name) == 0) {
            return &known[i];
        }
    }
    return NULL;
}

static void note_stranger(tj__examination *x, const char *path)
{
    tj_finding *finding = tj__findings_add(
        &x->findings, TJ_FINDING_NOTE, "%s is no part of the journal, which leaves it alone", path);
    tj__finding_at(&x->findings, finding, path, 0);
}

static void judge_known(tj__examination *x, const known_name *name, const char *path,
                        const struct stat *found)
{
    bool right = name->directory ? S_ISDIR(found->st_mode) : S_ISREG(found->st_mode);
    if (!right) {
        tj_finding *finding =
            tj__findings_add(&x->findings, TJ_FINDING_DAMAGE, "%s is not a %s", path,
                             name->directory ? "directory" : "regular file");
        tj__finding_at(&x->findings, finding, path, 0);
        return;
    }
    x->has_data = x->has_data || strcmp(name->name, "data.mdb") == 0;
    x->has_log = x->has_log || strcmp(name->name, "log") == 0;
    x->has_history = x->has_history || strcmp(name->name, TJ__HISTORY_DIRECTORY) == 0;
    if (strcmp(name->name, "creating") == 0) {
        (void)tj__findings_add(&x->findings, TJ_FINDING_NOTE,
                               "%s was left by a creation that was interrupted; the next writer "
                               "removes it",
                               path);
    }
}

static tj_status see_name(tj__examination *x, const char *name, tj_error *error)
{
    char path[PATH_MAX];
    struct stat found;
    TJ_TRY(tj__path_join(path, sizeof path, x->path, name, error));
    const known_name *ours = find_known(name);
    if (!ours) {
        note_stranger(x, path);
        return TJ_OK;
    }
    if (stat(path, &found) != 0) {
        return errno == ENOENT ? TJ_OK : tj__fail_errno(error, errno, "looking at %s", path);
    }
    judge_known(x, ours, path, &found);
    return TJ_OK;
}

static bool is_dots(const char *name)
{
    return strcmp(name, ".") == 0 || strcmp(name, "..") == 0;
}

static tj_status list_directory(tj__examination *x, tj_error *error)
{
    DIR *directory = opendir(x->path);
    if (!directory) {
        return tj__fail_errno(error, errno, "opening directory %s", x->path);
    }
    tj_status status = TJ_OK;
    struct dirent *entry;
    while (status == TJ_OK && (errno = 0, entry = readdir(directory))) {
        status = is_dots(entry->d_name) ? TJ_OK : see_name(x, entry->d_name, error);
    }
    if (status == TJ_OK && errno != 0) {
        status = tj__fail_errno(error, errno, "reading directory %s", x->path);
    }
    closedir(directory);
    return status;
}

static bool is_tmp(const char *name)
{
    size_t size = strlen(name);
    return size > 4 && strcmp(name + size - 4, ".tmp") == 0;
}

/* What follows the ten digits of an ordinal, which is not 0; NULL: the name is another. */
static const char *behind_ordinal(const char *name)
{
    return strlen(name) > 10 && strspn(name, "0123456789") == 10 && strncmp(name, "0000000000", 10)
               ? name + 10
               : NULL;
}

static bool is_segment(const char *name)
{
    const char *suffix = behind_ordinal(name);
    return suffix && strcmp(suffix, ".log") == 0;
}

static bool is_base(const char *name)
{
    const char *suffix = behind_ordinal(name);
    bool found = false;
    for (int kind = 0; kind <= TJ__BASE_KEYS && suffix; kind++) {
        found = found ||
                (suffix[0] == '.' && strcmp(suffix + 1, tj__base_suffix((tj__base_kind)kind)) == 0);
    }
    return found;
}

/* Whatever is in a directory of the journal's and is neither one of its files nor an unfinished
 * one. */
static tj_status list_strangers(tj__examination *x, const char *path, bool (*is_ours)(const char *),
                                tj_error *error)
{
    DIR *directory = opendir(path);
    if (!directory) {
        return tj__fail_errno(error, errno, "opening directory %s", path);
    }
    struct dirent *entry;
    while ((entry = readdir(directory))) {
        char below[PATH_MAX];
        if (!is_dots(entry->d_name) && !is_tmp(entry->d_name) && !is_ours(entry->d_name) &&
            tj__path_join(below, sizeof below, path, entry->d_name, NULL) == TJ_OK) {
            note_stranger(x, below);
        }
    }
    closedir(directory);
    return TJ_OK;
}

static void miss(tj__examination *x, const char *what)
{
    tj_finding *finding =
        tj__findings_add(&x->findings, TJ_FINDING_DAMAGE, "%s/%s is missing", x->path, what);
    char path[PATH_MAX];
    if (tj__path_join(path, sizeof path, x->path, what, NULL) == TJ_OK) {
        tj__finding_at(&x->findings, finding, path, 0);
    }
}

/* What is left of one may say where its backup is. */
static tj_status no_journal(const tj__examination *x, tj_error *error)
{
    char word[TJ__WORD_SIZE];
    tj__backup_note note;
    tj__backup_note_read(x->path, &note);
    return note.made.at == 0
               ? tj__fail(error, TJ_NOT_FOUND, "there is no journal at %s", x->path)
               : tj__fail(error, TJ_NOT_FOUND,
                          "there is no journal at %s any more: its data.mdb and its log are gone; "
                          "`tesser-journal restore %s --into NEW` makes one of its newest backup",
                          x->path, tj__word(note.made.directory, word));
}

tj_status tj__examine_files(tj__examination *x, tj_error *error)
{
    bool there = false;
    struct stat found;
    TJ_TRY(tj__path_look(x->path, &there, &found, error));
    if (!there || !S_ISDIR(found.st_mode)) {
        return tj__fail(error, TJ_NOT_FOUND, "there is no journal at %s%s", x->path,
                        there ? ", which is no directory" : "");
    }
    TJ_TRY(tj__journal_refuse_backup(x->path, error));
    TJ_TRY(list_directory(x, error));
    if (!x->has_data && !x->has_log) {
        return no_journal(x, error);
    }
    if (!x->has_data) {
        miss(x, "data.mdb");
    }
    if (!x->has_log) {
        miss(x, "log");
    }
    if (x->has_log) {
        TJ_TRY(list_strangers(x, x->log_path, is_segment, error));
    }
    return x->has_history ? list_strangers(x, x->history_path, is_base, error) : TJ_OK;
}
