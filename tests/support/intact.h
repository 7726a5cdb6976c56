/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Whether the pages of a journal that is closed are sound. Include <cmocka.h> first. */
#ifndef TJ_TESTS_SUPPORT_INTACT_H
#define TJ_TESTS_SUPPORT_INTACT_H

#include <stdio.h>

#include "support/check.h"
#include "table/table.h"

static inline void assert_pages_sound(const char *journal)
{
    char path[4200];
    snprintf(path, sizeof path, "%s/data.mdb", journal);
    assert_ok(tj__page_check(path, NULL, &err));
}

#endif
