/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* The walk through a trace, the images at each event, and what is reported. */
#include "crash/sweep.h"

#include <inttypes.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "crash/choices.h"
#include "crash/known.h"
#include "crash/record.h"
#include "crash/support.h"
#include "support/orphan.h"

#define CHECK_SECONDS_MAX 60
/* At each event of a recovery: beside the images that are always checked. */
#define RECOVERY_SAMPLES 2
#define RECOVERY_COMMITS 2

/* Where a worker is; its parent reads it when it has died. */
typedef struct place {
    size_t event;
    uint64_t hash;
    bool in_recovery; /* then the next two are those of the recovery of that image */
    size_t recovery_event;
    uint64_t recovery_hash;
} place;

typedef struct common {
    sweep_counts counts;
    place at;
    double started;
} common;

/* An image that is to be checked. */
typedef struct candidate {
    choice choice;
    bool always;
} candidate;

typedef struct sweep {
    const sweep_options *options;
    common *shared;
    known_image *known;
    checker *checker;
    /* One of these for the trace, and one inside it for a recovery. */
    const trace *trace;
    disk *disk;
    history history;
    bounds bounds;
    bool in_recovery;
    size_t event;
    uint64_t random;
    candidate *candidates;
    size_t candidate_count;
    size_t candidate_capacity;
} sweep;

static void sweep_recovery(sweep *s, const image *from, const outcome *found);

/* ---- findings ---------------------------------------------------------------------------- */

static void tell_pending(const sweep *s, const choice *how)
{
    static const char *const torn[] = {"", ", only its first sectors", ", without one sector",
                                       ", only its length"};
    size_t count = disk_pending(s->disk);
    size_t from = count > 24 ? count - 24 : 0;
    for (size_t i = from; i < count; i++) {
        char text[256];
        bool is_torn = how->torn_kind != TORN_NOT && how->torn == i;
        disk_unit_text(s->disk, i, text, sizeof text);
        fprintf(stderr, "    %s %s%s", choice_has(how, i) ? "on disk:" : "lost:   ", text,
                torn[is_torn ? how->torn_kind : TORN_NOT]);
        if (is_torn && how->torn_kind != TORN_LENGTH) {
            fprintf(stderr, " (%zu)", how->torn_sector);
        }
        fputc('\n', stderr);
    }
}

static void tell_place(const sweep_options *options, const place *at)
{
    fprintf(stderr, "  at event %zu, image %016" PRIx64, at->event, at->hash);
    if (at->in_recovery) {
        fprintf(stderr, ", in its recovery: event %zu, image %016" PRIx64, at->recovery_event,
                at->recovery_hash);
    }
    fprintf(stderr,
            "\n  again: crash_images --trace %s --seed %" PRIu64 " --event %zu --image %016" PRIx64
            "\n",
            options->trace_path, options->seed, at->event, at->hash);
}

static void report(sweep *s, const image *found, const choice *how, const char *why)
{
    sweep_counts *counts = &s->shared->counts;
    if (++counts->violations == 1) {
        snprintf(counts->first_why, sizeof counts->first_why, "%s", why);
    }
    if (s->options->quiet) {
        return;
    }
    char kept[600];
    char last[256];
    snprintf(kept, sizeof kept, "%s/kept-%016" PRIx64, s->options->work, found->hash);
    image_write(kept, found);
    event_text(&s->trace->events[s->event], last, sizeof last);
    fprintf(stderr, "VIOLATION: %s\n", why);
    tell_place(s->options, &s->shared->at);
    fprintf(stderr, "  the last event was: %s\n%s", last, s->checker->messages);
    tell_pending(s, how);
    fprintf(stderr, "  the image is kept in %s\n", kept);
}

static void report_death(const sweep_options *options, const common *shared, int status)
{
    if (options->quiet) {
        return;
    }
    if (WIFSIGNALED(status)) {
        fprintf(stderr, "VIOLATION: the library died of signal %d (%s)\n", WTERMSIG(status),
                strsignal(WTERMSIG(status)));
    } else {
        fprintf(stderr, "VIOLATION: the library ended the process with status %d\n",
                WEXITSTATUS(status));
    }
    tell_place(options, &shared->at);
}

/* ---- one image --------------------------------------------------------------------------- */

static bool enough(const sweep *s)
{
    return s->shared->counts.violations >= s->options->violations_max;
}

static void note_place(sweep *s, uint64_t hash)
{
    place *at = &s->shared->at;
    if (s->in_recovery) {
        at->recovery_event = s->event;
        at->recovery_hash = hash;
    } else {
        *at = (place){.event = s->event, .hash = hash};
    }
}

static void judge_known(sweep *s, known_image *entry, const image *built, const choice *how)
{
    char why[WHY_SIZE];
    if (!judge(&entry->outcome, &s->bounds, why)) {
        note_place(s, built->hash);
        entry->state = KNOWN_BAD;
        report(s, built, how, why);
    }
}

static bool recovery_wanted(const sweep *s, uint64_t hash)
{
    return !s->in_recovery && !enough(s) &&
           (s->options->replay || (s->options->recoveries_every > 0 &&
                                   (hash ^ s->options->seed) % s->options->recoveries_every == 0));
}

static void check_candidate(sweep *s, const choice *how)
{
    image built;
    disk_build(s->disk, how, &built);
    known_image *entry = known_find(s->known, built.hash);
    if (entry->state != KNOWN_SEEN) {
        return;
    }
    note_place(s, built.hash);
    entry->state = KNOWN_CHECKING;
    s->shared->counts.checked++;
    alarm(CHECK_SECONDS_MAX);
    bool good = check_image(s->checker, &built, &s->history, &entry->outcome);
    alarm(0);
    if (!good) {
        entry->state = KNOWN_BAD;
        report(s, &built, how, s->checker->why);
        return;
    }
    entry->state = KNOWN_GOOD;
    s->shared->counts.no_journal += entry->outcome.view == NO_JOURNAL;
    judge_known(s, entry, &built, how);
    if (recovery_wanted(s, built.hash)) {
        sweep_recovery(s, &built, &entry->outcome);
    }
}

static void add_candidate(sweep *s, const choice *how, bool always)
{
    if (s->candidate_count == s->candidate_capacity) {
        s->candidate_capacity = s->candidate_capacity == 0 ? 256 : 2 * s->candidate_capacity;
        s->candidates = must(realloc(s->candidates, s->candidate_capacity * sizeof(candidate)));
    }
    s->candidates[s->candidate_count++] = (candidate){*how, always};
}

/* Builds an image; one that is known is judged at once, a new one waits for its turn. */
static void consider(void *context, const choice *how, bool always)
{
    sweep *s = context;
    image built;
    if (enough(s)) {
        return;
    }
    disk_build(s->disk, how, &built);
    s->shared->counts.images++;
    if (s->options->replay && !s->in_recovery && built.hash != s->options->replay_hash) {
        return;
    }
    known_image *entry = known_find(s->known, built.hash);
    if (entry->state == KNOWN_NOT) {
        entry->state = KNOWN_SEEN;
        s->shared->counts.distinct++;
    }
    if (entry->state == KNOWN_GOOD) {
        judge_known(s, entry, &built, how);
    } else if (entry->state == KNOWN_SEEN) {
        add_candidate(s, how, always);
    }
}

/* ---- time -------------------------------------------------------------------------------- */

/* Events get equal shares of the time; what one leaves over is the next one's. */
static bool in_time(const sweep *s, size_t sampled)
{
    if (s->in_recovery) {
        return s->options->seconds <= 0 || sampled < RECOVERY_SAMPLES;
    }
    double done = (double)(s->event + 1) / (double)s->trace->count;
    return s->options->seconds <= 0 || s->options->replay ||
           seconds_now() - s->shared->started < s->options->seconds * done;
}

static void check_candidates(sweep *s)
{
    for (size_t i = 0; i < s->candidate_count && !enough(s); i++) {
        if (s->candidates[i].always) {
            check_candidate(s, &s->candidates[i].choice);
        }
    }
    for (size_t sampled = 0; s->candidate_count > 0 && !enough(s) && in_time(s, sampled);
         sampled++) {
        size_t pick = (size_t)random_below(&s->random, s->candidate_count);
        choice how = s->candidates[pick].choice;
        s->candidates[pick] = s->candidates[--s->candidate_count];
        check_candidate(s, &how);
    }
    s->candidate_count = 0;
}

/* ---- going through a trace --------------------------------------------------------------- */

static void raise_to(uint64_t *value, uint64_t to)
{
    *value = to > *value ? to : *value;
}

/* What a power cut after this event must keep, and may show. */
static void note_promise(sweep *s, const event *e)
{
    switch (e->kind) {
    case EVENT_ATTEMPT:
        s->bounds.high++;
        break;
    case EVENT_ACK:
        if (!s->trace->os_mode) {
            raise_to(&s->bounds.low, e->size);
        }
        break;
    case EVENT_OPENED:
        s->bounds.created = true;
        raise_to(&s->bounds.low, e->size);
        break;
    case EVENT_CLOSED:
        raise_to(&s->bounds.low, e->size);
        break;
    default:
        break;
    }
}

static void sweep_events(sweep *s, size_t first)
{
    for (s->event = 0; s->event < s->trace->count && !enough(s); s->event++) {
        const event *e = &s->trace->events[s->event];
        size_t before = disk_pending(s->disk);
        disk_apply(s->disk, e, s->event);
        if (s->options->write_back_events > 0 && s->event > s->options->write_back_events) {
            disk_write_back(s->disk, s->event - s->options->write_back_events);
        }
        note_promise(s, e);
        bool wanted = s->options->replay && !s->in_recovery ? s->event == s->options->replay_event
                                                            : s->event >= first;
        if (!wanted || e->kind == EVENT_ATTEMPT || e->kind == EVENT_KNOWN) {
            continue;
        }
        s->shared->counts.events += !s->in_recovery;
        /* By place, not by what came before: a finding can be replayed alone. */
        s->random = s->options->seed * 1000003 + s->event + 1;
        choices_at how = {.disk = s->disk,
                          .added = event_changes(e->kind) && disk_pending(s->disk) == before + 1,
                          .few = !in_time(s, 0),
                          .random_images = s->options->random_images,
                          .torn_samples = s->options->torn_samples,
                          .random = &s->random,
                          .visit = consider,
                          .context = s};
        each_choice(&how);
        check_candidates(s);
    }
}

/* ---- recoveries -------------------------------------------------------------------------- */

/* Recovers an image, commits a little, closes, and records it all. */
static bool record_recovery(sweep *s, const image *from, trace *into)
{
    tj_error error = TJ_ERROR_INIT;
    tj_store *store = NULL;
    char path[600];
    char *text = NULL;
    uint64_t sequence = 0;
    image_write(s->checker->directory, from);
    snprintf(path, sizeof path, "%s/journal", s->checker->directory);
    tj_config config = crash_config(path);
    record_begin(s->checker->directory, 0, into);
    tj_status status = tj_store_open(&config, &store, &error);
    if (status == TJ_OK) {
        status = store_text(store, &text, &sequence, &error);
        free(text);
        record_opened(sequence);
    }
    for (uint64_t i = 0; i < RECOVERY_COMMITS && status == TJ_OK; i++) {
        record_attempt(EXTRA_COMMIT_FIRST + i);
        status = commit_apply(store, EXTRA_COMMIT_FIRST + i, &sequence, &error);
        record_ack(EXTRA_COMMIT_FIRST + i, sequence);
    }
    tj_status closed = tj_store_close(store, &error);
    record_closed(sequence);
    record_end();
    if (status != TJ_OK || closed != TJ_OK) {
        snprintf(s->checker->why, WHY_SIZE, "recovered once more it fails: %s", error.message);
    }
    return status == TJ_OK && closed == TJ_OK;
}

static void sweep_recovery(sweep *s, const image *from, const outcome *found)
{
    trace recorded = {0};
    size_t count = (size_t)found->opened;
    choice nothing = {0};
    s->shared->counts.recoveries++;
    sweep inner = *s;
    inner.trace = &recorded;
    inner.disk = disk_new();
    disk_load(inner.disk, from);
    inner.history = (history){must(malloc((count + RECOVERY_COMMITS) * sizeof(uint64_t))), count};
    memcpy(inner.history.numbers, s->history.numbers, count * sizeof(uint64_t));
    for (uint64_t i = 0; i < RECOVERY_COMMITS; i++) {
        inner.history.numbers[inner.history.count++] = EXTRA_COMMIT_FIRST + i;
    }
    inner.bounds.high = count;
    inner.in_recovery = true;
    inner.candidates = NULL;
    inner.candidate_count = 0;
    inner.candidate_capacity = 0;
    if (record_recovery(s, from, &recorded)) {
        s->shared->at.in_recovery = true;
        sweep_events(&inner, 0);
        s->shared->at.in_recovery = false;
    } else {
        report(s, from, &nothing, s->checker->why);
    }
    free(inner.candidates);
    free(inner.history.numbers);
    disk_free(inner.disk);
    trace_dispose(&recorded);
}

/* ---- workers ----------------------------------------------------------------------------- */

/* The order of the commits, as their acknowledgements tell it. */
static history history_of(const trace *t)
{
    history h = {must(calloc(t->count + 1, sizeof(uint64_t))), 0};
    for (size_t i = 0; i < t->count; i++) {
        const event *e = &t->events[i];
        if (e->kind == EVENT_ACK) {
            h.numbers[e->size - 1] = e->offset;
            raise_to(&h.count, e->size);
        }
    }
    return h;
}

static bool has_history(const trace *t)
{
    for (size_t i = 0; i < t->count; i++) {
        if (t->events[i].path && strstr(t->events[i].path, "journal/history/")) {
            return true;
        }
    }
    return false;
}

static void work(const sweep_options *options, const trace *t, common *shared, known_image *known)
{
    static checker images;
    images.past = has_history(t);
    snprintf(images.directory, sizeof images.directory, "%s/image", options->work);
    sweep s = {.options = options,
               .shared = shared,
               .known = known,
               .checker = &images,
               .trace = t,
               .disk = disk_new(),
               .history = history_of(t)};
    sweep_events(&s, shared->at.event);
    free(s.candidates);
    free(s.history.numbers);
    disk_free(s.disk);
    directory_remove(images.directory);
}

sweep_counts sweep_run(const sweep_options *options, const trace *t)
{
    common *shared =
        mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    known_image *known = known_new();
    if (shared == MAP_FAILED) {
        die("no shared memory");
    }
    shared->started = seconds_now();
    for (int status = 1; status != 0 && shared->counts.violations < options->violations_max;) {
        fflush(NULL);
        pid_t child = fork_dependent();
        if (child == 0) {
            work(options, t, shared, known);
            fflush(NULL);
            _exit(0);
        }
        if (child < 0 || waitpid(child, &status, 0) != child) {
            die("no worker");
        }
        if (WIFEXITED(status) && WEXITSTATUS(status) == 3) {
            exit(3); /* The harness itself; it has said why. */
        }
        if (status != 0) {
            shared->counts.violations++;
            report_death(options, shared, status);
        }
    }
    sweep_counts counts = shared->counts;
    munmap(shared, sizeof *shared);
    known_free(known);
    return counts;
}
