/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Writes an image to a directory, looks at it, opens it, and compares it with the model. */
#include "crash/check.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdarg.h>
#include <sys/stat.h>
#include <unistd.h>

#include <tesser/maintain.h>

#include "base/buffer.h"
#include "crash/support.h"

#define EXTRA_COMMITS 6
#define PATH_SIZE 1024

/* ---- files ------------------------------------------------------------------------------- */

void make_work_directory(char out[256])
{
    const char *temporary = getenv("TMPDIR");
    const char *places[] = {"/dev/shm", temporary ? temporary : "/tmp"};
    for (size_t i = 0; i < 2; i++) {
        snprintf(out, 256, "%s/tesser-crash-XXXXXX", places[i]);
        if (mkdtemp(out)) {
            return;
        }
    }
    die("no directory to work in: %s", places[1]);
}

void directory_remove(const char *path)
{
    DIR *stream = opendir(path);
    if (!stream) {
        return;
    }
    const struct dirent *entry;
    while ((entry = readdir(stream)) != NULL) {
        char below[PATH_SIZE];
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0) {
            continue;
        }
        snprintf(below, sizeof below, "%s/%s", path, entry->d_name);
        if (unlink(below) != 0 && (errno == EISDIR || errno == EPERM)) {
            directory_remove(below);
        }
    }
    closedir(stream);
    rmdir(path);
}

static int create_file(const char *path, const void *data, size_t size)
{
    int fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0660);
    if (fd < 0 || (size > 0 && write(fd, data, size) != (ssize_t)size)) {
        die("writing %s: %s", path, strerror(errno));
    }
    return fd;
}

/* A mark that says, for this very file, that a million commits were acknowledged; only the boot is
 * another one. */
static void write_foreign_mark(const char *path)
{
    uint8_t page[4096] = {0};
    struct stat info;
    int fd = create_file(path, page, sizeof page);
    if (fstat(fd, &info) != 0) {
        die("looking at %s: %s", path, strerror(errno));
    }
    memcpy(page, "pid 1, program of before the power cut", 38);
    memcpy(page + 512, "TJMARK01", 8);
    memset(page + 520, 0xEE, 16);
    tj__store_u64(page + 536, info.st_dev);
    tj__store_u64(page + 544, info.st_ino);
    tj__store_u64(page + 552, 77);
    tj__store_u64(page + 560, 1);
    tj__store_u32(page + 568, 1);
    tj__store_u64(page + 576, 1000000);
    if (pwrite(fd, page, sizeof page, 0) != sizeof page) {
        die("writing %s: %s", path, strerror(errno));
    }
    close(fd);
}

/* writer.lock and lock.mdb: not there, zeros, or of before the power cut. The reserve: not there,
 * or short. */
static void write_unseen(const char *directory, uint64_t variant)
{
    static const uint8_t zeros[8192];
    char lock[PATH_SIZE];
    char readers[PATH_SIZE];
    char reserve[PATH_SIZE];
    snprintf(lock, sizeof lock, "%s/journal/writer.lock", directory);
    snprintf(readers, sizeof readers, "%s/journal/lock.mdb", directory);
    snprintf(reserve, sizeof reserve, "%s/journal/reserve", directory);
    if (variant % 3 == 1) {
        close(create_file(lock, zeros, 4096));
    } else if (variant % 3 == 2) {
        write_foreign_mark(lock);
    }
    if (variant / 3 % 2 == 1) {
        close(create_file(readers, zeros, sizeof zeros));
    }
    if (variant / 6 % 2 == 1) {
        close(create_file(reserve, zeros, 4096));
    }
}

void image_write(const char *directory, const image *from)
{
    directory_remove(directory);
    if (mkdir(directory, 0770) != 0) {
        die("creating %s: %s", directory, strerror(errno));
    }
    bool journal = false;
    for (size_t i = 0; i < from->count; i++) {
        const image_entry *entry = &from->entries[i];
        char path[PATH_SIZE];
        snprintf(path, sizeof path, "%s/%s", directory, entry->path);
        if (!entry->directory) {
            close(create_file(path, entry->data, entry->size));
        } else if (mkdir(path, 0770) != 0) {
            die("creating %s: %s", path, strerror(errno));
        }
        journal = journal || strcmp(entry->path, "journal") == 0;
    }
    if (journal) {
        write_unseen(directory, from->hash >> 32);
    }
}

static bool same_file(const char *path, const image_entry *entry)
{
    struct stat info;
    bool same = false;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd >= 0 && fstat(fd, &info) == 0 && (size_t)info.st_size == entry->size) {
        uint8_t *now = must(malloc(entry->size + 1));
        same = read(fd, now, entry->size) == (ssize_t)entry->size &&
               (entry->size == 0 || memcmp(now, entry->data, entry->size) == 0);
        free(now);
    }
    if (fd >= 0) {
        close(fd);
    }
    return same;
}

/* ---- failing ----------------------------------------------------------------------------- */

static bool fails(checker *c, const char *format, ...) TJ_PRINTF(2, 3);

static bool fails(checker *c, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(c->why, sizeof c->why, format, arguments);
    va_end(arguments);
    return false;
}

static void keep_message(void *context, tj_trace_level level, const char *message)
{
    checker *c = context;
    size_t used = strlen(c->messages);
    snprintf(c->messages + used, sizeof c->messages - used, "    trace %d: %s\n", (int)level,
             message);
}

static int line_size(const char *text)
{
    size_t size = strcspn(text, "\n");
    return size < 200 ? (int)size : 200;
}

/* Names the first line in which two texts differ, shortened: payloads are long. */
static bool differ(checker *c, const char *where, uint64_t sequence, const char *expected,
                   const char *found)
{
    while (*expected != '\0' && *found != '\0') {
        size_t one = strcspn(expected, "\n");
        size_t other = strcspn(found, "\n");
        if (one != other || strncmp(expected, found, one) != 0) {
            break;
        }
        expected += one + 1;
        found += other + 1;
    }
    return fails(c, "%s after commit %" PRIu64 ": expected \"%.*s\", found \"%.*s\"", where,
                 sequence, line_size(expected), expected, line_size(found), found);
}

/* ---- looking ----------------------------------------------------------------------------- */

tj_config crash_config(const char *path)
{
    tj_config config = TJ_CONFIG_INIT;
    config.type = TJ_ENGINE_LMDB;
    config.path = path;
    config.book = MODEL_BOOK;
    config.lmdb.map_size_bytes = (uint64_t)16 << 20;
    config.lmdb.segment_size_bytes = TJ_SEGMENT_SIZE_MIN;
    config.lmdb.lag_bytes = 6 << 10;
    config.lmdb.lag_ms = 5;
    return config;
}

static tj_status open_image(checker *c, bool read_only, tj_store **store, tj_error *error)
{
    static char path[PATH_SIZE];
    snprintf(path, sizeof path, "%s/journal", c->directory);
    tj_config config = crash_config(path);
    config.read_only = read_only;
    config.lmdb.lag_ms = 1000; /* The checks make their own pace. */
    config.trace = keep_message;
    config.trace_context = c;
    return tj_store_open(&config, store, error);
}

/* Compares everything the store shows with the model after the sequence that it names. */
static bool shows_model(checker *c, const char *where, tj_store *store, const history *h,
                        int32_t *sequence)
{
    tj_error error = TJ_ERROR_INIT;
    char *found = NULL;
    uint64_t at = 0;
    if (store_text(store, &found, &at, &error) != TJ_OK) {
        return fails(c, "%s cannot be read: %s", where, error.message);
    }
    if (at > h->count) {
        free(found);
        return fails(c, "%s shows sequence %" PRIu64 ", but only %zu commits were tried", where, at,
                     h->count);
    }
    static model m;
    model_after(&m, h, (size_t)at);
    char *expected = model_text(&m);
    bool same = strcmp(expected, found) == 0 || differ(c, where, at, expected, found);
    free(expected);
    free(found);
    *sequence = (int32_t)at;
    return same;
}

static bool unchanged(checker *c, const image *from)
{
    for (size_t i = 0; i < from->count; i++) {
        char path[PATH_SIZE];
        snprintf(path, sizeof path, "%s/%s", c->directory, from->entries[i].path);
        if (!from->entries[i].directory && !same_file(path, &from->entries[i])) {
            return fails(c, "a read-only view changed %s", path);
        }
    }
    return true;
}

static bool check_view(checker *c, const image *from, const history *h, int32_t *sequence)
{
    tj_error error = TJ_ERROR_INIT;
    tj_store *store = NULL;
    tj_status status = open_image(c, true, &store, &error);
    if (status == TJ_NOT_FOUND) {
        *sequence = NO_JOURNAL;
        return unchanged(c, from);
    }
    if (status != TJ_OK) {
        return fails(c, "the view is refused (%s): %s", tj_status_name(status), error.message);
    }
    bool good = shows_model(c, "the view", store, h, sequence);
    if (tj_store_close(store, &error) != TJ_OK) {
        return fails(c, "the view does not close: %s", error.message);
    }
    return good && unchanged(c, from);
}

/* ---- going on ---------------------------------------------------------------------------- */

static bool commit_more(checker *c, tj_store *store, history *h, uint64_t from)
{
    for (uint64_t i = 0; i < EXTRA_COMMITS; i++) {
        tj_error error = TJ_ERROR_INIT;
        uint64_t sequence = 0;
        uint64_t number = CHECK_COMMIT_FIRST + i;
        if (commit_apply(store, number, &sequence, &error) != TJ_OK) {
            return fails(c, "a commit after recovery fails: %s", error.message);
        }
        if (sequence != from + i + 1) {
            return fails(c, "a commit after recovery got sequence %" PRIu64 " instead of %" PRIu64,
                         sequence, from + i + 1);
        }
        h->numbers[h->count++] = number;
    }
    return true;
}

/* ---- looking back ------------------------------------------------------------------------- */

#define PAST_SAMPLES 3

/* A state of the past is that of the model; one from before `oldest` may be gone. */
static bool shows_past(checker *c, tj_store *store, const history *h, uint64_t at, uint64_t oldest)
{
    static model m;
    tj_error error = TJ_ERROR_INIT;
    char *found = NULL;
    tj_status status = store_text_at(store, at, &found, &error);
    if (status == TJ_NOT_FOUND && at < oldest) {
        return true;
    }
    if (status != TJ_OK) {
        return fails(
            c, "the past after commit %" PRIu64 ", kept from %" PRIu64 " on, cannot be read: %s",
            at, oldest, error.message);
    }
    model_after(&m, h, (size_t)at);
    char *expected = model_text(&m);
    bool same = strcmp(expected, found) == 0 || differ(c, "the past", at, expected, found);
    free(expected);
    free(found);
    return same;
}

/* The oldest state that is kept, and some others. */
static bool check_past(checker *c, tj_store *store, const history *h)
{
    tj_error error = TJ_ERROR_INIT;
    tj_store_info info = TJ_STORE_INFO_INIT;
    if (tj_store_info_get(store, &info, &error) != TJ_OK) {
        return fails(c, "it tells nothing of itself: %s", error.message);
    }
    uint64_t oldest = info.lmdb.oldest_sequence;
    for (uint64_t i = 0; i < PAST_SAMPLES; i++) {
        uint64_t at = 1 + i * h->count / PAST_SAMPLES;
        if (at <= h->count && !shows_past(c, store, h, at, oldest)) {
            return false;
        }
    }
    return oldest == 0 || shows_past(c, store, h, oldest, oldest);
}

static bool prune_image(checker *c, tj_store *store)
{
    tj_error error = TJ_ERROR_INIT;
    tj_prune_options options = TJ_PRUNE_OPTIONS_INIT;
    tj_prune_report report = TJ_PRUNE_REPORT_INIT;
    options.history_size_bytes = 1;
    return tj_prune(store, &options, &report, &error) == TJ_OK ||
           fails(c, "it cannot be pruned: %s", error.message);
}

static bool close_image(checker *c, tj_store *store)
{
    tj_error error = TJ_ERROR_INIT;
    return tj_store_close(store, &error) == TJ_OK || fails(c, "closing fails: %s", error.message);
}

static bool reopen(checker *c, const history *h)
{
    tj_error error = TJ_ERROR_INIT;
    tj_store *store = NULL;
    int32_t sequence = 0;
    if (open_image(c, false, &store, &error) != TJ_OK) {
        return fails(c, "after recovery and a clean close it does not open: %s", error.message);
    }
    bool good = shows_model(c, "the reopened journal", store, h, &sequence);
    good = close_image(c, store) && good;
    if (good && (size_t)sequence != h->count) {
        return fails(c, "reopened it shows sequence %" PRId32 " instead of %zu", sequence,
                     h->count);
    }
    return good;
}

static bool check_writer(checker *c, const history *h, int32_t *opened)
{
    tj_error error = TJ_ERROR_INIT;
    tj_store *store = NULL;
    tj_status status = open_image(c, false, &store, &error);
    if (status != TJ_OK) {
        return fails(c, "it does not open (%s): %s", tj_status_name(status), error.message);
    }
    bool good = shows_model(c, "the recovered journal", store, h, opened);
    if (!good) {
        (void)close_image(c, store);
        return false;
    }
    size_t count = (size_t)*opened;
    history more = {must(malloc((count + EXTRA_COMMITS) * sizeof(uint64_t))), count};
    if (count > 0) {
        memcpy(more.numbers, h->numbers, count * sizeof(uint64_t));
    }
    good = commit_more(c, store, &more, count);
    if (c->past) {
        good = good && check_past(c, store, &more) && prune_image(c, store) &&
               check_past(c, store, &more);
    }
    good = close_image(c, store) && good;
    good = good && reopen(c, &more);
    free(more.numbers);
    return good;
}

bool check_image(checker *c, const image *from, const history *h, outcome *out)
{
    c->messages[0] = '\0';
    c->why[0] = '\0';
    out->view = NO_JOURNAL;
    out->opened = NO_JOURNAL;
    image_write(c->directory, from);
    return check_view(c, from, h, &out->view) && check_writer(c, h, &out->opened);
}

/* ---- judging ----------------------------------------------------------------------------- */

bool judge(const outcome *o, const bounds *b, char why[WHY_SIZE])
{
    int64_t low = (int64_t)b->low;
    int64_t high = (int64_t)b->high;
    if (o->opened < low || o->opened > high) {
        snprintf(why, WHY_SIZE,
                 "recovered to commit %" PRId32 ", but %" PRId64 " were acknowledged and %" PRId64
                 " tried",
                 o->opened, low, high);
        return false;
    }
    if (o->view == NO_JOURNAL ? b->created : o->view != o->opened) {
        snprintf(why, WHY_SIZE,
                 "the view before recovery shows commit %" PRId32 ", recovery %" PRId32, o->view,
                 o->opened);
        return false;
    }
    return true;
}
