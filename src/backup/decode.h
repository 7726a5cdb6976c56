/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Whether all rows can be read as what they are. */
#ifndef TJ_BACKUP_DECODE_H
#define TJ_BACKUP_DECODE_H

#include "base/rows.h"

/* Decodes every row of every book: states, algorithms, ledgers, counters. What an import could not
 * decode and put into quarantine is not expected to. TJ_CORRUPT naming the first that cannot be. */
tj_status tj__decode_all(tj__row_source *rows, tj_error *error);

#endif
