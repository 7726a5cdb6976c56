/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Changes, for people and for machines. */
#include "cli.h"

#include <stdlib.h>

/* Longer values are cut for people; machines get them whole. */
#define VALUE_WIDTH 110

static void print_value(output *out, const char *sign, tj_str value)
{
    if (tj_str_equal(value, TJ_STR("true"))) { /* it only stands for its key */
        return;
    }
    char *text = safe_text(value);
    size_t shown = strlen(text);
    bool cut = shown > VALUE_WIDTH;
    while (cut && shown > 0 &&
           (shown > VALUE_WIDTH || ((unsigned char)text[shown] & 0xc0) == 0x80)) {
        shown--;
    }
    out_format(out, "    %s %.*s%s\n", sign, (int)shown, text, cut ? "..." : "");
    free(text);
}

static const char *verb(const tj_change *change, bool has_old)
{
    if (change->moved) {
        return " moved";
    }
    if (!change->new_value.data) {
        return " deleted";
    }
    return has_old && !change->old_value.data ? " new" : "";
}

void print_change(output *out, const tj_change *change, bool has_old)
{
    char *key = safe_text(change->key);
    char *owner = safe_text(change->owner);
    char *book = safe_text(change->book);
    bool of_book = change->kind != TJ_ENTITY_BOOK;
    out_format(out, "  %s%s%s%s%s%s%s%s\n", tj_entity_kind_name(change->kind), *key ? " " : "", key,
               *owner ? " of " : "", owner, of_book ? ", book " : "", of_book ? book : "",
               verb(change, has_old));
    if (has_old && change->old_value.data && !change->moved) {
        print_value(out, "-", change->old_value);
    }
    if (change->new_value.data && !change->moved) {
        print_value(out, has_old ? "+" : " ", change->new_value);
    }
    free(key);
    free(owner);
    free(book);
}

static void json_value(json_writer *json, const char *key, tj_str value)
{
    if (value.data) {
        json_raw(json, key, value);
    } else {
        json_null(json, key);
    }
}

void json_change(json_writer *json, const tj_change *change, bool has_old)
{
    json_open(json, NULL, '{');
    json_text(json, "kind", tj_str_of(tj_entity_kind_name(change->kind)));
    json_text(json, "book", change->book);
    if (change->kind == TJ_ENTITY_BALANCE || change->kind == TJ_ENTITY_POSITION) {
        json_text(json, "owner", change->owner);
    }
    json_text(json, "key", change->key);
    if (has_old) {
        json_bool(json, "moved", change->moved);
        json_value(json, "old", change->old_value);
    }
    json_value(json, "new", change->new_value);
    json_close(json, '}');
}

/* ---- as a table: a row for each change ----------------------------------------------------- */

static const table_column columns[] = {
    {"commit", ALIGN_RIGHT, false, 0}, {"time", ALIGN_TIME, false, 3},
    {"note", ALIGN_LEFT, true, 5},     {"book", ALIGN_LEFT, true, 4},
    {"kind", ALIGN_LEFT, false, 0},    {"owner", ALIGN_LEFT, true, 2},
    {"key", ALIGN_LEFT, true, 0},      {"change", ALIGN_LEFT, false, 0},
    {"old", ALIGN_LEFT, true, 1},      {"new", ALIGN_LEFT, true, 0}};
#define COMMIT_COLUMNS 3

text_table history_table(void)
{
    return (text_table){.title = "Changes", TEXT_TABLE(columns)};
}

text_table diff_table(void)
{
    return (text_table){.title = "Differences",
                        .columns = columns + COMMIT_COLUMNS,
                        .column_count = sizeof columns / sizeof *columns - COMMIT_COLUMNS};
}

static void value_cell(text_table *table, tj_str value)
{
    if (value.data && !tj_str_equal(value, TJ_STR("true"))) {
        table_text(table, value);
    } else {
        table_none(table);
    }
}

static const char *what_happened(const tj_change *change, bool has_old)
{
    const char *said = verb(change, has_old);
    return *said ? said + 1 : has_old ? "changed" : "put";
}

void table_change(text_table *table, const tj_change *change, bool has_old)
{
    table_text(table, change->book);
    table_text(table, tj_str_of(tj_entity_kind_name(change->kind)));
    table_text(table, change->owner);
    table_text(table, change->key);
    table_text(table, tj_str_of(what_happened(change, has_old)));
    value_cell(table, change->old_value);
    value_cell(table, change->new_value);
}

void table_commit(text_table *table, const tj_history_commit *commit, bool has_old)
{
    for (size_t i = 0; i < commit->change_count; i++) {
        table_number(table, commit->sequence);
        table_time(table, commit->time);
        table_text(table, commit->note);
        table_change(table, &commit->changes[i], has_old);
    }
}

/* ---- which ones are asked for ------------------------------------------------------------ */

const option_spec option_kind = {
    .name = "kind",
    .value = "KIND",
    .help = "only this kind, e.g. order, position, algo, ledger; may be repeated"};
const option_spec option_key = {
    .name = "key",
    .value = "KEY",
    .help = "only this key: an order's id, a symbol, an algorithm's id, a ledger sequence"};

tj_status parse_filter(command_line *cli, tj_history_query *query, tj_error *error)
{
    const char *kinds[OPTIONS_MAX];
    size_t count = option_values(cli, &option_kind, kinds);
    for (size_t i = 0; i < count; i++) {
        tj_entity_kind kind;
        tj_error cause = TJ_ERROR_INIT;
        if (tj_entity_kind_parse(tj_str_of(kinds[i]), &kind, &cause) != TJ_OK) {
            return usage_error(cli, error, "--kind: %s", cause.message);
        }
        query->kinds |= (uint64_t)1 << kind;
    }
    query->key = tj_str_of(option_value(cli, &option_key));
    query->book = option_value(cli, &option_book);
    return TJ_OK;
}
