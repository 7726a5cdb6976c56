/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* metrics: a journal in numbers, in the text format of Prometheus. */
#include "cli.h"

#include <inttypes.h>
#include <stdlib.h>

#include <tesser/maintain.h>
#include <tesser/metrics.h>

static const option_spec output_option = {
    .name = "output",
    .letter = 'o',
    .value = "FILE",
    .help = "replace this file, for the node exporter's textfile collector; also when the journal "
            "cannot be opened; - is standard output"};

typedef struct exposition {
    output out;
    char *label; /* journal="..." */
} exposition;

/* A label's value: backslash, quote and line feed are escaped. Of a text that is no UTF-8
 * Prometheus would take no number. */
static char *label_of(const char *path)
{
    static const char replacement[] = "\xef\xbf\xbd";
    char *text = need(malloc(strlen(replacement) * strlen(path) + sizeof "journal=\"\""));
    char *at = stpcpy(text, "journal=\"");
    for (size_t size; *path; path += size ? size : 1) {
        size = character_size(tj_str_of(path));
        if (*path == '\\' || *path == '"' || *path == '\n') {
            *at++ = '\\';
        }
        at = size == 0       ? stpcpy(at, replacement)
             : *path == '\n' ? stpcpy(at, "n")
                             : (char *)memcpy(at, path, size) + size;
    }
    strcpy(at, "\"");
    return text;
}

static void describe(exposition *e, const char *name, const char *type, const char *help)
{
    out_format(&e->out, "# HELP tesser_journal_%s %s\n# TYPE tesser_journal_%s %s\n", name, help,
               name, type);
}

static void number(exposition *e, const char *name, const char *type, uint64_t value,
                   const char *help)
{
    describe(e, name, type, help);
    out_format(&e->out, "tesser_journal_%s{%s} %" PRIu64 "\n", name, e->label, value);
}

/* In seconds, of what is counted in millionths. */
static void seconds(exposition *e, const char *name, const char *type, uint64_t us,
                    const char *help)
{
    describe(e, name, type, help);
    out_format(&e->out, "tesser_journal_%s{%s} %" PRIu64 ".%06" PRIu64 "\n", name, e->label,
               us / 1000000, us % 1000000);
}

static void moment(exposition *e, const char *name, tj_time time, const char *help)
{
    if (time > 0) {
        seconds(e, name, "gauge", (uint64_t)time / 1000, help);
    }
}

/* One line for each doubling: enough for quantiles, and not a hundred of them. */
static void histogram(exposition *e, const char *name, const tj_histogram *values, bool is_time,
                      const char *help)
{
    uint64_t below = 0;
    describe(e, name, "histogram", help);
    for (size_t i = 0; i + 1 < TJ_HISTOGRAM_BUCKETS; i++) {
        uint64_t bound = tj_histogram_bound(i) + 1;
        below += values->buckets[i];
        if ((bound & (bound - 1)) != 0) {
            continue;
        }
        out_format(&e->out, "tesser_journal_%s_bucket{%s,le=\"", name, e->label);
        if (is_time) {
            out_format(&e->out, "%" PRIu64 ".%06" PRIu64, bound / 1000000, bound % 1000000);
        } else {
            out_format(&e->out, "%" PRIu64, bound - 1);
        }
        out_format(&e->out, "\"} %" PRIu64 "\n", below);
    }
    out_format(&e->out, "tesser_journal_%s_bucket{%s,le=\"+Inf\"} %" PRIu64 "\n", name, e->label,
               values->count);
    out_format(&e->out,
               is_time ? "tesser_journal_%s_sum{%s} %" PRIu64 ".%06" PRIu64 "\n"
                       : "tesser_journal_%s_sum{%s} %" PRIu64 "\n",
               name, e->label, is_time ? values->sum / 1000000 : values->sum,
               values->sum % 1000000);
    out_format(&e->out, "tesser_journal_%s_count{%s} %" PRIu64 "\n", name, e->label, values->count);
}

static void expose_standbys(exposition *e, const tj_standby_list *standbys)
{
    standby_figures figures = standbys_count(standbys);
    number(e, "standbys", "gauge", standbys->count, "Standbys that are connected.");
    if (!standbys->is_shown || standbys->is_behind) {
        return;
    }
    number(e, "standby_missing", "gauge", figures.is_missing,
           "1: synchronous_standby_names asks for one, none takes commits, and they wait.");
    number(e, "standbys_synchronous", "gauge", figures.synchronous,
           "Of them, those that commits wait for, and which take them.");
    if (figures.streaming > 0) {
        number(e, "unreplicated_bytes", "gauge", figures.behind_bytes,
               "WAL of the server that no standby has flushed.");
    }
}

static void expose_server(exposition *e, const tj_store_info *info)
{
    const tj_postgres_info *server = &info->postgres;
    number(e, "applied_sequence", "gauge", server->applied_sequence, "Newest commit in the rows.");
    number(e, "lag_bytes", "gauge", server->lag_bytes, "Log that the rows do not include yet.");
    number(e, "state_bytes", "gauge", info->state_bytes, "Size of the row tables in the schema.");
    number(e, "epoch", "gauge", server->epoch, "Writers that the journal has had.");
    number(e, "unreplicated_commits", "gauge", server->unreplicated,
           "Commits that are acknowledged and that no standby is known to have.");
    moment(e, "writer_seen_timestamp_seconds", server->writer_seen,
           "When the newest writer last renewed its lease.");
}

static void expose_common(exposition *e, const tj_store_info *info)
{
    number(e, "writer_alive", "gauge", info->writer_alive, "1: a process writes to the journal.");
    number(e, "sequence", "gauge", info->sequence, "Newest commit that is acknowledged.");
    moment(e, "last_commit_timestamp_seconds", info->sequence_time, "Time of that commit.");
}

static void expose_directory(exposition *e, const tj_store_info *info)
{
    const tj_lmdb_info *lmdb = &info->lmdb;
    number(e, "applied_sequence", "gauge", lmdb->applied_sequence, "Newest commit in LMDB.");
    number(e, "lag_bytes", "gauge", lmdb->lag_bytes, "Log that LMDB does not include yet.");
    number(e, "log_size_bytes", "gauge", lmdb->log_bytes, "Size of the log.");
    number(e, "log_segments", "gauge", lmdb->segment_count, "Segments of the log.");
    number(e, "log_segments_missing", "gauge", lmdb->segments_missing,
           "Old segments that are gone or cut short, and history with them.");
    number(e, "state_bytes", "gauge", info->state_bytes, "Size of data.mdb.");
    number(e, "history_bytes", "gauge", lmdb->history_bytes, "Size of the bases of the past.");
    moment(e, "oldest_commit_timestamp_seconds", lmdb->oldest_time,
           "About when the oldest commit was whose state can be had.");
    number(e, "free_bytes", "gauge", lmdb->free_bytes, "Space left on the journal's disk.");
    number(e, "space_low", "gauge", lmdb->space_low,
           "1: less is free than the journal will soon need.");
    number(e, "reserve_bytes", "gauge", lmdb->reserve_bytes,
           "Space kept for critical commits; 0: it is in use.");
    number(e, "readers", "gauge", lmdb->reader_count, "Reader slots in use.");
    moment(e, "recovered_timestamp_seconds", lmdb->recovered_at,
           "When a writer last opened the journal.");
    number(e, "recovery_cut_bytes", "gauge", lmdb->recovered_bytes_cut,
           "Torn tail that was cut then.");
}

static void expose_metrics(exposition *e, const tj_metrics *metrics)
{
    if (metrics->since == 0) {
        return; /* no writer has told anything */
    }
    moment(e, "writer_start_timestamp_seconds", (tj_time)metrics->since,
           "When the writer was opened that counted what follows.");
    histogram(e, "commit_seconds", &metrics->commit_us, true,
              "From a commit's call until it was acknowledged.");
    histogram(e, "flush_seconds", &metrics->flush_us, true, "A write to the log with its flush.");
    histogram(e, "flush_commits", &metrics->flush_commits, false, "Commits that shared a flush.");
    number(e, "submitted_total", "counter", metrics->submitted,
           "Commits that were submitted without waiting for the disk.");
    number(e, "completed_total", "counter", metrics->completed,
           "Of them, those whose completion was taken.");
    number(e, "waiting_commits", "gauge", metrics->waiting,
           "Submitted commits whose completion was not taken yet.");
    number(e, "log_written_bytes_total", "counter", metrics->log_bytes, "Written to the log.");
    number(e, "applies_total", "counter", metrics->applies, "The rows were brought up to date.");
    number(e, "apply_failures_total", "counter", metrics->apply_failures, "It could not be.");
    seconds(e, "apply_seconds_total", "counter", metrics->apply_us, "How long that took.");
    describe(e, "refused_total", "counter", "Commits that were not made, by their status.");
    for (int status = 1; status < TJ_METRICS_STATUS_COUNT; status++) {
        const char *name = tj_status_name((tj_status)status);
        if (status <= TJ_UNKNOWN) {
            out_format(&e->out, "tesser_journal_refused_total{%s,status=\"%s\"} %" PRIu64 "\n",
                       e->label, name, metrics->refused[status]);
        }
    }
}

static void expose_backups(exposition *e, const tj_known_backups *known)
{
    seconds(e, "backup_timestamp_seconds", "gauge", (uint64_t)known->newest.at / 1000,
            "When the newest backup was made that the journal knows of; 0: there is none.");
    seconds(e, "backup_verified_timestamp_seconds", "gauge", (uint64_t)known->verified.at / 1000,
            "When one was last proven to restore; 0: never.");
}

static void expose_opened(exposition *e, const tj_store_info *info, const tj_metrics *metrics,
                          const tj_known_backups *backups, const tj_standby_list *standbys)
{
    expose_common(e, info);
    if (info->type == TJ_ENGINE_POSTGRES) {
        expose_server(e, info);
        expose_standbys(e, standbys);
        expose_metrics(e, metrics);
        return;
    }
    expose_directory(e, info);
    expose_backups(e, backups);
    expose_metrics(e, metrics);
}

/* Of a journal that cannot be opened this tells so. */
static tj_status expose(exposition *e, tj_store *store, tj_status status, tj_error *error)
{
    tj_store_info info = TJ_STORE_INFO_INIT;
    tj_metrics metrics = TJ_METRICS_INIT;
    tj_known_backups *backups = NULL;
    tj_standby_list *standbys = NULL;
    if (status == TJ_OK) {
        status = tj_store_info_get(store, &info, error);
    }
    if (status == TJ_OK) {
        status = tj_store_metrics(store, &metrics, error);
    }
    if (status == TJ_OK && info.type == TJ_ENGINE_LMDB) {
        status = tj_known_backups_read(info.path, &backups, error);
    }
    if (status == TJ_OK) {
        status = tj_store_standbys(store, &standbys, error);
    }
    number(e, "up", "gauge", status == TJ_OK, "1: the journal can be opened.");
    number(e, "open_status", "gauge", (uint64_t)status,
           "Status of opening it, as its exit code less 10; 0: it is opened.");
    if (status == TJ_OK) {
        expose_opened(e, &info, &metrics, backups, standbys);
    }
    tj_known_backups_free(backups);
    tj_standby_list_free(standbys);
    return status;
}

static tj_status run_metrics(command_line *cli, tj_error *error)
{
    open_journal journal;
    tj_error late = TJ_ERROR_INIT;
    char *text = NULL;
    size_t size = 0;
    const char *file = file_given(cli, &output_option);
    tj_status status = file ? tj_path_check(file, error) : TJ_OK;
    if (status != TJ_OK) {
        return status;
    }
    status = journal_open_whole(cli, ACCESS_READ, &journal, error);
    bool server = journal.config.type == TJ_ENGINE_POSTGRES && journal.config.path;
    bool unknown_book = status == TJ_NOT_FOUND && journal.store;
    if (cli->usage || unknown_book || !(server || cli->journal[0])) {
        return journal_close(&journal, status, error); /* none is named */
    }
    const char *named = server ? journal.config.path : cli->journal;
    char *path = server ? NULL : realpath(named, NULL);
    exposition e = {.out = {.stream = need(open_memstream(&text, &size))},
                    .label = label_of(path ? path : named)};
    free(path);
    status = expose(&e, journal.store, status, error);
    need(fclose(e.out.stream) == 0 ? text : NULL);
    tj_status written = TJ_OK;
    if (file) {
        written = file_replace(file, (tj_str){text, size}, 0644, &late);
    } else {
        out_bytes(&cli->out, (tj_str){text, size});
    }
    if (status == TJ_OK && written != TJ_OK) {
        *error = late;
        status = written;
    }
    free(e.label);
    free(text);
    return journal_close(&journal, status, error);
}

const command_spec command_metrics = {
    .name = "metrics",
    .server = true,
    .summary = "a journal in numbers, for Prometheus",
    .text =
        "Sizes, space, lag and what the writer has counted: how long commits and flushes took, "
        "how many shared one, what was refused. Of a journal that cannot be opened it says so "
        "(tesser_journal_up 0), and ends as opening it does. A timer may run it every few "
        "seconds. The writer's counts are those of when it last brought the rows up to date; they "
        "begin anew with each writer. contrib/ has alerts and a dashboard for it.",
    .example = "tesser-journal --journal ./journal metrics --output "
               "/var/lib/prometheus/node-exporter/journal.prom",
    .options = (const option_spec *const[]){&output_option, NULL},
    .run = run_metrics,
};
