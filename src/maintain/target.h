/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef TJ_MAINTAIN_TARGET_H
#define TJ_MAINTAIN_TARGET_H

#include "maintain/gather.h"

/* Looks at the journal and commits what was gathered, or with dry_run only looks. state may be NULL;
 * config may be NULL with dry_run. Fills in what the report says of the book. */
tj_status tj__target_commit(tj__gathering *all, const tj_config *config, tj_live_state *state,
                            tj_error *error);

#endif
