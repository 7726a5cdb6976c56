/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * A table on a terminal, one line for each row. Where the width is short, columns of high rank are
 * left out first, and then texts are cut, which shows: a number is whole or not there.
 */
#include "table/table.h"

#include <libsmartcols/libsmartcols.h>
#include <stdlib.h>
#include <wchar.h>

#define MARGIN 2 /* before the first column, and between two */
/* A text that is cut still tells this much. */
#define CUT_WIDTH_MIN 12
#define CUT_MARK "\xe2\x80\xa6" /* an ellipsis, one place wide */

typedef struct table_grid {
    const text_table *table;
    const table_choice *choice;
    struct libscols_table *scols;
    struct libscols_line **lines;     /* beside choice->rows */
    struct libscols_column **columns; /* beside choice->columns */
    size_t *widths;                   /* that they need */
    bool *left_out;
    size_t width; /* of the terminal, 0: as wide as it gets */
} table_grid;

static const table_cell *cell_of(const table_grid *grid, size_t row, size_t column)
{
    return &grid->table->cells[grid->choice->rows[row] * grid->table->column_count +
                               grid->choice->columns[column]];
}

static const table_column *spec_of(const table_grid *grid, size_t column)
{
    return &grid->table->columns[grid->choice->columns[column]];
}

/* libsmartcols fails for want of memory alone. */
static void must(int failed)
{
    need(failed ? NULL : &failed);
}

/* Bytes from the point on. */
static size_t fraction_size(const char *text)
{
    return strlen(text) - strcspn(text, ".");
}

static size_t widest_fraction(const table_grid *grid, size_t column)
{
    size_t widest = 0;
    for (size_t row = 0; row < grid->choice->row_count; row++) {
        size_t size = fraction_size(cell_of(grid, row, column)->shown);
        widest = size > widest ? size : widest;
    }
    return widest;
}

static void fill_column(table_grid *grid, size_t column)
{
    bool by_point = spec_of(grid, column)->align == ALIGN_POINT;
    size_t widest = by_point ? widest_fraction(grid, column) : 0;
    for (size_t row = 0; row < grid->choice->row_count; row++) {
        const table_cell *cell = cell_of(grid, row, column);
        struct libscols_cell *target = need(scols_line_get_cell(grid->lines[row], column));
        size_t pad = by_point ? widest - fraction_size(cell->shown) : 0;
        char *text = NULL;
        need(asprintf(&text, "%s%*s", cell->shown, (int)pad, "") < 0 ? NULL : text);
        must(scols_cell_refer_data(target, text));
        if (cell->tone != TONE_PLAIN) {
            must(scols_cell_set_color(target, cell->tone == TONE_GOOD ? "green" : "red"));
        }
    }
}

static void grid_build(table_grid *grid, bool colour)
{
    size_t count = grid->choice->column_count;
    grid->scols = need(scols_new_table());
    grid->lines = need(calloc(grid->choice->row_count + 1, sizeof *grid->lines));
    grid->columns = need(calloc(count, sizeof *grid->columns));
    grid->widths = need(calloc(count, sizeof *grid->widths));
    grid->left_out = need(calloc(count, sizeof *grid->left_out));
    must(scols_table_set_column_separator(grid->scols, "  "));
    must(scols_table_enable_noencoding(grid->scols, 1)); /* cells are safe already */
    must(scols_table_enable_colors(grid->scols, colour));
    must(scols_table_set_termforce(grid->scols, SCOLS_TERMFORCE_NEVER)); /* fit() decides */
    must(scols_table_enable_minout(grid->scols, 1));
    for (size_t i = 0; i < count; i++) {
        const table_column *spec = spec_of(grid, i);
        int flags =
            (spec->align >= ALIGN_RIGHT ? SCOLS_FL_RIGHT : 0) | (spec->cut ? SCOLS_FL_TRUNC : 0);
        grid->columns[i] = need(scols_table_new_column(grid->scols, spec->title, 0, flags));
        must(scols_cell_set_color(scols_column_get_header(grid->columns[i]), "bold"));
    }
    for (size_t row = 0; row < grid->choice->row_count; row++) {
        grid->lines[row] = need(scols_table_new_line(grid->scols, NULL));
    }
    for (size_t i = 0; i < count; i++) {
        fill_column(grid, i);
    }
}

static void grid_dispose(table_grid *grid)
{
    scols_unref_table(grid->scols);
    free(grid->lines);
    free(grid->columns);
    free(grid->widths);
    free(grid->left_out);
}

/* The table as text. Released with free. */
static char *render(const table_grid *grid)
{
    char *text = NULL;
    must(scols_print_table_to_string(grid->scols, &text));
    return need(text);
}

/* ---- where the width is short --------------------------------------------------------------- */

/* What the columns take that are not left out, when texts are cut to so many places. */
static size_t width_with(const table_grid *grid, size_t cut_width)
{
    size_t width = 0;
    for (size_t i = 0; i < grid->choice->column_count; i++) {
        bool is_cut = spec_of(grid, i)->cut && grid->widths[i] > cut_width;
        width += grid->left_out[i] ? 0 : MARGIN + (is_cut ? cut_width : grid->widths[i]);
    }
    return width;
}

/* Takes the column of the highest rank out; false when all that are left must stay. */
static bool leave_out_one(table_grid *grid)
{
    size_t found = 0;
    for (size_t i = 1; i < grid->choice->column_count; i++) {
        bool lower = grid->left_out[found] || spec_of(grid, i)->rank > spec_of(grid, found)->rank;
        found = !grid->left_out[i] && lower ? i : found;
    }
    if (grid->left_out[found] || spec_of(grid, found)->rank == 0) {
        return false;
    }
    grid->left_out[found] = true;
    int flags = scols_column_get_flags(grid->columns[found]);
    must(scols_column_set_flags(grid->columns[found], flags | SCOLS_FL_HIDDEN));
    return true;
}

/* Cuts a text to a width, with a mark at its end. */
static void cut(struct libscols_cell *cell, size_t width)
{
    const char *text = scols_cell_get_data(cell);
    mbstate_t state = {0};
    size_t at = 0;
    size_t kept = 0;
    for (size_t used = 0; text[at];) {
        wchar_t character;
        size_t size = mbrtowc(&character, text + at, MB_CUR_MAX, &state);
        int places = size > MB_CUR_MAX ? 1 : wcwidth(character);
        at += size > MB_CUR_MAX || size == 0 ? 1 : size;
        used += places > 0 ? (size_t)places : 0;
        kept = used < width ? at : kept;
        if (used > width) {
            char *shorter = NULL;
            int made = asprintf(&shorter, "%.*s" CUT_MARK, (int)kept, text);
            must(scols_cell_refer_data(cell, need(made < 0 ? NULL : shorter)));
            return;
        }
    }
}

static void cut_texts(const table_grid *grid, size_t width)
{
    for (size_t i = 0; i < grid->choice->column_count; i++) {
        bool is_cut = !grid->left_out[i] && spec_of(grid, i)->cut && grid->widths[i] > width;
        for (size_t row = 0; row < grid->choice->row_count && is_cut; row++) {
            cut(scols_line_get_cell(grid->lines[row], i), width);
        }
    }
}

/* The table in the width that there is: one long text costs the other columns nothing but what they
 * can spare. */
static char *fit(table_grid *grid)
{
    char *text = render(grid);
    size_t cut_width = 0;
    for (size_t i = 0; i < grid->choice->column_count; i++) {
        grid->widths[i] = scols_column_get_width(grid->columns[i]);
        cut_width = grid->widths[i] > cut_width ? grid->widths[i] : cut_width;
    }
    if (grid->width == 0 || width_with(grid, cut_width) <= grid->width) {
        return text;
    }
    while (!grid->choice->columns_given && width_with(grid, CUT_WIDTH_MIN) > grid->width &&
           leave_out_one(grid)) {
    }
    while (cut_width > CUT_WIDTH_MIN && width_with(grid, cut_width) > grid->width) {
        cut_width--;
    }
    cut_texts(grid, cut_width);
    free(text);
    return render(grid);
}

/* ---- printing ------------------------------------------------------------------------------- */

static void tell_left_out(const table_grid *grid, output *out)
{
    const char *before = "  not shown, for --columns or a wider terminal: ";
    for (size_t i = 0; i < grid->choice->column_count; i++) {
        if (grid->left_out[i]) {
            out_format(out, "%s%s", before, spec_of(grid, i)->title);
            before = ", ";
        }
    }
    out_format(out, before[0] == ',' ? "\n" : "");
}

void table_print(const text_table *table, const table_choice *choice, output *out)
{
    table_grid grid = {.table = table, .choice = choice, .width = out->width};
    grid_build(&grid, out->colour);
    char *text = fit(&grid);
    for (const char *line = text; *line;) {
        size_t size = strcspn(line, "\n");
        size_t shown = size;
        while (shown > 0 && line[shown - 1] == ' ') {
            shown--;
        }
        out_format(out, "%*s%.*s\n", MARGIN, "", (int)shown, line);
        line += size + (line[size] == '\n');
    }
    free(text);
    tell_left_out(&grid, out);
    grid_dispose(&grid);
}

void table_print_whole(text_table *table, output *out)
{
    table_choice all = {.row_count = table_rows(table), .column_count = table->column_count};
    all.rows = need(calloc(all.row_count + 1, sizeof *all.rows));
    all.columns = need(calloc(all.column_count, sizeof *all.columns));
    for (size_t i = 0; i < all.row_count; i++) {
        all.rows[i] = i;
    }
    for (size_t i = 0; i < all.column_count; i++) {
        all.columns[i] = i;
    }
    table_print(table, &all, out);
    free(all.rows);
    free(all.columns);
    table_dispose(table);
}
