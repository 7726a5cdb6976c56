/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* An equity curve as a picture: what both ways of drawing it share, and the two. */
#ifndef TJ_CLI_PLOT_H
#define TJ_CLI_PLOT_H

#include "cli.h"

/* What is to be seen in one column of the picture. */
typedef struct plot_column {
    bool filled; /* a commit is in it; else it is as the one before */
    double low;  /* of the equity */
    double high;
    double last;
    double peak;
    double drawdown; /* the largest */
} plot_column;

/* The curve in so many columns of equal time. */
typedef struct plot {
    plot_column *columns;
    size_t column_count;
    double low; /* of all that is drawn */
    double high;
    double drawdown;
    tj_time time_first;
    tj_time time_last;
} plot;

/* The curve has points. Released with free(out->columns). */
void plot_make(const tj_equity_curve *curve, size_t column_count, plot *out);
/* A number as an axis shows it. */
#define PLOT_LABEL_SIZE 32
const char *plot_label(double value, char text[PLOT_LABEL_SIZE]);

/* In the terminal, as wide as it is. */
void plot_print(const tj_equity_curve *curve, output *out);

typedef enum picture_format { PICTURE_SVG, PICTURE_PNG } picture_format;
/* Draws with libcairo (plot_cairo.c), or says that there is none here (also plot_none.c). *data is
 * released with free. */
tj_status plot_draw(const tj_equity_curve *curve, const char *title, picture_format format,
                    char **data, size_t *size, tj_error *error);

#endif
