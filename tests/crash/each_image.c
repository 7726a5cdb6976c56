/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Building, checking and remembering one image after the other. */
#include "crash/each_image.h"

#include <inttypes.h>
#include <sys/wait.h>
#include <unistd.h>

#include "crash/choices.h"
#include "crash/known.h"
#include "crash/support.h"
#include "support/orphan.h"

#define CHECK_SECONDS_MAX 60
#define FINDINGS_MAX 5

typedef struct sweeping {
    each_image *sweep;
    disk *disk;
    known_image *known;
    uint64_t promise;
} sweeping;

int wrong_image(const char *what, const tj_error *error)
{
    fprintf(stderr, "  %s: %s\n", what, error->status == TJ_OK ? "" : error->message);
    return WRONG_IMAGE;
}

static int check_apart(const each_image *sweep, const image *built)
{
    int status = 0;
    fflush(NULL);
    pid_t child = fork_dependent();
    if (child == 0) {
        if (sweep->quiet && !freopen("/dev/null", "w", stderr)) {
            _exit(WRONG_IMAGE);
        }
        alarm(CHECK_SECONDS_MAX);
        image_write(sweep->directory, built);
        _exit(sweep->check(sweep->context));
    }
    if (child < 0 || waitpid(child, &status, 0) != child) {
        die("a check was not waited for");
    }
    return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

static void report(const sweeping *s, const image *built, int result)
{
    char kept[600];
    snprintf(kept, sizeof kept, "%s/kept-%016" PRIx64, s->sweep->work, built->hash);
    image_write(kept, built);
    fprintf(stderr, "VIOLATION (%d): kept in %s; promised was %" PRIu64 "\n", result, kept,
            s->promise);
}

static void visit(void *context, const choice *how, bool always)
{
    sweeping *s = context;
    each_image *sweep = s->sweep;
    image built;
    if (!always && sweep->samples > 0 && random_below(&sweep->random, 40) >= sweep->samples) {
        return;
    }
    disk_build(s->disk, how, &built);
    /* The same image may be met when more is promised. */
    known_image *entry = known_find(s->known, built.hash ^ s->promise * 0x9E3779B97F4A7C15u);
    if (entry->state == KNOWN_GOOD || sweep->findings >= FINDINGS_MAX) {
        return;
    }
    entry->state = KNOWN_GOOD;
    sweep->checked++;
    int result = check_apart(sweep, &built);
    sweep->findings += result != 0;
    if (result != 0 && !sweep->quiet) {
        report(s, &built, result);
    }
}

void each_image_of(each_image *sweep, const trace *t)
{
    sweeping s = {.sweep = sweep, .disk = disk_new(), .known = known_new()};
    if (sweep->start) {
        disk_load(s.disk, sweep->start);
    }
    for (size_t i = 0; i < t->count && sweep->findings < FINDINGS_MAX; i++) {
        s.promise = sweep->promised(sweep->context, &t->events[i]);
        disk_apply(s.disk, &t->events[i], i);
        choices_at at = {.disk = s.disk,
                         .random_images = 6,
                         .torn_samples = 2,
                         .random = &sweep->random,
                         .visit = visit,
                         .context = &s};
        each_choice(&at);
    }
    disk_free(s.disk);
    known_free(s.known);
    printf("%s: %zu events, %" PRIu64 " images checked, %" PRIu64 " violations\n", sweep->name,
           t->count, sweep->checked, sweep->findings);
    fflush(stdout);
}
