/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* algo list, show, save, delete. */
#include "cli.h"

#include <inttypes.h>
#include <stdlib.h>

#include <tesser/json.h>

static const option_spec plugin_option = {
    .name = "plugin",
    .value = "NAME",
    .help = "the input is the payload alone, and this the plugin's name"};

static tj_status parse_id(command_line *cli, tj_uuid *id, tj_error *error)
{
    tj_error cause = TJ_ERROR_INIT;
    if (tj_uuid_parse(tj_str_of(cli->arguments[0]), id, &cause) != TJ_OK) {
        return usage_error(cli, error, "the algorithm's id is not valid: %s", cause.message);
    }
    return TJ_OK;
}

/* ---- list ---- */

static tj_status print_algos(command_line *cli, const tj_algo_list *list, tj_error *error)
{
    static const table_column columns[] = {{"id", ALIGN_LEFT, false, 0},
                                           {"payload", ALIGN_RIGHT, false, 1},
                                           {"plugin", ALIGN_LEFT, true, 0}};
    text_table table = {.title = "Algorithms", TEXT_TABLE(columns)};
    for (size_t i = 0; i < list->count; i++) {
        char id[TJ_UUID_TEXT_SIZE];
        tj_uuid_format(list->records[i].id, id);
        table_text(&table, tj_str_of(id));
        table_size(&table, list->records[i].state.payload.size);
        table_text(&table, list->records[i].state.plugin);
    }
    return tables_show(cli, &table, 1, error);
}

static void print_quarantined(const tj_algo_list *list, output *out)
{
    static const table_column columns[] = {{"id", ALIGN_LEFT, false, 0},
                                           {"stored", ALIGN_RIGHT, false, 1},
                                           {"why it cannot be decoded", ALIGN_LEFT, true, 0}};
    text_table table = {TEXT_TABLE(columns)};
    for (size_t i = 0; i < list->quarantined_count; i++) {
        char id[TJ_UUID_TEXT_SIZE];
        tj_uuid_format(list->quarantined[i].id, id);
        table_text(&table, tj_str_of(id));
        table_size(&table, list->quarantined[i].raw.size);
        table_text(&table, list->quarantined[i].reason);
    }
    if (list->quarantined_count > 0) {
        out_format(out, "\n");
        out_heading(out, "Quarantined, kept as stored (%zu)", list->quarantined_count);
        table_print_whole(&table, out);
    }
}

static tj_status json_algos(const open_journal *journal, const tj_algo_list *list, output *out,
                            tj_error *error)
{
    tj_text text = {NULL, 0};
    tj_status status = tj_algo_list_to_json(list, &text, error);
    if (status != TJ_OK) {
        return status;
    }
    json_writer json = {.out = out};
    json_open(&json, NULL, '{');
    json_text(&json, "book", tj_str_of(journal->book));
    json_raw(&json, "algos", (tj_str){text.data, text.size});
    json_open(&json, "quarantined", '[');
    for (size_t i = 0; i < list->quarantined_count; i++) {
        json_open(&json, NULL, '{');
        json_uuid(&json, "id", list->quarantined[i].id);
        json_text(&json, "reason", list->quarantined[i].reason);
        json_hex(&json, "raw_hex", list->quarantined[i].raw);
        json_close(&json, '}');
    }
    json_close(&json, ']');
    json_close(&json, '}');
    tj_text_dispose(&text);
    return TJ_OK;
}

static tj_status run_algo_list(command_line *cli, tj_error *error)
{
    open_journal journal;
    tj_algo_list *list = NULL;
    tj_status status = journal_look(cli, &journal, error);
    if (status == TJ_OK) {
        tj_algo_repository *algos = tj_store_algo_repository(journal.store, NULL);
        status = journal.in_past ? tj_algo_load_all_at(algos, journal.at, &list, error)
                                 : tj_algo_load_all(algos, &list, error);
    }
    if (status == TJ_OK && given(cli, &option_json)) {
        status = json_algos(&journal, list, &cli->out, error);
    } else if (status == TJ_OK) {
        status = print_algos(cli, list, error);
        if (status == TJ_OK && !tables_narrowed(cli)) {
            print_quarantined(list, &cli->out);
        }
    }
    tj_algo_list_free(list);
    return journal_close(&journal, status, error);
}

/* ---- show ---- */

static tj_status tell_algo(command_line *cli, const tj_algo_record *record, tj_error *error)
{
    if (!given(cli, &option_json)) {
        char id[TJ_UUID_TEXT_SIZE];
        char size[SIZE_TEXT_SIZE];
        tj_uuid_format(record->id, id);
        out_heading(&cli->out, "Algorithm");
        out_pair(&cli->out, "Id", "%s", id);
        out_pair(&cli->out, "Plugin", "%.*s", (int)record->state.plugin.size,
                 record->state.plugin.data);
        out_pair(&cli->out, "Payload", "%s", size_text(record->state.payload.size, size));
        out_format(&cli->out, "\n");
        out_shown(&cli->out, record->state.payload);
        out_format(&cli->out, "\n");
        return TJ_OK;
    }
    tj_text text = {NULL, 0};
    tj_status status = tj_algo_state_to_json(&record->state, &text, error);
    out_bytes(&cli->out, (tj_str){text.data, text.size});
    out_format(&cli->out, "\n");
    tj_text_dispose(&text);
    return status;
}

static tj_status run_algo_show(command_line *cli, tj_error *error)
{
    tj_uuid id;
    tj_status status = parse_id(cli, &id, error);
    if (status != TJ_OK) {
        return status;
    }
    open_journal journal;
    tj_algo_record *record = NULL;
    status = journal_look(cli, &journal, error);
    if (status == TJ_OK) {
        tj_algo_repository *algos = tj_store_algo_repository(journal.store, NULL);
        status = journal.in_past ? tj_algo_load_at(algos, journal.at, &id, &record, error)
                                 : tj_algo_load(algos, &id, &record, error);
    }
    if (status == TJ_OK) {
        status = tell_algo(cli, record, error);
    }
    tj_algo_record_free(record);
    return journal_close(&journal, status, error);
}

/* ---- save and delete ---- */

static void tell_change(command_line *cli, const open_journal *journal, bool saved, bool was_there,
                        uint64_t sequence)
{
    static const char *const verbs[2][2] = {{"found no", "deleted"}, {"saved", "replaced"}};
    if (given(cli, &option_json)) {
        json_writer json = {.out = &cli->out};
        json_open(&json, NULL, '{');
        json_text(&json, "id", tj_str_of(cli->arguments[0]));
        json_text(&json, "book", tj_str_of(journal->book));
        json_bool(&json, "was_there", was_there);
        json_unsigned(&json, "seq", sequence);
        json_close(&json, '}');
    } else {
        out_line(&cli->out, "%s algorithm %s in book %s; commit %" PRIu64, verbs[saved][was_there],
                 cli->arguments[0], journal->book, sequence);
    }
}

/* Whether an algorithm is stored, decodable or not. What else is wrong shows when committing. */
static bool is_stored(const open_journal *journal, const tj_uuid *id)
{
    tj_algo_record *record = NULL;
    tj_algo_repository *algos = tj_store_algo_repository(journal->store, NULL);
    tj_status status = tj_algo_load(algos, id, &record, NULL);
    tj_algo_record_free(record);
    return status == TJ_OK || status == TJ_CORRUPT;
}

/* The state to save as views of the input, or of a record parsed from it. */
static tj_status parse_state(const command_line *cli, tj_str input, tj_algo_record **record,
                             tj_algo_state *state, tj_error *error)
{
    if (given(cli, &plugin_option)) {
        *state = (tj_algo_state){tj_str_of(option_value(cli, &plugin_option)), trimmed(input)};
        return TJ_OK;
    }
    tj_status status = tj_algo_record_from_json(input, record, error);
    if (status == TJ_OK) {
        *state = (*record)->state;
    }
    return status;
}

/* Saves the state, or deletes the algorithm when there is none. */
static tj_status change(command_line *cli, const tj_uuid *id, const tj_algo_state *state,
                        tj_error *error)
{
    open_journal journal;
    tj_txn *txn = NULL;
    uint64_t sequence = 0;
    bool was_there = false;
    tj_status status = journal_open(cli, ACCESS_WRITE, &journal, error);
    if (status == TJ_OK) {
        was_there = is_stored(&journal, id);
        status = tj_txn_begin(journal.store, &txn, error);
    }
    if (status == TJ_OK) {
        status =
            state ? tj_txn_put_algo(txn, id, state, error) : tj_txn_delete_algo(txn, id, error);
    }
    status = txn_finish(cli, txn, status, &sequence, error);
    if (status == TJ_OK) {
        tell_change(cli, &journal, state != NULL, was_there, sequence);
    }
    return journal_close(&journal, status, error);
}

static tj_status run_algo_save(command_line *cli, tj_error *error)
{
    tj_uuid id;
    tj_status status = parse_id(cli, &id, error);
    if (status != TJ_OK) {
        return status;
    }
    const char *path = cli->argument_count > 1 ? cli->arguments[1] : "-";
    char *data = NULL;
    size_t size = 0;
    tj_algo_record *record = NULL;
    tj_algo_state state = {0};
    status = input_read(path, &data, &size, error);
    if (status == TJ_OK) {
        tj_error cause = TJ_ERROR_INIT;
        status = parse_state(cli, (tj_str){data, size}, &record, &state, &cause);
        if (status != TJ_OK) {
            (void)fail(error, status, "%s: %s", input_name(path), cause.message);
        }
    }
    if (status == TJ_OK) {
        status = change(cli, &id, &state, error);
    }
    tj_algo_record_free(record);
    free(data);
    return status;
}

static tj_status run_algo_delete(command_line *cli, tj_error *error)
{
    tj_uuid id;
    tj_status status = parse_id(cli, &id, error);
    return status == TJ_OK ? change(cli, &id, NULL, error) : status;
}

const command_spec command_algo_list = {
    .name = "algo list",
    .summary = "the book's algorithms, and those that cannot be decoded",
    .example = "tesser-journal --journal ./journal algo list",
    .options = (const option_spec *const[]){&option_at, TABLE_OPTIONS, NULL},
    .pages = true,
    .server = true,
    .run = run_algo_list,
};

const command_spec command_algo_show = {
    .name = "algo show",
    .arguments = "ID",
    .arguments_min = 1,
    .arguments_max = 1,
    .summary = "one algorithm with its payload",
    .example = "tesser-journal --journal ./journal algo show 6f1c2a9e-0d3b-4c55-8a77-0a1b2c3d4e5f",
    .options = (const option_spec *const[]){&option_at, NULL},
    .server = true,
    .run = run_algo_show,
};

const command_spec command_algo_save = {
    .name = "algo save",
    .arguments = "ID [FILE|-]",
    .arguments_min = 1,
    .arguments_max = 2,
    .summary = "save one algorithm, new or not",
    .text = "The input (standard input when no file is named) is a record such as "
            "{\"plugin\":\"TWAP\",\"payload\":{...}}, or Tesser's "
            "{\"algo_type\":...,\"state\":...}; with "
            "--plugin it is the payload alone. The payload is kept byte for byte.",
    .example = "echo '{\"pending\":2}' | tesser-journal --journal ./journal algo save "
               "6f1c2a9e-0d3b-4c55-8a77-0a1b2c3d4e5f --plugin TWAP",
    .options = (const option_spec *const[]){&plugin_option, NULL},
    .writes = true,
    .server = true,
    .run = run_algo_save,
};

const command_spec command_algo_delete = {
    .name = "algo delete",
    .arguments = "ID",
    .arguments_min = 1,
    .arguments_max = 1,
    .summary = "delete one algorithm",
    .text = "Deleting what is not there is no failure; the output tells.",
    .example =
        "tesser-journal --journal ./journal algo delete 6f1c2a9e-0d3b-4c55-8a77-0a1b2c3d4e5f",
    .writes = true,
    .server = true,
    .run = run_algo_delete,
};
