/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* What was before the first segment of a source whose log does not begin with segment 1. */
#ifndef TJ_BACKUP_RESTORE_BASES_H
#define TJ_BACKUP_RESTORE_BASES_H

#include "backup/restore_lift.h"
#include "backup/restore_source.h"
#include "backup/restore_target.h"

/* Reads the bases of a source, if it has any: their rows into the target's tables, and the bases
 * themselves beside the target's log, with its id, so that its history begins where the source's
 * does. Counters and books are noted in `lift`, too. Without a target only that. */
tj_status tj__restore_bases(const tj__restore_source *source, tj__restore_target *target,
                            tj__lift *lift, tj_error *error);

#endif
