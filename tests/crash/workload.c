/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* The first and the second life of the recorded program. */
#include "crash/workload.h"

#include <pthread.h>
#include <sys/wait.h>
#include <unistd.h>

#include "crash/check.h"
#include "crash/record.h"
#include "crash/support.h"
#include "support/orphan.h"

#include <tesser/maintain.h>

#define THREADS 4
#define FLUSH_TIME_US 300

typedef struct part {
    const char *directory;
    char path[512];
    workload kind;
    uint64_t next;     /* number of the next commit */
    uint64_t sequence; /* of the last one, while only one thread commits */
    tj_store *store;
} part;

static void check(tj_status status, const tj_error *error, const char *what)
{
    if (status != TJ_OK) {
        die("the workload cannot %s: %s", what, error->message);
    }
}

/* ---- phases ------------------------------------------------------------------------------ */

static void open_journal(part *p)
{
    tj_error error = TJ_ERROR_INIT;
    tj_store_info info = TJ_STORE_INFO_INIT;
    tj_config config = crash_config(p->path);
    config.durability = p->kind == WORKLOAD_OS ? TJ_DURABILITY_OS : TJ_DURABILITY_SYNC;
    config.no_threads = p->kind == WORKLOAD_HISTORY; /* what they do is done in its turn */
    check(tj_store_open(&config, &p->store, &error), &error, "open");
    check(tj_store_info_get(p->store, &info, &error), &error, "look");
    p->sequence = info.sequence;
    record_opened(info.sequence);
}

static void close_journal(part *p)
{
    tj_error error = TJ_ERROR_INIT;
    check(tj_store_close(p->store, &error), &error, "close");
    record_closed(p->sequence);
}

/* Commits one after the other; what saves the state alone does so through its repository. */
static void commit_alone(part *p, uint64_t count)
{
    for (uint64_t i = 0; i < count; i++) {
        tj_error error = TJ_ERROR_INIT;
        uint64_t number = p->next++;
        uint64_t sequence = p->sequence + 1;
        record_attempt(number);
        if (commit_is_state_only(number)) {
            check(commit_save_state(p->store, number, &error), &error, "save");
        } else {
            check(commit_apply(p->store, number, &sequence, &error), &error, "commit");
        }
        record_ack(number, sequence);
        p->sequence = sequence;
    }
}

typedef struct saver {
    pthread_t thread;
    tj_store *store;
    uint64_t first;
    uint64_t count;
    uint64_t last_sequence;
} saver;

static void *saver_main(void *context)
{
    saver *s = context;
    for (uint64_t i = 0; i < s->count; i++) {
        tj_error error = TJ_ERROR_INIT;
        uint64_t number = s->first + i * THREADS;
        record_attempt(number);
        check(commit_apply(s->store, number, &s->last_sequence, &error), &error, "commit");
        record_ack(number, s->last_sequence);
    }
    return NULL;
}

static void commit_together(part *p, uint64_t each)
{
    saver savers[THREADS];
    for (unsigned i = 0; i < THREADS; i++) {
        savers[i] = (saver){.store = p->store, .first = p->next + i, .count = each};
        if (pthread_create(&savers[i].thread, NULL, saver_main, &savers[i]) != 0) {
            die("no thread for the workload");
        }
    }
    for (unsigned i = 0; i < THREADS; i++) {
        pthread_join(savers[i].thread, NULL);
        p->sequence = savers[i].last_sequence > p->sequence ? savers[i].last_sequence : p->sequence;
    }
    p->next += each * THREADS;
}

/* What is committed stays as it is, whatever becomes of data.mdb. */
static void compact(const part *p)
{
    tj_error error = TJ_ERROR_INIT;
    tj_compact_report report = TJ_COMPACT_REPORT_INIT;
    tj_config config = crash_config(p->path);
    check(tj_compact(&config, NULL, &report, &error), &error, "compact");
    if (!report.written) {
        die("data.mdb had no free pages: nothing was compacted");
    }
}

/* ---- processes --------------------------------------------------------------------------- */

static void first_life(part *p)
{
    open_journal(p);
    commit_alone(p, 12);
    commit_together(p, 18);
    close_journal(p);
    compact(p);
    open_journal(p);
    commit_alone(p, 6);
    commit_together(p, 10);
}

static void second_life(part *p)
{
    open_journal(p);
    commit_alone(p, 5);
    commit_together(p, 10);
    close_journal(p);
    open_journal(p);
    commit_alone(p, 8);
}

static void work(part *p)
{
    tj_error error = TJ_ERROR_INIT;
    check(tj_store_work(p->store, &error), &error, "work");
}

static void commit_and_work(part *p, uint64_t count)
{
    for (uint64_t i = 0; i < count; i += 5) {
        commit_alone(p, 5);
        work(p);
    }
}

static void prune(part *p)
{
    tj_error error = TJ_ERROR_INIT;
    tj_prune_options options = TJ_PRUNE_OPTIONS_INIT;
    tj_prune_report report = TJ_PRUNE_REPORT_INIT;
    options.history_size_bytes = 1;
    check(tj_prune(p->store, &options, &report, &error), &error, "prune");
    if (report.segment_count == 0) {
        die("there was nothing to prune");
    }
}

static void life_with_history(part *p)
{
    open_journal(p);
    commit_and_work(p, 90);
    prune(p);
    commit_and_work(p, 50);
    close_journal(p);
    open_journal(p);
    commit_and_work(p, 20);
    prune(p);
    commit_and_work(p, 10);
}

/* Ends as a killed process does: nothing is closed. */
static void live(const char *directory, workload kind, void (*life)(part *), uint64_t first,
                 uint32_t first_file, const char *trace_path)
{
    pid_t child = fork_dependent();
    if (child == 0) {
        trace recorded = {.os_mode = kind == WORKLOAD_OS};
        part p = {.directory = directory, .kind = kind, .next = first};
        snprintf(p.path, sizeof p.path, "%s/journal", directory);
        record_slow_flushes(FLUSH_TIME_US);
        record_begin(directory, first_file, &recorded);
        life(&p);
        record_end_killed();
        trace_save(&recorded, trace_path);
        _exit(0);
    }
    int status = 0;
    if (child < 0 || waitpid(child, &status, 0) != child || status != 0) {
        die("the workload ended with status %d", status);
    }
}

const char *workload_name(workload kind)
{
    static const char *const names[WORKLOADS] = {"sync", "os", "history"};
    return names[kind];
}

void workload_record(const char *directory, workload kind, const char *trace_path)
{
    uint64_t first_count = 12 + 18 * THREADS + 6 + 10 * THREADS;
    if (kind == WORKLOAD_HISTORY) {
        live(directory, kind, life_with_history, 0, 0, trace_path);
        return;
    }
    live(directory, kind, first_life, 0, 0, trace_path);
    live(directory, kind, second_life, first_count, 1000, trace_path);
}
