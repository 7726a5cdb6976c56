/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* The rows of one kind of base after a commit, by what an examination found sound. */
#ifndef TJ_REPAIR_ROWS_H
#define TJ_REPAIR_ROWS_H

#include "base/layers.h"
#include "repair/examine.h"

typedef struct tj__repair_rows {
    tj__layers layers; /* &layers.rows: the rows */
    tj__base *base;    /* NULL: from the log's beginning */
    tj__rowmap *changes;
} tj__repair_rows;

/* The newest sound base at or before the commit, and the commits since; tj__examination_derivable
 * says that there are. End it after a failure, too. */
tj_status tj__repair_rows_begin(tj__repair_rows *rows, const tj__examination *x, tj__base_kind kind,
                                uint64_t sequence, tj_error *error);
void tj__repair_rows_end(tj__repair_rows *rows);

#endif
