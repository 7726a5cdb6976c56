/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Which of the pending units reached the disk: none; all; every prefix; each one left out; each one
 * alone; all subsets while there are few, random ones beyond; and each write torn, at sectors
 * before the gap, in it and behind it, with and without what came after.
 */
#ifndef TJ_CRASH_CHOICES_H
#define TJ_CRASH_CHOICES_H

#include "crash/disk.h"

typedef struct choices_at {
    const disk *disk;
    /* The last event only added a unit. The choices without it were those at the event before it,
     * and what was promised is the same: only choices with it are given. */
    bool added;
    bool few; /* only those that no sample leaves out */
    unsigned random_images;
    unsigned torn_samples;
    uint64_t *random;
    /* `always`: one of the few that no sample leaves out. */
    void (*visit)(void *context, const choice *choice, bool always);
    void *context;
} choices_at;

void each_choice(const choices_at *at);

#endif
