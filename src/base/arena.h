/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* An arena: many allocations, released together. What a load returns lives in one. */
#ifndef TJ_BASE_ARENA_H
#define TJ_BASE_ARENA_H

#include "base/buffer.h"

typedef struct tj__arena tj__arena;

/* A new arena with `object_size` zeroed bytes at *object (a struct that the arena carries and that
 * can be given back to tj__arena_free_object). NULL when memory is short. */
tj__arena *tj__arena_new(size_t object_size, void **object);
/* Releases the arena that an object from tj__arena_new belongs to. NULL is allowed. */
void tj__arena_free_object(void *object);
tj__arena *tj__arena_of_object(void *object);

/* Zeroed memory, aligned for any type; NULL when memory is short. Size 0 gives a valid pointer. */
void *tj__arena_alloc(tj__arena *arena, size_t size);
/* count * size with an overflow check. */
void *tj__arena_array(tj__arena *arena, size_t count, size_t size);
/* Gives it memory that came from malloc, which is released with it. False when memory is short: it
 * stays the caller's. */
bool tj__arena_adopt(tj__arena *arena, void *memory);
/* A copy of text with a NUL behind it; data NULL when memory is short (check only if size > 0 or
 * text.data was not NULL). An absent text stays absent. */
tj_str tj__arena_str(tj__arena *arena, tj_str text);

#endif
