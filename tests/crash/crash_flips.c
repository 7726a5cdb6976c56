/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * A bit that turns over on the disk, in what was acknowledged, is noticed.
 *
 * A process commits alone, so that every record but the newest is known to be durable by one behind
 * it, and is killed. In copies of its journal one bit is turned: in the log while LMDB has applied
 * nothing of it yet, and in the rows that LMDB holds after a clean close.
 *   - in a record or a segment's header that a later record vouches for: opening is refused, and
 *     changes nothing
 *   - in the newest record: it cannot be told from one that was being written, and is cut
 *   - behind the end of the log: everything is there
 *   - in a row: refused, or that one algorithm is listed as undecodable and all else is right
 *   - in LMDB's own pages: refused, or everything is there
 */
#include <inttypes.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "crash/check.h"
#include "crash/support.h"
#include "log/frame.h"
#include "support/orphan.h"

#define COMMITS 130
#define FLIPS_LOG 400
#define FLIPS_ROWS 150
#define FLIPS_PAGES 300
#define PAGE_SIZE 4096
#define RECORD_ALIGN 64
#define FILES_MAX 16

typedef struct file {
    char path[64]; /* below the work directory */
    uint8_t *data;
    size_t size;
    size_t used; /* up to the last record's end, for segments */
    bool segment;
} file;

typedef struct journal {
    file files[FILES_MAX];
    size_t count;
    size_t newest;       /* index of the last segment that holds a record */
    size_t newest_start; /* where its last record starts */
} journal;

typedef struct totals {
    unsigned refused;
    unsigned cut;
    unsigned whole;
    unsigned quarantined;
    unsigned wrong;
} totals;

static char work[256];
static uint64_t numbers[COMMITS];
static const history done = {numbers, COMMITS};

/* ---- making a journal -------------------------------------------------------------------- */

static tj_config config_in(const char *path)
{
    tj_config config = crash_config(path);
    config.lmdb.lag_bytes = (uint64_t)1 << 30;
    config.lmdb.lag_ms = 3600 * 1000;
    return config;
}

static void live(bool closes)
{
    char path[300];
    tj_error error = TJ_ERROR_INIT;
    tj_store *store = NULL;
    snprintf(path, sizeof path, "%s/journal", work);
    tj_config config = config_in(path);
    tj_status status = tj_store_open(&config, &store, &error);
    for (uint64_t i = 0; i < COMMITS && status == TJ_OK; i++) {
        uint64_t sequence = 0;
        status = commit_apply(store, i, &sequence, &error);
    }
    if (status == TJ_OK && closes) {
        status = tj_store_close(store, &error);
    }
    if (status != TJ_OK) {
        die("the journal cannot be made: %s", error.message);
    }
    _exit(0);
}

static void read_file(journal *j, const char *path)
{
    char full[400];
    struct stat info;
    snprintf(full, sizeof full, "%s/%s", work, path);
    FILE *stream = must(fopen(full, "rb"));
    if (j->count == FILES_MAX || fstat(fileno(stream), &info) != 0) {
        die("%s cannot be read", full);
    }
    file *f = &j->files[j->count++];
    snprintf(f->path, sizeof f->path, "%s", path);
    f->size = (size_t)info.st_size;
    f->data = must(malloc(f->size));
    f->segment = strstr(path, "/log/") != NULL;
    if (fread(f->data, 1, f->size, stream) != f->size) {
        die("%s cannot be read", full);
    }
    fclose(stream);
}

static bool all_zero(const uint8_t *data, size_t size)
{
    return data[0] == 0 && memcmp(data, data + 1, size - 1) == 0;
}

static void find_records(journal *j, size_t index)
{
    file *f = &j->files[index];
    for (size_t at = 0; at < f->size; at += RECORD_ALIGN) {
        if (all_zero(f->data + at, RECORD_ALIGN)) {
            continue;
        }
        f->used = at + RECORD_ALIGN > f->used ? at + RECORD_ALIGN : f->used;
        if (memcmp(f->data + at, "TJRC", 4) == 0) {
            /* The hash covers the padding too, and of a seal the second half is zeros. */
            f->used = at + tj__record_size(tj__load_u32(f->data + at + 72));
            j->newest = index;
            j->newest_start = at;
        }
    }
}

/* The journal of a process that has committed, and was killed or has closed it. */
static journal make_journal(bool closes)
{
    journal j = {0};
    int status = 0;
    directory_remove(work);
    if (mkdir(work, 0770) != 0) {
        die("%s cannot be made", work);
    }
    fflush(NULL);
    pid_t child = fork_dependent();
    if (child == 0) {
        live(closes);
    }
    if (child < 0 || waitpid(child, &status, 0) != child || status != 0) {
        die("making a journal ended with status %d", status);
    }
    read_file(&j, "journal/data.mdb");
    for (unsigned ordinal = 1;; ordinal++) {
        char path[64];
        char full[400];
        snprintf(path, sizeof path, "journal/log/%010u.log", ordinal);
        snprintf(full, sizeof full, "%s/%s", work, path);
        if (access(full, F_OK) != 0) {
            return j;
        }
        read_file(&j, path);
        find_records(&j, j.count - 1);
    }
}

static void dispose(journal *j)
{
    for (size_t i = 0; i < j->count; i++) {
        free(j->files[i].data);
    }
}

/* ---- trying one -------------------------------------------------------------------------- */

static image image_of(const journal *j, uint64_t variant)
{
    image built = {.hash = variant << 32};
    built.entries[built.count++] = (image_entry){"journal", true, NULL, 0};
    built.entries[built.count++] = (image_entry){"journal/log", true, NULL, 0};
    for (size_t i = 0; i < j->count; i++) {
        const file *f = &j->files[i];
        built.entries[built.count++] = (image_entry){f->path, false, f->data, f->size};
    }
    return built;
}

/* How a journal may open, beside showing the right rows after so many commits. */
enum { REFUSES = -1, QUARANTINES = -2, SHOWS_WRONG = -3 };

/* Whether every line is as expected but that one algorithm is listed as undecodable. */
static bool quarantines_one(const char *expected, const char *found)
{
    unsigned lines = 0;
    unsigned quarantined = 0;
    for (const char *line = found; *line != '\0'; lines++) {
        size_t size = strcspn(line, "\n") + 1;
        if (strncmp(line, "quarantined ", 12) == 0) {
            quarantined++;
        } else if (!memmem(expected, strlen(expected), line, size)) {
            return false;
        }
        line += size;
    }
    for (; *expected != '\0'; expected++) {
        lines -= *expected == '\n';
    }
    return lines == 0 && quarantined == 1;
}

static int64_t compare_rows(uint64_t sequence, const char *found)
{
    static model m;
    if (sequence > COMMITS) {
        return SHOWS_WRONG;
    }
    model_after(&m, &done, (size_t)sequence);
    char *expected = model_text(&m);
    int64_t shown = strcmp(expected, found) == 0       ? (int64_t)sequence
                    : quarantines_one(expected, found) ? QUARANTINES
                                                       : SHOWS_WRONG;
    free(expected);
    return shown;
}

/* Opens the copy: the commits that it shows, or one of the above. */
static int64_t commits_shown(bool read_only, tj_error *error)
{
    char path[300];
    tj_store *store = NULL;
    char *found = NULL;
    uint64_t sequence = 0;
    snprintf(path, sizeof path, "%s/journal", work);
    tj_config config = config_in(path);
    config.read_only = read_only;
    tj_status status = tj_store_open(&config, &store, error);
    if (status == TJ_OK) {
        status = store_text(store, &found, &sequence, error);
    }
    int64_t shown = status == TJ_OK ? compare_rows(sequence, found) : REFUSES;
    free(found);
    (void)tj_store_close(store, NULL);
    return shown;
}

static bool refusal_is_right(const tj_error *error)
{
    return error->status == TJ_CORRUPT || error->status == TJ_FORMAT_NEWER;
}

static bool unchanged(const journal *j)
{
    for (size_t i = 0; i < j->count; i++) {
        char full[400];
        const file *f = &j->files[i];
        snprintf(full, sizeof full, "%s/%s", work, f->path);
        FILE *stream = fopen(full, "rb");
        uint8_t *now = must(malloc(f->size + 1));
        bool same = stream && fread(now, 1, f->size + 1, stream) == f->size &&
                    memcmp(now, f->data, f->size) == 0;
        free(now);
        if (stream) {
            fclose(stream);
        }
        if (!same) {
            return false;
        }
    }
    return true;
}

static void complain(totals *t, const file *f, size_t at, int64_t view, int64_t writer,
                     const tj_error *error)
{
    t->wrong++;
    fprintf(stderr,
            "VIOLATION: a bit turned at %zu of %s: a view shows %" PRId64
            " commits, a writer %" PRId64 " of %d (%s: %s)\n",
            at, f->path, view, writer, COMMITS, tj_status_name(error->status), error->message);
}

/* What must be seen after a flip. A record whose version was turned may be a later release's: it is
 * not cut. */
typedef enum expectation { REFUSED, CUT, WHOLE, NOTICED } expectation;

static void try_flip(journal *j, size_t index, size_t at, unsigned bit, expectation wanted,
                     totals *t)
{
    file *f = &j->files[index];
    f->data[at] ^= (uint8_t)(1u << bit);
    image built = image_of(j, at);
    tj_error error = TJ_ERROR_INIT;
    tj_error view_error = TJ_ERROR_INIT;
    image_write(work, &built);
    int64_t view = commits_shown(true, &view_error);
    int64_t writer = commits_shown(false, &error);
    bool refused = view == REFUSES && writer == REFUSES && refusal_is_right(&error) &&
                   refusal_is_right(&view_error) && unchanged(j);
    bool cut = view == COMMITS - 1 && writer == COMMITS - 1;
    bool whole = view == COMMITS && writer == COMMITS;
    bool quarantined = view == QUARANTINES && writer == QUARANTINES;
    f->data[at] ^= (uint8_t)(1u << bit);
    t->refused += refused;
    t->cut += cut;
    t->whole += whole;
    t->quarantined += quarantined;
    bool right = wanted == REFUSED ? refused
                 : wanted == CUT   ? cut || (refused && error.status == TJ_FORMAT_NEWER)
                 : wanted == WHOLE ? whole
                                   : refused || whole || quarantined;
    if (!right) {
        complain(t, f, at, view, writer, &error);
    }
}

static expectation expected_in_log(const journal *j, size_t index, size_t at)
{
    const file *f = &j->files[index];
    if (at >= f->used) {
        return WHOLE;
    }
    return index == j->newest && at >= j->newest_start ? CUT : REFUSED;
}

static void flip_log(uint64_t *random, totals *t)
{
    journal j = make_journal(false);
    for (unsigned i = 0; i < FLIPS_LOG; i++) {
        size_t index = 1 + (size_t)random_below(random, j.newest);
        const file *f = &j.files[index];
        /* Mostly where records are; often in the newest, which is small. */
        size_t at = (size_t)random_below(random, i % 8 == 0 ? f->size : f->used);
        if (i % 16 == 1) {
            index = j.newest;
            at =
                j.newest_start + (size_t)random_below(random, j.files[index].used - j.newest_start);
        }
        try_flip(&j, index, at, (unsigned)random_below(random, 8), expected_in_log(&j, index, at),
                 t);
    }
    dispose(&j);
}

static bool in_padding(const uint8_t *at)
{
    return at[0] >= 'a' && at[0] <= 'z' && memcmp(at - 8, at - 7, 15) == 0;
}

/* In what LMDB keeps of its pages, mostly: their heads, and the offsets and heads of nodes. */
static void flip_pages(uint64_t *random, totals *t)
{
    journal j = make_journal(true);
    const file *f = &j.files[0];
    for (unsigned i = 0; i < FLIPS_PAGES; i++) {
        size_t page = 2 + (size_t)random_below(random, f->size / PAGE_SIZE - 2);
        size_t within = (size_t)random_below(random, i % 3 == 0 ? PAGE_SIZE : 16);
        try_flip(&j, 0, page * PAGE_SIZE + within, (unsigned)random_below(random, 8), NOTICED, t);
    }
    dispose(&j);
}

/* In the padding of payloads, where only the checksum of a row can tell. */
static void flip_rows(uint64_t *random, totals *t)
{
    journal j = make_journal(true);
    const file *f = &j.files[0];
    for (unsigned flips = 0; flips < FLIPS_ROWS;) {
        size_t at = 8 + (size_t)random_below(random, f->size - 16);
        if (!in_padding(f->data + at)) {
            continue;
        }
        try_flip(&j, 0, at, (unsigned)random_below(random, 8), NOTICED, t);
        flips++;
    }
    dispose(&j);
}

static void tell(const char *where, const totals *t)
{
    printf("%s: %u refused, %u cut, %u whole, %u quarantined, %u wrong\n", where, t->refused,
           t->cut, t->whole, t->quarantined, t->wrong);
}

int main(int argc, char **argv)
{
    uint64_t seed = argc > 1 ? strtoull(argv[1], NULL, 10) : seed_given((uint64_t)time(NULL));
    uint64_t random = seed;
    totals log = {0};
    totals rows = {0};
    totals pages = {0};
    printf("TJ_SEED=%" PRIu64 " repeats this run\n", seed);
    make_work_directory(work);
    for (uint64_t i = 0; i < COMMITS; i++) {
        numbers[i] = i;
    }
    flip_log(&random, &log);
    tell("bits turned in the log", &log);
    flip_rows(&random, &rows);
    tell("bits turned in rows", &rows);
    flip_pages(&random, &pages);
    tell("bits turned in pages", &pages);
    directory_remove(work);
    bool rang = log.refused > 0 && log.cut > 0 && log.whole > 0 && rows.quarantined > 0 &&
                pages.refused > 0;
    return log.wrong + rows.wrong + pages.wrong == 0 && rang ? 0 : 1;
}
