/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* What a verification finds, gathered for its report. */
#ifndef TJ_REPAIR_FINDINGS_H
#define TJ_REPAIR_FINDINGS_H

#include <tesser/verify.h>

#include "base/arena.h"
#include "base/buffer.h"
#include "base/rows.h"

/* More are counted only. */
#define TJ__FINDINGS_MAX 1000

typedef struct tj__findings {
    tj__arena *arena; /* the report's */
    tj__buffer items; /* tj_finding each */
    size_t left_out;
    bool damaged;
    bool unchecked;
    /* the first sentence of what was not read for such a cause; NULL: nothing was */
    tj_str denied;  /* this user may not */
    tj_str passing; /* one that passes: too many open files */
} tj__findings;

/* One more, with this sentence; NULL when it is left out or memory is short, which
 * tj__findings_failed tells. The pointer is valid until the next. */
tj_finding *tj__findings_add(tj__findings *findings, tj_finding_kind kind, const char *format, ...)
    TJ_PRINTF(3, 4);
/* The same for an error, with its place. */
tj_finding *tj__findings_add_error(tj__findings *findings, tj_finding_kind kind,
                                   const tj_error *error);
/* Says that it is unchecked because of this errno. NULL is allowed as a finding. */
void tj__finding_because(tj__findings *findings, const tj_finding *finding, int os_errno);
/* Adds what it is about. NULL is allowed as a finding. */
void tj__finding_at(const tj__findings *findings, tj_finding *finding, const char *file,
                    uint64_t offset);
void tj__finding_about(const tj__findings *findings, tj_finding *finding, tj__bytes row_key,
                       uint64_t sequence);

bool tj__findings_failed(const tj__findings *findings);
/* Moves them into the arena. False when memory is short. */
bool tj__findings_settle(tj__findings *findings, tj_finding **out, size_t *count);
void tj__findings_dispose(tj__findings *findings);

#endif
