/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Bytes: borrowed views, a growing buffer with little-endian puts, and a bounds-checked reader. */
#ifndef TJ_BASE_BUFFER_H
#define TJ_BASE_BUFFER_H

#include <tesser/base.h>

/* A borrowed view of bytes. */
typedef struct tj__bytes {
    const uint8_t *data;
    size_t size;
} tj__bytes;

static inline tj__bytes tj__bytes_of(const void *data, size_t size)
{
    return (tj__bytes){(const uint8_t *)data, size};
}

/* memcmp order, the shorter one first when one is a prefix of the other. */
static inline int tj__bytes_compare(tj__bytes a, tj__bytes b)
{
    size_t shorter = a.size < b.size ? a.size : b.size;
    int order = shorter > 0 ? memcmp(a.data, b.data, shorter) : 0;
    return order != 0 ? order : (a.size > b.size) - (a.size < b.size);
}

/* The same of texts. */
static inline int tj__str_compare(tj_str a, tj_str b)
{
    return tj__bytes_compare(tj__bytes_of(a.data, a.size), tj__bytes_of(b.data, b.size));
}

static inline bool tj__bytes_equal(tj__bytes a, tj__bytes b)
{
    return a.size == b.size && (a.size == 0 || memcmp(a.data, b.data, a.size) == 0);
}

static inline bool tj__bytes_all_zero(tj__bytes a)
{
    return a.size == 0 || (a.data[0] == 0 && memcmp(a.data, a.data + 1, a.size - 1) == 0);
}

/* A growing buffer. A failed allocation sets `failed` and makes every later put a no-op, so that
 * a run of puts is checked once at its end. Zero-initialized is empty. */
typedef struct tj__buffer {
    uint8_t *data;
    size_t size;
    size_t capacity;
    bool failed;
} tj__buffer;

void tj__buffer_dispose(tj__buffer *buffer);
/* Empties it and keeps its memory; clears `failed`. */
void tj__buffer_clear(tj__buffer *buffer);
/* What tj__buffer_reserve does when there is no room yet. */
bool tj__buffer_grow(tj__buffer *buffer, size_t more);
/* Makes room for `more` bytes; false (and `failed`) when memory is short. */
static inline bool tj__buffer_reserve(tj__buffer *buffer, size_t more)
{
    return (!buffer->failed && more <= buffer->capacity - buffer->size) ||
           tj__buffer_grow(buffer, more);
}
/* Room for `size` bytes that are counted in already; NULL when memory is short. */
static inline uint8_t *tj__buffer_extend(tj__buffer *buffer, size_t size)
{
    if (!tj__buffer_reserve(buffer, size)) {
        return NULL;
    }
    uint8_t *at = buffer->data + buffer->size;
    buffer->size += size;
    return at;
}

static inline void tj__put_bytes(tj__buffer *buffer, const void *data, size_t size)
{
    if (size == 0) {
        return;
    }
    uint8_t *at = tj__buffer_extend(buffer, size);
    if (at) {
        memcpy(at, data, size);
    }
}

void tj__put_zeros(tj__buffer *buffer, size_t size);
void tj__put_u8(tj__buffer *buffer, uint8_t value);
void tj__put_u16(tj__buffer *buffer, uint16_t value);
void tj__put_u32(tj__buffer *buffer, uint32_t value);
void tj__put_u64(tj__buffer *buffer, uint64_t value);
/* Big-endian, for keys whose byte order must be their numeric order. */
void tj__put_u32_be(tj__buffer *buffer, uint32_t value);
void tj__put_u64_be(tj__buffer *buffer, uint64_t value);
void tj__put_str(tj__buffer *buffer, tj_str text); /* the bytes only */
void tj__put_cstr(tj__buffer *buffer, const char *text);
void tj__put_format(tj__buffer *buffer, const char *format, ...) TJ_PRINTF(2, 3);
static inline tj__bytes tj__buffer_bytes(const tj__buffer *buffer)
{
    return (tj__bytes){buffer->data, buffer->size};
}

/* Loads and stores at an address; the buffer functions and fixed-offset headers use them. Here,
 * because every row is a few dozen of them. */
static inline uint16_t tj__load_u16(const uint8_t *at)
{
    return (uint16_t)(at[0] | at[1] << 8);
}

static inline uint32_t tj__load_u32(const uint8_t *at)
{
    return (uint32_t)at[0] | (uint32_t)at[1] << 8 | (uint32_t)at[2] << 16 | (uint32_t)at[3] << 24;
}

static inline uint64_t tj__load_u64(const uint8_t *at)
{
    return tj__load_u32(at) | (uint64_t)tj__load_u32(at + 4) << 32;
}

static inline uint32_t tj__load_u32_be(const uint8_t *at)
{
    return (uint32_t)at[3] | (uint32_t)at[2] << 8 | (uint32_t)at[1] << 16 | (uint32_t)at[0] << 24;
}

static inline uint64_t tj__load_u64_be(const uint8_t *at)
{
    return tj__load_u32_be(at + 4) | (uint64_t)tj__load_u32_be(at) << 32;
}

static inline void tj__store_u16(uint8_t *at, uint16_t value)
{
    at[0] = (uint8_t)value;
    at[1] = (uint8_t)(value >> 8);
}

static inline void tj__store_u32(uint8_t *at, uint32_t value)
{
    at[0] = (uint8_t)value;
    at[1] = (uint8_t)(value >> 8);
    at[2] = (uint8_t)(value >> 16);
    at[3] = (uint8_t)(value >> 24);
}

static inline void tj__store_u64(uint8_t *at, uint64_t value)
{
    tj__store_u32(at, (uint32_t)value);
    tj__store_u32(at + 4, (uint32_t)(value >> 32));
}

static inline void tj__store_u32_be(uint8_t *at, uint32_t value)
{
    at[0] = (uint8_t)(value >> 24);
    at[1] = (uint8_t)(value >> 16);
    at[2] = (uint8_t)(value >> 8);
    at[3] = (uint8_t)value;
}

static inline void tj__store_u64_be(uint8_t *at, uint64_t value)
{
    tj__store_u32_be(at, (uint32_t)(value >> 32));
    tj__store_u32_be(at + 4, (uint32_t)value);
}

/* Reads from the front of a view. A read beyond the end sets `failed` and gives zeros, so that a
 * run of reads is checked once at its end. */
typedef struct tj__reader {
    tj__bytes rest;
    bool failed;
    bool newer; /* for who knows what the bytes mean: a later version wrote this */
} tj__reader;

static inline tj__bytes tj__get_bytes(tj__reader *reader, size_t size)
{
    if (reader->failed || size > reader->rest.size) {
        reader->failed = true;
        return (tj__bytes){NULL, 0};
    }
    tj__bytes taken = {reader->rest.data, size};
    if (size > 0) {
        reader->rest.data += size;
        reader->rest.size -= size;
    }
    return taken;
}

static inline uint8_t tj__get_u8(tj__reader *reader)
{
    tj__bytes taken = tj__get_bytes(reader, sizeof(uint8_t));
    return taken.data ? *taken.data : 0;
}

static inline uint16_t tj__get_u16(tj__reader *reader)
{
    tj__bytes taken = tj__get_bytes(reader, sizeof(uint16_t));
    return taken.data ? tj__load_u16(taken.data) : 0;
}

static inline uint32_t tj__get_u32(tj__reader *reader)
{
    tj__bytes taken = tj__get_bytes(reader, sizeof(uint32_t));
    return taken.data ? tj__load_u32(taken.data) : 0;
}

static inline uint64_t tj__get_u64(tj__reader *reader)
{
    tj__bytes taken = tj__get_bytes(reader, sizeof(uint64_t));
    return taken.data ? tj__load_u64(taken.data) : 0;
}

#endif
