/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Whether a journal that is closed is sound. Include <cmocka.h> first. */
#ifndef TJ_TESTS_SUPPORT_INTACT_H
#define TJ_TESTS_SUPPORT_INTACT_H

#include <stdio.h>

#include <tesser/verify.h>

#include "support/check.h"

/* Pages, sums, rows and log. A test may have made none, or one in memory. */
static inline void assert_journal_sound(const char *journal)
{
    tj_verify_report *report = NULL;
    err = (tj_error)TJ_ERROR_INIT;
    tj_status status = tj_verify(journal, NULL, &report, &err);
    if (status == TJ_NOT_FOUND) {
        return;
    }
    if (status != TJ_OK) {
        fail_msg("%s: %s", tj_status_name(status), err.message);
    }
    for (size_t i = 0; i < report->finding_count; i++) {
        const tj_finding *finding = &report->findings[i];
        if (finding->kind != TJ_FINDING_NOTE) {
            fail_msg("%.*s", (int)finding->sentence.size, finding->sentence.data);
        }
    }
    assert_int_equal(report->verdict, TJ_VERDICT_SOUND);
    tj_verify_report_free(report);
}

#endif
