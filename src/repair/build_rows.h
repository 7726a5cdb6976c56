/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Rows of a journal that is built, from data.mdb, bases and the log. */
#ifndef TJ_REPAIR_BUILD_ROWS_H
#define TJ_REPAIR_BUILD_ROWS_H

#include "repair/build.h"

/* Puts a row, unless it follows from others and all of its table are built again; with it what
 * follows from it. */
tj_status tj__repair_put_row(tj__repair_build *build, const tj__row *row, tj_error *error);
/* All rows that bases of this kind hold. */
tj_status tj__repair_put_based_rows(tj__repair_build *build, tj__base_kind kind,
                                    tj__row_source *rows, tj_error *error);
/* All rows of the .rest files, up to the end of what is kept. */
tj_status tj__repair_put_rests(tj__repair_build *build, tj_error *error);
/* Once, with all of the log read that data.mdb includes: finds what the damaged rows were, and
 * tells where, or that they are lost. TJ_CORRUPT when the name of a book is. */
tj_status tj__repair_settle_rows(tj__repair_build *build, tj_error *error);

#endif
