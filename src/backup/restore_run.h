/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* From a source into a target, up to some commit: what a restore and a proof have in common. */
#ifndef TJ_BACKUP_RESTORE_RUN_H
#define TJ_BACKUP_RESTORE_RUN_H

#include "backup/restore_lift.h"
#include "backup/restore_source.h"
#include "backup/restore_target.h"

typedef struct tj__restore_run {
    tj__restore_source source;
    tj__restore_target target;
    tj__lift lift;
    const tj_restore_options *options;
    uint64_t sequence; /* reached, and of the target's newest commit */
    tj_time time;
    uint64_t newest; /* of the source, as far as it could be read */
    bool cut_short;  /* it is damaged behind that */
    tj__digest digest;
    bool proven;
} tj__restore_run;

tj_status tj__restore_run_begin(tj__restore_run *run, const char *source,
                                const tj_restore_options *options, tj_error *error);
/* Reads the source to its end; the target, which has begun behind what the source begins with,
 * gets what options ask for unless it is a dry run. TJ_NOT_FOUND when that is not in the source. */
tj_status tj__restore_run_read(tj__restore_run *run, tj_error *error);
/* Computes the digest of the target, and compares it with what a backup noted at its commit.
 * TJ_CORRUPT naming the first table that differs. */
tj_status tj__restore_run_compare(tj__restore_run *run, tj_error *error);
void tj__restore_run_end(tj__restore_run *run);

#endif
