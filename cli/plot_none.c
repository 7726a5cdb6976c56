/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* In place of plot_cairo.c where libcairo was not there when the program was built. */
#include "plot.h"

tj_status plot_draw(const tj_equity_curve *curve, const char *title, picture_format format,
                    char **data, size_t *size, tj_error *error)
{
    (void)curve;
    (void)title;
    (void)format;
    (void)data;
    (void)size;
    return fail(error, TJ_UNSUPPORTED,
                "this program was built without libcairo and draws no pictures: take .csv or "
                ".json, or build it where libcairo2-dev is installed");
}
