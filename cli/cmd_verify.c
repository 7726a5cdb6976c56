/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* verify: whether every byte of a journal is what was written. */
#include "cli.h"

#include <inttypes.h>
#include <stdlib.h>

#include <tesser/verify.h>

#define EXIT_DAMAGED (EXIT_STATUS_BASE + TJ_CORRUPT)
#define EXIT_UNCHECKED (EXIT_STATUS_BASE + TJ_IO)

static const option_spec option_deep = {
    "deep", 0, NULL, "also replay the log in memory, and compare it with data.mdb"};

static const char *const verdict_names[] = {"", "sound", "damaged", "unchecked"};
static const char *const kind_names[] = {"", "note", "damage", "unchecked"};

static void print_verdict(const tj_verify_report *report, output *out)
{
    static const char *const verdicts[] = {"", "sound", "DAMAGED",
                                           "no damage found, and not all could be checked"};
    out_pair(out, "Verdict", "%s", verdicts[report->verdict]);
    if (report->verdict != TJ_VERDICT_SOUND) {
        out_pair(out, "Newest state", "%s",
                 report->newest_whole
                     ? "whole: every acknowledged commit can be had from what is sound"
                     : "not whole, or nothing tells that it is");
    }
}

#define COMMITS_TEXT_SIZE 80

static const char *commits_text(const tj_verify_report *report, char text[COMMITS_TEXT_SIZE])
{
    if (report->commit_count == 0) {
        return "no commits";
    }
    snprintf(text, COMMITS_TEXT_SIZE, "%" PRIu64 " %s from %" PRIu64 " to %" PRIu64,
             report->commit_count, plural(report->commit_count, "commit", "commits"),
             report->first_sequence, report->sequence);
    return text;
}

static void print_files(const tj_verify_report *report, output *out)
{
    char log[SIZE_TEXT_SIZE];
    char state[SIZE_TEXT_SIZE];
    char bases[SIZE_TEXT_SIZE];
    char other[SIZE_TEXT_SIZE];
    char commits[COMMITS_TEXT_SIZE];
    out_pair(out, "Log", "%s in %" PRIu64 " %s, %s", commits_text(report, commits),
             report->segment_count, plural(report->segment_count, "segment", "segments"),
             size_text(report->log_bytes, log));
    out_pair(out, "State", "%" PRIu64 " %s in %" PRIu64 " %s, %s, at commit %" PRIu64,
             report->row_count, plural(report->row_count, "row", "rows"), report->page_count,
             plural(report->page_count, "page", "pages"), size_text(report->state_bytes, state),
             report->applied_sequence);
    out_pair(out, "Bases", "%" PRIu64 ", %s", report->base_count,
             size_text(report->base_bytes, bases));
    out_pair(out, "Other", "%s in writer.lock, lock.mdb, the reserve and the like: nothing kept",
             size_text(report->other_bytes, other));
}

static void print_report(const tj_verify_report *report, bool server, output *out)
{
    char log[SIZE_TEXT_SIZE];
    char id[TJ_UUID_TEXT_SIZE];
    char commits[COMMITS_TEXT_SIZE];
    tj_uuid_format(report->journal_id, id);
    out_heading(out, "Verified");
    out_pair(out, "Path", "%s", report->path.data);
    out_pair(out, "Id", "%s", id);
    print_verdict(report, out);
    if (server) {
        out_pair(out, "Log", "%s, %s", commits_text(report, commits),
                 size_text(report->log_bytes, log));
        out_pair(out, "State", "%" PRIu64 " %s, the tables at commit %" PRIu64, report->row_count,
                 plural(report->row_count, "row", "rows"), report->applied_sequence);
    } else {
        print_files(report, out);
    }
    out_pair(out, "Compared", "%s",
             report->compared ? server ? "the rows with the log replayed"
                                       : "data.mdb with the log replayed, row by row"
             : report->deep   ? "no: see below"
                              : "no: --deep does it");
    if (report->writer_alive) {
        out_pair(out, "Writer", "running: looked at up to what it has acknowledged");
    }
}

static void print_findings(const tj_verify_report *report, output *out)
{
    for (size_t i = 0; i < report->finding_count; i++) {
        const tj_finding *finding = &report->findings[i];
        char *sentence = safe_text(finding->sentence);
        out_line(out, "%s: %s", kind_names[finding->kind], sentence);
        free(sentence);
    }
    if (report->finding_left_out > 0) {
        out_line(out, "and %zu more", report->finding_left_out);
    }
}

static void optional_text(json_writer *json, const char *key, tj_str text)
{
    if (text.data) {
        json_text(json, key, text);
    } else {
        json_null(json, key);
    }
}

static void json_finding(const tj_finding *finding, json_writer *json)
{
    json_open(json, NULL, '{');
    json_text(json, "kind", tj_str_of(kind_names[finding->kind]));
    json_text(json, "sentence", finding->sentence);
    optional_text(json, "file", finding->file);
    json_unsigned(json, "offset", finding->offset);
    if (finding->sequence_first > 0) {
        json_unsigned(json, "sequence_first", finding->sequence_first);
    } else {
        json_null(json, "sequence_first");
    }
    if (finding->sequence_first > 0 && finding->sequence_last != UINT64_MAX) {
        json_unsigned(json, "sequence_last", finding->sequence_last);
    } else {
        json_null(json, "sequence_last");
    }
    optional_text(json, "key", finding->key);
    json_close(json, '}');
}

static void json_report(const tj_verify_report *report, json_writer *json)
{
    json_open(json, NULL, '{');
    json_text(json, "path", report->path);
    json_uuid(json, "journal_id", report->journal_id);
    json_text(json, "verdict", tj_str_of(verdict_names[report->verdict]));
    json_bool(json, "newest_whole", report->newest_whole);
    json_bool(json, "deep", report->deep);
    json_bool(json, "compared", report->compared);
    json_bool(json, "writer_alive", report->writer_alive);
    json_unsigned(json, "sequence", report->sequence);
    json_unsigned(json, "applied_sequence", report->applied_sequence);
    json_unsigned(json, "first_sequence", report->first_sequence);
    json_unsigned(json, "commits", report->commit_count);
    json_unsigned(json, "log_segments", report->segment_count);
    json_unsigned(json, "log_bytes", report->log_bytes);
    json_unsigned(json, "state_bytes", report->state_bytes);
    json_unsigned(json, "pages", report->page_count);
    json_unsigned(json, "rows", report->row_count);
    json_unsigned(json, "digest", report->digest);
    json_unsigned(json, "bases", report->base_count);
    json_unsigned(json, "base_bytes", report->base_bytes);
    json_unsigned(json, "other_bytes", report->other_bytes);
    json_open(json, "findings", '[');
    for (size_t i = 0; i < report->finding_count; i++) {
        json_finding(&report->findings[i], json);
    }
    json_close(json, ']');
    json_unsigned(json, "findings_left_out", report->finding_left_out);
    json_close(json, '}');
}

static void tell(command_line *cli, const tj_verify_report *report, bool server)
{
    if (given(cli, &option_json)) {
        json_writer json = {.out = &cli->out};
        json_report(report, &json);
        return;
    }
    print_report(report, server, &cli->out);
    if (report->finding_count > 0) {
        out_format(&cli->out, "\n");
        print_findings(report, &cli->out);
    }
    if (report->verdict == TJ_VERDICT_DAMAGED && server) {
        out_line(&cli->out, "restore the server from a backup of its own, up to a moment before "
                            "the damage");
    } else if (report->verdict == TJ_VERDICT_DAMAGED) {
        out_line(&cli->out,
                 "`tesser-journal repair -j %.*s --into NEW` builds a sound journal beside it, and "
                 "says what is lost; with --dry-run it only says so",
                 (int)report->path.size, report->path.data);
    } else if (report->verdict == TJ_VERDICT_UNCHECKED) {
        out_line(&cli->out,
                 "`tesser-journal doctor -j %.*s` tells whether it is not allowed to be read; when "
                 "its disk gives out, `tesser-journal repair -j %.*s --into NEW` builds a sound "
                 "journal of what can be read",
                 (int)report->path.size, report->path.data, (int)report->path.size,
                 report->path.data);
    }
}

static tj_status run_verify(command_line *cli, tj_error *error)
{
    open_journal journal;
    tj_verify_report *report = NULL;
    tj_verify_options options = TJ_VERIFY_OPTIONS_INIT;
    options.deep = given(cli, &option_deep);
    tj_status status = journal_configure(cli, ACCESS_READ, &journal, error);
    if (status == TJ_OK) {
        status = tj_verify_config(&journal.config, &options, &report, error);
    }
    if (status == TJ_OK) {
        tell(cli, report, journal.config.type == TJ_ENGINE_POSTGRES);
        cli->exit_code = report->verdict == TJ_VERDICT_DAMAGED     ? EXIT_DAMAGED
                         : report->verdict == TJ_VERDICT_UNCHECKED ? EXIT_UNCHECKED
                                                                   : 0;
    }
    tj_verify_report_free(report);
    return journal_close(&journal, status, error);
}

static const option_spec *const verify_options[] = {&option_deep, NULL};

const command_spec command_verify = {
    .name = "verify",
    .server = true,
    .summary = "whether every byte of the journal is what was written",
    .text =
        "Looks at every segment header, record and seal of the log and the chain over them, at "
        "every page of data.mdb with the free ones, at every block of the bases in history/, at "
        "the checksum, the sum and the decoding of every row, and at writer.lock; what holds "
        "nothing that is kept is counted, and files that are not the journal's are named. With "
        "--deep it also replays the log in memory, which takes "
        "as much as the state has, and compares the result with data.mdb and with each base, and "
        "the indexes of the ledger with it. It writes nothing, and works beside a running writer "
        "and on a journal that cannot be opened. Exit code 0: sound; 19: damaged, "
        "and the report names file, offset, commit and row; any other: it could not be checked.",
    .example = "tesser-journal --journal ./journal verify --deep",
    .options = verify_options,
    .run = run_verify,
};
