/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Which run of the system this is, which mount, and which file: whether what a page cache held can
 * still be there, and whether the file is the one that it was. */
#ifndef TJ_JOURNAL_BOOT_H
#define TJ_JOURNAL_BOOT_H

#include <tesser/error.h>
#include <tesser/uuid.h>

typedef struct tj__boot {
    bool known;     /* the next is drawn by the kernel at every boot */
    tj_uuid id;     /* all zero when not known: no /proc, or none of this file in it */
    uint64_t mount; /* of the file: never given twice in one boot; 0 before Linux 6.8 */
    uint64_t birth; /* of the file, ns since 1970; 0 where the file system does not keep it */
} tj__boot;

#define TJ__BOOT_ID_PATH "/proc/sys/kernel/random/boot_id"

/* Of the system, and of an open file. Not to know them is no failure; not to
 * be able to ask (TJ_IO, TJ_NOMEM: no descriptors, no memory) is. */
tj_status tj__boot_read(int fd, tj__boot *out, tj_error *error);

#endif
