/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Every image that a disk may hold after a power cut during a trace, each checked in a process of
 * its own. (sweep.h does it with several workers, and with recoveries of recoveries.) */
#ifndef TJ_CRASH_EACH_IMAGE_H
#define TJ_CRASH_EACH_IMAGE_H

#include <tesser/error.h>

#include "crash/disk.h"
#include "crash/trace.h"

#define WRONG_IMAGE 9 /* what a check ends with */

typedef struct each_image {
    const char *name;
    const char *work;      /* where images that are wrong are kept */
    const char *directory; /* where an image is put for its check */
    const image *start;    /* what the disk has at first; or NULL */
    unsigned samples; /* of the choices at an event, beside those that are always taken; 0: all */
    bool quiet;
    uint64_t random;
    /* Notes what the event promises; a number that tells one state of the promises from another. */
    uint64_t (*promised)(void *context, const event *e);
    int (*check)(void *context); /* 0: the image is right */
    void *context;
    uint64_t checked;  /* results */
    uint64_t findings; /* a sweep ends with a few */
} each_image;

/* Sweeps the trace, and prints a line about it. */
void each_image_of(each_image *sweep, const trace *t);
/* For a check: says what is wrong, and returns WRONG_IMAGE. */
int wrong_image(const char *what, const tj_error *error);

#endif
