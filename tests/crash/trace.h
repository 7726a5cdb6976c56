/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * What a process did to the files below one directory, in order, and what it promised meanwhile.
 *
 * Paths are relative to the directory that is watched. A file is known by a number, which it keeps
 * when it is renamed. A flush covers the events before its start, not those that happened beside
 * it: `covers` is the number of events there were when it was called.
 */
#ifndef TJ_CRASH_TRACE_H
#define TJ_CRASH_TRACE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef enum event_kind {
    EVENT_CREATE = 1,      /* path: a new file */
    EVENT_KNOWN,           /* path: a file that was there before gets its number */
    EVENT_WRITE,           /* offset, size, data */
    EVENT_WRITE_DURABLE,   /* the same through O_DSYNC: durable by itself when it returns */
    EVENT_RESIZE,          /* size: truncated or extended */
    EVENT_GROW,            /* size: at least so long (fallocate) */
    EVENT_FLUSH,           /* fsync or fdatasync of a file */
    EVENT_FLUSH_DIRECTORY, /* path */
    EVENT_MKDIR,           /* path */
    EVENT_RMDIR,           /* path */
    EVENT_UNLINK,          /* path */
    EVENT_RENAME,          /* path, to */
    EVENT_ATTEMPT,         /* offset: number of the commit that is tried now */
    EVENT_ACK,             /* offset: its number; size: the sequence it was acknowledged with */
    EVENT_OPENED,          /* size: the journal was opened and showed this sequence */
    EVENT_CLOSED,          /* size: it was closed after this sequence */
    EVENT_LINK,            /* path: a file, which gets the name `to` as well */
    EVENT_EXCHANGE         /* path, to: each gets the name of the other */
} event_kind;

typedef struct event {
    event_kind kind;
    uint32_t file;
    uint64_t offset;
    uint64_t size;
    uint64_t covers;
    char *path;
    char *to;
    uint8_t *data;
} event;

typedef struct trace {
    event *events;
    size_t count;
    size_t capacity;
    bool os_mode; /* recorded with durability "os": an acknowledged commit may be lost */
} trace;

/* Appends a copy of an event. Memory that runs out ends the program: this is a test. */
void trace_add(trace *t, const event *event);
void trace_dispose(trace *t);

/* Appends to, and reads, a file; the program ends with a message when that fails. */
void trace_save(const trace *t, const char *path);
void trace_load(trace *t, const char *path);

/* Whether events of a kind change a file or directory. */
bool event_changes(event_kind kind);

/* One line for people. */
void event_text(const event *event, char *out, size_t size);

#endif
