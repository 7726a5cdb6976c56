/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* The one checksum of every format here: XXH3, 64 bits. */
#ifndef TJ_BASE_HASH_H
#define TJ_BASE_HASH_H

#include <stddef.h>
#include <stdint.h>

#include <xxhash.h>

static inline uint64_t tj__hash(const void *data, size_t size)
{
    return XXH3_64bits(data, size);
}

static inline uint64_t tj__hash_seeded(const void *data, size_t size, uint64_t seed)
{
    return XXH3_64bits_withSeed(data, size, seed);
}

#endif
