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

/* memcmp order, the shorter one first when one is a prefix of the other. */
int tj__bytes_compare(tj__bytes a, tj__bytes b);
bool tj__bytes_equal(tj__bytes a, tj__bytes b);
static inline tj__bytes tj__bytes_of(const void *data, size_t size)
{
    return (tj__bytes){(const uint8_t *)data, size};
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
/* Makes room for `more` bytes; false (and `failed`) when memory is short. */
bool tj__buffer_reserve(tj__buffer *buffer, size_t more);
void tj__put_bytes(tj__buffer *buffer, const void *data, size_t size);
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

/* Loads and stores at an address; the buffer functions and fixed-offset headers use them. */
uint16_t tj__load_u16(const uint8_t *at);
uint32_t tj__load_u32(const uint8_t *at);
uint64_t tj__load_u64(const uint8_t *at);
uint32_t tj__load_u32_be(const uint8_t *at);
uint64_t tj__load_u64_be(const uint8_t *at);
void tj__store_u16(uint8_t *at, uint16_t value);
void tj__store_u32(uint8_t *at, uint32_t value);
void tj__store_u64(uint8_t *at, uint64_t value);
void tj__store_u32_be(uint8_t *at, uint32_t value);
void tj__store_u64_be(uint8_t *at, uint64_t value);

/* Reads from the front of a view. A read beyond the end sets `failed` and gives zeros, so that a
 * run of reads is checked once at its end. */
typedef struct tj__reader {
    tj__bytes rest;
    bool failed;
} tj__reader;

tj__bytes tj__get_bytes(tj__reader *reader, size_t size);
uint8_t tj__get_u8(tj__reader *reader);
uint16_t tj__get_u16(tj__reader *reader);
uint32_t tj__get_u32(tj__reader *reader);
uint64_t tj__get_u64(tj__reader *reader);

#endif
