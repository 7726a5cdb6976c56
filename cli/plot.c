/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* A curve in columns of equal time, and these in the characters of a terminal. */
#include "plot.h"

#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define EQUITY_ROWS 14
#define DRAWDOWN_ROWS 5
#define LABEL_WIDTH 12
#define COLUMNS_DEFAULT 80
#define COLUMNS_MIN 40
#define COLUMNS_MAX 200

static double number(tj_decimal value)
{
    char text[TJ_DECIMAL_TEXT_SIZE];
    tj_decimal_format(value, text);
    return strtod(text, NULL);
}

/* ---- columns ----------------------------------------------------------------------------- */

static void take_point(plot_column *column, const tj_equity_point *point)
{
    double equity = number(point->equity);
    double drawdown = number(point->drawdown);
    if (!column->filled) {
        *column = (plot_column){.filled = true, .low = equity, .high = equity};
    }
    column->low = equity < column->low ? equity : column->low;
    column->high = equity > column->high ? equity : column->high;
    column->drawdown = drawdown > column->drawdown ? drawdown : column->drawdown;
    column->last = equity;
    column->peak = number(point->peak);
}

/* Equity stays what it is until the next commit. */
static void go_on(plot_column *column, const plot_column *before)
{
    *column = (plot_column){
        .low = before->last,
        .high = before->last,
        .last = before->last,
        .peak = before->peak,
        .drawdown = before->peak > 0 ? (before->peak - before->last) / before->peak : 0};
}

static void measure(plot *p)
{
    p->low = p->columns[0].low;
    p->high = p->columns[0].peak;
    for (size_t i = 0; i < p->column_count; i++) {
        const plot_column *column = &p->columns[i];
        p->low = column->low < p->low ? column->low : p->low;
        p->high = column->peak > p->high ? column->peak : p->high;
        p->drawdown = column->drawdown > p->drawdown ? column->drawdown : p->drawdown;
    }
    if (p->high <= p->low) {
        p->high = p->low + 1;
    }
}

void plot_make(const tj_equity_curve *curve, size_t column_count, plot *out)
{
    const tj_equity_point *points = curve->points;
    *out = (plot){.columns = need(calloc(column_count, sizeof *out->columns)),
                  .column_count = column_count,
                  .time_first = points[0].time,
                  .time_last = points[curve->count - 1].time};
    double span = (double)(out->time_last - out->time_first);
    for (size_t i = 0; i < curve->count; i++) {
        double at = span > 0 ? (double)(points[i].time - out->time_first) / span : 0;
        take_point(&out->columns[(size_t)(at * (double)(column_count - 1))], &points[i]);
    }
    for (size_t i = 1; i < column_count; i++) {
        if (!out->columns[i].filled) {
            go_on(&out->columns[i], &out->columns[i - 1]);
        }
    }
    measure(out);
}

const char *plot_label(double value, char text[PLOT_LABEL_SIZE])
{
    snprintf(text, PLOT_LABEL_SIZE, "%.*f", value < 1000 && value > -1000 ? 2 : 0, value);
    return text;
}

/* ---- the terminal ------------------------------------------------------------------------ */

static size_t terminal_columns(void)
{
    struct winsize size;
    size_t columns = COLUMNS_DEFAULT;
    if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0) {
        columns = size.ws_col;
    }
    columns = columns < COLUMNS_MIN ? COLUMNS_MIN : columns;
    return (columns > COLUMNS_MAX ? COLUMNS_MAX : columns) - LABEL_WIDTH - 3;
}

/* The row of a value, 0 at the top. */
static int row_of(const plot *p, double value)
{
    double part = (p->high - value) / (p->high - p->low);
    return (int)(part * (EQUITY_ROWS - 1) + 0.5);
}

static char equity_mark(const plot *p, const plot_column *column, int row)
{
    if (row >= row_of(p, column->high) && row <= row_of(p, column->low)) {
        return '*';
    }
    return row == row_of(p, column->peak) ? '.' : ' ';
}

static void print_row(output *out, const char *label, const char *marks, size_t count)
{
    while (count > 0 && marks[count - 1] == ' ') {
        count--;
    }
    out_format(out, "%*s |%.*s\n", LABEL_WIDTH, label, (int)count, marks);
}

static void print_equity(const plot *p, char *marks, output *out)
{
    for (int row = 0; row < EQUITY_ROWS; row++) {
        char label[PLOT_LABEL_SIZE] = "";
        if (row % 4 == 0 || row == EQUITY_ROWS - 1) {
            plot_label(p->high - (p->high - p->low) * row / (EQUITY_ROWS - 1), label);
        }
        for (size_t i = 0; i < p->column_count; i++) {
            marks[i] = equity_mark(p, &p->columns[i], row);
        }
        print_row(out, label, marks, p->column_count);
    }
}

/* Hangs from its top. */
static void print_drawdown(const plot *p, char *marks, output *out)
{
    double deepest = p->drawdown > 0 ? p->drawdown : 1;
    for (int row = 0; row < DRAWDOWN_ROWS; row++) {
        char label[PLOT_LABEL_SIZE] = "";
        if (row == 0 || row == DRAWDOWN_ROWS - 1) {
            snprintf(label, sizeof label, row == 0 ? "0%%" : "-%.2f%%", 100 * p->drawdown);
        }
        for (size_t i = 0; i < p->column_count; i++) {
            bool reaches = p->columns[i].drawdown * DRAWDOWN_ROWS / deepest > row + 0.25;
            marks[i] = reaches ? '#' : ' ';
        }
        print_row(out, label, marks, p->column_count);
    }
}

void plot_print(const tj_equity_curve *curve, output *out)
{
    plot p;
    char first[TJ_TIME_TEXT_SIZE];
    char last[TJ_TIME_TEXT_SIZE];
    plot_make(curve, terminal_columns(), &p);
    char *marks = need(malloc(p.column_count));
    out_heading(out, "Equity (*) and its peak (.)");
    print_equity(&p, marks, out);
    out_heading(out, "Drawdown");
    print_drawdown(&p, marks, out);
    /* To the second: a column is longer than that. */
    tj_time_format(p.time_first / 1000000000 * 1000000000, first);
    tj_time_format(p.time_last / 1000000000 * 1000000000, last);
    out_format(out, "%*s  %s%*s\n", LABEL_WIDTH, "", first, (int)(p.column_count - strlen(first)),
               last);
    free(marks);
    free(p.columns);
}
