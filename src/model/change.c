/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* The names of the tables. */
#include "model/change.h"

const char *tj__table_name(uint8_t table)
{
    static const char *const names[TJ__TABLE_LAST + 1] = {
        [TJ__TABLE_META] = "meta",
        [TJ__TABLE_BOOKS] = "books",
        [TJ__TABLE_STATE] = "state",
        [TJ__TABLE_ALGOS] = "algos",
        [TJ__TABLE_LEDGER] = "ledger",
        [TJ__TABLE_LEDGER_TIME] = "ledger_time",
        [TJ__TABLE_COUNTERS] = "counters",
        [TJ__TABLE_COMMITS] = "commits",
        [TJ__TABLE_QUARANTINE] = "quarantine",
        [TJ__TABLE_LEDGER_IDS] = "ledger_ids",
    };
    return table <= TJ__TABLE_LAST ? names[table] : NULL;
}
