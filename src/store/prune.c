/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Retention on demand. */
#include <tesser/maintain.h>

#include "base/error.h"
#include "base/sized.h"
#include "store/internal.h"

tj_status tj_prune(tj_store *store, const tj_prune_options *given, tj_prune_report *report,
                   tj_error *error)
{
    tj_prune_options options = TJ_PRUNE_OPTIONS_INIT;
    tj_prune_report own = TJ_PRUNE_REPORT_INIT;
    if (!store || !report) {
        return tj__fail(error, TJ_MISUSE, "no store, or no report");
    }
    TJ_TRY(tj__sized_check(report, sizeof own, "the report", "TJ_PRUNE_REPORT_INIT", error));
    if (given) {
        TJ_TRY(tj__sized_read(given, &options, "the options", "TJ_PRUNE_OPTIONS_INIT", error));
    }
    TJ_TRY(tj__core_check(store->core, error));
    tj__engine *engine = store->core->engine;
    if (!engine->ops->prune) {
        return tj__fail(error, TJ_UNSUPPORTED, "a store of type %s lets no segments go",
                        store->core->kind->name);
    }
    TJ_TRY(engine->ops->prune(engine, options.history_size_bytes, options.dry_run, &own, error));
    tj__sized_fill(report, &own);
    return TJ_OK;
}
