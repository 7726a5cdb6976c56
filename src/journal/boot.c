/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* The boot's id, the number of the mount that a file is on, and when the file was made. */
#include "journal/boot.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "base/error.h"
#include "base/file.h"

/* STATX_MNT_ID numbers mounts anew from the lowest that is free; this one never gives a number
 * again. */
#define MOUNT_ID_UNIQUE 0x4000u

static void look_at(int fd, tj__boot *boot)
{
    struct statx found;
    if (statx(fd, "", AT_EMPTY_PATH, MOUNT_ID_UNIQUE | STATX_BTIME, &found) != 0) {
        return;
    }
    if (found.stx_mask & MOUNT_ID_UNIQUE) {
        boot->mount = found.stx_mnt_id;
    }
    if (found.stx_mask & STATX_BTIME) {
        boot->birth = (uint64_t)found.stx_btime.tv_sec * 1000000000 + found.stx_btime.tv_nsec;
    }
}

static bool is_hidden(int os_errno)
{
    return os_errno == ENOENT || os_errno == ENOTDIR || os_errno == EACCES || os_errno == EPERM;
}

tj_status tj__boot_read(int fd, tj__boot *out, tj_error *error)
{
    char text[TJ_UUID_TEXT_SIZE - 1];
    size_t got = 0;
    tj__boot boot = {0};
    look_at(fd, &boot);
    int source = open(TJ__BOOT_ID_PATH, O_RDONLY | O_CLOEXEC);
    if (source < 0 && !is_hidden(errno)) {
        return tj__fail_errno(error, errno, "opening " TJ__BOOT_ID_PATH);
    }
    if (source >= 0) {
        tj_status status =
            tj__file_read_some(source, TJ__BOOT_ID_PATH, text, sizeof text, 0, &got, error);
        tj__file_close(source);
        TJ_TRY(status);
        boot.known =
            got == sizeof text && tj_uuid_parse((tj_str){text, got}, &boot.id, NULL) == TJ_OK;
    }
    *out = boot;
    return TJ_OK;
}
