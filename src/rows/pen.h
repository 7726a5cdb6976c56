/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * A pen writes little-endian values into memory that was reserved before: encoders compute an upper
 * bound once and then write without a check at every step. Comparing 10,000 orders is encoding
 * them.
 */
#ifndef TJ_ROWS_PEN_H
#define TJ_ROWS_PEN_H

#include <endian.h>

#include "base/buffer.h"

typedef struct tj__pen {
    uint8_t *at;
} tj__pen;

static inline void tj__pen_u8(tj__pen *pen, uint8_t value)
{
    *pen->at++ = value;
}

static inline void tj__pen_u16(tj__pen *pen, uint16_t value)
{
    value = htole16(value);
    memcpy(pen->at, &value, sizeof value);
    pen->at += sizeof value;
}

static inline void tj__pen_u32(tj__pen *pen, uint32_t value)
{
    value = htole32(value);
    memcpy(pen->at, &value, sizeof value);
    pen->at += sizeof value;
}

static inline void tj__pen_u64(tj__pen *pen, uint64_t value)
{
    value = htole64(value);
    memcpy(pen->at, &value, sizeof value);
    pen->at += sizeof value;
}

static inline void tj__pen_bytes(tj__pen *pen, const void *data, size_t size)
{
    if (size > 0) {
        memcpy(pen->at, data, size);
        pen->at += size;
    }
}

static inline void tj__pen_str(tj__pen *pen, tj_str text)
{
    tj__pen_bytes(pen, text.data, text.size);
}

/* Length (u16) and bytes. */
static inline void tj__pen_short_str(tj__pen *pen, tj_str text)
{
    tj__pen_u16(pen, (uint16_t)text.size);
    tj__pen_str(pen, text);
}

#endif
