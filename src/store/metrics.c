/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* What a store has counted. */
#include "base/error.h"
#include "base/sized.h"
#include "store/internal.h"

tj_status tj_store_metrics(tj_store *store, tj_metrics *metrics, tj_error *error)
{
    tj_metrics found = TJ_METRICS_INIT;
    if (!store) {
        return tj__fail(error, TJ_MISUSE, "no store");
    }
    TJ_TRY(tj__sized_check(metrics, sizeof found, "the metrics", "TJ_METRICS_INIT", error));
    TJ_TRY(tj__core_check(store->core, error));
    tj__engine *engine = store->core->engine;
    if (engine->ops->metrics) {
        engine->ops->metrics(engine, &found);
    } else {
        tj__metrics_read(&engine->metrics, &found);
    }
    tj__sized_fill(metrics, &found);
    return TJ_OK;
}
