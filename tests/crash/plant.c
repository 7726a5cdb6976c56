/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* The faults by name, each dropping or holding back one kind of flush. */
#include "crash/plant.h"

#include "crash/support.h"

#define FILES_MAX 4096
#define APPLY_EVENTS 40

typedef struct planting {
    const trace *from;
    const char *paths[FILES_MAX]; /* of each file, as far as the trace has been gone through */
} planting;

/* How an event appears in the changed trace. */
typedef enum fate { KEEP, DROP, HOLD } fate;

static bool ends_with(const char *text, const char *end)
{
    size_t size = !text ? 0 : strlen(text);
    return size >= strlen(end) && strcmp(text + size - strlen(end), end) == 0;
}

static const char *path_of(const planting *p, const event *e)
{
    return p->paths[e->file % FILES_MAX];
}

static bool flushes_log(const planting *p, const event *e)
{
    return e->kind == EVENT_FLUSH && ends_with(path_of(p, e), ".log");
}

static void note_path(planting *p, const event *e)
{
    if (e->kind == EVENT_CREATE || e->kind == EVENT_KNOWN) {
        p->paths[e->file % FILES_MAX] = e->path;
    } else if (e->kind == EVENT_RENAME) {
        for (size_t i = 0; i < FILES_MAX; i++) {
            if (p->paths[i] && strcmp(p->paths[i], e->path) == 0) {
                p->paths[i] = e->to;
            }
        }
    }
}

static fate drop_log_flush(const planting *p, size_t i)
{
    return flushes_log(p, &p->from->events[i]) ? DROP : KEEP;
}

static fate hold_log_flush(const planting *p, size_t i)
{
    return flushes_log(p, &p->from->events[i]) ? HOLD : KEEP;
}

/* A flush that LMDB is written soon after: by an apply that asked for it, or might have. */
static fate drop_flush_before_apply(const planting *p, size_t i)
{
    if (!flushes_log(p, &p->from->events[i])) {
        return KEEP;
    }
    size_t end = i + APPLY_EVENTS < p->from->count ? i + APPLY_EVENTS : p->from->count;
    for (size_t next = i + 1; next < end; next++) {
        const event *e = &p->from->events[next];
        if (e->kind == EVENT_WRITE && ends_with(path_of(p, e), "/data.mdb")) {
            return DROP;
        }
    }
    return KEEP;
}

static fate drop_created_flush(const planting *p, size_t i)
{
    const event *e = &p->from->events[i];
    return e->kind == EVENT_FLUSH && ends_with(path_of(p, e), "creating/data.mdb") ? DROP : KEEP;
}

static fate drop_directory_flush(const planting *p, size_t i)
{
    return p->from->events[i].kind == EVENT_FLUSH_DIRECTORY ? DROP : KEEP;
}

static fate drop_prepared_flush(const planting *p, size_t i)
{
    const event *e = &p->from->events[i];
    return e->kind == EVENT_FLUSH && ends_with(path_of(p, e), ".tmp") ? DROP : KEEP;
}

static bool is_of_history(const char *path)
{
    return path && strstr(path, "journal/history");
}

static fate drop_base_flush(const planting *p, size_t i)
{
    const event *e = &p->from->events[i];
    return e->kind == EVENT_FLUSH && is_of_history(path_of(p, e)) ? DROP : KEEP;
}

static fate drop_history_flush(const planting *p, size_t i)
{
    const event *e = &p->from->events[i];
    return e->kind == EVENT_FLUSH_DIRECTORY && is_of_history(e->path) ? DROP : KEEP;
}

typedef fate rule(const planting *p, size_t i);

const fault faults[] = {
    {"flush-dropped", "the log is never flushed", WORKLOAD_SYNC},
    {"ack-before-flush", "a commit is acknowledged before its flush", WORKLOAD_SYNC},
    {"apply-before-flush", "LMDB is applied before the log is flushed", WORKLOAD_OS},
    {"rename-before-flush", "data.mdb gets its name before its bytes are flushed", WORKLOAD_SYNC},
    {"no-directory-flush", "directories are never flushed", WORKLOAD_SYNC},
    {"segment-not-flushed", "a new segment gets its name before its bytes are flushed",
     WORKLOAD_SYNC},
    {"bases-not-flushed", "a base gets its name before its bytes are flushed", WORKLOAD_HISTORY},
    {"base-names-not-flushed", "the names of bases are never flushed", WORKLOAD_HISTORY},
    {NULL, NULL, WORKLOAD_SYNC},
};

static rule *const rules[] = {drop_log_flush,     hold_log_flush,       drop_flush_before_apply,
                              drop_created_flush, drop_directory_flush, drop_prepared_flush,
                              drop_base_flush,    drop_history_flush};

/* Held flushes follow the next acknowledgement. They cover what they covered. */
static void release(trace *to, event *held, size_t *count)
{
    for (size_t i = 0; i < *count; i++) {
        trace_add(to, &held[i]);
    }
    *count = 0;
}

/* `covers` counts the events before a flush; where they stand has changed. */
static uint64_t moved(const size_t *places, uint64_t covers)
{
    return places[covers];
}

size_t fault_plant(const fault *f, const trace *from, trace *to)
{
    static planting p;
    size_t changed = 0;
    size_t held_count = 0;
    event *held = must(calloc(from->count + 1, sizeof *held));
    size_t *places = must(calloc(from->count + 1, sizeof *places));
    p = (planting){.from = from};
    to->os_mode = from->os_mode;
    for (size_t i = 0; i < from->count; i++) {
        event e = from->events[i];
        places[i] = to->count;
        note_path(&p, &e);
        fate what = rules[f - faults](&p, i);
        e.covers = e.covers > 0 ? moved(places, e.covers) : 0;
        changed += what != KEEP;
        if (what == HOLD) {
            held[held_count++] = e;
        } else if (what == KEEP) {
            trace_add(to, &e);
        }
        if (e.kind == EVENT_ACK) {
            release(to, held, &held_count);
        }
    }
    free(held);
    free(places);
    return changed;
}
