/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* A trace in memory, and as a file. */
#include "crash/trace.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "crash/support.h"

static const char *const kind_names[] = {
    "nothing", "create",          "known",  "write", "write durably", "resize", "grow",
    "flush",   "flush directory", "mkdir",  "rmdir", "unlink",        "rename", "attempt",
    "ack",     "opened",          "closed", "link",  "exchange"};

static char *copy_text(const char *text)
{
    return !text ? NULL : copy_bytes(text, strlen(text) + 1);
}

static bool has_data(event_kind kind)
{
    return kind == EVENT_WRITE || kind == EVENT_WRITE_DURABLE;
}

void trace_add(trace *t, const event *added)
{
    if (t->count == t->capacity) {
        t->capacity = t->capacity == 0 ? 1024 : t->capacity * 2;
        t->events = must(realloc(t->events, t->capacity * sizeof *t->events));
    }
    event copy = *added;
    copy.path = copy_text(added->path);
    copy.to = copy_text(added->to);
    copy.data = has_data(added->kind) ? copy_bytes(added->data, (size_t)added->size) : NULL;
    t->events[t->count++] = copy;
}

void trace_dispose(trace *t)
{
    for (size_t i = 0; i < t->count; i++) {
        free(t->events[i].path);
        free(t->events[i].to);
        free(t->events[i].data);
    }
    free(t->events);
    t->events = NULL;
    t->count = 0;
    t->capacity = 0;
}

/* ---- files: one struct, then the bytes its lengths announce ------------------------------ */

typedef struct stored_event {
    uint64_t kind;
    uint64_t file;
    uint64_t offset;
    uint64_t size;
    uint64_t covers;
    uint64_t path_size;
    uint64_t to_size;
    uint64_t os_mode;
} stored_event;

static uint64_t text_size(const char *text)
{
    return !text ? 0 : strlen(text) + 1;
}

static void put(FILE *file, const void *data, uint64_t size, const char *path)
{
    if (size > 0 && fwrite(data, 1, (size_t)size, file) != size) {
        die("writing %s failed", path);
    }
}

/* How many events a file holds; none when it is not there. */
static size_t events_in(const char *path)
{
    trace before = {0};
    FILE *file = fopen(path, "rb");
    if (!file) {
        return 0;
    }
    fclose(file);
    trace_load(&before, path);
    size_t count = before.count;
    trace_dispose(&before);
    return count;
}

void trace_save(const trace *t, const char *path)
{
    size_t before = events_in(path);
    FILE *file = must(fopen(path, "ab"));
    for (size_t i = 0; i < t->count; i++) {
        const event *e = &t->events[i];
        stored_event head = {.kind = e->kind,
                             .file = e->file,
                             .offset = e->offset,
                             .size = e->size,
                             .covers = e->covers + before,
                             .path_size = text_size(e->path),
                             .to_size = text_size(e->to),
                             .os_mode = t->os_mode};
        put(file, &head, sizeof head, path);
        put(file, e->path, head.path_size, path);
        put(file, e->to, head.to_size, path);
        put(file, e->data, has_data(e->kind) ? e->size : 0, path);
    }
    if (fclose(file) != 0) {
        die("writing %s failed", path);
    }
}

static void *get(FILE *file, uint64_t size, const char *path)
{
    if (size == 0) {
        return NULL;
    }
    void *data = must(malloc((size_t)size));
    if (fread(data, 1, (size_t)size, file) != size) {
        die("%s ends in the middle of an event", path);
    }
    return data;
}

void trace_load(trace *t, const char *path)
{
    FILE *file = must(fopen(path, "rb"));
    stored_event head;
    while (fread(&head, sizeof head, 1, file) == 1) {
        event e = {.kind = (event_kind)head.kind,
                   .file = (uint32_t)head.file,
                   .offset = head.offset,
                   .size = head.size,
                   .covers = head.covers,
                   .path = get(file, head.path_size, path),
                   .to = get(file, head.to_size, path)};
        e.data = get(file, has_data(e.kind) ? e.size : 0, path);
        t->os_mode = head.os_mode != 0;
        trace_add(t, &e);
        free(e.path);
        free(e.to);
        free(e.data);
    }
    fclose(file);
}

/* ---- telling ---------------------------------------------------------------------------- */

bool event_changes(event_kind kind)
{
    switch (kind) {
    case EVENT_CREATE:
    case EVENT_WRITE:
    case EVENT_WRITE_DURABLE:
    case EVENT_RESIZE:
    case EVENT_GROW:
    case EVENT_MKDIR:
    case EVENT_RMDIR:
    case EVENT_UNLINK:
    case EVENT_RENAME:
    case EVENT_LINK:
    case EVENT_EXCHANGE:
        return true;
    default:
        return false;
    }
}

void event_text(const event *e, char *out, size_t size)
{
    snprintf(out, size, "%s %s%s%s file %" PRIu32 " offset %" PRIu64 " size %" PRIu64,
             kind_names[e->kind], e->path ? e->path : "", e->to ? " -> " : "", e->to ? e->to : "",
             e->file, e->offset, e->size);
}
