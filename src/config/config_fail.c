/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Failing at a place of the configuration file. */
#include <stdio.h>

#include "base/error.h"
#include "config/config_toml.h"

tj_status tj__toml_fail(tj_error *error, tj_status status, const char *file, unsigned line,
                        const char *what)
{
    char place[TJ_ERROR_PLACE_SIZE];
    if (line) {
        snprintf(place, sizeof place, "%s:%u", file, line);
    } else {
        snprintf(place, sizeof place, "%s", file);
    }
    (void)tj__fail(error, status, "%s: %s", place, what);
    tj__error_place(error, "%s", place);
    return status;
}
