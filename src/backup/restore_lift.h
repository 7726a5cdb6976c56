/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Counters of a restored journal: each goes on behind the highest number that the source knows to
 * be reserved, also after the commit that is restored to, so that no number is given out twice. So
 * does a book that was made after it keep its number and its counters, and nothing else.
 */
#ifndef TJ_BACKUP_RESTORE_LIFT_H
#define TJ_BACKUP_RESTORE_LIFT_H

#include <tesser/maintain.h>

#include "base/arena.h"
#include "base/rowmap.h"
#include "log/frame.h"

typedef struct tj__lift {
    tj__rowmap *rows; /* of BOOKS and COUNTERS; marked: not so in what is restored */
} tj__lift;

tj_status tj__lift_init(tj__lift *lift, tj_error *error);
void tj__lift_dispose(tj__lift *lift);

/* Looks at every commit of the source; `restored`: the new journal has it too. */
tj_status tj__lift_take(tj__lift *lift, const tj__record *record, bool restored, tj_error *error);
/* The same for a row of the state: of other tables than BOOKS and COUNTERS it is nothing. */
tj_status tj__lift_take_row(tj__lift *lift, const tj__row *row, bool restored, tj_error *error);
/* Adds `skip` to every counter. TJ_LIMIT. */
tj_status tj__lift_skip(tj__lift *lift, uint64_t skip, tj_error *error);
/* The changes that bring the restored journal there. */
tj_status tj__lift_body(tj__lift *lift, tj__buffer *body, uint32_t *change_count, tj_error *error);
/* All counters, as they go on. */
tj_status tj__lift_tell(tj__lift *lift, tj__arena *arena, tj_restored_counter **counters,
                        size_t *count, tj_error *error);

#endif
