/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* What is known of images by their hash, in memory that outlives a worker. */
#ifndef TJ_CRASH_KNOWN_H
#define TJ_CRASH_KNOWN_H

#include "crash/check.h"

typedef enum known_state {
    KNOWN_NOT = 0,
    KNOWN_SEEN,     /* built, not checked yet */
    KNOWN_CHECKING, /* a worker is at it, or has died of it */
    KNOWN_GOOD,     /* has an outcome */
    KNOWN_BAD       /* reported */
} known_state;

typedef struct known_image {
    uint64_t hash;
    outcome outcome;
    uint32_t state;
} known_image;

/* A table for forked processes to share, one of them at a time. */
known_image *known_new(void);
void known_free(known_image *table);
/* The entry of a hash, made with KNOWN_NOT when there was none. */
known_image *known_find(known_image *table, uint64_t hash);

#endif
