/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * What a power cut may leave of a journal, at every moment of its life, opens and is right.
 *
 *   crash_images                  a sample that fits into a minute; the tests run it
 *   crash_images --os | --history another program: durability "os"; bases and prunes
 *   crash_images --long           everything that is enumerated, and more random images: an hour
 *   crash_images --planted        the traces with faults planted in them; each must be noticed
 *   crash_images --trace FILE --event N --image HASH     one finding again
 *
 * Exit code 0: no violation, or with --planted: some for every fault.
 */
#include <inttypes.h>
#include <malloc.h>
#include <sys/stat.h>
#include <unistd.h>

#include "crash/plant.h"
#include "crash/support.h"
#include "crash/sweep.h"
#include "crash/workload.h"

#define KEPT_VIOLATIONS_MAX 10

typedef struct options {
    const char *trace_path;
    bool planted;
    workload kind;
    bool all; /* --long */
    bool list;
    double seconds;
    sweep_options sweep;
} options;

/* ---- the command line -------------------------------------------------------------------- */

static bool is(const char *argument, const char *option)
{
    return strcmp(argument, option) == 0;
}

static options read_options(int argc, char **argv)
{
    uint64_t seed = (uint64_t)time(NULL) ^ (uint64_t)getpid() << 32;
    options o = {.seconds = 40, .sweep.seed = seed_given(seed)};
    for (int i = 1; i < argc; i++) {
        const char *value = i + 1 < argc ? argv[i + 1] : "";
        if (is(argv[i], "--long")) {
            o.all = true;
        } else if (is(argv[i], "--planted")) {
            o.planted = true;
        } else if (is(argv[i], "--os")) {
            o.kind = WORKLOAD_OS;
        } else if (is(argv[i], "--history")) {
            o.kind = WORKLOAD_HISTORY;
        } else if (is(argv[i], "--list")) {
            o.list = true;
        } else if (is(argv[i], "--seconds")) {
            o.seconds = strtod(value, NULL);
            i++;
        } else if (is(argv[i], "--seed")) {
            o.sweep.seed = strtoull(value, NULL, 10);
            i++;
        } else if (is(argv[i], "--trace")) {
            o.trace_path = value;
            i++;
        } else if (is(argv[i], "--event")) {
            o.sweep.replay_event = strtoull(value, NULL, 10);
            i++;
        } else if (is(argv[i], "--image")) {
            o.sweep.replay = true;
            o.sweep.replay_hash = strtoull(value, NULL, 16);
            i++;
        } else {
            die("unknown option %s", argv[i]);
        }
    }
    return o;
}

/* ---- where it works ---------------------------------------------------------------------- */

static void record(const char *work, workload kind, char trace_path[600], trace *into)
{
    char directory[512];
    snprintf(directory, sizeof directory, "%s/recorded", work);
    snprintf(trace_path, 600, "%s/trace-%s", work, workload_name(kind));
    if (mkdir(directory, 0770) != 0) {
        die("creating %s failed", directory);
    }
    workload_record(directory, kind, trace_path);
    directory_remove(directory);
    trace_load(into, trace_path);
}

static void tell_trace(const trace *t, const char *name)
{
    uint64_t commits = 0;
    uint64_t flushes = 0;
    uint64_t renames = 0;
    for (size_t i = 0; i < t->count; i++) {
        commits += t->events[i].kind == EVENT_ACK;
        flushes += t->events[i].kind == EVENT_FLUSH;
        renames += t->events[i].kind == EVENT_RENAME;
    }
    printf("recorded in %s mode: %zu events, %" PRIu64 " commits, %" PRIu64 " flushes, %" PRIu64
           " segments and tables renamed into place\n",
           name, t->count, commits, flushes, renames);
}

/* ---- sweeping ---------------------------------------------------------------------------- */

static sweep_options sweep_with(const options *o, const char *work, const char *trace_path)
{
    sweep_options s = o->sweep;
    s.work = work;
    s.trace_path = trace_path;
    s.seconds = o->all ? 0 : o->seconds;
    s.random_images = o->all ? 200 : 12;
    s.torn_samples = o->all ? 64 : 3;
    s.write_back_events = o->all ? 400 : 120;
    s.recoveries_every = o->all ? 40 : 200;
    s.violations_max = KEPT_VIOLATIONS_MAX;
    return s;
}

static sweep_counts sweep_and_tell(const sweep_options *how, const trace *t, const char *name)
{
    double start = seconds_now();
    sweep_counts n = sweep_run(how, t);
    printf("%s: %" PRIu64 " events, %" PRIu64 " images, %" PRIu64 " distinct, %" PRIu64
           " checked (%" PRIu64 " in the middle of creation), %" PRIu64
           " recoveries swept, %" PRIu64 " violations, %.1f s\n",
           name, n.events, n.images, n.distinct, n.checked, n.no_journal, n.recoveries,
           n.violations, seconds_now() - start);
    fflush(stdout);
    return n;
}

static uint64_t run_plain(const options *o, const char *work)
{
    char trace_path[600];
    trace t = {0};
    if (o->trace_path) {
        snprintf(trace_path, sizeof trace_path, "%s", o->trace_path);
        trace_load(&t, trace_path);
    } else {
        record(work, o->kind, trace_path, &t);
    }
    tell_trace(&t, workload_name(o->kind));
    if (o->list) {
        for (size_t i = 0; i < t.count; i++) {
            char text[256];
            event_text(&t.events[i], text, sizeof text);
            printf("%6zu %s\n", i, text);
        }
    }
    sweep_options how = sweep_with(o, work, trace_path);
    uint64_t violations = sweep_and_tell(&how, &t, "images").violations;
    trace_dispose(&t);
    return violations;
}

/* ---- planted faults ---------------------------------------------------------------------- */

static bool run_fault(const options *o, const char *work, const fault *f, const trace *sound)
{
    trace faulty = {0};
    size_t changed = fault_plant(f, sound, &faulty);
    sweep_options how = sweep_with(o, work, "");
    how.quiet = true;
    how.violations_max = 3;
    how.recoveries_every = 0;
    how.write_back_events = 0;
    sweep_counts n = sweep_and_tell(&how, &faulty, f->name);
    /* A death says nothing: it may be the harness that died. */
    bool noticed = n.first_why[0] != '\0';
    trace_dispose(&faulty);
    printf("  planted: %s (%zu events): %s%s\n", f->what, changed,
           noticed ? "noticed, first: " : "NOT NOTICED", n.first_why);
    return noticed;
}

static uint64_t run_planted(const options *o, const char *work)
{
    uint64_t unnoticed = 0;
    for (int kind = 0; kind < WORKLOADS; kind++) {
        char trace_path[600];
        trace sound = {0};
        record(work, (workload)kind, trace_path, &sound);
        tell_trace(&sound, workload_name((workload)kind));
        for (const fault *f = faults; f->name; f++) {
            if (f->trace == (workload)kind) {
                unnoticed += !run_fault(o, work, f, &sound);
            }
        }
        trace_dispose(&sound);
    }
    return unnoticed;
}

int main(int argc, char **argv)
{
    char work[256];
    /* Large blocks come and go with every image: they are not given back to the kernel each
     * time. */
    mallopt(M_MMAP_THRESHOLD, 64 << 20);
    mallopt(M_TRIM_THRESHOLD, 256 << 20);
    options o = read_options(argc, argv);
    make_work_directory(work);
    printf("TJ_SEED=%" PRIu64 " repeats this run, in %s\n", o.sweep.seed, work);
    uint64_t bad = o.planted ? run_planted(&o, work) : run_plain(&o, work);
    if (bad == 0) {
        directory_remove(work);
    } else {
        printf("what was found is kept in %s\n", work);
    }
    return bad == 0 ? 0 : 1;
}
