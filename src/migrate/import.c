/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Gather, settle, look at the journal, commit. */
#include <stdlib.h>
#include <sys/stat.h>

#include "base/error.h"
#include "base/sized.h"
#include "migrate/gather.h"
#include "migrate/holdings.h"
#include "migrate/target.h"

static tj_status check_options(const tj_config *config, const tj_import_options *options,
                               tj_error *error)
{
    if (options->source_count == 0 || !options->sources) {
        return tj__fail(error, TJ_MISUSE, "no source is named");
    }
    for (size_t i = 0; i < options->source_count; i++) {
        if (!options->sources[i]) {
            return tj__fail(error, TJ_MISUSE, "source %zu is NULL", i + 1);
        }
    }
    if (options->map_count > 0 && !options->maps) {
        return tj__fail(error, TJ_MISUSE, "the maps are NULL");
    }
    if (!config && !options->dry_run) {
        return tj__fail(error, TJ_MISUSE, "no journal to import into");
    }
    if (config && config->type == TJ_ENGINE_MEMORY) {
        return tj__fail(error, TJ_MISUSE,
                        "a store in memory is gone when the import ends: name a journal");
    }
    return TJ_OK;
}

static tj_status read_sources(tj__gathering *all, tj_error *error)
{
    const tj_import_options *options = all->options;
    for (size_t i = 0; i < options->source_count; i++) {
        struct stat info;
        if (stat(options->sources[i], &info) == 0 && S_ISREG(info.st_mode)) {
            all->bytes_total += (uint64_t)info.st_size;
        }
    }
    for (size_t i = 0; i < options->source_count; i++) {
        tj_status status = tj__source_read(all, options->sources[i], error);
        if (status != TJ_OK) {
            tj__error_place(error, "%s", options->sources[i]);
            return status;
        }
    }
    if (options->strategy_state) {
        TJ_TRY(tj__strategy_file_read(all, options->strategy_state, error));
    }
    return tj__lmdb_decode(all, error);
}

/* Moves a gathered array into the arena. */
static tj_status hand_over(tj__gathering *all, const tj__buffer *array, void **out, tj_error *error)
{
    *out = tj__arena_alloc(all->arena, array->size);
    if (!*out) {
        return tj__fail(error, TJ_NOMEM, "no memory for the report");
    }
    if (array->size > 0) {
        memcpy(*out, array->data, array->size);
    }
    return TJ_OK;
}

static tj_status count_state(tj_import_report *report, const tj_live_state *state, tj_error *error)
{
    report->has_state = true;
    report->open_order_count = state->open_order_count;
    report->last_price_count = state->last_price_count;
    report->has_strategy_state =
        state->strategy_state.size > 0 && !tj_str_equal(state->strategy_state, TJ_STR("null"));
    return tj__holdings_count(&state->portfolio, &report->position_count, &report->balance_count,
                              error);
}

static tj_status fill_report(tj__gathering *all, tj_error *error)
{
    tj_import_report *report = all->report;
    void *array = NULL;
    report->dry_run = all->options->dry_run;
    report->source_count = TJ__COUNT(tj_import_source, all->sources);
    report->algo_count = TJ__COUNT(tj__found_algo, all->algos);
    report->remark_count = TJ__COUNT(tj_report_note, all->remarks);
    report->lost_count = TJ__COUNT(tj_report_note, all->lost);
    report->quarantined_count = TJ__COUNT(tj__kept_raw, all->quarantined);
    TJ_TRY(hand_over(all, &all->sources, &array, error));
    report->sources = array;
    TJ_TRY(hand_over(all, &all->remarks, &array, error));
    report->remarks = array;
    TJ_TRY(hand_over(all, &all->lost, &array, error));
    report->lost = array;
    report->quarantined =
        tj__arena_array(all->arena, report->quarantined_count, sizeof *report->quarantined);
    if (!report->quarantined) {
        return tj__fail(error, TJ_NOMEM, "no memory for the report");
    }
    for (size_t i = 0; i < report->quarantined_count; i++) {
        report->quarantined[i] = TJ__ITEMS(tj__kept_raw, all->quarantined)[i].shown;
    }
    return TJ_OK;
}

/* A report of what the failure is about, for it may be more than a sentence holds. */
static tj_status fill_repeated(tj__gathering *all, tj_status status, tj_error *error)
{
    void *array = NULL;
    TJ_TRY(hand_over(all, &all->repeated, &array, error));
    all->report->dry_run = all->options->dry_run;
    all->report->repeated = array;
    all->report->repeated_count = TJ__COUNT(tj_report_note, all->repeated);
    return status;
}

static tj_status import(tj__gathering *all, const tj_config *config, tj_error *error)
{
    tj_live_state *state = NULL;
    TJ_TRY(tj__rules_read(all, error));
    TJ_TRY(read_sources(all, error));
    TJ_TRY(tj__gathering_settle(all, &state, error));
    tj__gathering_qualify(all, state);
    TJ_TRY(tj__rules_note_unused(all, error));
    if (state) {
        TJ_TRY(tj__gathering_note_unknown(all, state, error));
        TJ_TRY(count_state(all->report, state, error));
    }
    TJ_TRY(tj__target_commit(all, config, state, error));
    return fill_report(all, error);
}

tj_status tj_import(const tj_config *config, const tj_import_options *options,
                    tj_import_report **report, tj_error *error)
{
    if (!report) {
        return tj__fail(error, TJ_MISUSE, "no place to return the report in");
    }
    *report = NULL;
    tj_import_options own_options = TJ_IMPORT_OPTIONS_INIT;
    tj_config own_config = TJ_CONFIG_INIT;
    TJ_TRY(tj__sized_read(options, &own_options, "the options struct", "TJ_IMPORT_OPTIONS_INIT",
                          error));
    if (config) {
        TJ_TRY(tj__sized_read(config, &own_config, "the configuration", "TJ_CONFIG_INIT", error));
        config = &own_config;
    }
    TJ_TRY(check_options(config, &own_options, error));
    void *object = NULL;
    tj__gathering all = {.options = &own_options,
                         .arena = tj__arena_new(sizeof(tj_import_report), &object)};
    if (!all.arena) {
        return tj__fail(error, TJ_NOMEM, "no memory for the report");
    }
    all.report = object;
    tj_status status = import(&all, config, error);
    if (status != TJ_OK && all.repeated.size > 0) {
        status = fill_repeated(&all, status, error);
    }
    bool tells = status == TJ_OK || all.report->repeated_count > 0;
    tj__gathering_dispose(&all);
    if (tells) {
        *report = object;
    } else {
        tj__arena_free_object(object);
    }
    return status;
}

void tj_import_report_free(tj_import_report *report)
{
    tj__arena_free_object(report);
}
