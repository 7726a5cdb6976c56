/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* A journal on a server: whether it opens, who writes to it, and what its server says. */
#include <inttypes.h>
#include <stdio.h>

#include "base/error.h"
#include "base/text.h"
#include "engine/engine.h"
#include "maintain/checkup.h"
#include "store/store.h"

static void tell(void *context, const char *name, tj_health health, const char *sentence)
{
    tj__checkup_add(context, name, health, NULL, "%s", sentence);
}

static void tell_journal(tj__examinee *x)
{
    const tj_store_info *info = &x->info;
    uint64_t behind = info->sequence - info->postgres.applied_sequence;
    snprintf(x->path, sizeof x->path, "%s", info->path);
    tj__checkup_add(x, "journal", TJ_HEALTH_OK, NULL, "it opens, and its newest commit is %" PRIu64,
                    info->sequence);
    tj__checkup_add(x, "writer", TJ_HEALTH_OK, NULL, info->writer_alive ? "%s" : "nobody writes%s",
                    info->writer);
    tj__checkup_add(x, "rows", TJ_HEALTH_OK, NULL, "they are %" PRIu64 " %s behind the log", behind,
                    tj__plural(behind, "commit", "commits"));
    if (info->postgres.unreplicated > 0) {
        tj__checkup_add(x, "standby", TJ_HEALTH_WRONG, NULL,
                        "%" PRIu32 " %s acknowledged that no standby is known to have",
                        info->postgres.unreplicated,
                        tj__plural(info->postgres.unreplicated, "commit is", "commits are"));
    }
}

void tj__checkup_server(tj__examinee *x)
{
    tj_store *store = NULL;
    tj_error error = TJ_ERROR_INIT;
    tj_config config = *x->config;
    config.read_only = true;
    config.must_exist = true;
    snprintf(x->path, sizeof x->path, "%s in schema %s on PostgreSQL", config.postgres.name,
             config.postgres.schema);
    x->info = (tj_store_info)TJ_STORE_INFO_INIT;
    tj_status status = tj_store_open(&config, &store, &error);
    if (status == TJ_OK) {
        status = tj_store_info_get(store, &x->info, &error);
    }
    if (status == TJ_OK) {
        tj__engine *engine = tj__store_engine(store);
        tell_journal(x);
        status = engine->ops->examine(engine, tell, x, &error);
    }
    x->failure = status == TJ_NOMEM ? error : x->failure;
    if (status != TJ_OK) {
        tj__checkup_add(x, "journal", TJ_HEALTH_WRONG,
                        status == TJ_NOT_FOUND ? "tesser-journal init" : NULL, "%s", error.message);
    }
    (void)tj_store_close(store, NULL);
}
