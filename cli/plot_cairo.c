/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * A curve as a picture, with libcairo. The library is loaded when a picture is asked for: it brings
 * twenty others with it, which every other command would have to start with, and find room for.
 */
#include "plot.h"

#include <cairo-svg.h>
#include <cairo.h>
#include <dlfcn.h>
#include <stdlib.h>

#define LIBRARY "libcairo.so.2"

/* What is used of it, without the prefix. */
/* clang-format off */
#define FUNCTIONS(X) \
    X(create) X(destroy) X(fill) X(image_surface_create) X(line_to) X(move_to) X(new_path) \
    X(paint) X(set_font_size) X(set_line_width) X(set_source_rgb) X(show_text) X(status) \
    X(status_to_string) X(stroke) X(surface_destroy) X(surface_finish) X(surface_status) \
    X(surface_write_to_png_stream) X(svg_surface_create_for_stream) X(text_extents)
/* clang-format on */
#define MEMBER(name) __typeof__(&cairo_##name) name;
static struct {
    FUNCTIONS(MEMBER)
} lib;

#define WIDTH 1000
#define HEIGHT 560
#define LEFT 90
#define RIGHT 20
#define TOP 40
#define EQUITY_HEIGHT 340
#define GAP 30
#define DRAWDOWN_HEIGHT 110
#define COLUMNS (WIDTH - LEFT - RIGHT)
#define LINES 5 /* across the equity */

typedef struct bytes {
    char *data;
    size_t size;
} bytes;

static cairo_status_t take_bytes(void *context, const unsigned char *data, unsigned size)
{
    bytes *out = context;
    out->data = need(realloc(out->data, out->size + size + 1));
    memcpy(out->data + out->size, data, size);
    out->size += size;
    return CAIRO_STATUS_SUCCESS;
}

static double x_of(size_t column)
{
    return LEFT + (double)column;
}

static double y_of(const plot *p, double value)
{
    return TOP + EQUITY_HEIGHT * (p->high - value) / (p->high - p->low);
}

static void text_at(cairo_t *cairo, double x, double y, bool right, const char *text)
{
    cairo_text_extents_t extents;
    lib.text_extents(cairo, text, &extents);
    lib.move_to(cairo, right ? x - extents.x_advance : x, y);
    lib.show_text(cairo, text);
    lib.new_path(cairo); /* a line goes on from where text ended */
}

static void draw_axes(cairo_t *cairo, const plot *p, const char *title)
{
    char label[PLOT_LABEL_SIZE];
    char time[TJ_TIME_TEXT_SIZE];
    lib.set_source_rgb(cairo, 1, 1, 1);
    lib.paint(cairo);
    lib.set_font_size(cairo, 12);
    lib.set_line_width(cairo, 0.5);
    for (int i = 0; i < LINES; i++) {
        double value = p->high - (p->high - p->low) * i / (LINES - 1);
        lib.set_source_rgb(cairo, 0.8, 0.8, 0.8);
        lib.move_to(cairo, LEFT, y_of(p, value));
        lib.line_to(cairo, WIDTH - RIGHT, y_of(p, value));
        lib.stroke(cairo);
        lib.set_source_rgb(cairo, 0.2, 0.2, 0.2);
        text_at(cairo, LEFT - 8, y_of(p, value) + 4, true, plot_label(value, label));
    }
    text_at(cairo, LEFT, TOP - 16, false, title);
    tj_time_format(p->time_first, time);
    text_at(cairo, LEFT, HEIGHT - 14, false, time);
    tj_time_format(p->time_last, time);
    text_at(cairo, WIDTH - RIGHT, HEIGHT - 14, true, time);
}

static void draw_peak(cairo_t *cairo, const plot *p)
{
    lib.set_source_rgb(cairo, 0.6, 0.6, 0.6);
    lib.set_line_width(cairo, 1);
    for (size_t i = 0; i < p->column_count; i++) {
        lib.line_to(cairo, x_of(i), y_of(p, p->columns[i].peak));
    }
    lib.stroke(cairo);
}

static void draw_equity(cairo_t *cairo, const plot *p)
{
    lib.set_source_rgb(cairo, 0.1, 0.35, 0.7);
    lib.set_line_width(cairo, 1.4);
    for (size_t i = 0; i < p->column_count; i++) {
        const plot_column *column = &p->columns[i];
        lib.line_to(cairo, x_of(i), y_of(p, column->high));
        if (column->low < column->high) {
            lib.line_to(cairo, x_of(i), y_of(p, column->low));
        }
        lib.line_to(cairo, x_of(i), y_of(p, column->last));
    }
    lib.stroke(cairo);
}

static void draw_drawdown(cairo_t *cairo, const plot *p)
{
    char label[PLOT_LABEL_SIZE];
    double top = TOP + EQUITY_HEIGHT + GAP;
    double deepest = p->drawdown > 0 ? p->drawdown : 1;
    lib.set_source_rgb(cairo, 0.8, 0.3, 0.25);
    lib.move_to(cairo, LEFT, top);
    for (size_t i = 0; i < p->column_count; i++) {
        lib.line_to(cairo, x_of(i), top + DRAWDOWN_HEIGHT * p->columns[i].drawdown / deepest);
    }
    lib.line_to(cairo, x_of(p->column_count - 1), top);
    lib.fill(cairo);
    lib.set_source_rgb(cairo, 0.2, 0.2, 0.2);
    text_at(cairo, LEFT - 8, top + 4, true, "0%");
    snprintf(label, sizeof label, "-%.2f%%", 100 * p->drawdown);
    text_at(cairo, LEFT - 8, top + DRAWDOWN_HEIGHT + 4, true, label);
}

static cairo_status_t draw(cairo_surface_t *surface, const plot *p, const char *title)
{
    cairo_t *cairo = lib.create(surface);
    draw_axes(cairo, p, title);
    draw_peak(cairo, p);
    draw_equity(cairo, p);
    draw_drawdown(cairo, p);
    cairo_status_t status = lib.status(cairo);
    lib.destroy(cairo);
    return status;
}

static tj_status load(tj_error *error)
{
    void *handle = dlopen(LIBRARY, RTLD_NOW | RTLD_LOCAL);
    if (!handle) {
        return fail(error, TJ_UNSUPPORTED,
                    "pictures are drawn by libcairo, which cannot be loaded (%s): install it "
                    "(Debian: libcairo2), or take .csv or .json",
                    dlerror());
    }
#define LOAD(name) {&lib.name, sizeof lib.name, "cairo_" #name},
    static const struct {
        void *to;
        size_t size;
        const char *name;
    } functions[] = {FUNCTIONS(LOAD)};
    for (size_t i = 0; i < sizeof functions / sizeof *functions; i++) {
        void *function = dlsym(handle, functions[i].name);
        if (!function) {
            return fail(error, TJ_UNSUPPORTED, "%s has no %s: take .csv or .json", LIBRARY,
                        functions[i].name);
        }
        memcpy(functions[i].to, &function, functions[i].size);
    }
    return TJ_OK;
}

tj_status plot_draw(const tj_equity_curve *curve, const char *title, picture_format format,
                    char **data, size_t *size, tj_error *error)
{
    plot p;
    bytes out = {NULL, 0};
    bool is_svg = format == PICTURE_SVG;
    tj_status loaded = load(error);
    if (loaded != TJ_OK) {
        return loaded;
    }
    plot_make(curve, COLUMNS, &p);
    cairo_surface_t *surface =
        is_svg ? lib.svg_surface_create_for_stream(take_bytes, &out, WIDTH, HEIGHT)
               : lib.image_surface_create(CAIRO_FORMAT_RGB24, WIDTH, HEIGHT);
    cairo_status_t status = draw(surface, &p, title);
    if (status == CAIRO_STATUS_SUCCESS && !is_svg) {
        status = lib.surface_write_to_png_stream(surface, take_bytes, &out);
    }
    lib.surface_finish(surface);
    if (status == CAIRO_STATUS_SUCCESS) {
        status = lib.surface_status(surface);
    }
    lib.surface_destroy(surface);
    free(p.columns);
    if (status != CAIRO_STATUS_SUCCESS) {
        free(out.data);
        return fail(error, TJ_IO, "drawing the curve: %s", lib.status_to_string(status));
    }
    *data = out.data;
    *size = out.size;
    return TJ_OK;
}
