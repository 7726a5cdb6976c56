/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef TJ_MIGRATE_SAME_H
#define TJ_MIGRATE_SAME_H

#include <tesser/ledger.h>

/* Whether two texts are the same JSON value: members in any order, numbers by their text. Absent
 * and absent are the same. TJ_INVALID when one is no JSON; TJ_NOMEM. */
tj_status tj__json_text_same(tj_str a, tj_str b, bool *same, tj_error *error);
/* Whether two ledger entries are the same, their sequences included. */
tj_status tj__entry_same(const tj_ledger_entry *a, const tj_ledger_entry *b, bool *same,
                         tj_error *error);

/* Whether two names are one exchange. */
bool tj__exchange_same(tj_str a, tj_str b);

#endif
