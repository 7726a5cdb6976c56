/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "base/buffer.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#define CAPACITY_MIN 256

int tj__bytes_compare(tj__bytes a, tj__bytes b)
{
    size_t shorter = a.size < b.size ? a.size : b.size;
    int order = shorter > 0 ? memcmp(a.data, b.data, shorter) : 0;
    return order != 0 ? order : (a.size > b.size) - (a.size < b.size);
}

bool tj__bytes_equal(tj__bytes a, tj__bytes b)
{
    return a.size == b.size && (a.size == 0 || memcmp(a.data, b.data, a.size) == 0);
}

void tj__buffer_dispose(tj__buffer *buffer)
{
    free(buffer->data);
    *buffer = (tj__buffer){0};
}

void tj__buffer_clear(tj__buffer *buffer)
{
    buffer->size = 0;
    buffer->failed = false;
}

static bool grow(tj__buffer *buffer, size_t needed)
{
    size_t capacity = buffer->capacity <= SIZE_MAX / 2 ? buffer->capacity * 2 : needed;
    capacity = capacity < CAPACITY_MIN ? CAPACITY_MIN : capacity;
    capacity = capacity < needed ? needed : capacity;
    uint8_t *data = realloc(buffer->data, capacity);
    if (!data) {
        buffer->failed = true;
        return false;
    }
    buffer->data = data;
    buffer->capacity = capacity;
    return true;
}

bool tj__buffer_reserve(tj__buffer *buffer, size_t more)
{
    if (buffer->failed || more > SIZE_MAX - buffer->size) {
        buffer->failed = true;
        return false;
    }
    return buffer->size + more <= buffer->capacity || grow(buffer, buffer->size + more);
}

/* Room for `size` bytes that are counted in already; NULL when memory is short. */
static uint8_t *extend(tj__buffer *buffer, size_t size)
{
    if (!tj__buffer_reserve(buffer, size)) {
        return NULL;
    }
    uint8_t *at = buffer->data + buffer->size;
    buffer->size += size;
    return at;
}

void tj__put_bytes(tj__buffer *buffer, const void *data, size_t size)
{
    if (size == 0) {
        return;
    }
    uint8_t *at = extend(buffer, size);
    if (at) {
        memcpy(at, data, size);
    }
}

void tj__put_zeros(tj__buffer *buffer, size_t size)
{
    if (size == 0) {
        return;
    }
    uint8_t *at = extend(buffer, size);
    if (at) {
        memset(at, 0, size);
    }
}

void tj__put_u8(tj__buffer *buffer, uint8_t value)
{
    uint8_t *at = extend(buffer, sizeof value);
    if (at) {
        *at = value;
    }
}

void tj__put_u16(tj__buffer *buffer, uint16_t value)
{
    uint8_t *at = extend(buffer, sizeof value);
    if (at) {
        tj__store_u16(at, value);
    }
}

void tj__put_u32(tj__buffer *buffer, uint32_t value)
{
    uint8_t *at = extend(buffer, sizeof value);
    if (at) {
        tj__store_u32(at, value);
    }
}

void tj__put_u64(tj__buffer *buffer, uint64_t value)
{
    uint8_t *at = extend(buffer, sizeof value);
    if (at) {
        tj__store_u64(at, value);
    }
}

void tj__put_u32_be(tj__buffer *buffer, uint32_t value)
{
    uint8_t *at = extend(buffer, sizeof value);
    if (at) {
        tj__store_u32_be(at, value);
    }
}

void tj__put_u64_be(tj__buffer *buffer, uint64_t value)
{
    uint8_t *at = extend(buffer, sizeof value);
    if (at) {
        tj__store_u64_be(at, value);
    }
}

void tj__put_str(tj__buffer *buffer, tj_str text)
{
    tj__put_bytes(buffer, text.data, text.size);
}

void tj__put_cstr(tj__buffer *buffer, const char *text)
{
    tj__put_bytes(buffer, text, strlen(text));
}

void tj__put_format(tj__buffer *buffer, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    int length = vsnprintf(NULL, 0, format, arguments);
    va_end(arguments);
    if (length < 0) {
        buffer->failed = true;
        return;
    }
    size_t size = (size_t)length + 1;
    if (!tj__buffer_reserve(buffer, size)) {
        return;
    }
    va_start(arguments, format);
    vsnprintf((char *)buffer->data + buffer->size, size, format, arguments);
    va_end(arguments);
    buffer->size += (size_t)length;
}

uint16_t tj__load_u16(const uint8_t *at)
{
    return (uint16_t)(at[0] | at[1] << 8);
}

uint32_t tj__load_u32(const uint8_t *at)
{
    return (uint32_t)at[0] | (uint32_t)at[1] << 8 | (uint32_t)at[2] << 16 | (uint32_t)at[3] << 24;
}

uint64_t tj__load_u64(const uint8_t *at)
{
    return tj__load_u32(at) | (uint64_t)tj__load_u32(at + 4) << 32;
}

uint32_t tj__load_u32_be(const uint8_t *at)
{
    return (uint32_t)at[3] | (uint32_t)at[2] << 8 | (uint32_t)at[1] << 16 | (uint32_t)at[0] << 24;
}

uint64_t tj__load_u64_be(const uint8_t *at)
{
    return tj__load_u32_be(at + 4) | (uint64_t)tj__load_u32_be(at) << 32;
}

void tj__store_u16(uint8_t *at, uint16_t value)
{
    at[0] = (uint8_t)value;
    at[1] = (uint8_t)(value >> 8);
}

void tj__store_u32(uint8_t *at, uint32_t value)
{
    at[0] = (uint8_t)value;
    at[1] = (uint8_t)(value >> 8);
    at[2] = (uint8_t)(value >> 16);
    at[3] = (uint8_t)(value >> 24);
}

void tj__store_u64(uint8_t *at, uint64_t value)
{
    tj__store_u32(at, (uint32_t)value);
    tj__store_u32(at + 4, (uint32_t)(value >> 32));
}

void tj__store_u32_be(uint8_t *at, uint32_t value)
{
    at[0] = (uint8_t)(value >> 24);
    at[1] = (uint8_t)(value >> 16);
    at[2] = (uint8_t)(value >> 8);
    at[3] = (uint8_t)value;
}

void tj__store_u64_be(uint8_t *at, uint64_t value)
{
    tj__store_u32_be(at, (uint32_t)(value >> 32));
    tj__store_u32_be(at + 4, (uint32_t)value);
}

tj__bytes tj__get_bytes(tj__reader *reader, size_t size)
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

uint8_t tj__get_u8(tj__reader *reader)
{
    tj__bytes taken = tj__get_bytes(reader, sizeof(uint8_t));
    return taken.data ? *taken.data : 0;
}

uint16_t tj__get_u16(tj__reader *reader)
{
    tj__bytes taken = tj__get_bytes(reader, sizeof(uint16_t));
    return taken.data ? tj__load_u16(taken.data) : 0;
}

uint32_t tj__get_u32(tj__reader *reader)
{
    tj__bytes taken = tj__get_bytes(reader, sizeof(uint32_t));
    return taken.data ? tj__load_u32(taken.data) : 0;
}

uint64_t tj__get_u64(tj__reader *reader)
{
    tj__bytes taken = tj__get_bytes(reader, sizeof(uint64_t));
    return taken.data ? tj__load_u64(taken.data) : 0;
}
