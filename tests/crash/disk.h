/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * A disk as a power cut may leave it: what is durable, and what is still on its way.
 *
 * Durable is what was flushed: the bytes and the length of a file by a flush of that file, a name
 * by a flush of the directory that holds it. All else is a list of pending units in the order in
 * which they were done: one write, one change of a length, one change of a name. Any subset of them
 * may have reached the disk, and of one write any of its sectors. A write through O_DSYNC is on the
 * disk when it returns, but says nothing of those before it.
 */
#ifndef TJ_CRASH_DISK_H
#define TJ_CRASH_DISK_H

#include "crash/trace.h"

#define SECTOR_SIZE 512
#define UNITS_MAX 1024
#define IMAGE_ENTRIES_MAX 64

typedef struct disk disk;

/* One possible content of the disk. Bytes belong to the disk it was built from, until the next
 * image of it is built or it changes. */
typedef struct image_entry {
    const char *path;
    bool directory;
    const uint8_t *data;
    size_t size;
} image_entry;

typedef struct image {
    image_entry entries[IMAGE_ENTRIES_MAX]; /* sorted by path */
    size_t count;
    uint64_t hash; /* of all names and bytes */
} image;

/* How much of one unit reached the disk. */
typedef enum torn_kind {
    TORN_NOT = 0,
    TORN_PREFIX, /* its sectors before `torn_sector` */
    TORN_HOLE,   /* all but sector `torn_sector` */
    TORN_LENGTH  /* no sector, but the file has grown */
} torn_kind;

typedef struct choice {
    uint64_t taken[UNITS_MAX / 64]; /* bit i: pending unit i reached the disk */
    size_t torn;                    /* this one, which is taken, only in part */
    torn_kind torn_kind;
    size_t torn_sector;
} choice;

disk *disk_new(void);
void disk_free(disk *d);
/* Starts from an image, all of it durable. The image's bytes are copied. */
void disk_load(disk *d, const image *from);
/* Goes on by one event, which has this index in its trace and stays where it is. */
void disk_apply(disk *d, const event *event, size_t index);

/* Makes durable what has waited since before this event: sooner or later a kernel writes back by
 * itself, and what is never flushed would double the images for ever. */
void disk_write_back(disk *d, size_t before);

size_t disk_pending(const disk *d);
/* How many sectors of pending unit i a power cut can tear: 0 when it is no write. */
size_t disk_unit_sectors(const disk *d, size_t i);
/* Whether pending unit i makes its file longer than what is durable of it. */
bool disk_unit_grows(const disk *d, size_t i);
void disk_unit_text(const disk *d, size_t i, char *out, size_t size);

/* Builds the image in which of the pending units just these reached the disk. */
void disk_build(disk *d, const choice *choice, image *out);

static inline void choice_take(choice *c, size_t i)
{
    c->taken[i / 64] |= (uint64_t)1 << (i % 64);
}

static inline void choice_drop(choice *c, size_t i)
{
    c->taken[i / 64] &= ~((uint64_t)1 << (i % 64));
}

static inline bool choice_has(const choice *c, size_t i)
{
    return (c->taken[i / 64] >> (i % 64) & 1) != 0;
}

#endif
