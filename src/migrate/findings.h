/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* What Tesser's JSON reader would refuse or change of a text that is kept as text. */
#ifndef TJ_MIGRATE_FINDINGS_H
#define TJ_MIGRATE_FINDINGS_H

#include <tesser/error.h>

#include "migrate/numbers.h"

typedef enum tj__finding_kind {
    TJ__FINDING_REFUSED,
    TJ__FINDING_WIDE,
    TJ__FINDING_ROUNDED,
    TJ__FINDING_MINUS_ZERO,
    TJ__FINDING_REPEATED, /* a key that stands twice in an object */
    TJ__FINDING_BESIDE,
    TJ__FINDING_KINDS
} tj__finding_kind;

/* All of one kind in a text. */
typedef struct tj__finding {
    size_t count;
    char first[160]; /* where the first one is and what it is: "orders[2].size is 1E400" */
} tj__finding;

/* Fills in one finding for each kind. json is valid; TJ_NOMEM. */
tj_status tj__findings_of(tj_str json, tj__finding found[TJ__FINDING_KINDS], tj_error *error);

#endif
