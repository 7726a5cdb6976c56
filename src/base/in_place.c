/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* What the kernel offers to files that are overwritten in place. */
#include "base/in_place.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/falloc.h>
#include <linux/fiemap.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/vfs.h>

/* As many of a file are looked at. */
#define EXTENTS 32
#ifndef MADV_POPULATE_WRITE
#define MADV_POPULATE_WRITE 23
#endif

void tj__file_in_place(int fd)
{
    int flags = 0;
    if (ioctl(fd, FS_IOC_GETFLAGS, &flags) == 0 && (flags & FS_NOCOW_FL) == 0) {
        flags |= FS_NOCOW_FL;
        (void)ioctl(fd, FS_IOC_SETFLAGS, &flags); /* ext4, xfs and tmpfs refuse, and need it not */
    }
}

bool tj__file_may_share(int fd)
{
    static const unsigned long never[] = {0xEF53 /* ext4 */, 0x01021994 /* tmpfs */};
    struct statfs found;
    if (fstatfs(fd, &found) != 0) {
        return true;
    }
    for (size_t i = 0; i < sizeof never / sizeof never[0]; i++) {
        if (((unsigned long)found.f_type & 0xFFFFFFFFul) == never[i]) {
            return false;
        }
    }
    return true;
}

bool tj__file_is_shared(int fd)
{
    _Alignas(
        struct fiemap) char room[sizeof(struct fiemap) + EXTENTS * sizeof(struct fiemap_extent)] = {
        0};
    struct fiemap *map = (struct fiemap *)(void *)room;
    map->fm_length = FIEMAP_MAX_OFFSET;
    map->fm_extent_count = EXTENTS;
    bool shared = false;
    if (ioctl(fd, FS_IOC_FIEMAP, map) == 0) {
        for (uint32_t i = 0; i < map->fm_mapped_extents; i++) {
            shared = shared || (map->fm_extents[i].fe_flags & FIEMAP_EXTENT_SHARED) != 0;
        }
    }
    return shared;
}

void tj__file_unshare(int fd, uint64_t size)
{
    (void)!fallocate(fd, FALLOC_FL_UNSHARE_RANGE, 0, (off_t)size);
}

bool tj__map_is_backed(void *start, size_t size)
{
    return madvise(start, size, MADV_POPULATE_WRITE) == 0 || errno != EFAULT;
}
