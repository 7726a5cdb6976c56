/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* history: the commits of a journal, and those that come. */
#include "cli.h"

#include <inttypes.h>
#include <poll.h>
#include <unistd.h>

static const option_spec from_option = {
    .name = "from", .value = "SEQ|TIME", .help = "from this commit, or this time, on"};
static const option_spec to_option = {
    .name = "to", .value = "SEQ|TIME", .help = "up to and including this commit or time"};
static const option_spec limit_option = {
    .name = "limit", .value = "N", .help = "at most so many commits"};
static const option_spec desc_option = {.name = "desc", .help = "newest first"};
static const option_spec old_option = {.name = "old", .help = "also what each value was before"};
static const option_spec follow_option = {
    .name = "follow",
    .letter = 'f',
    .help = "go on with new commits as they are made; without --from only with these"};

const option_spec option_list = {.name = "list"};

/* How often it is looked for new commits. */
#define FOLLOW_MS 100

/* ---- telling ----------------------------------------------------------------------------- */

static void print_commit(const tj_history_commit *commit, bool has_old, output *out)
{
    char time[TJ_TIME_TEXT_SIZE];
    char id[TJ_UUID_TEXT_SIZE];
    tj_time_format(commit->time, time);
    out_heading(out, "Commit %" PRIu64 "  %s", commit->sequence, time);
    if (!tj_uuid_is_nil(commit->commit_id)) {
        tj_uuid_format(commit->commit_id, id);
        out_pair(out, "Id", "%s", id);
    }
    if (commit->note.size > 0) {
        out_pair(out, "Note", "%.*s", (int)commit->note.size, commit->note.data);
    }
    for (size_t i = 0; i < commit->change_count; i++) {
        print_change(out, &commit->changes[i], has_old);
    }
}

static void json_commit(const tj_history_commit *commit, bool has_old, json_writer *json)
{
    json_open(json, NULL, '{');
    json_unsigned(json, "sequence", commit->sequence);
    json_time(json, "time", commit->time);
    json_unsigned(json, "epoch", commit->epoch);
    if (tj_uuid_is_nil(commit->commit_id)) {
        json_null(json, "commit_id");
    } else {
        json_uuid(json, "commit_id", commit->commit_id);
    }
    json_text(json, "note", commit->note);
    json_open(json, "changes", '[');
    for (size_t i = 0; i < commit->change_count; i++) {
        json_change(json, &commit->changes[i], has_old);
    }
    json_close(json, ']');
    json_close(json, '}');
}

/* ---- reading ----------------------------------------------------------------------------- */

/* Everything up to the newest commit, or until nobody reads any more. */
static tj_status tell_what_is_there(command_line *cli, tj_history *history, bool has_old,
                                    uint64_t *told, tj_error *error)
{
    for (;;) {
        const tj_history_commit *commit = NULL;
        tj_status status = tj_history_next(history, &commit, error);
        if (status != TJ_OK || !commit || cli->out.os_errno) {
            return status;
        }
        if (given(cli, &option_json)) {
            json_writer json = {.out = &cli->out};
            json_commit(commit, has_old, &json);
        } else {
            out_format(&cli->out, "%s", *told > 0 ? "\n" : "");
            print_commit(commit, has_old, &cli->out);
        }
        *told += 1;
    }
}

/* Waits a little; false when the reader of standard output has gone. */
static bool wait_a_little(void)
{
    struct pollfd out = {.fd = STDOUT_FILENO};
    return poll(&out, 1, FOLLOW_MS) <= 0;
}

static tj_status follow(command_line *cli, tj_history *history, const tj_history_query *query,
                        tj_error *error)
{
    uint64_t told = 0;
    for (;;) {
        tj_status status = tell_what_is_there(cli, history, query->old_values, &told, error);
        out_flush(&cli->out);
        bool enough = query->limit > 0 && told >= query->limit;
        if (status != TJ_OK || enough || cli->out.os_errno || !wait_a_little()) {
            return status;
        }
    }
}

static tj_status read_all(command_line *cli, tj_history *history, const tj_history_query *query,
                          tj_error *error)
{
    uint64_t told = 0;
    tj_status status = tell_what_is_there(cli, history, query->old_values, &told, error);
    if (status == TJ_OK && told == 0 && !given(cli, &option_json)) {
        out_line(&cli->out, "no commits");
    }
    return status;
}

/* The same as a table. */
static tj_status tabulate(command_line *cli, tj_history *history, bool has_old, tj_error *error)
{
    text_table table = history_table();
    for (;;) {
        const tj_history_commit *commit = NULL;
        tj_status status = tj_history_next(history, &commit, error);
        if (status != TJ_OK) {
            table_dispose(&table);
            return status;
        }
        if (!commit) {
            return tables_show(cli, &table, 1, error);
        }
        table_commit(&table, commit, has_old);
    }
}

/* The same as one document. */
static tj_status list_all(tj_history *history, bool has_old, output *out, tj_error *error)
{
    json_writer json = {.out = out};
    json_open(&json, NULL, '{');
    json_open(&json, "commits", '[');
    for (;;) {
        const tj_history_commit *commit = NULL;
        tj_status status = tj_history_next(history, &commit, error);
        if (status != TJ_OK) {
            return status;
        }
        if (!commit || out->os_errno) {
            break;
        }
        json_commit(commit, has_old, &json);
    }
    json_close(&json, ']');
    json_close(&json, '}');
    return TJ_OK;
}

/* ---- the query --------------------------------------------------------------------------- */

static tj_status parse_query(command_line *cli, tj_history_query *query, tj_error *error)
{
    tj_moment from;
    tj_moment to;
    uint64_t limit = 0;
    tj_status status = option_moment(cli, &from_option, &from, error);
    if (status == TJ_OK) {
        status = option_moment(cli, &to_option, &to, error);
    }
    if (status == TJ_OK) {
        status = option_number(cli, &limit_option, &limit, error);
    }
    if (status == TJ_OK) {
        status = parse_filter(cli, query, error);
    }
    if (status != TJ_OK) {
        return status;
    }
    query->sequence_first = from.sequence;
    query->has_time_first = from.has_time;
    query->time_first = from.time;
    query->sequence_last = to.sequence;
    query->has_time_last = to.has_time;
    query->time_last = to.time;
    query->limit = (size_t)limit;
    query->descending = given(cli, &desc_option);
    query->old_values = given(cli, &old_option);
    return moment_is_after(from, to) ? usage_error(cli, error, "--from is after --to") : TJ_OK;
}

/* What has no end, or comes later, is not known when it would have to be told. */
static tj_status check_follow(command_line *cli, tj_error *error)
{
    if (given(cli, &follow_option) && tables_narrowed(cli)) {
        return usage_error(cli, error,
                           "--follow tells one commit after the other: --columns, --where, --sort "
                           "and --csv are for a table");
    }
    return given(cli, &follow_option) && (given(cli, &to_option) || given(cli, &desc_option))
               ? usage_error(cli, error,
                             "--follow goes on with new commits: it has no --to, and "
                             "no --desc")
               : TJ_OK;
}

static tj_status run(command_line *cli, const open_journal *journal, tj_history_query *query,
                     tj_error *error)
{
    tj_history *history = NULL;
    uint64_t newest = 0;
    bool following = given(cli, &follow_option);
    tj_status status = tj_moment_find(journal->store, (tj_moment)TJ_MOMENT_INIT, &newest, error);
    if (status == TJ_OK && following && !given(cli, &from_option)) {
        query->sequence_first = newest + 1;
    }
    if (status == TJ_OK) {
        status = tj_history_open(journal->store, query, &history, error);
    }
    if (status == TJ_OK && given(cli, &option_list)) {
        status = list_all(history, query->old_values, &cli->out, error);
    } else if (status == TJ_OK && tables_narrowed(cli)) {
        status = tabulate(cli, history, query->old_values, error);
    } else if (status == TJ_OK) {
        status =
            following ? follow(cli, history, query, error) : read_all(cli, history, query, error);
    }
    tj_history_close(history);
    return status;
}

static tj_status run_history(command_line *cli, tj_error *error)
{
    open_journal journal;
    tj_history_query query = TJ_HISTORY_QUERY_INIT;
    tj_status status = check_follow(cli, error);
    if (status == TJ_OK) {
        status = tables_check(cli, error);
    }
    if (status == TJ_OK) {
        status = parse_query(cli, &query, error);
    }
    if (status != TJ_OK) {
        return status;
    }
    status = journal_open(cli, ACCESS_READ, &journal, error);
    if (status == TJ_OK) {
        status = run(cli, &journal, &query, error);
    }
    return journal_close(&journal, status, error);
}

const command_spec command_history = {
    .name = "history",
    .summary = "commits, and what each of them changed",
    .text =
        "Oldest first, of all books unless --book is given. With --book, --kind or --key only "
        "commits that changed such an entity. With --json one commit for each line: with "
        "--follow a change feed, which goes on at --from SEQ where it was left. With --columns, "
        "--where, --sort or --csv a table with a row for each change.",
    .example = "tesser-journal --journal ./journal history --kind order --key 4711 --old\n"
               "tesser-journal --journal ./journal history --follow --json\n"
               "tesser-journal --journal ./journal history --where change=deleted --csv",
    .options = (const option_spec *const[]){&from_option, &to_option, &option_kind, &option_key,
                                            &limit_option, &desc_option, &old_option,
                                            &follow_option, &option_columns, &option_where,
                                            &option_sort, &option_csv, NULL},
    .pages = true,
    .server = true,
    .run = run_history,
};
