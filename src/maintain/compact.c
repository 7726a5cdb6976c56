/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Compacting data.mdb: the journal is opened as its writer opens it, and closed with a smaller
 * file. */
#include <tesser/maintain.h>

#include "base/error.h"
#include "base/sized.h"
#include "journal/journal.h"
#include "store/store.h"

/* Opening says what is wrong better than could be said here. */
static tj_status look(const tj_config *config, tj_compact_report *report, tj_error *error)
{
    tj_store *store = NULL;
    tj_config own = *config;
    own.read_only = true;
    own.trace = NULL;
    TJ_TRY(tj_store_open(&own, &store, error));
    TJ_TRY(tj_store_close(store, error));
    return tj__journal_compact_look(config->path, report, error);
}

static tj_status compact(const tj_config *config, tj_compact_report *report, tj_error *error)
{
    tj__journal *journal = NULL;
    tj__metrics metrics = {0}; /* those who look on are told that nothing was done since */
    tj__metrics_begin(&metrics);
    TJ_TRY(tj__journal_open(config, &metrics, &journal, error));
    return tj__journal_close_compacted(journal, report, error);
}

tj_status tj_compact(const tj_config *config, const tj_compact_options *options,
                     tj_compact_report *report, tj_error *error)
{
    tj_compact_options own = TJ_COMPACT_OPTIONS_INIT;
    tj_compact_report done = TJ_COMPACT_REPORT_INIT;
    tj_config filled;
    char path[TJ_PATH_SIZE];
    if (!config) {
        return tj__fail(error, TJ_MISUSE, "no configuration says which journal is meant");
    }
    TJ_TRY(tj__sized_check(report, sizeof *report, "the compact report", "TJ_COMPACT_REPORT_INIT",
                           error));
    if (options) {
        TJ_TRY(
            tj__sized_read(options, &own, "the compact options", "TJ_COMPACT_OPTIONS_INIT", error));
    }
    TJ_TRY(tj__config_complete(config, &filled, error));
    if (filled.type != TJ_ENGINE_LMDB) {
        return tj__fail(error, TJ_UNSUPPORTED,
                        "a store in memory or on a server has no file to compact");
    }
    TJ_TRY(tj__journal_path(filled.path, path, sizeof path, error));
    filled.path = path;
    filled.must_exist = true;
    filled.read_only = false;
    TJ_TRY(own.dry_run ? look(&filled, &done, error) : compact(&filled, &done, error));
    done.struct_size = report->struct_size;
    tj__sized_fill(report, &done);
    return TJ_OK;
}
