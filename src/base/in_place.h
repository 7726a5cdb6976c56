/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Stores through a shared map, on file systems that do not overwrite in place.
 *
 * A store into a page of a file whose blocks are shared (btrfs: all but those of files without copy
 * on write; xfs, btrfs: after `cp --reflink`, which is what a plain cp does, or a snapshot) takes a
 * new block. On a full disk there is none, and the process gets SIGBUS. The kernel can be asked
 * beforehand: then the answer is an error.
 */
#ifndef TJ_BASE_IN_PLACE_H
#define TJ_BASE_IN_PLACE_H

#include <tesser/error.h>

/* Has a file that is still empty overwritten in place from now on, where that can be chosen
 * (btrfs). A WAL, too, wants it so: its blocks are then really there before they are needed. Its
 * own checksums cover it. */
void tj__file_in_place(int fd);
/* Whether blocks of the file can be shared or copied on write. */
bool tj__file_may_share(int fd);
/* Whether blocks of it are shared now. */
bool tj__file_is_shared(int fd);
/* Takes the blocks of the file for itself, where it can; a failure changes nothing. */
void tj__file_unshare(int fd, uint64_t size);
/* Whether stores into whole pages of a shared map have their blocks, from now until the pages are
 * written back and shared again. A kernel older than 5.14 cannot tell, and the answer is true. */
bool tj__map_is_backed(void *start, size_t size);

#endif
