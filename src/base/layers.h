/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * One layer of rows over another: what changed since, and what it changed.
 *
 * A view is the log's newest records over LMDB's rows, a state of the past is the records of one
 * segment over a base, and the memory engine is a layer over nothing.
 */
#ifndef TJ_BASE_LAYERS_H
#define TJ_BASE_LAYERS_H

#include "base/rowmap.h"

typedef struct tj__layers {
    tj__row_source rows;   /* must be first: the two as one */
    tj__row_source *below; /* NULL: nothing */
    tj__rowmap *above;     /* its rows stand in for those below; "deleted" hides one */
} tj__layers;

/* Owns neither. `above` must not change while a scan runs. */
void tj__layers_init(tj__layers *layers, tj__row_source *below, tj__rowmap *above,
                     uint64_t sequence);

#endif
