/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Chunks, each larger than the one before it, from which pieces are taken in order. */
#include "base/arena.h"

#include <stdalign.h>
#include <stdlib.h>

#include "base/large.h"

#define ALIGNMENT alignof(max_align_t)
#define CHUNK_SIZE_MIN ((size_t)4 << 10)
#define CHUNK_SIZE_MAX ((size_t)1 << 20)

/* Memory from one allocation; what is handed out lies behind this head. */
typedef struct chunk {
    alignas(max_align_t) struct chunk *next;
    void *adopted; /* what it stands for, if it is none itself */
} chunk;

/* The arena stands in front of the object that it carries, so that the object alone finds it. */
struct tj__arena {
    alignas(max_align_t) chunk *chunks;
    uint8_t *at;      /* free bytes of the chunk in use */
    size_t free_size; /* how many */
    size_t chunk_size;
};

tj__arena *tj__arena_new(size_t object_size, void **object)
{
    if (object_size > SIZE_MAX - sizeof(tj__arena)) {
        return NULL;
    }
    tj__arena *arena = calloc(1, sizeof *arena + object_size);
    if (!arena) {
        return NULL;
    }
    arena->chunk_size = CHUNK_SIZE_MIN;
    *object = arena + 1;
    return arena;
}

tj__arena *tj__arena_of_object(void *object)
{
    return (tj__arena *)object - 1;
}

void tj__arena_free_object(void *object)
{
    if (!object) {
        return;
    }
    tj__arena *arena = tj__arena_of_object(object);
    chunk *next = NULL;
    for (chunk *each = arena->chunks; each; each = next) {
        next = each->next;
        free(each->adopted);
        free(each);
    }
    free(arena);
}

static chunk *new_chunk(size_t size)
{
    if (size < TJ__LARGE_PAGE_SIZE) {
        return calloc(1, size);
    }
    chunk *fresh = tj__large_new(size);
    if (fresh) {
        memset(fresh, 0, size);
    }
    return fresh;
}

static uint8_t *add_chunk(tj__arena *arena, size_t size)
{
    if (size > SIZE_MAX - sizeof(chunk) - TJ__LARGE_PAGE_SIZE) {
        return NULL;
    }
    chunk *fresh = new_chunk(sizeof *fresh + size);
    if (!fresh) {
        return NULL;
    }
    fresh->next = arena->chunks;
    arena->chunks = fresh;
    return (uint8_t *)(fresh + 1);
}

/* Memory from a new chunk: one of its own for a large request, else the next one to take from. */
static void *take_from_new_chunk(tj__arena *arena, size_t size)
{
    if (size > arena->chunk_size / 4) {
        return add_chunk(arena, size);
    }
    uint8_t *data = add_chunk(arena, arena->chunk_size);
    if (!data) {
        return NULL;
    }
    arena->at = data + size;
    arena->free_size = arena->chunk_size - size;
    arena->chunk_size = arena->chunk_size < CHUNK_SIZE_MAX ? arena->chunk_size * 2 : CHUNK_SIZE_MAX;
    return data;
}

bool tj__arena_adopt(tj__arena *arena, void *memory)
{
    chunk *fresh = calloc(1, sizeof *fresh);
    if (!fresh) {
        return false;
    }
    *fresh = (chunk){.next = arena->chunks, .adopted = memory};
    arena->chunks = fresh;
    return true;
}

static void *take(tj__arena *arena, size_t size, size_t alignment)
{
    size_t padding = (size_t)(-(uintptr_t)arena->at) & (alignment - 1);
    if (arena->free_size < padding || arena->free_size - padding < size || !arena->at) {
        return take_from_new_chunk(arena, size);
    }
    uint8_t *data = arena->at + padding;
    arena->at = data + size;
    arena->free_size -= padding + size;
    return data;
}

void *tj__arena_alloc(tj__arena *arena, size_t size)
{
    return take(arena, size, ALIGNMENT);
}

void *tj__arena_array(tj__arena *arena, size_t count, size_t size)
{
    if (size > 0 && count > SIZE_MAX / size) {
        return NULL;
    }
    return tj__arena_alloc(arena, count * size);
}

tj_str tj__arena_str(tj__arena *arena, tj_str text)
{
    if (!text.data || text.size == SIZE_MAX) {
        return (tj_str){NULL, 0};
    }
    char *copy = take(arena, text.size + 1, 1);
    if (!copy) {
        return (tj_str){NULL, 0};
    }
    memcpy(copy, text.data, text.size);
    return (tj_str){copy, text.size};
}
