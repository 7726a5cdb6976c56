/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Tables as JSON: the titles once, and each row a list of texts, which keep every digit. */
#include "cli.h"

const option_spec option_rows = {.name = "rows"};

static void row(const table_choice *choice, const table_cell *cells, json_writer *json)
{
    json_open(json, NULL, '[');
    for (size_t i = 0; i < choice->column_count; i++) {
        const char *value = cells[choice->columns[i]].value;
        if (value) {
            json_text(json, NULL, tj_str_of(value));
        } else {
            json_null(json, NULL);
        }
    }
    json_close(json, ']');
}

void table_json(const text_table *table, const table_choice *choice, output *out)
{
    json_writer json = {.out = out};
    json_open(&json, NULL, '{');
    if (table->sequence > 0) {
        json_unsigned(&json, "sequence", table->sequence);
    }
    json_unsigned(&json, "total", table_rows(table));
    json_unsigned(&json, "matching", choice->match_count);
    json_open(&json, "columns", '[');
    for (size_t i = 0; i < choice->column_count; i++) {
        json_text(&json, NULL, tj_str_of(table->columns[choice->columns[i]].title));
    }
    json_close(&json, ']');
    json_open(&json, "rows", '[');
    for (size_t i = 0; i < choice->row_count; i++) {
        row(choice, table->cells + choice->rows[i] * table->column_count, &json);
    }
    json_close(&json, ']');
    json_close(&json, '}');
}
