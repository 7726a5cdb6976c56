/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* diff: what is different between two moments. */
#include "cli.h"

#include <inttypes.h>

static void print_diff(const tj_history_diff *diff, output *out)
{
    out_heading(out, "From commit %" PRIu64 " to commit %" PRIu64 " (%zu %s)", diff->sequence_from,
                diff->sequence_to, diff->count, plural(diff->count, "difference", "differences"));
    for (size_t i = 0; i < diff->count; i++) {
        print_change(out, &diff->changes[i], true);
    }
}

static tj_status tabulate(command_line *cli, const tj_history_diff *diff, tj_error *error)
{
    text_table table = diff_table();
    for (size_t i = 0; i < diff->count; i++) {
        table_change(&table, &diff->changes[i], true);
    }
    return tables_show(cli, &table, 1, error);
}

static void json_diff(const tj_history_diff *diff, output *out)
{
    json_writer json = {.out = out};
    json_open(&json, NULL, '{');
    json_unsigned(&json, "from", diff->sequence_from);
    json_unsigned(&json, "to", diff->sequence_to);
    json_open(&json, "changes", '[');
    for (size_t i = 0; i < diff->count; i++) {
        json_change(&json, &diff->changes[i], true);
    }
    json_close(&json, ']');
    json_close(&json, '}');
}

static tj_status run_diff(command_line *cli, tj_error *error)
{
    open_journal journal;
    tj_moment from;
    tj_moment to = TJ_MOMENT_INIT;
    tj_history_query query = TJ_HISTORY_QUERY_INIT;
    tj_history_diff *diff = NULL;
    tj_status status = tables_check(cli, error);
    if (status == TJ_OK) {
        status =
            parse_moment(cli, cli->within_server ? "from" : "A", cli->arguments[0], &from, error);
    }
    if (status == TJ_OK && cli->argument_count > 1) {
        status = parse_moment(cli, cli->within_server ? "to" : "B", cli->arguments[1], &to, error);
    }
    if (status == TJ_OK) {
        status = parse_filter(cli, &query, error);
    }
    if (status != TJ_OK) {
        return status;
    }
    status = journal_open(cli, ACCESS_READ, &journal, error);
    if (status == TJ_OK) {
        status = tj_history_diff_load(journal.store, from, to, &query, &diff, error);
    }
    if (status == TJ_OK && given(cli, &option_json)) {
        json_diff(diff, &cli->out);
    } else if (status == TJ_OK && (tables_narrowed(cli) || given(cli, &option_limit))) {
        status = tabulate(cli, diff, error);
    } else if (status == TJ_OK) {
        print_diff(diff, &cli->out);
    }
    tj_history_diff_free(diff);
    return journal_close(&journal, status, error);
}

const command_spec command_diff = {
    .name = "diff",
    .arguments = "A [B]",
    .arguments_min = 1,
    .arguments_max = 2,
    .summary = "what is different between two commits or times",
    .text = "Entity by entity, with the value at A and the one at B (the newest commit when it is "
            "not given). A and B are sequences of commits or RFC 3339 times. Of all books unless "
            "--book is given. With --columns, --where, --sort, --limit or --csv a table.",
    .example = "tesser-journal --journal ./journal diff 4000 4100 --kind position",
    .options = (const option_spec *const[]){&option_kind, &option_key, TABLE_OPTIONS, NULL},
    .pages = true,
    .server = true,
    .run = run_diff,
};
