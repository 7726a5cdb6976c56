/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* quarantine list and show: what imports could not decode. */
#include "cli.h"

#include <stdlib.h>

#include <tesser/migrate.h>

static const option_spec raw_option = {.name = "raw", .help = "the bytes alone, as they are"};

static tj_status print_list(command_line *cli, const tj_quarantine_list *list, tj_error *error)
{
    static const table_column columns[] = {{"name", ALIGN_LEFT, true, 0},
                                           {"bytes", ALIGN_RIGHT, false, 1},
                                           {"why it cannot be decoded", ALIGN_LEFT, true, 0}};
    text_table table = {.title = "Quarantine", TEXT_TABLE(columns)};
    for (size_t i = 0; i < list->count; i++) {
        table_text(&table, list->items[i].name);
        table_number(&table, list->items[i].raw.size);
        table_text(&table, list->items[i].reason);
    }
    return tables_show(cli, &table, 1, error);
}

static void json_item(json_writer *json, const tj_quarantined *item)
{
    json_open(json, NULL, '{');
    json_text(json, "name", item->name);
    json_text(json, "reason", item->reason);
    json_hex(json, "raw_hex", item->raw);
    json_close(json, '}');
}

static tj_status run_quarantine_list(command_line *cli, tj_error *error)
{
    open_journal journal;
    tj_quarantine_list *list = NULL;
    tj_status status = tables_check(cli, error);
    if (status != TJ_OK) {
        return status;
    }
    status = journal_open(cli, ACCESS_READ, &journal, error);
    if (status == TJ_OK) {
        status = tj_quarantine_load(journal.store, NULL, &list, error);
    }
    if (status == TJ_OK && given(cli, &option_json)) {
        json_writer json = {.out = &cli->out};
        json_open(&json, NULL, '{');
        json_text(&json, "book", tj_str_of(journal.book));
        json_open(&json, "quarantined", '[');
        for (size_t i = 0; i < list->count; i++) {
            json_item(&json, &list->items[i]);
        }
        json_close(&json, ']');
        json_close(&json, '}');
    } else if (status == TJ_OK) {
        status = print_list(cli, list, error);
    }
    tj_quarantine_list_free(list);
    return journal_close(&journal, status, error);
}

static void tell_item(command_line *cli, const tj_quarantined *item)
{
    if (given(cli, &raw_option)) {
        out_bytes(&cli->out, item->raw);
    } else if (given(cli, &option_json)) {
        json_writer json = {.out = &cli->out};
        json_item(&json, item);
    } else {
        char *name = safe_text(item->name);
        char *reason = safe_text(item->reason);
        out_heading(&cli->out, "Quarantined");
        out_pair(&cli->out, "Name", "%s", name);
        out_pair(&cli->out, "Bytes", "%zu", item->raw.size);
        out_pair(&cli->out, "Why", "%s", reason);
        free(reason);
        free(name);
    }
}

static const tj_quarantined *find(const tj_quarantine_list *list, const char *name)
{
    for (size_t i = 0; i < list->count; i++) {
        if (tj_str_equal(list->items[i].name, tj_str_of(name))) {
            return &list->items[i];
        }
    }
    return NULL;
}

static tj_status run_quarantine_show(command_line *cli, tj_error *error)
{
    open_journal journal;
    tj_quarantine_list *list = NULL;
    tj_status status = journal_open(cli, ACCESS_READ, &journal, error);
    if (status == TJ_OK) {
        status = tj_quarantine_load(journal.store, NULL, &list, error);
    }
    if (status == TJ_OK) {
        const tj_quarantined *item = find(list, cli->arguments[0]);
        if (item) {
            tell_item(cli, item);
        } else {
            status = fail(error, TJ_NOT_FOUND, "\"%s\" is not in the quarantine of book \"%s\"",
                          cli->arguments[0], journal.book);
        }
    }
    tj_quarantine_list_free(list);
    return journal_close(&journal, status, error);
}

const command_spec command_quarantine_list = {
    .name = "quarantine list",
    .summary = "what imports could not decode",
    .example = "tesser-journal --journal ./journal quarantine list",
    .options = (const option_spec *const[]){TABLE_OPTIONS, NULL},
    .pages = true,
    .run = run_quarantine_list,
};

const command_spec command_quarantine_show = {
    .name = "quarantine show",
    .arguments = "NAME",
    .arguments_min = 1,
    .arguments_max = 1,
    .summary = "one thing in quarantine, or its bytes",
    .text = "NAME is as 'quarantine list' has it.",
    .example =
        "tesser-journal --journal ./journal quarantine show strategy_state --raw >strategy.bin",
    .options = (const option_spec *const[]){&raw_option, NULL},
    .run = run_quarantine_show,
};
