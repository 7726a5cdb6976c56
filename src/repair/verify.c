/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Verification: an examination, and its report. */
#include <stdlib.h>

#include <tesser/verify.h>

#include "base/error.h"
#include "base/sized.h"
#include "repair/examine.h"
#include "repair/verify_server.h"
#include "store/store.h"

/* Each time a writer lets old segments go. */
#define LOOKS_MAX 5

static tj_status no_memory(tj_error *error)
{
    return tj__fail(error, TJ_NOMEM, "no memory for the report of a verification");
}

/* Whether old segments went while it was looked at: then some were missed that nobody misses. */
static bool overtaken(const tj__examination *x)
{
    tj__inspection now;
    tj__inspector nothing = {0};
    return x->writer_alive && x->findings.damaged &&
           tj__data_inspect(x->path, &nothing, &now, NULL) == TJ_OK && now.has_superblock &&
           now.superblock.first_segment != x->first_segment;
}

static tj_status examine_again(tj__examination *x, const char *path, bool deep, bool *compared,
                               tj_error *error)
{
    tj__arena *arena = x->findings.arena;
    tj_status status = tj__examine(x, deep, compared, error);
    for (unsigned looks = 1; looks < LOOKS_MAX && status == TJ_OK && overtaken(x); looks++) {
        tj__examination_dispose(x);
        *compared = false;
        TJ_TRY(tj__examination_init(x, path, arena, error));
        status = tj__examine(x, deep, compared, error);
    }
    return status;
}

static uint64_t count_sound_bases(const tj__examination *x)
{
    const tj__seen_base *bases = (const tj__seen_base *)(const void *)x->bases.data;
    uint64_t count = 0;
    for (size_t i = 0; i < x->bases.size / sizeof *bases; i++) {
        count += bases[i].sound;
    }
    return count;
}

static tj_status fill(tj_verify_report *report, tj__examination *x, tj_error *error)
{
    report->path = tj__arena_str(x->findings.arena, tj_str_of(x->path));
    report->journal_id = x->journal_id;
    report->verdict = x->findings.damaged     ? TJ_VERDICT_DAMAGED
                      : x->findings.unchecked ? TJ_VERDICT_UNCHECKED
                                              : TJ_VERDICT_SOUND;
    report->writer_alive = x->writer_alive;
    report->newest_whole = x->newest_in_data || x->newest_in_log || x->newest_in_bases;
    report->sequence = x->end;
    report->applied_sequence = x->data.position.sequence;
    report->first_sequence = x->log.first_sequence;
    report->commit_count = x->log.records;
    report->segment_count = x->log.segments;
    report->log_bytes = x->log.bytes;
    report->state_bytes = x->data.bytes;
    report->page_count = x->data.pages;
    report->row_count = x->data.rows;
    report->digest = report->compared ? tj__digest_value(&x->digest) : 0;
    report->finding_left_out = x->findings.left_out;
    report->base_count = count_sound_bases(x) + x->keys_count;
    report->base_bytes = x->base_bytes;
    report->other_bytes = x->other_bytes;
    return report->path.data &&
                   tj__findings_settle(&x->findings, &report->findings, &report->finding_count)
               ? TJ_OK
               : no_memory(error);
}

static tj_status look_at_directory(const char *path, tj_verify_report *report, tj__arena *arena,
                                   tj_error *error)
{
    tj__examination *x = calloc(1, sizeof *x);
    if (!x) {
        return no_memory(error);
    }
    tj_status status = tj__examination_init(x, path, arena, error);
    if (status == TJ_OK) {
        status = examine_again(x, path, report->deep, &report->compared, error);
    }
    if (status == TJ_OK) {
        status = fill(report, x, error);
    }
    tj__examination_dispose(x);
    free(x);
    return status;
}

/* Of a directory when there is no configuration. */
static tj_status verify(const char *path, const tj_config *config, const tj_verify_options *given,
                        tj_verify_report **out, tj_error *error)
{
    tj_verify_options options = TJ_VERIFY_OPTIONS_INIT;
    void *object = NULL;
    *out = NULL;
    if (given) {
        TJ_TRY(tj__sized_read(given, &options, "the options", "TJ_VERIFY_OPTIONS_INIT", error));
    }
    tj__arena *arena = tj__arena_new(sizeof(tj_verify_report), &object);
    tj_verify_report *report = object;
    if (!arena) {
        return no_memory(error);
    }
    report->deep = options.deep;
    tj_status status = config ? tj__verify_server(config, report, arena, error)
                              : look_at_directory(path, report, arena, error);
    if (status != TJ_OK) {
        tj__arena_free_object(object);
        return status;
    }
    *out = report;
    return TJ_OK;
}

tj_status tj_verify(const char *path, const tj_verify_options *given, tj_verify_report **out,
                    tj_error *error)
{
    if (!path || !out) {
        return tj__fail(error, TJ_MISUSE, "a path and a place for the report are needed");
    }
    return verify(path, NULL, given, out, error);
}

tj_status tj_verify_config(const tj_config *config, const tj_verify_options *given,
                           tj_verify_report **out, tj_error *error)
{
    tj_config complete;
    if (!config || !out) {
        return tj__fail(error, TJ_MISUSE, "a configuration and a place for the report are needed");
    }
    TJ_TRY(tj__config_complete(config, &complete, error));
    if (complete.type == TJ_ENGINE_POSTGRES) {
        return verify(NULL, &complete, given, out, error);
    }
    if (complete.type != TJ_ENGINE_LMDB || !complete.path) {
        return tj__fail(error, TJ_UNSUPPORTED,
                        "a store in memory cannot be looked at from outside");
    }
    return verify(complete.path, NULL, given, out, error);
}

void tj_verify_report_free(tj_verify_report *report)
{
    tj__arena_free_object(report);
}
