/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Damaging a file in memory, in the ways that disks, copies and people do. */
#ifndef TJ_TESTS_MAINTAIN_MUTATE_H
#define TJ_TESTS_MAINTAIN_MUTATE_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct bytes {
    uint8_t *data;
    size_t size;
} bytes;

/* SplitMix64. */
static inline uint64_t random_next(uint64_t *state)
{
    uint64_t z = *state += 0x9e3779b97f4a7c15u;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    return z ^ z >> 31;
}

static inline size_t random_below(uint64_t *state, size_t bound)
{
    return bound > 0 ? (size_t)(random_next(state) % bound) : 0;
}

static inline void read_bytes(const char *path, bytes *out)
{
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    assert_int_equal(fseek(file, 0, SEEK_END), 0);
    out->size = (size_t)ftell(file);
    rewind(file);
    out->data = malloc(out->size + 8192);
    assert_non_null(out->data);
    assert_int_equal(fread(out->data, 1, out->size, file), out->size);
    fclose(file);
}

static inline void write_bytes(const char *path, const bytes *in)
{
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(in->data, 1, in->size, file), in->size);
    assert_int_equal(fclose(file), 0);
}

#define MUTATIONS_OF_A_KIND 8
#define PAGE_SIZE 4096

/* Damages a copy of at least one byte; says how in `how`. data has 8192 bytes to spare. */
static inline void mutate(bytes *b, uint64_t *seed, char how[128])
{
    size_t at = random_below(seed, b->size);
    /* Half of them hit the structure at the start of a page rather than its content. */
    if (random_next(seed) & 1) {
        at = at / PAGE_SIZE * PAGE_SIZE + random_below(seed, 160);
        at = at < b->size ? at : b->size - 1;
    }
    size_t room = b->size - at;
    unsigned kind = (unsigned)random_below(seed, MUTATIONS_OF_A_KIND);
    size_t size = random_below(seed, 16) + 1;
    size = size < room ? size : room;
    snprintf(how, 128, "kind %u at byte %zu, size %zu", kind, at, size);
    switch (kind) {
    case 0:
    case 1:
        b->data[at] ^= (uint8_t)(1u << random_below(seed, 8));
        break;
    case 2:
        b->data[at] = (uint8_t)random_next(seed);
        break;
    case 3:
        for (size_t i = 0; i < size; i++) {
            b->data[at + i] = (uint8_t)random_next(seed);
        }
        break;
    case 4:
        memset(b->data + at / 512 * 512, 0, b->size - at / 512 * 512 < 512 ? 1 : 512);
        break;
    case 5:
        b->size = at > 0 ? at : 1;
        break;
    case 6:
        memset(b->data + b->size, (int)random_next(seed), size * 17);
        b->size += size * 17;
        break;
    default:
        memset(b->data + at, random_next(seed) & 1 ? 0xff : 0, size);
        break;
    }
}

#endif
