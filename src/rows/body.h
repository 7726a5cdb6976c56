/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * A record body is its changes one after another: op (u8), 0 (u8), key size (u16), value size
 * (u32), key with table byte, value.
 */
#ifndef TJ_ROWS_BODY_H
#define TJ_ROWS_BODY_H

#include <tesser/uuid.h>

#include "base/buffer.h"
#include "base/rowmap.h"
#include "model/change.h"

#define TJ__CHANGE_HEAD_SIZE 8
void tj__body_put(tj__buffer *body, const tj__change *change);
/* Reads the next change from *rest and moves it on. TJ_CORRUPT when malformed (place: the
 * caller's). */
tj_status tj__body_next(tj__bytes *rest, tj__change *change, tj_error *error);
/* Puts a commit's rows of these tables into a map (deletes as "deleted"), also the commit id's own
 * row and those that follow from others, which are not in the body. For views, apply and replay. */
tj_status tj__body_apply(tj__rowmap *map, uint64_t tables, tj__bytes body, uint32_t change_count,
                         uint64_t sequence, const tj_uuid *commit_id, tj_error *error);
/* Bits of the tables that a commit changes, those with rows that follow from others included. */
uint64_t tj__body_tables(tj__bytes body, const tj_uuid *commit_id);

/* Whether a row may stand below the map. */
typedef bool tj__below(void *context, tj__bytes key);
/* The same, where a delete is not remembered when nothing can stand below it. */
tj_status tj__body_apply_over(tj__rowmap *map, tj__below *below, void *context, uint64_t tables,
                              tj__bytes body, uint32_t change_count, uint64_t sequence,
                              const tj_uuid *commit_id, tj_error *error);

#endif
