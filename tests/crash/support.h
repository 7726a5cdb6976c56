/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Small things that the files of the crash harness share. */
#ifndef TJ_CRASH_SUPPORT_H
#define TJ_CRASH_SUPPORT_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* Ends the program: the harness itself cannot go on, which is no finding about the journal. */
#define die(...)                                        \
    do {                                                \
        fprintf(stderr, "crash harness: " __VA_ARGS__); \
        fputc('\n', stderr);                            \
        exit(3);                                        \
    } while (0)

#define must(pointer) must_at(pointer, #pointer, __FILE__, __LINE__)

static inline void *must_at(void *pointer, const char *what, const char *file, int line)
{
    if (!pointer) {
        die("%s:%d: %s gave NULL", file, line, what);
    }
    return pointer;
}

static inline void *copy_bytes(const void *data, size_t size)
{
    void *copy = must(malloc(size > 0 ? size : 1));
    if (size > 0) {
        memcpy(copy, data, size);
    }
    return copy;
}

/* SplitMix64: small, and the same on every machine for the same seed. */
static inline uint64_t random_next(uint64_t *state)
{
    uint64_t z = (*state += 0x9E3779B97F4A7C15u);
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
    return z ^ (z >> 31);
}

static inline uint64_t random_below(uint64_t *state, uint64_t bound)
{
    return random_next(state) % bound;
}

/* TJ_SEED, or another one. */
static inline uint64_t seed_given(uint64_t otherwise)
{
    const char *given = getenv("TJ_SEED");
    return given ? strtoull(given, NULL, 0) : otherwise;
}

static inline double seconds_now(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

#endif
