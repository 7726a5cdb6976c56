/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Files: whole reads and writes, flushes, directories; every failure names the path. */
#ifndef TJ_BASE_FILE_H
#define TJ_BASE_FILE_H

#include <limits.h>
#include <sys/stat.h>
#include <sys/types.h>

#include <tesser/error.h>

#include "base/buffer.h"

/* ---- files and directories by name (file_make.c) -------------------------------------------- */

/* All descriptors are opened with O_CLOEXEC. Modes for new files and directories: 0660 and 0770
 * cut by the umask. */
tj_status tj__file_open(const char *path, int flags, int *fd, tj_error *error);
/* As tj__file_open, making the file when it is not there; a symbolic link is not followed, and what
 * is no regular file is TJ_CORRUPT. What root makes gets owner, group and mode after `model`, the
 * file or directory beside which it must work, NULL for the directory that it is in: one command by
 * root must not lock the journal's own user out. */
tj_status tj__file_create(const char *path, int flags, const char *model, int *fd, tj_error *error);
/* What it would say of what stands there now; nothing is opened. Of the rights of this process only
 * with check_rights. */
tj_status tj__file_may_create(const char *path, bool check_rights, tj_error *error);
/* Whether this process may read and write what is there: what opening it so would say. That a file
 * system is mounted read-only is no reason. */
tj_status tj__file_may_write(const char *path, tj_error *error);
/* Reads a whole file of at most limit bytes into the buffer. "-" reads standard input. */
tj_status tj__file_read_all(const char *path, size_t limit, tj__buffer *out, tj_error *error);
/* The same of a file of a journal or a backup. A pipe in its place, which that one would wait for,
 * is TJ_CORRUPT. */
tj_status tj__file_read_own(const char *path, size_t limit, tj__buffer *out, tj_error *error);
tj_status tj__file_rename(const char *from, const char *to, tj_error *error);
/* As tj__file_rename, replacing nothing: TJ_EXISTS. */
tj_status tj__file_rename_new(const char *from, const char *to, tj_error *error);
tj_status tj__file_remove(const char *path, tj_error *error); /* not there: TJ_OK */
/* Makes one directory, owned as tj__file_create does it, and flushes nothing. TJ_EXISTS when
 * something is there. */
tj_status tj__directory_make(const char *path, const char *model, tj_error *error);
/* Gives a directory the owner, as root, and the mode of the one in whose place it will be. */
void tj__directory_as(const char *path, const char *like);
/* Creates a directory and its parents; the names of all new ones are flushed. */
tj_status tj__directory_create(const char *path, tj_error *error);
/* The same, but for the name of the directory itself: tj__directory_sync_parent flushes it,
 * together with what was made in it. */
tj_status tj__directory_create_unflushed(const char *path, tj_error *error);
tj_status tj__directory_sync(const char *path, tj_error *error);
/* Flushes the whole file system that a file or directory is on (syncfs). */
tj_status tj__file_system_sync(const char *path, tj_error *error);
/* Flushes the directory that holds the last part of path. */
tj_status tj__directory_sync_parent(const char *path, tj_error *error);
/* The same behind the rename with which something whole got this name: when it fails, the sentence
 * says that the name is there. */
tj_status tj__path_appeared(const char *path, tj_error *error);

/* ---- an open file (file.c) ------------------------------------------------------------------ */

void tj__file_close(int fd); /* -1 is allowed */
tj_status tj__file_size(int fd, const char *path, uint64_t *size, tj_error *error);

/* Bytes of the disk that a file has: fewer than its size when it has holes. */
static inline uint64_t tj__file_allocated(const struct stat *file)
{
    return (uint64_t)file->st_blocks * 512; /* whatever the file system's blocks are */
}

tj_status tj__file_resize(int fd, const char *path, uint64_t size, tj_error *error);
/* Memory to read large pieces into; free it. A processor may copy pages three times slower to a
 * place a few bytes behind a page's start, which is where malloc puts a large block. NULL when
 * memory is short. */
void *tj__file_block_new(size_t size);
/* Reads exactly size bytes; a file that ends earlier is TJ_CORRUPT, naming offset and size. */
tj_status tj__file_read_at(int fd, const char *path, void *data, size_t size, uint64_t offset,
                           tj_error *error);
/* Reads up to size bytes and says how many there were. */
tj_status tj__file_read_some(int fd, const char *path, void *data, size_t size, uint64_t offset,
                             size_t *got, tj_error *error);
tj_status tj__file_write_at(int fd, const char *path, const void *data, size_t size,
                            uint64_t offset, tj_error *error);
tj_status tj__file_sync_data(int fd, const char *path, tj_error *error); /* fdatasync */
tj_status tj__file_sync(int fd, const char *path, tj_error *error);      /* fsync */
/* Has these bytes written to the disk and waits for it, but not for the disk's own cache: nothing
 * is durable by it, only a later flush finds less to do. */
tj_status tj__file_write_back(int fd, const char *path, uint64_t offset, size_t size,
                              tj_error *error);
/* The same for the whole file, without waiting. */
void tj__file_start_write_back(int fd);

/* ---- paths (file_path.c) ------------------------------------------------------------------- */

/* Whether something is at the path, and what. Only ENOENT and ENOTDIR say that nothing is; any
 * other failure is the caller's too, for what cannot be looked at may well be there. So is a
 * symbolic link that leads nowhere (TJ_IO): what it names may be on a disk that is not mounted.
 * *found is zeros when nothing is there. */
tj_status tj__path_look(const char *path, bool *there, struct stat *found, tj_error *error);
/* Whether the path names the file of this device and inode; a failure as above says neither yes nor
 * no. Nothing else is asked, above all no change time: where the kernel keeps fine ones, a file
 * whose change time was asked for gets a new one with the next write, and a flush then has the
 * inode to write too. */
tj_status tj__path_names(const char *path, dev_t device, ino_t inode, bool *same, tj_error *error);
/* The same, and whether it still has this many bytes: a store into a map of one that was cut is a
 * SIGBUS. */
tj_status tj__path_names_whole(const char *path, dev_t device, ino_t inode, uint64_t size,
                               bool *same, bool *whole, tj_error *error);
/* Whether it names the file that is open. */
tj_status tj__path_names_open(const char *path, int fd, bool *same, tj_error *error);
/* The path from the root, so that a later chdir changes nothing; links and ".." stay in it. */
tj_status tj__path_absolute(const char *path, char *out, size_t size, tj_error *error);
/* Writes directory "/" name into out (size bytes); TJ_LIMIT when it does not fit. */
tj_status tj__path_join(char *out, size_t size, const char *directory, const char *name,
                        tj_error *error);
/* How much of a path is left without the slashes at its end. */
size_t tj__path_trimmed_size(const char *path);
/* The directory that holds the last part of the path: "." when none is named. */
tj_status tj__path_parent(const char *path, char out[PATH_MAX], tj_error *error);

#endif
