/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Whose the files are, who may write them, and what was left over. */
#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"
#include "base/file.h"
#include "maintain/checkup.h"

typedef struct survey {
    tj__examinee *x;
    struct stat model; /* the directory: what is in it belongs to the same user */
    size_t foreign;    /* of another user */
    size_t open;       /* that everybody may write to */
    size_t closed;     /* that this process may not read */
    char first_foreign[PATH_MAX];
    char first_open[PATH_MAX];
    char first_closed[PATH_MAX];
    size_t leftovers;
    uint64_t leftover_bytes;
} survey;

static void note(const char *path, size_t *count, char first[PATH_MAX])
{
    if ((*count)++ == 0) {
        snprintf(first, PATH_MAX, "%s", path);
    }
}

static void see(survey *s, const char *path, const struct stat *found)
{
    if (found->st_uid != s->model.st_uid) {
        note(path, &s->foreign, s->first_foreign);
    }
    if ((found->st_mode & S_IWOTH) != 0 && !S_ISLNK(found->st_mode)) {
        note(path, &s->open, s->first_open);
    }
    if (access(path, R_OK) != 0) {
        note(path, &s->closed, s->first_closed);
    }
}

static bool ends_with(const char *name, const char *end)
{
    size_t size = strlen(name);
    size_t end_size = strlen(end);
    return size >= end_size && strcmp(name + size - end_size, end) == 0;
}

/* What a process that died was making; beside a writer it is at work. */
static void see_leftover(survey *s, const char *name, const struct stat *found)
{
    if (s->x->writer_pid == 0 && (ends_with(name, ".tmp") || strcmp(name, "creating") == 0)) {
        s->leftovers++;
        s->leftover_bytes += tj__file_allocated(found);
    }
}

static void see_directory(survey *s, const char *directory, bool below)
{
    char path[PATH_MAX];
    struct stat found;
    DIR *stream = opendir(directory);
    const struct dirent *entry;
    while (stream && (entry = readdir(stream))) {
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0 ||
            tj__path_join(path, sizeof path, directory, entry->d_name, NULL) != TJ_OK ||
            lstat(path, &found) != 0) {
            continue;
        }
        see(s, path, &found);
        see_leftover(s, entry->d_name, &found);
        if (below && S_ISDIR(found.st_mode)) {
            see_directory(s, path, false);
        }
    }
    if (stream) {
        closedir(stream);
    }
}

static void judge_owners(const survey *s)
{
    tj__examinee *x = s->x;
    if (s->closed > 0) {
        tj__checkup_add(x, "permissions", TJ_HEALTH_WRONG,
                        tj__checkup_command(x, "ls -l %s", tj__checkup_word(x, s->first_closed)),
                        "this user (%lld) may not read %s and %zu more files", (long long)geteuid(),
                        s->first_closed, s->closed - 1);
    } else if (s->foreign > 0) {
        tj__checkup_add(x, "permissions", TJ_HEALTH_WRONG,
                        tj__checkup_command(x, "chown -R %lld:%lld %s", (long long)s->model.st_uid,
                                            (long long)s->model.st_gid,
                                            tj__checkup_word(x, x->path)),
                        "%s and %zu more files belong to another user than the directory, whose "
                        "owner, user %lld, may not be able to write them",
                        s->first_foreign, s->foreign - 1, (long long)s->model.st_uid);
    } else if (s->open > 0) {
        tj__checkup_add(x, "permissions", TJ_HEALTH_WARNING,
                        tj__checkup_command(x, "chmod -R o-w %s", tj__checkup_word(x, x->path)),
                        "everybody may write to %s and %zu more files", s->first_open, s->open - 1);
    } else {
        tj__checkup_add(x, "permissions", TJ_HEALTH_OK, NULL,
                        "all files belong to user %lld, and nobody else may write them but the "
                        "group, where it may",
                        (long long)s->model.st_uid);
    }
}

static void judge_leftovers(const survey *s)
{
    char size[TJ__AMOUNT_SIZE];
    tj__checkup_add(s->x, "leftovers", TJ_HEALTH_OK, NULL,
                    s->leftovers == 0
                        ? "nothing unfinished lies about"
                        : "%zu unfinished files, of %s, are left of processes that ended: the "
                          "next writer removes or uses them",
                    s->leftovers, tj__amount(s->leftover_bytes, size));
}

/* Journals that were being built beside this one, and are in nobody's way. */
static void look_beside(tj__examinee *x)
{
    static const char *const marks[] = {".restoring-", ".importing"};
    char parent[TJ_PATH_SIZE];
    const char *name = strrchr(x->path, '/') + 1;
    snprintf(parent, sizeof parent, "%.*s", (int)(name - x->path), x->path);
    size_t size = strlen(name);
    DIR *stream = opendir(parent);
    const struct dirent *entry;
    while (stream && (entry = readdir(stream))) {
        for (size_t i = 0; i < sizeof marks / sizeof *marks; i++) {
            if (strncmp(entry->d_name, name, size) == 0 &&
                strncmp(entry->d_name + size, marks[i], strlen(marks[i])) == 0) {
                tj__checkup_add(x, "leftovers", TJ_HEALTH_WARNING,
                                tj__checkup_command(x, "rm -r %s%s", tj__checkup_word(x, parent),
                                                    tj__checkup_word(x, entry->d_name)),
                                "%s%s is what an import, a restore or a repair was building, if "
                                "none is running now",
                                parent, entry->d_name);
            }
        }
    }
    if (stream) {
        closedir(stream);
    }
}

void tj__checkup_files(tj__examinee *x)
{
    survey s = {.x = x};
    if (stat(x->path, &s.model) != 0 || access(x->path, R_OK | X_OK) != 0) {
        tj__checkup_add(x, "permissions", TJ_HEALTH_WRONG,
                        tj__checkup_command(x, "ls -ld %s", tj__checkup_word(x, x->path)),
                        "this user (%lld) may not look into %s", (long long)geteuid(), x->path);
        return;
    }
    see(&s, x->path, &s.model);
    see_directory(&s, x->path, true);
    judge_owners(&s);
    judge_leftovers(&s);
    look_beside(x);
}
