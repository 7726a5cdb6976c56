/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* equity: the equity of a book over time, as a plot, numbers or a picture. */
#include "cli.h"

#include <inttypes.h>
#include <stdlib.h>
#include <strings.h>

#include "plot.h"

static const option_spec from_option = {
    .name = "from", .value = "SEQ|TIME", .help = "from this commit, or this time, on"};
static const option_spec to_option = {
    .name = "to", .value = "SEQ|TIME", .help = "up to and including this commit or time"};
static const option_spec exact_option = {.name = "exact",
                                         .help = "a point for each commit, however many there are"};
static const option_spec thinned_option = {
    .name = "thinned", .help = "only a point for each state that is at hand: quick"};
static const option_spec csv_option = {.name = "csv", .help = "comma-separated values"};
static const option_spec output_option = {
    .name = "output",
    .letter = 'o',
    .value = "FILE",
    .help = "write FILE, as its name ends: .csv, .json, .svg or .png; - is standard output"};

const option_spec option_points = {.name = "points", .value = "N"};

typedef struct point_text {
    char time[TJ_TIME_TEXT_SIZE];
    char equity[TJ_DECIMAL_TEXT_SIZE];
    char peak[TJ_DECIMAL_TEXT_SIZE];
    char drawdown[TJ_DECIMAL_TEXT_SIZE];
} point_text;

static void format_point(const tj_equity_point *point, point_text *out)
{
    tj_time_format(point->time, out->time);
    tj_decimal_format(point->equity, out->equity);
    tj_decimal_format(point->peak, out->peak);
    tj_decimal_format(point->drawdown, out->drawdown);
}

#define THINNED \
    "thinned: a peak or a drawdown between two points is not seen (--exact reads every commit)"

/* ---- the forms --------------------------------------------------------------------------- */

static void print_csv(const tj_equity_curve *curve, output *out)
{
    out_format(out, "time,sequence,equity,peak,drawdown\n");
    for (size_t i = 0; i < curve->count; i++) {
        point_text text;
        format_point(&curve->points[i], &text);
        out_format(out, "%s,%" PRIu64 ",%s,%s,%s\n", text.time, curve->points[i].sequence,
                   text.equity, text.peak, text.drawdown);
    }
}

/* total: how many points there were, 0 when these are all. */
static void print_json(const open_journal *journal, const tj_equity_curve *curve, size_t total,
                       output *out)
{
    char deepest[TJ_DECIMAL_TEXT_SIZE];
    json_writer json = {.out = out};
    tj_decimal_format(curve->drawdown_max, deepest);
    json_open(&json, NULL, '{');
    json_text(&json, "book", tj_str_of(journal->book));
    json_text(&json, "drawdown_max", tj_str_of(deepest));
    json_bool(&json, "thinned", curve->thinned);
    if (total > 0) {
        json_unsigned(&json, "total", total);
    }
    json_open(&json, "points", '[');
    for (size_t i = 0; i < curve->count; i++) {
        point_text text;
        format_point(&curve->points[i], &text);
        json_open(&json, NULL, '{');
        json_text(&json, "time", tj_str_of(text.time));
        json_unsigned(&json, "sequence", curve->points[i].sequence);
        json_text(&json, "equity", tj_str_of(text.equity));
        json_text(&json, "peak", tj_str_of(text.peak));
        json_text(&json, "drawdown", tj_str_of(text.drawdown));
        json_close(&json, '}');
    }
    json_close(&json, ']');
    json_close(&json, '}');
}

static void print_plot(const open_journal *journal, const tj_equity_curve *curve, output *out)
{
    if (curve->count == 0) {
        out_line(out, "book %s has no portfolio_equity in these commits", journal->book);
        return;
    }
    const tj_equity_point *last = &curve->points[curve->count - 1];
    char deepest[TJ_DECIMAL_TEXT_SIZE];
    point_text text;
    format_point(last, &text);
    tj_decimal_format(curve->drawdown_max, deepest);
    plot_print(curve, out);
    out_line(out, "book %s: %zu %s, equity %s, peak %s, deepest drawdown %s", journal->book,
             curve->count, plural(curve->count, "point", "points"), text.equity, text.peak,
             deepest);
    if (curve->thinned) {
        out_line(out, "%s", THINNED);
    }
}

/* ---- files ------------------------------------------------------------------------------- */

typedef enum form { FORM_PLOT, FORM_CSV, FORM_JSON, FORM_SVG, FORM_PNG, FORM_UNKNOWN } form;

static form form_of_file(const char *path)
{
    static const char *const endings[] = {
        [FORM_CSV] = ".csv", [FORM_JSON] = ".json", [FORM_SVG] = ".svg", [FORM_PNG] = ".png"};
    const char *ending = strrchr(path, '.');
    for (form each = FORM_CSV; ending && each <= FORM_PNG; each++) {
        if (strcasecmp(ending, endings[each]) == 0) {
            return each;
        }
    }
    return FORM_UNKNOWN;
}

static tj_status draw(const open_journal *journal, const tj_equity_curve *curve, form as,
                      char **data, size_t *size, tj_error *error)
{
    char title[TJ_BOOK_SIZE_MAX + 64];
    if (curve->count == 0) {
        return fail(error, TJ_NOT_FOUND,
                    "book %s has no portfolio_equity in these commits: there is nothing to draw",
                    journal->book);
    }
    snprintf(title, sizeof title, "Equity of book %s, its peak, and the drawdown%s", journal->book,
             curve->thinned ? " (thinned)" : "");
    return plot_draw(curve, title, as == FORM_SVG ? PICTURE_SVG : PICTURE_PNG, data, size, error);
}

static void write_text(const open_journal *journal, const tj_equity_curve *curve, form as,
                       char **data, size_t *size)
{
    output memory = {.stream = need(open_memstream(data, size))};
    if (as == FORM_CSV) {
        print_csv(curve, &memory);
    } else {
        print_json(journal, curve, 0, &memory);
    }
    fclose(memory.stream);
    need(*data);
}

static tj_status write_file(command_line *cli, const open_journal *journal,
                            const tj_equity_curve *curve, form as, tj_error *error)
{
    char *data = NULL;
    size_t size = 0;
    const char *path = file_given(cli, &output_option);
    tj_status status = TJ_OK;
    if (as == FORM_SVG || as == FORM_PNG) {
        status = draw(journal, curve, as, &data, &size, error);
    } else {
        write_text(journal, curve, as, &data, &size);
    }
    if (status == TJ_OK) {
        status = journal_write_file(cli, journal, path, (tj_str){data, size}, error);
    }
    free(data);
    return status;
}

/* ---- for the page ------------------------------------------------------------------------ */

/* The lowest and the highest of each run of points, in the order of time: no dip and no peak is
 * lost. */
static void pick_extremes(tj_equity_curve *curve, size_t points_max)
{
    size_t run = 2 * curve->count / points_max + 1;
    size_t kept = 0;
    for (size_t first = 0; first < curve->count; first += run) {
        size_t end = first + run < curve->count ? first + run : curve->count;
        size_t low = first;
        size_t high = first;
        for (size_t i = first; i < end; i++) {
            low = tj_decimal_compare(curve->points[i].equity, curve->points[low].equity) < 0 ? i
                                                                                             : low;
            high = tj_decimal_compare(curve->points[i].equity, curve->points[high].equity) > 0
                       ? i
                       : high;
        }
        tj_equity_point later = curve->points[low < high ? high : low];
        curve->points[kept++] = curve->points[low < high ? low : high];
        if (low != high) {
            curve->points[kept++] = later;
        }
    }
    curve->count = kept;
}

static void tell_page(command_line *cli, const open_journal *journal, tj_equity_curve *curve)
{
    size_t total = curve->count;
    size_t points_max = strtoull(option_value(cli, &option_points), NULL, 10);
    if (total > points_max) {
        pick_extremes(curve, points_max);
    }
    print_json(journal, curve, total, &cli->out);
}

/* ---- the command ------------------------------------------------------------------------- */

static tj_status parse(command_line *cli, tj_equity_query *query, form *as, tj_error *error)
{
    const char *path = file_given(cli, &output_option);
    *as = given(cli, &csv_option) ? FORM_CSV : given(cli, &option_json) ? FORM_JSON : FORM_PLOT;
    if (path) {
        *as = form_of_file(path);
    }
    if (*as == FORM_UNKNOWN) {
        return usage_error(cli, error,
                           "--output is \"%s\"; its name must end with .csv, .json, .svg or .png",
                           path);
    }
    if (path && given(cli, &csv_option) && *as != FORM_CSV) {
        return usage_error(cli, error, "--csv and --output %s do not go together", path);
    }
    if (given(cli, &option_json) && given(cli, &csv_option)) {
        return usage_error(cli, error, "--csv and --json do not go together");
    }
    if (given(cli, &exact_option) && given(cli, &thinned_option)) {
        return usage_error(cli, error, "--exact and --thinned do not go together");
    }
    query->detail = given(cli, &exact_option)     ? TJ_EQUITY_EXACT
                    : given(cli, &thinned_option) ? TJ_EQUITY_THINNED
                                                  : TJ_EQUITY_AUTOMATIC;
    tj_status status = option_moment(cli, &from_option, &query->from, error);
    if (status == TJ_OK) {
        status = option_moment(cli, &to_option, &query->to, error);
    }
    return status == TJ_OK && moment_is_after(query->from, query->to)
               ? usage_error(cli, error, "--from is after --to")
               : status;
}

static tj_status tell(command_line *cli, const open_journal *journal, const tj_equity_curve *curve,
                      form as, tj_error *error)
{
    if (curve->thinned && (as == FORM_CSV || file_given(cli, &output_option))) {
        report_trace(cli, TJ_TRACE_WARNING, THINNED);
    }
    if (file_given(cli, &output_option)) {
        return write_file(cli, journal, curve, as, error);
    }
    if (as == FORM_CSV) {
        print_csv(curve, &cli->out);
    } else if (as == FORM_JSON) {
        print_json(journal, curve, 0, &cli->out);
    } else {
        print_plot(journal, curve, &cli->out);
    }
    return TJ_OK;
}

static tj_status run_equity(command_line *cli, tj_error *error)
{
    open_journal journal;
    tj_equity_query query = TJ_EQUITY_QUERY_INIT;
    form as = FORM_PLOT;
    tj_equity_curve *curve = NULL;
    tj_status status = parse(cli, &query, &as, error);
    if (status != TJ_OK) {
        return status;
    }
    status = journal_open(cli, ACCESS_READ, &journal, error);
    if (status == TJ_OK) {
        tj_state_repository *states = tj_store_state_repository(journal.store, NULL);
        status = tj_equity_curve_find(states, &query, &curve, error);
    }
    if (status == TJ_OK && given(cli, &option_points)) {
        tell_page(cli, &journal, curve);
    } else if (status == TJ_OK) {
        status = tell(cli, &journal, curve, as, error);
    }
    tj_equity_curve_free(curve);
    return journal_close(&journal, status, error);
}

const command_spec command_equity = {
    .name = "equity",
    .summary = "equity, peak and drawdown of a book over time",
    .text = "A point for each commit that changed portfolio_equity, none left out. The peak is the "
            "highest equity of all commits that are kept, the drawdown the part of it that is "
            "missing. Of more than 10,000,000 commits, and with --thinned, a point for each state "
            "that is at hand, about one for a segment of the log; what was between two is not seen "
            "then. Without --csv, --json or --output a plot in the terminal.",
    .example = "tesser-journal --journal ./journal equity --from 2026-01-01T00:00:00Z --output "
               "equity.svg",
    .options = (const option_spec *const[]){&from_option, &to_option, &exact_option,
                                            &thinned_option, &csv_option, &output_option, NULL},
    .server = true,
    .run = run_equity,
};
