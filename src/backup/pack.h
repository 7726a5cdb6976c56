/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Putting a compressed segment in the place of one that is not. */
#ifndef TJ_BACKUP_PACK_H
#define TJ_BACKUP_PACK_H

#include "backup/directory.h"
#include "backup/pace.h"

/* Compresses a sealed segment, if the backup has it as it was. It is there in one form or both,
 * durably, at every moment. */
tj_status tj__backup_pack(const tj__backup_directory *directory, uint64_t ordinal, int level,
                          tj__pace *pace, tj_error *error);

#endif
