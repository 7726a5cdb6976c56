/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Making a journal that is either whole or not there.
 *
 * Everything is built inside the directory, which may be a mount point and so cannot be renamed
 * into place, and commits by one rename:
 *   1. log/ with the first segment, prepared and not begun: zeros. The first commit begins it, so a
 *      begun segment always says that a journal was here (look.c)
 *   2. creating/data.mdb with all tables and the position before the first record
 *   3. flush data.mdb and the segment, then log/, the directory, and the one that holds its name
 *   4. rename creating/data.mdb to data.mdb, which must not be there, and flush the directory
 * A crash before 4 leaves no data.mdb, and nothing that was acknowledged: the next creation goes on
 * over it. writer.lock is held throughout. Others may have put something under our names: no link
 * is followed, and nothing but the two files that a creation makes is removed.
 */
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/error.h"
#include "base/file.h"
#include "journal/internal.h"

/* In which order things are made matters little, they are flushed together: all that was written is
 * on its way to the disk when the first flush has the file system write the names, and those that
 * follow find little to do. */
typedef struct creation {
    const tj__journal *journal;
    int segment; /* open until it is flushed */
    char creating[PATH_MAX];
    char built[PATH_MAX]; /* creating/data.mdb */
    char data[PATH_MAX];
} creation;

static tj_status name_files(creation *c, tj_error *error)
{
    TJ_TRY(tj__path_join(c->creating, sizeof c->creating, c->journal->path, TJ__CREATING_DIRECTORY,
                         error));
    TJ_TRY(tj__path_join(c->built, sizeof c->built, c->creating, "data.mdb", error));
    return tj__path_join(c->data, sizeof c->data, c->journal->path, "data.mdb", error);
}

static tj_status make_log(creation *c, tj_error *error)
{
    const tj__journal *journal = c->journal;
    uint64_t size = journal->config.lmdb.segment_size_bytes;
    tj_error failure = TJ_ERROR_INIT;
    tj_status status = tj__directory_make(journal->log_path, journal->path, &failure);
    if (status != TJ_OK && status != TJ_EXISTS) {
        return tj__error_pass(error, &failure);
    }
    return tj__segment_prepare_first(journal->log_path,
                                     size < TJ__FIRST_SEGMENT_SIZE ? size : TJ__FIRST_SEGMENT_SIZE,
                                     &c->segment, error);
}

static tj_status make_tables(const creation *c, const tj__superblock *superblock, tj_error *error)
{
    tj__position start = {.ordinal = 1, .offset = TJ__SEGMENT_HEADER_SIZE};
    tj__journal_create_tidy(c->journal->path);
    tj_status status = tj__directory_make(c->creating, c->journal->path, error);
    if (status == TJ_EXISTS) {
        return tj__fail(error, TJ_EXISTS,
                        "%s is there and is not what an interrupted creation leaves: move it away",
                        c->creating);
    }
    TJ_TRY(status);
    return tj__env_create(c->creating, superblock, &start, c->journal->config.lmdb.map_size_bytes,
                          error);
}

/* What is left of step 3, and step 4. */
static tj_status commit(const creation *c, tj_error *error)
{
    TJ_TRY(tj__file_sync(c->segment, c->journal->log_path, error));
    TJ_TRY(tj__directory_sync(c->journal->log_path, error));
    TJ_TRY(tj__directory_sync(c->journal->path, error));
    TJ_TRY(tj__directory_sync_parent(c->journal->path, error));
    TJ_TRY(tj__file_rename_new(c->built, c->data, error));
    return tj__directory_sync(c->journal->path, error);
}

static tj_status make(creation *c, const tj__superblock *superblock, tj_error *error)
{
    TJ_TRY(name_files(c, error));
    TJ_TRY(tj__journal_check_space(c->journal, error));
    TJ_TRY(make_log(c, error));
    TJ_TRY(make_tables(c, superblock, error));
    return commit(c, error);
}

tj_status tj__journal_create(tj__journal *journal, tj_error *error)
{
    tj__superblock superblock = {
        .format_version = TJ__TABLE_FORMAT_VERSION,
        .page_size = (uint32_t)sysconf(_SC_PAGESIZE),
        .journal_id = tj_uuid_generate(),
        .created_at = tj_time_now(),
        .tables = TJ__TABLES_ALL,
        .first_segment = 1,
    };
    creation c = {.journal = journal, .segment = -1};
    tj_status status = make(&c, &superblock, error);
    tj__file_close(c.segment);
    TJ_TRY(status);
    (void)rmdir(c.creating);
    journal->created = true;
    return TJ_OK;
}

/* What cannot be removed stays: it is in nobody's way until there is something to create. */
void tj__journal_create_tidy(const char *path)
{
    char creating[PATH_MAX];
    if (tj__path_join(creating, sizeof creating, path, TJ__CREATING_DIRECTORY, NULL) != TJ_OK) {
        return;
    }
    int fd = open(creating, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0) {
        return;
    }
    (void)unlinkat(fd, "data.mdb", 0);
    (void)unlinkat(fd, "lock.mdb", 0);
    tj__file_close(fd);
    (void)rmdir(creating);
}
