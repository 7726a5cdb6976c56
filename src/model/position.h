/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* A place in the log: between two records. */
#ifndef TJ_MODEL_POSITION_H
#define TJ_MODEL_POSITION_H

#include <stdbool.h>

#include <tesser/time.h>

/* A writer epoch: a term in the high 16 bits, and the count of writers in it. */
#define TJ__EPOCH_COUNT_MAX (((uint64_t)1 << 48) - 1)

typedef struct tj__position {
    uint64_t sequence; /* of the last commit before it, 0 at the very start */
    tj_time time;      /* of that commit */
    uint64_t hash;     /* of the last record before it (a seal included), 0 at the very start */
    uint64_t epoch;    /* highest writer epoch of the records before it */
    uint64_t ordinal;  /* segment in which the next record stands, or would stand */
    uint64_t offset;   /* where in that segment */
} tj__position;

/* Whether both are behind the same record, at the same place. */
static inline bool tj__position_same(const tj__position *a, const tj__position *b)
{
    return a->sequence == b->sequence && a->hash == b->hash && a->ordinal == b->ordinal &&
           a->offset == b->offset;
}

#endif
