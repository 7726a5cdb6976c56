/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* copy and follow: a journal's commits into another journal, once or for as long as it is written.
 * */
#include "cli.h"

#include <inttypes.h>
#include <signal.h>
#include <string.h>
#include <time.h>

#include <tesser/copy.h>

#define PAUSE_NS 100000000

static volatile sig_atomic_t ended;

static void on_signal(int number)
{
    (void)number;
    ended = 1;
}

/* A name that ends in .toml is that of a configuration file, any other that of a directory. */
static tj_status configure_side(command_line *cli, const char *name, tj_config *config,
                                tj_error *error)
{
    size_t size = strlen(name);
    config->trace = report_trace;
    config->trace_context = cli;
    if (size > 5 && strcmp(name + size - 5, ".toml") == 0) {
        return tj_config_load(name, config, error);
    }
    config->path = name;
    return TJ_OK;
}

static tj_status open_both(command_line *cli, tj_copier **copier, tj_error *error)
{
    tj_config source = TJ_CONFIG_INIT;
    tj_config target = TJ_CONFIG_INIT;
    tj_status status = configure_side(cli, cli->arguments[0], &source, error);
    if (status == TJ_OK) {
        status = configure_side(cli, cli->arguments[1], &target, error);
    }
    if (status == TJ_OK) {
        status = tj_copier_open(&source, &target, copier, error);
    }
    tj_config_dispose(&source);
    tj_config_dispose(&target);
    return status;
}

static tj_status close_both(tj_copier *copier, tj_status status, tj_error *error)
{
    tj_error late = TJ_ERROR_INIT;
    tj_status closed = tj_copier_close(copier, &late);
    if (status == TJ_OK && closed != TJ_OK) {
        *error = late;
        return closed;
    }
    return status;
}

/* ---- copy ------------------------------------------------------------------------------------ */

static void tell(command_line *cli, const tj_copy_report *report)
{
    char digest[24];
    char id[TJ_UUID_TEXT_SIZE];
    snprintf(digest, sizeof digest, "%016" PRIx64, report->digest);
    if (given(cli, &option_json)) {
        json_writer json = {.out = &cli->out};
        json_open(&json, NULL, '{');
        json_uuid(&json, "source_id", report->source_id);
        json_uuid(&json, "journal_id", report->target_id);
        json_unsigned(&json, "sequence", report->sequence);
        json_unsigned(&json, "rows", report->row_count);
        json_text(&json, "digest", tj_str_of(digest));
        json_close(&json, '}');
        return;
    }
    tj_uuid_format(report->target_id, id);
    out_heading(&cli->out, "Copied");
    out_pair(&cli->out, "Into", "%s", cli->arguments[1]);
    out_pair(&cli->out, "Id", "%s", id);
    out_pair(&cli->out, "Commit", "%" PRIu64, report->sequence);
    out_pair(&cli->out, "Rows", "%" PRIu64 ", with the digest %s as in the source",
             report->row_count, digest);
}

static tj_status run_copy(command_line *cli, tj_error *error)
{
    tj_copier *copier = NULL;
    tj_copy_report report;
    tj_status status = open_both(cli, &copier, error);
    if (status != TJ_OK) {
        return status;
    }
    status = tj_copier_run(copier, NULL, error);
    if (status == TJ_OK) {
        note_durable(cli, "the commits are in %s", cli->arguments[1]);
        status = tj_copier_verify(copier, &report, error);
    }
    if (status == TJ_OK) {
        tell(cli, &report);
    }
    return close_both(copier, status, error);
}

const command_spec command_copy = {
    .name = "copy",
    .arguments = "FROM TO",
    .arguments_min = 2,
    .arguments_max = 2,
    .summary =
        "copy a journal with its whole history, to a server, from one, or between directories",
    .text =
        "FROM and TO are directories, or configuration files whose names end in .toml. The copy "
        "has the same commits with the same numbers, times, ids and notes, and an id of its own; "
        "at the end the states of both are compared. FROM may be in use. Given again it goes on "
        "where it was. Who goes on with the copy must not go on with the original: both would "
        "hand out the same numbers of their counters.",
    .example = "tesser-journal copy ./journal server.toml",
    .writes = true,
    .run = run_copy,
};

/* ---- follow ---------------------------------------------------------------------------------- */

/* A server that is away comes back; everything else is for somebody to look at. */
static bool passes(tj_status status)
{
    return status == TJ_OK || status == TJ_UNAVAILABLE || status == TJ_UNKNOWN;
}

static tj_status follow(command_line *cli, tj_copier *copier, tj_error *error)
{
    const struct timespec pause = {.tv_nsec = PAUSE_NS};
    tj_status told = TJ_OK;
    uint64_t sequence = 0;
    while (!ended) {
        tj_error failure = TJ_ERROR_INIT;
        tj_status status = tj_copier_run(copier, &sequence, &failure);
        if (!passes(status)) {
            *error = failure;
            return status;
        }
        if (status != TJ_OK && told == TJ_OK) {
            out_trouble(&cli->out, "waits at commit %" PRIu64 ": %s", sequence, failure.message);
        }
        told = status;
        (void)nanosleep(&pause, NULL);
    }
    out_line(&cli->out, "followed up to commit %" PRIu64, sequence);
    return TJ_OK;
}

static tj_status run_follow(command_line *cli, tj_error *error)
{
    tj_copier *copier = NULL;
    struct sigaction action = {.sa_handler = on_signal};
    (void)sigaction(SIGINT, &action, NULL);
    (void)sigaction(SIGTERM, &action, NULL);
    tj_status status = open_both(cli, &copier, error);
    if (status != TJ_OK) {
        return status;
    }
    status = follow(cli, copier, error);
    return close_both(copier, status, error);
}

const command_spec command_follow = {
    .name = "follow",
    .arguments = "FROM TO",
    .arguments_min = 2,
    .arguments_max = 2,
    .summary = "keep a copy of a journal up to date while it is written, such as on a server",
    .text =
        "As `copy`, and then again whenever there are new commits, about ten times a second, "
        "until it is ended (SIGINT, SIGTERM). The writer never waits for it: what it has not "
        "copied yet is in FROM only. How far it is behind is the difference between the commits "
        "that `status` tells of both. Where TO is away it waits, and goes on.",
    .example = "tesser-journal follow ./journal server.toml",
    .writes = true,
    .run = run_follow,
};
