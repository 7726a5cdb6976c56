/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* A part of a state of the past: the tables that are in bases of one kind, or in none. */
#ifndef TJ_HISTORY_PAST_PART_H
#define TJ_HISTORY_PAST_PART_H

#include "base/layers.h"
#include "history/base_reader.h"
#include "history/past.h"

typedef struct tj__past_part {
    const tj__past_source *source;
    uint64_t sequence;
    uint64_t tables;     /* none: the part is empty */
    bool based;          /* there are bases of these tables, */
    tj__base_kind kind;  /* of this kind */
    uint64_t base_bound; /* only those at an earlier segment's end are used */
    tj__base *base;      /* NULL: from the log's beginning */
    tj__position end;    /* behind the commit */
    tj__rowmap *changes; /* NULL: not begun */
    tj__layers layers;
    unsigned attempt;                 /* counts how often it was read again without a base */
    struct tj__past_retired *retired; /* what a scan that is under way may still look at */
} tj__past_part;

/* Reads what the state needs, once; `part` has the members above `base` filled in. */
tj_status tj__past_part_begin(tj__past_part *part, tj_error *error);
/* After a failure to read rows: whether the base was to blame, and the part was read again without
 * it, so that the caller goes on where it was. */
bool tj__past_part_mend(tj__past_part *part);
void tj__past_part_end(tj__past_part *part);
/* Opens the newest base at or before the commit that is whole, as far as that shows; NULL: there is
 * none. */
tj_status tj__past_part_find_base(const tj__past_part *part, tj__base **out, tj_error *error);

#endif
