/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Where a journal is built. */
#include "backup/restore_place.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <tesser/config.h>

#include "base/error.h"
#include "base/file.h"
#include "history/base.h"
#include "journal/journal.h"

#define BUILT_MARK ".restoring-"
#define TRIAL_MARK "tesser-journal-trial-"

/* ---- the place ----------------------------------------------------------------------------- */

static tj_status is_empty(const char *path, bool *empty, tj_error *error)
{
    DIR *stream = opendir(path);
    if (!stream) {
        return tj__fail_errno(error, errno, "opening directory %s", path);
    }
    const struct dirent *entry;
    *empty = true;
    while (*empty && (entry = readdir(stream)) != NULL) {
        *empty = strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0;
    }
    closedir(stream);
    return TJ_OK;
}

tj_status tj__restore_target_look(tj__restore_target *target, const char *path, tj_error *error)
{
    bool there = false;
    bool empty = true;
    struct stat found;
    TJ_TRY(tj__journal_path(path, target->path, sizeof target->path, error));
    TJ_TRY(tj__journal_place_check(target->path, error)); /* or nobody could open it */
    TJ_TRY(tj__path_look(target->path, &there, &found, error));
    if (!there) {
        return TJ_OK;
    }
    if (!S_ISDIR(found.st_mode)) {
        return tj__fail(error, TJ_EXISTS,
                        "%s is there already and no directory: the new journal gets a directory "
                        "of its own",
                        target->path);
    }
    TJ_TRY(is_empty(target->path, &empty, error));
    if (!empty) {
        return tj__fail(error, TJ_EXISTS,
                        "%s is there already and not empty: the new journal gets a directory of "
                        "its own",
                        target->path);
    }
    target->like = target->path;
    return TJ_OK;
}

/* ---- what was built ------------------------------------------------------------------------ */

static void remove_files(int directory)
{
    int fd = openat(directory, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *stream = fd >= 0 ? fdopendir(fd) : NULL;
    const struct dirent *entry;
    while (stream && (entry = readdir(stream)) != NULL) {
        (void)unlinkat(directory, entry->d_name, 0); /* of a directory: refused */
    }
    if (stream) {
        closedir(stream);
    }
}

static void remove_inside(int directory, const char *name)
{
    int fd = openat(directory, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd >= 0) {
        remove_files(fd);
        (void)unlinkat(directory, name, AT_REMOVEDIR);
    }
    tj__file_close(fd);
}

static void remove_built(int directory, const char *path)
{
    remove_inside(directory, "log");
    remove_inside(directory, TJ__HISTORY_DIRECTORY);
    remove_files(directory);
    (void)rmdir(path);
}

/* -1: it is no directory of this user's, root has any, or locked. */
static int lock_directory(const char *path)
{
    struct stat found;
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    bool ours = fd >= 0 && fstat(fd, &found) == 0 &&
                (geteuid() == 0 || found.st_uid == geteuid()) && flock(fd, LOCK_EX | LOCK_NB) == 0;
    if (!ours) {
        tj__file_close(fd);
        return -1;
    }
    return fd;
}

static void remove_left(const char *parent, const char *name)
{
    char path[PATH_MAX];
    if (tj__path_join(path, sizeof path, parent, name, NULL) != TJ_OK) {
        return;
    }
    int fd = lock_directory(path);
    if (fd >= 0) {
        remove_built(fd, path);
    }
    tj__file_close(fd);
}

/* The name, the mark and eight digits. */
static bool is_left(const char *entry, const char *begin)
{
    size_t size = strlen(begin);
    return strncmp(entry, begin, size) == 0 && strlen(entry + size) == 8 &&
           strspn(entry + size, "0123456789abcdef") == 8;
}

/* Of others that were killed: what they built may take as much space as this one will. */
static void remove_all_left(const char *parent, const char *begin)
{
    DIR *stream = opendir(parent);
    const struct dirent *entry;
    while (stream && (entry = readdir(stream)) != NULL) {
        if (is_left(entry->d_name, begin)) {
            remove_left(parent, entry->d_name);
        }
    }
    if (stream) {
        closedir(stream);
    }
}

/* ---- building ------------------------------------------------------------------------------ */

/* Another process may have found it unlocked, and removes it. */
static tj_status hold(tj__restore_target *target, tj_error *error)
{
    bool same = false;
    TJ_TRY(
        tj__file_open(target->built, O_RDONLY | O_DIRECTORY | O_NOFOLLOW, &target->lock_fd, error));
    bool locked = flock(target->lock_fd, LOCK_EX | LOCK_NB) == 0;
    if (!locked && errno != EWOULDBLOCK) {
        return tj__fail_errno(error, errno, "locking %s", target->built);
    }
    TJ_TRY(tj__path_names_open(target->built, target->lock_fd, &same, error));
    return locked && same
               ? TJ_OK
               : tj__fail(error, TJ_BUSY, "another process builds a journal in %s: wait for it",
                          target->built);
}

static tj_status make(tj__restore_target *target, const char *model, tj_error *error)
{
    tj_error failure = TJ_ERROR_INIT;
    tj_status status = tj__directory_make(target->built, model, &failure);
    if (status == TJ_EXISTS) {
        status = tj__fail(&failure, TJ_BUSY,
                          "%s is there: another process builds a journal in it, or it is not this "
                          "user's; wait for it, or remove it",
                          target->built);
    }
    if (status != TJ_OK) {
        target->built[0] = '\0'; /* it is not ours to remove */
        return tj__error_pass(error, &failure);
    }
    if (target->like) {
        tj__directory_as(target->built, target->like);
    }
    return hold(target, error);
}

tj_status tj__restore_place_make(tj__restore_target *target, const char *trial_directory,
                                 tj_error *error)
{
    char parent[PATH_MAX];
    char name[TJ_UUID_TEXT_SIZE + 32];
    char id[TJ_UUID_TEXT_SIZE];
    tj_uuid_format(target->journal_id, id);
    if (trial_directory) {
        remove_all_left(trial_directory, TRIAL_MARK);
        snprintf(name, sizeof name, TRIAL_MARK "%.8s", id);
        TJ_TRY(tj__path_join(target->built, sizeof target->built, trial_directory, name, error));
        return make(target, trial_directory, error);
    }
    TJ_TRY(tj__path_parent(target->path, parent, error));
    TJ_TRY(tj__path_apart_above(target->path, error));
    snprintf(name, sizeof name, BUILT_MARK "%.8s", id);
    size_t size = tj__path_trimmed_size(target->path);
    if (size + strlen(name) >= sizeof target->built) {
        return tj__fail(error, TJ_LIMIT, "the path %s is too long", target->path);
    }
    snprintf(target->built, sizeof target->built, "%.*s%s", (int)size, target->path, BUILT_MARK);
    TJ_TRY(tj__directory_create(parent, error));
    remove_all_left(parent, strrchr(target->built, '/') + 1);
    strcpy(target->built + size, name);
    return make(target, parent, error);
}

tj_status tj__restore_place_take(tj__restore_target *target, tj_error *error)
{
    /* An empty directory may be in its place, and nothing else is replaced. */
    tj_status status = tj__file_rename(target->built, target->path, error);
    if (status != TJ_OK) {
        tj__error_context(error, "a restored journal is put in its place by a rename: choose a "
                                 "directory that is no mount point, and that nobody uses");
        return status;
    }
    target->built[0] = '\0';
    tj__restore_place_leave(target); /* whoever writes a note in it locks it, too */
    return tj__path_appeared(target->path, error);
}

void tj__restore_place_leave(tj__restore_target *target)
{
    if (target->built[0] != '\0' && target->lock_fd >= 0) {
        remove_built(target->lock_fd, target->built);
    }
    tj__file_close(target->lock_fd);
    target->lock_fd = -1;
}
