/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* What is in quarantine has a name for people. */
#ifndef TJ_MIGRATE_QUARANTINE_H
#define TJ_MIGRATE_QUARANTINE_H

#include "rows/quarantine.h"

#define TJ__QUARANTINE_NAME_SIZE (TJ__ROW_KEY_SIZE_MAX + 64)

/* "state", "strategy_state", "algo:<UUID>", "ledger:<sequence>", ... */
void tj__quarantine_name(const tj__quarantined *row, char *name, size_t size);

#endif
