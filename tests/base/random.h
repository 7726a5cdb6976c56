/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Random numbers with a seed that is printed; TJ_SEED repeats a run. */
#ifndef TJ_TESTS_BASE_RANDOM_H
#define TJ_TESTS_BASE_RANDOM_H

#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static uint64_t random_state;

static inline void random_start(void)
{
    const char *given = getenv("TJ_SEED");
    random_state = given ? strtoull(given, NULL, 0) : (uint64_t)time(NULL);
    printf("TJ_SEED=%" PRIu64 " repeats this run\n", random_state);
}

/* SplitMix64. */
static inline uint64_t random_u64(void)
{
    uint64_t value = random_state += UINT64_C(0x9e3779b97f4a7c15);
    value = (value ^ (value >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    value = (value ^ (value >> 27)) * UINT64_C(0x94d049bb133111eb);
    return value ^ (value >> 31);
}

/* 0 to bound - 1. */
static inline unsigned random_below(unsigned bound)
{
    return (unsigned)(random_u64() % bound);
}

#endif
