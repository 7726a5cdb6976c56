/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Where a journal is built: beside its place, or in a directory for a trial. Whoever builds holds a
 * lock on the directory, so what is not locked was left by a process that ended.
 */
#ifndef TJ_BACKUP_RESTORE_PLACE_H
#define TJ_BACKUP_RESTORE_PLACE_H

#include "backup/restore_target.h"

/* Makes `built` for `path`, whose name no other has, as the directory that it will replace; removes
 * what was left of others for the same place. */
tj_status tj__restore_place_make(tj__restore_target *target, const char *trial_directory,
                                 tj_error *error);
/* Puts what was built in its place. */
tj_status tj__restore_place_take(tj__restore_target *target, tj_error *error);
/* Removes what was built, unless it is in its place. */
void tj__restore_place_leave(tj__restore_target *target);

#endif
