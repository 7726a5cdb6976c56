/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Growing and putting. A buffer that could not grow stays failed, and is asked once, at the end. */
#include "base/buffer.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#define CAPACITY_MIN 256

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

bool tj__buffer_grow(tj__buffer *buffer, size_t more)
{
    if (buffer->failed || more > SIZE_MAX - buffer->size) {
        buffer->failed = true;
        return false;
    }
    return grow(buffer, buffer->size + more);
}

void tj__put_zeros(tj__buffer *buffer, size_t size)
{
    if (size == 0) {
        return;
    }
    uint8_t *at = tj__buffer_extend(buffer, size);
    if (at) {
        memset(at, 0, size);
    }
}

void tj__put_u8(tj__buffer *buffer, uint8_t value)
{
    uint8_t *at = tj__buffer_extend(buffer, sizeof value);
    if (at) {
        *at = value;
    }
}

void tj__put_u16(tj__buffer *buffer, uint16_t value)
{
    uint8_t *at = tj__buffer_extend(buffer, sizeof value);
    if (at) {
        tj__store_u16(at, value);
    }
}

void tj__put_u32(tj__buffer *buffer, uint32_t value)
{
    uint8_t *at = tj__buffer_extend(buffer, sizeof value);
    if (at) {
        tj__store_u32(at, value);
    }
}

void tj__put_u64(tj__buffer *buffer, uint64_t value)
{
    uint8_t *at = tj__buffer_extend(buffer, sizeof value);
    if (at) {
        tj__store_u64(at, value);
    }
}

void tj__put_u32_be(tj__buffer *buffer, uint32_t value)
{
    uint8_t *at = tj__buffer_extend(buffer, sizeof value);
    if (at) {
        tj__store_u32_be(at, value);
    }
}

void tj__put_u64_be(tj__buffer *buffer, uint64_t value)
{
    uint8_t *at = tj__buffer_extend(buffer, sizeof value);
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
