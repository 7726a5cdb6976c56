/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * What a power cut may leave of a repair that exchanges names, and of the opening that brings a
 * journal of format version 1 up, at every moment, and of the commits after them:
 *
 *   - a repaired journal has its place when the call returned, or the damaged one is there and can
 *     be repaired again without a loss; what has the name of the new one is whole
 *   - a journal that is brought up opens, and has every row that it had
 *   - every acknowledged commit is there
 *
 *   crash_repair repair|hole|upgrade [--long]   a sample, or every image that is enumerated
 *
 * repair: of a journal without data.mdb. hole: of one that lacks a segment that only history needs,
 * which opens at every moment.
 */
#include <dirent.h>
#include <inttypes.h>
#include <stdarg.h>
#include <sys/stat.h>
#include <unistd.h>

#include <tesser/journal.h>

#include "crash/check.h"
#include "crash/each_image.h"
#include "crash/record.h"
#include "crash/support.h"
#include "history/digest.h"
#include "store/store.h"

#define COMMITS 1200
#define MORE_COMMITS 3
#define V1_JOURNAL TJ_TESTDATA_COPY "/../format/v1/killed.tar.gz"

/* What the journal holds after the commits that matter: before the recording, and since. */
typedef struct expected {
    uint64_t first;
    tj__digest states[MORE_COMMITS + 1];
} expected;

typedef struct run {
    char work[256];
    char root[300];  /* what is recorded, */
    char image[300]; /* and where its images are put */
    bool repair;     /* or an upgrade */
    bool hole;
    expected expected;
    bool promised; /* the repair has returned */
    uint64_t acknowledged;
} run;

static void check(tj_status status, const tj_error *error, const char *what)
{
    if (status != TJ_OK) {
        die("the workload cannot %s: %s", what, error->message);
    }
}

static void shell(const char *format, ...) TJ_PRINTF(1, 2);
static void shell(const char *format, ...)
{
    char command[2048];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(command, sizeof command, format, arguments);
    va_end(arguments);
    if (system(command) != 0) {
        die("%s failed", command);
    }
}

/* ---- a journal ----------------------------------------------------------------------------- */

static tj_config config_of(const char *path)
{
    tj_config config = TJ_CONFIG_INIT;
    config.path = path;
    config.must_exist = true;
    config.no_threads = true;
    config.lmdb.segment_size_bytes = TJ_SEGMENT_SIZE_MIN;
    return config;
}

static void save(tj_store *store, uint64_t number)
{
    tj_error error = TJ_ERROR_INIT;
    tj_live_state state = {.has_portfolio_equity = true,
                           .portfolio_equity = tj_decimal_int((int64_t)number)};
    check(tj_state_save(tj_store_state_repository(store, NULL), &state, &error), &error, "save");
}

/* All rows, and the commit that they are of. */
static tj_status look(tj_store *store, uint64_t *sequence, tj__digest *digest, tj_error *error)
{
    tj__reading reading;
    tj_status status = tj__reading_begin(&reading, store, "default", error);
    if (status == TJ_OK) {
        *sequence = reading.rows->sequence;
        status = tj__digest_rows(reading.rows, digest, error);
    }
    tj__reading_end(&reading);
    return status;
}

/* Commits that are acknowledged, each of them noted. */
static void go_on(run *s, tj_store *store)
{
    tj_error error = TJ_ERROR_INIT;
    for (uint64_t i = 1; i <= MORE_COMMITS; i++) {
        uint64_t sequence = 0;
        save(store, COMMITS + i);
        check(look(store, &sequence, &s->expected.states[i], &error), &error, "look");
        record_ack(0, sequence);
    }
}

/* ---- what is recorded ---------------------------------------------------------------------- */

static void make_damaged(run *s, const char *journal)
{
    tj_error error = TJ_ERROR_INIT;
    tj_store *store = NULL;
    tj_config config = config_of(journal);
    config.must_exist = false;
    config.durability = TJ_DURABILITY_OS;
    check(tj_store_open(&config, &store, &error), &error, "open");
    for (uint64_t n = 1; n <= COMMITS; n++) {
        save(store, n);
    }
    check(look(store, &s->expected.first, &s->expected.states[0], &error), &error, "look");
    check(tj_store_close(store, &error), &error, "close");
    shell("cd %s && rm -f %s lock.mdb reserve writer.lock", journal,
          s->hole ? "log/0000000002.log" : "data.mdb");
}

static void unpack_v1(run *s, const char *journal)
{
    char copy[400];
    tj_error error = TJ_ERROR_INIT;
    tj_store *store = NULL;
    shell("tar -C %s -xzf %s && mv %s/killed %s && rm %s/writer.lock", s->root, V1_JOURNAL, s->root,
          journal, journal);
    snprintf(copy, sizeof copy, "%s/copy", s->work);
    shell("cp -r %s %s", journal, copy);
    tj_config config = config_of(copy);
    check(tj_store_open(&config, &store, &error), &error, "open");
    check(look(store, &s->expected.first, &s->expected.states[0], &error), &error, "look");
    check(tj_store_close(store, &error), &error, "close");
}

static void record(run *s, const char *journal, trace *into)
{
    char repaired[400];
    tj_error error = TJ_ERROR_INIT;
    tj_store *store = NULL;
    tj_repair_report *report = NULL;
    tj_repair_options options = TJ_REPAIR_OPTIONS_INIT;
    tj_config config = config_of(journal);
    snprintf(repaired, sizeof repaired, "%s/repaired", s->root);
    options.swap = true;
    record_begin(s->root, 0, into);
    if (s->repair) {
        check(tj_repair(journal, repaired, &options, &report, &error), &error, "repair");
        record_opened(report->sequence);
        tj_repair_report_free(report);
    }
    check(tj_store_open(&config, &store, &error), &error, "open");
    go_on(s, store);
    record_end();
    check(tj_store_close(store, &error), &error, "close");
}

/* ---- the image that it starts from --------------------------------------------------------- */

static void load_file(image *to, const char *root, const char *path)
{
    char whole[800];
    struct stat found;
    snprintf(whole, sizeof whole, "%s/%s", root, path);
    if (stat(whole, &found) != 0) {
        die("%s is gone", whole);
    }
    image_entry entry = {.path = strdup(path), .directory = S_ISDIR(found.st_mode)};
    if (!entry.directory) {
        FILE *file = must(fopen(whole, "rb"));
        entry.size = (size_t)found.st_size;
        uint8_t *data = must(malloc(entry.size + 1));
        if (fread(data, 1, entry.size, file) != entry.size) {
            die("%s cannot be read", whole);
        }
        fclose(file);
        entry.data = data;
    }
    to->entries[to->count++] = entry;
}

static void load_below(image *to, const char *root, const char *path)
{
    char whole[800];
    struct dirent **names = NULL;
    load_file(to, root, path);
    if (!to->entries[to->count - 1].directory) {
        return;
    }
    snprintf(whole, sizeof whole, "%s/%s", root, path);
    int count = scandir(whole, &names, NULL, alphasort);
    for (int i = 0; i < count; i++) {
        char below[600];
        snprintf(below, sizeof below, "%s/%s", path, names[i]->d_name);
        if (names[i]->d_name[0] != '.') {
            load_below(to, root, below);
        }
        free(names[i]);
    }
    free(names);
}

static void free_image(image *from)
{
    for (size_t i = 0; i < from->count; i++) {
        free((char *)from->entries[i].path);
        free((uint8_t *)from->entries[i].data);
    }
}

/* ---- one image ----------------------------------------------------------------------------- */

/* It has what was acknowledged, and nothing that was not. */
static int holds(const run *s, const char *path)
{
    tj_store *store = NULL;
    tj_error error = TJ_ERROR_INIT;
    tj__digest digest;
    uint64_t sequence = 0;
    tj_config config = config_of(path);
    if (tj_store_open(&config, &store, &error) != TJ_OK ||
        look(store, &sequence, &digest, &error) != TJ_OK) {
        return wrong_image("it does not open", &error);
    }
    uint64_t since = sequence - s->expected.first;
    bool right = sequence >= s->acknowledged && sequence >= s->expected.first &&
                 since <= MORE_COMMITS &&
                 tj__digest_differs(&digest, &s->expected.states[since]) == 0;
    if (tj_store_close(store, &error) != TJ_OK) {
        return wrong_image("it does not close", &error);
    }
    return right ? 0 : wrong_image("it has another state", &error);
}

static int check_damaged(const run *s, const char *journal)
{
    char again[400];
    tj_error error = TJ_ERROR_INIT;
    tj_repair_report *report = NULL;
    snprintf(again, sizeof again, "%s/again", s->image);
    if (s->promised || s->acknowledged > 0) {
        return wrong_image("the damaged journal is in the place of the new one", &error);
    }
    if (tj_repair(journal, again, NULL, &report, &error) != TJ_OK || report->loses) {
        return wrong_image("it cannot be repaired again", &error);
    }
    tj_repair_report_free(report);
    return holds(s, again);
}

static int check_repaired(const run *s, const char *journal)
{
    char repaired[400];
    char data[420];
    struct stat found;
    snprintf(data, sizeof data, "%s/data.mdb", journal);
    bool damaged = stat(data, &found) != 0;
    bool whole = true;
    snprintf(repaired, sizeof repaired, "%s/repaired", s->image);
    snprintf(data, sizeof data, "%s/data.mdb", repaired);
    if ((damaged || (s->hole && !s->promised)) && stat(data, &found) == 0) {
        whole = holds(s, repaired) == 0;
    }
    return !whole ? WRONG_IMAGE : damaged ? check_damaged(s, journal) : holds(s, journal);
}

static int check_one(void *context)
{
    const run *s = context;
    char journal[400];
    snprintf(journal, sizeof journal, "%s/journal", s->image);
    return s->repair ? check_repaired(s, journal) : holds(s, journal);
}

static uint64_t note_promise(void *context, const event *e)
{
    run *s = context;
    s->promised = s->promised || e->kind == EVENT_OPENED;
    s->acknowledged = e->kind == EVENT_ACK ? e->size : s->acknowledged;
    return 2 * s->acknowledged + s->promised;
}

int main(int argc, char **argv)
{
    static run s;
    static image start;
    char journal[400];
    trace recorded = {0};
    if (argc < 2) {
        die("repair, hole or upgrade?");
    }
    s.repair = strcmp(argv[1], "upgrade") != 0;
    s.hole = strcmp(argv[1], "hole") == 0;
    each_image sweep = {.name = argv[1],
                        .work = s.work,
                        .directory = s.image,
                        .start = &start,
                        .samples = argc > 2 && strcmp(argv[2], "--long") == 0 ? 0 : 2,
                        .random = seed_given((uint64_t)time(NULL) ^ (uint64_t)getpid() << 32),
                        .promised = note_promise,
                        .check = check_one,
                        .context = &s};
    make_work_directory(s.work);
    snprintf(s.root, sizeof s.root, "%s/root", s.work);
    snprintf(s.image, sizeof s.image, "%s/image", s.work);
    snprintf(journal, sizeof journal, "%s/journal", s.root);
    printf("TJ_SEED=%" PRIu64 " repeats this run, in %s\n", sweep.random, s.work);
    if (mkdir(s.root, 0770) != 0) {
        die("no directory in %s", s.work);
    }
    if (s.repair) {
        make_damaged(&s, journal);
    } else {
        unpack_v1(&s, journal);
    }
    load_below(&start, s.root, "journal");
    record(&s, journal, &recorded);
    each_image_of(&sweep, &recorded);
    trace_dispose(&recorded);
    free_image(&start);
    if (sweep.findings == 0) {
        directory_remove(s.work);
    }
    return sweep.findings == 0 ? 0 : 1;
}
