/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Which rows and columns of a table are shown: --table, --columns, --where, --sort and --limit. */
#include "cli.h"
#include "table/condition.h"

#include <stdlib.h>

const option_spec option_table = {.name = "table",
                                  .value = "NAME",
                                  .help = "only this table: positions, balances, orders, prices"};
const option_spec option_columns = {
    .name = "columns", .value = "LIST", .help = "these columns, e.g. id,symbol,price"};
const option_spec option_where = {
    .name = "where",
    .value = "COLUMN=VALUE",
    .help = "only rows of which this holds, or !=, <, <=, > or >=, or ~ for a part of it; may be "
            "given again; a symbol without its exchange is one of any"};
const option_spec option_sort = {
    .name = "sort", .value = "COLUMN", .help = "in this order; -COLUMN turns it round"};
const option_spec option_limit = {.name = "limit", .value = "N", .help = "at most so many rows"};
const option_spec option_csv = {
    .name = "csv",
    .help = "as comma-separated values, every row; a text that a spreadsheet would take for a "
            "formula gets an apostrophe"};

/* ---- columns ------------------------------------------------------------------------------ */

/* "avg fill", "avg-fill" and "avg_fill" are one column. */
static bool is_named(const char *title, tj_str name)
{
    for (size_t i = 0; i < name.size; i++) {
        char c = name.data[i] == '-' || name.data[i] == '_' ? ' ' : name.data[i];
        if (!title[i] || title[i] != c) {
            return false;
        }
    }
    return name.size > 0 && !title[name.size];
}

static bool column_find(const text_table *table, tj_str name, size_t *column)
{
    for (size_t i = 0; i < table->column_count; i++) {
        if (is_named(table->columns[i].title, name)) {
            *column = i;
            return true;
        }
    }
    return false;
}

/* The next name of a list that commas divide, with blanks or without; false at its end. */
static bool name_next(const char **list, tj_str *name)
{
    if (!*list) {
        return false;
    }
    size_t size = strcspn(*list, ",");
    size_t blanks = strspn(*list, " ");
    *name = blanks < size ? (tj_str){*list + blanks, size - blanks} : (tj_str){*list, 0};
    while (name->size > 0 && name->data[name->size - 1] == ' ') {
        name->size--;
    }
    *list = (*list)[size] ? *list + size + 1 : NULL;
    return true;
}

/* ---- the view ----------------------------------------------------------------------------- */

typedef struct table_view {
    const char *table;
    const char *columns;
    const char *sort;
    bool descending;
    bool has_limit;
    uint64_t limit;
    condition conditions[OPTIONS_MAX];
    size_t condition_count;
} table_view;

bool tables_narrowed(const command_line *cli)
{
    return given(cli, &option_table) || given(cli, &option_columns) || given(cli, &option_where) ||
           given(cli, &option_sort) || given(cli, &option_csv);
}

static tj_status view_parse(command_line *cli, table_view *view, tj_error *error)
{
    const char *conditions[OPTIONS_MAX];
    *view = (table_view){.table = option_value(cli, &option_table),
                         .columns = option_value(cli, &option_columns),
                         .sort = option_value(cli, &option_sort),
                         .has_limit = given(cli, &option_limit)};
    if (view->sort && view->sort[0] == '-') {
        view->descending = true;
        view->sort++;
    }
    view->condition_count = option_values(cli, &option_where, conditions);
    for (size_t i = 0; i < view->condition_count; i++) {
        if (!condition_parse(conditions[i], &view->conditions[i])) {
            return usage_error(cli, error,
                               "--where is \"%s\"; expected a column, =, !=, <, <=, >, >= or ~, "
                               "and a value",
                               conditions[i]);
        }
    }
    return option_number(cli, &option_limit, &view->limit, error);
}

/* Walks over the names of columns that the options give: at first {view->columns}. */
typedef struct name_walk {
    const char *list;
    size_t condition;
    bool sorted;
} name_walk;

static bool names_next(const table_view *view, name_walk *at, const option_spec **option,
                       tj_str *name)
{
    if (name_next(&at->list, name)) {
        *option = &option_columns;
    } else if (at->condition < view->condition_count) {
        *option = &option_where;
        *name = view->conditions[at->condition++].column;
    } else if (view->sort && !at->sorted) {
        *option = &option_sort;
        *name = tj_str_of(view->sort);
        at->sorted = true;
    } else {
        return false;
    }
    return true;
}

static bool is_meant(const table_view *view, const text_table *table)
{
    return !view->table || strcmp(view->table, table->name) == 0;
}

/* Whether a table has every column that the options name. */
static bool view_fits(const table_view *view, const text_table *table)
{
    name_walk at = {.list = view->columns};
    const option_spec *option;
    tj_str name;
    size_t column;
    while (names_next(view, &at, &option, &name)) {
        if (!column_find(table, name, &column)) {
            return false;
        }
    }
    return true;
}

static bool in_any(const table_view *view, const text_table *tables, size_t count, tj_str name)
{
    size_t column;
    for (size_t i = 0; i < count; i++) {
        if (is_meant(view, &tables[i]) && column_find(&tables[i], name, &column)) {
            return true;
        }
    }
    return false;
}

/* "id, symbol; symbol, price" of the tables that are meant. */
static void known_columns(const table_view *view, const text_table *tables, size_t count,
                          char *known, size_t size)
{
    size_t used = 0;
    for (size_t t = 0; t < count; t++) {
        const char *between = used > 0 ? "; " : "";
        for (size_t i = 0; is_meant(view, &tables[t]) && i < tables[t].column_count; i++) {
            used += used < size ? (size_t)snprintf(known + used, size - used, "%s%s", between,
                                                   tables[t].columns[i].title)
                                : 0;
            between = ", ";
        }
    }
}

/* Of the tables that are meant none has all the columns that are named. */
static tj_status no_such_table(command_line *cli, const table_view *view, const text_table *tables,
                               size_t count, tj_error *error)
{
    char known[512] = "";
    name_walk at = {.list = view->columns};
    const option_spec *option;
    tj_str name;
    known_columns(view, tables, count, known, sizeof known);
    while (names_next(view, &at, &option, &name)) {
        if (!in_any(view, tables, count, name)) {
            return usage_error(cli, error, "--%s names the column \"%.*s\"; there are %s",
                               option->name, (int)(name.size < 64 ? name.size : 64), name.data,
                               known);
        }
    }
    return usage_error(cli, error, "no table has all the columns that are named; there are %s",
                       known);
}

/* ---- choosing ----------------------------------------------------------------------------- */

static bool row_wanted(const table_view *view, const text_table *table, size_t row)
{
    for (size_t i = 0; i < view->condition_count; i++) {
        size_t column = 0;
        (void)column_find(table, view->conditions[i].column, &column);
        if (!condition_holds(&view->conditions[i], table->columns[column].align,
                             table->cells[row * table->column_count + column].value)) {
            return false;
        }
    }
    return true;
}

static int compare_up(const void *left, const void *right)
{
    const key *a = left;
    const key *b = right;
    int order = key_compare(a, b);
    return order ? order : (a->row > b->row) - (a->row < b->row);
}

/* What is not there stays last. */
static int compare_down(const void *left, const void *right)
{
    const key *a = left;
    const key *b = right;
    int order = key_compare(a, b);
    bool turned = a->kind != KEY_NONE && b->kind != KEY_NONE;
    return order ? (turned ? -order : order) : (a->row > b->row) - (a->row < b->row);
}

static void sort_rows(const table_view *view, const text_table *table, table_choice *choice)
{
    size_t column = 0;
    (void)column_find(table, tj_str_of(view->sort), &column);
    key *keys = need(calloc(choice->row_count + 1, sizeof *keys));
    for (size_t i = 0; i < choice->row_count; i++) {
        keys[i] = key_of(table->cells[choice->rows[i] * table->column_count + column].value);
        keys[i].row = choice->rows[i];
    }
    qsort(keys, choice->row_count, sizeof *keys, view->descending ? compare_down : compare_up);
    for (size_t i = 0; i < choice->row_count; i++) {
        choice->rows[i] = keys[i].row;
    }
    free(keys);
}

static void choose_columns(const table_view *view, const text_table *table, table_choice *choice)
{
    const char *list = view->columns;
    tj_str name;
    choice->columns_given = list != NULL;
    choice->columns =
        need(calloc(table->column_count + (list ? strlen(list) : 0), sizeof *choice->columns));
    while (name_next(&list, &name)) {
        (void)column_find(table, name, &choice->columns[choice->column_count++]);
    }
    for (size_t i = 0; i < table->column_count && !view->columns; i++) {
        choice->columns[choice->column_count++] = i;
    }
}

static table_choice choose(const table_view *view, const text_table *table, size_t row_limit)
{
    table_choice choice = {0};
    size_t rows = table_rows(table);
    choice.rows = need(calloc(rows + 1, sizeof *choice.rows));
    for (size_t row = 0; row < rows; row++) {
        if (row_wanted(view, table, row)) {
            choice.rows[choice.row_count++] = row;
        }
    }
    if (view->sort) {
        sort_rows(view, table, &choice);
    }
    choice.match_count = choice.row_count;
    size_t limit = view->has_limit ? (size_t)view->limit : row_limit;
    if (limit > 0 && choice.row_count > limit) {
        choice.row_count = limit;
    }
    choose_columns(view, table, &choice);
    return choice;
}

static void choice_dispose(table_choice *choice)
{
    free(choice->rows);
    free(choice->columns);
}

/* ---- showing ------------------------------------------------------------------------------ */

/* Where a heading does not count them. */
#define NO_ROW "no row is like that"

static void show(const text_table *table, const table_choice *choice, bool first, output *out)
{
    size_t rows = table_rows(table);
    if (!first) {
        out_format(out, "\n");
    }
    if (table->title && choice->match_count < rows) {
        out_heading(out, "%s (%zu of %zu)", table->title, choice->match_count, rows);
    } else if (table->title) {
        out_heading(out, "%s (%zu)", table->title, rows);
    }
    if (choice->match_count == 0) {
        if (!table->title) {
            out_line(out, NO_ROW);
        }
        return;
    }
    table_print(table, choice, out);
    if (choice->row_count < choice->match_count) {
        out_format(out, "  ... and %zu more%s\n", choice->match_count - choice->row_count,
                   table->row_limit > 0 ? " (--all shows them)" : "");
    }
}

/* What can be in no cell of its column would find nothing, as if nothing were there. */
static tj_status check_values(command_line *cli, const table_view *view, const text_table *table,
                              tj_error *error)
{
    for (size_t i = 0; i < view->condition_count; i++) {
        const condition *asked = &view->conditions[i];
        size_t column = 0;
        (void)column_find(table, asked->column, &column);
        table_align align = table->columns[column].align;
        if (!condition_fits(asked, align)) {
            return usage_error(cli, error,
                               "--where: the column \"%s\" holds %s, and \"%s\" is none",
                               table->columns[column].title,
                               align == ALIGN_TIME ? "times such as 2024-05-01T09:30:00Z"
                                                   : "numbers such as -12.50",
                               asked->wanted.text);
        }
    }
    return TJ_OK;
}

/* The tables that the options speak of: the one named, or those with every column that is named. */
static tj_status find_tables(command_line *cli, const table_view *view, const text_table *tables,
                             size_t count, bool *shown, size_t *shown_count, tj_error *error)
{
    bool meant = false;
    for (size_t i = 0; i < count; i++) {
        shown[i] = is_meant(view, &tables[i]) && view_fits(view, &tables[i]);
        meant = meant || is_meant(view, &tables[i]);
        *shown_count += shown[i];
    }
    if (*shown_count == 0 && meant) {
        return no_such_table(cli, view, tables, count, error);
    }
    return *shown_count > 0 ? TJ_OK
                            : usage_error(cli, error,
                                          "--table is \"%s\"; expected positions, "
                                          "balances, orders or prices",
                                          view->table);
}

static tj_status show_all(command_line *cli, text_table *tables, size_t count, tj_error *error)
{
    table_view view;
    bool shown[8] = {false};
    size_t shown_count = 0;
    tj_status status = view_parse(cli, &view, error);
    if (status == TJ_OK) {
        status = find_tables(cli, &view, tables, count, shown, &shown_count, error);
    }
    for (size_t i = 0; i < count && status == TJ_OK; i++) {
        status = shown[i] ? check_values(cli, &view, &tables[i], error) : TJ_OK;
    }
    bool csv = given(cli, &option_csv);
    bool rows = given(cli, &option_rows);
    if (status == TJ_OK && csv && shown_count > 1) {
        status = usage_error(cli, error, "--csv is for one table: choose it by --table");
    }
    bool first = tables_narrowed(cli) || count == 1;
    for (size_t i = 0; i < count && status == TJ_OK; i++) {
        if (!shown[i]) {
            continue;
        }
        table_choice choice = choose(&view, &tables[i], csv || rows ? 0 : tables[i].row_limit);
        if (rows) {
            table_json(&tables[i], &choice, &cli->out);
        } else if (csv) {
            table_csv(&tables[i], &choice, &cli->out);
        } else if (choice.match_count > 0 || view.condition_count == 0 || shown_count == 1) {
            show(&tables[i], &choice, first, &cli->out);
            first = false;
        }
        choice_dispose(&choice);
    }
    if (status == TJ_OK && first && !csv && !rows) {
        out_line(&cli->out, NO_ROW);
    }
    return status;
}

tj_status tables_check(command_line *cli, tj_error *error)
{
    table_view view;
    if (given(cli, &option_json) && tables_narrowed(cli)) {
        return usage_error(cli, error,
                           "--json tells everything: --table, --columns, --where, --sort and --csv "
                           "are for tables");
    }
    /* Entries of a ledger are a line each, with --json too. */
    if (given(cli, &option_json) && given(cli, &option_limit) &&
        cli->command != &command_ledger_list) {
        return usage_error(cli, error, "--json tells everything: --limit is for tables");
    }
    return view_parse(cli, &view, error);
}

tj_status tables_show(command_line *cli, text_table *tables, size_t count, tj_error *error)
{
    tj_status status = show_all(cli, tables, count, error);
    for (size_t i = 0; i < count; i++) {
        table_dispose(&tables[i]);
    }
    return status;
}
