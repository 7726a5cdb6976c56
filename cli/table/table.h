/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Tables: cells are gathered row by row, then shown as the options ask for: in the width of the
 * terminal, or as CSV. */
#ifndef TJ_CLI_TABLE_TABLE_H
#define TJ_CLI_TABLE_TABLE_H

#include <tesser/decimal.h>

#include "options.h"

typedef enum table_align {
    ALIGN_LEFT,  /* texts */
    ALIGN_TIME,  /* times, which stand at the left, too */
    ALIGN_RIGHT, /* numbers */
    ALIGN_POINT  /* decimals, point below point */
} table_align;

typedef enum table_tone { TONE_PLAIN, TONE_GOOD, TONE_BAD } table_tone;

typedef struct table_column {
    const char *title;
    table_align align;
    bool cut;      /* a text that may be cut where the line is too long; a number never is */
    unsigned rank; /* where it still is, the highest is left out first; 0: always there */
} table_column;

typedef struct table_cell {
    char *value; /* what is compared and written as CSV; NULL where there is none */
    char *shown; /* as it stands on a terminal */
    table_tone tone;
} table_cell;

typedef struct text_table {
    const char *name;  /* in --table; NULL where the command has but one */
    const char *title; /* its heading, behind which the count stands; NULL for none */
    const table_column *columns;
    size_t column_count;
    size_t row_limit;  /* as long as the options say nothing else; 0: all */
    uint64_t sequence; /* of the commit that it shows, as far as that is known */
    table_cell *cells;
    size_t cell_count;
} text_table;

#define TEXT_TABLE(columns_) \
    .columns = (columns_), .column_count = sizeof(columns_) / sizeof *(columns_)

/* ---- cells (table.c) ---- */

void table_text(text_table *table, tj_str text);
void table_format(text_table *table, const char *format, ...) TJ_PRINTF(2, 3);
/* A dash, and nothing in CSV. */
void table_none(text_table *table);
void table_number(text_table *table, uint64_t number);
/* Shown for people, in bytes for programs. */
void table_size(text_table *table, uint64_t bytes);
void table_time(text_table *table, tj_time time);
void table_decimal(text_table *table, tj_decimal value);
/* A gain or a loss: what is below zero stands out. */
void table_money(text_table *table, tj_decimal value);
/* Of the cell that was added last. */
void table_tone_set(text_table *table, table_tone tone);
void table_dispose(text_table *table);
size_t table_rows(const text_table *table);

/* ---- what of a table is shown (view.c) ---- */

extern const option_spec option_table, option_columns, option_where, option_sort, option_limit,
    option_csv;
/* Those of a command with one table. */
#define TABLE_OPTIONS &option_columns, &option_where, &option_sort, &option_limit, &option_csv

/* The rows and columns of a table that are shown, by their numbers, in order. */
typedef struct table_choice {
    size_t *rows;
    size_t row_count;   /* that are shown */
    size_t match_count; /* that the conditions let through */
    size_t *columns;
    size_t column_count;
    bool columns_given; /* none of them is left out for want of width */
} table_choice;

/* Whether an option narrows what is shown down to tables. */
bool tables_narrowed(const command_line *cli);
/* Looks at the options alone, before a journal is opened. A failure has cli->usage set. */
tj_status tables_check(command_line *cli, tj_error *error);
/* Shows tables and releases their cells. An option that is wrong is a usage error. */
tj_status tables_show(command_line *cli, text_table *tables, size_t count, tj_error *error);

/* ---- how it is shown ---- */

/* For people, within out->width (print.c). */
void table_print(const text_table *table, const table_choice *choice, output *out);
/* All of it, of a table that no option changes; releases its cells. */
void table_print_whole(text_table *table, output *out);
/* With a line of titles (csv.c). */
void table_csv(const text_table *table, const table_choice *choice, output *out);

/* As columns and rows of texts, for the page (json.c). */
void table_json(const text_table *table, const table_choice *choice, output *out);

#endif
