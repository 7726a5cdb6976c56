/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Tables on standard output: cells are kept until the widths of their columns are known. */
#include "output.h"

#include <stdarg.h>
#include <stdlib.h>

static void table_add(text_table *table, char *cell)
{
    size_t count = table->cell_count;
    if ((count & (count - 1)) == 0) {
        size_t capacity = count ? 2 * count : 1;
        table->cells = need(realloc(table->cells, capacity * sizeof(char *)));
    }
    table->cells[table->cell_count++] = cell;
}

void table_text(text_table *table, tj_str text)
{
    table_add(table, safe_text(text));
}

void table_cell(text_table *table, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    char *text = text_format(format, arguments);
    va_end(arguments);
    table_text(table, tj_str_of(text));
    free(text);
}

/* Characters, not bytes. */
static size_t width_of(const char *text, size_t size)
{
    size_t width = 0;
    for (size_t i = 0; i < size; i++) {
        width += ((unsigned char)text[i] & 0xc0) != 0x80;
    }
    return width;
}

typedef struct measure {
    size_t before; /* widest part before the point, or widest cell */
    size_t after;  /* widest part from the point on, for ALIGN_POINT */
} measure;

/* Where the part before the point ends; for other columns the whole cell is before it. */
static size_t head_size(const table_column *column, const char *cell)
{
    return column->align == ALIGN_POINT ? strcspn(cell, ".") : strlen(cell);
}

static measure measure_column(const text_table *table, size_t index, size_t rows)
{
    const table_column *column = &table->columns[index];
    measure widest = {0, 0};
    for (size_t row = 0; row < rows; row++) {
        const char *cell = table->cells[row * table->column_count + index];
        size_t head = head_size(column, cell);
        size_t before = width_of(cell, head);
        size_t after = width_of(cell + head, strlen(cell + head));
        widest.before = before > widest.before ? before : widest.before;
        widest.after = after > widest.after ? after : widest.after;
    }
    size_t title = strlen(column->title);
    if (widest.before + widest.after < title) {
        widest.before = title - widest.after;
    }
    return widest;
}

static void print_cell(output *out, const table_column *column, measure widest, const char *cell,
                       bool is_last)
{
    size_t head = head_size(column, cell);
    size_t before = width_of(cell, head);
    size_t after = width_of(cell + head, strlen(cell + head));
    size_t left = column->align == ALIGN_LEFT ? 0 : widest.before - before;
    size_t right = widest.before + widest.after - before - after - left;
    out_format(out, "  %*s%s%*s", (int)left, "", cell, is_last ? 0 : (int)right, "");
}

static void print_titles(const text_table *table, const measure *widest, output *out)
{
    out_bold(out, true);
    for (size_t i = 0; i < table->column_count; i++) {
        const table_column *column = &table->columns[i];
        int width = (int)(widest[i].before + widest[i].after);
        bool is_last = i + 1 == table->column_count;
        if (column->align != ALIGN_LEFT) {
            out_format(out, "  %*s", width, column->title);
        } else {
            out_format(out, "  %-*s", is_last ? 0 : width, column->title);
        }
    }
    out_bold(out, false);
    out_format(out, "\n");
}

void table_print(text_table *table, size_t row_limit, output *out)
{
    size_t columns = table->column_count;
    size_t all_rows = table->cell_count / columns;
    size_t rows = row_limit > 0 && row_limit < all_rows ? row_limit : all_rows;
    measure *widest = need(calloc(columns, sizeof *widest));
    for (size_t i = 0; i < columns; i++) {
        widest[i] = measure_column(table, i, rows);
    }
    print_titles(table, widest, out);
    for (size_t cell = 0; cell < rows * columns; cell++) {
        size_t i = cell % columns;
        bool is_last = i + 1 == columns;
        print_cell(out, &table->columns[i], widest[i], table->cells[cell], is_last);
        out_format(out, "%s", is_last ? "\n" : "");
    }
    if (rows < all_rows) {
        out_format(out, "  ... and %zu more (--all shows them)\n", all_rows - rows);
    }
    for (size_t i = 0; i < table->cell_count; i++) {
        free(table->cells[i]);
    }
    free(table->cells);
    free(widest);
    table->cells = NULL;
    table->cell_count = 0;
}
