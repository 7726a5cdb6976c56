/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* How the journal itself does: it is opened to look on, as any reader opens it. */
#include <inttypes.h>
#include <stdio.h>

#include <tesser/counter.h>
#include <tesser/verify.h>

#include "base/error.h"
#include "journal/journal.h"
#include "journal/lock.h"
#include "maintain/checkup.h"
#include "table/table.h"

#define NS_PER_S INT64_C(1000000000)
#define HOUR_NS (3600 * NS_PER_S)
#define DAY_NS (24 * HOUR_NS)
/* Less than a clock's own corrections is no news. */
#define CLOCK_BEHIND_MAX NS_PER_S
/* Of a data.mdb, free pages that are worth a command. */
#define FREE_PAGES_MIN ((uint64_t)64 << 20)
#define SLOTS_SPARE 16

/* ---- opening --------------------------------------------------------------------------------- */

static void hear(void *context, tj_trace_level level, const char *message)
{
    tj__examinee *x = context;
    if (level >= TJ_TRACE_WARNING) {
        tj__checkup_add(
            x, "journal", TJ_HEALTH_WARNING,
            tj__checkup_command(x, "tesser-journal verify -j %s", tj__checkup_word(x, x->path)),
            "%s", message);
    }
}

static const char *remedy(tj__examinee *x, tj_status status)
{
    switch (status) {
    case TJ_CORRUPT:
        return tj__checkup_command(x, "tesser-journal verify -j %s --deep",
                                   tj__checkup_word(x, x->path));
    case TJ_NOT_FOUND:
        return tj__checkup_command(x, "tesser-journal init -j %s", tj__checkup_word(x, x->path));
    default:
        return NULL;
    }
}

static void open_it(tj__examinee *x)
{
    tj_store *store = NULL;
    tj_error error = TJ_ERROR_INIT;
    tj_config config = *x->config;
    config.path = x->path;
    config.read_only = true;
    config.must_exist = true;
    config.trace = hear;
    config.trace_context = x;
    x->info = (tj_store_info)TJ_STORE_INFO_INIT;
    tj_book_list *books = NULL;
    tj_status status = tj_store_open(&config, &store, &error);
    if (status == TJ_OK) {
        status = tj_store_info_get(store, &x->info, &error);
    }
    x->has_info = status == TJ_OK;
    if (status == TJ_OK) {
        status = tj_store_books(store, &books, &error); /* every row of their states is whole */
    }
    if (status == TJ_OK) {
        status = tj_verify_rows(x->path, 0, NULL, &error);
    }
    tj_book_list_free(books);
    x->failure = status == TJ_NOMEM ? error : x->failure;
    if (status == TJ_OK) {
        tj__checkup_add(x, "journal", TJ_HEALTH_OK, NULL,
                        "it opens, every row can be read, and its newest commit is "
                        "%" PRIu64,
                        x->info.sequence);
    } else if (status == TJ_BUSY) {
        tj__checkup_add(x, "journal", TJ_HEALTH_UNKNOWN, NULL, "%s", error.message);
    } else {
        tj__checkup_add(x, "journal", TJ_HEALTH_WRONG, remedy(x, status), "%s", error.message);
    }
    (void)tj_store_close(store, NULL);
}

/* ---- who uses it ----------------------------------------------------------------------------- */

static void look_at_writer(tj__examinee *x)
{
    tj__lock *lock = NULL;
    char holder[TJ__HOLDER_SIZE] = "";
    tj_error error = TJ_ERROR_INIT;
    if (tj__lock_look(x->path, &lock, &error) != TJ_OK) {
        tj__checkup_add(x, "writer", TJ_HEALTH_UNKNOWN, NULL, "%s", error.message);
        return;
    }
    tj__mark mark = tj__lock_mark(lock);
    if (tj__lock_holder(lock, holder, &x->writer_pid)) {
        tj__checkup_add(x, "writer", TJ_HEALTH_OK, NULL, "process %" PRId64 " writes to it%s%s",
                        x->writer_pid, holder[0] ? ": " : "", holder);
    } else if (mark.elsewhere) {
        tj__checkup_add(x, "writer", TJ_HEALTH_WARNING,
                        tj__checkup_command(x, "tesser-journal restore %s --into NEW",
                                            tj__checkup_word(x, x->path)),
                        "the directory is a copy, or was put back from one: the next writer lets "
                        "every counter skip %" PRIu64 " numbers; a restore gives it an id of its "
                        "own, and is for one that `tesser-journal verify -j %s` calls sound: of a "
                        "damaged one `tesser-journal repair` keeps more",
                        TJ_COUNTER_COPY_SKIP, tj__checkup_word(x, x->path));
    } else {
        tj__checkup_add(x, "writer", TJ_HEALTH_OK, NULL, "no process writes to it");
    }
    tj__lock_release(lock);
}

/* Before it is opened: that frees the slots of the dead. */
static void look_at_readers(tj__examinee *x)
{
    tj__reader_slots slots;
    tj_error error = TJ_ERROR_INIT;
    if (tj__reader_slots_look(x->path, &slots, &error) != TJ_OK) {
        tj__checkup_add(x, "readers", TJ_HEALTH_UNKNOWN, NULL, "%s", error.message);
    } else if (slots.used + SLOTS_SPARE >= slots.count && slots.count > 0) {
        tj__checkup_add(
            x, "readers", TJ_HEALTH_WRONG,
            tj__checkup_command(x, "fuser -v %s/lock.mdb", tj__checkup_word(x, x->path)),
            "%u of %u reader slots are taken: end processes that read and need not", slots.used,
            slots.count);
    } else if (slots.dead > 0) {
        tj__checkup_add(x, "readers", TJ_HEALTH_OK, NULL,
                        "%u of %u reader slots are taken, %u of them by dead processes, whose "
                        "slots the next opening frees",
                        slots.used, slots.count, slots.dead);
    } else {
        tj__checkup_add(x, "readers", TJ_HEALTH_OK, NULL, "%u of %u reader slots are taken",
                        slots.used, slots.count);
    }
}

/* ---- its clock and its growth ---------------------------------------------------------------- */

static void look_at_clock(tj__examinee *x)
{
    char newest[TJ_TIME_TEXT_SIZE];
    if (x->info.sequence == 0) {
        tj__checkup_add(x, "clock", TJ_HEALTH_OK, NULL, "there is no commit to compare it with");
        return;
    }
    tj_time_format(x->info.sequence_time, newest);
    if (x->info.clock_behind_ns <= CLOCK_BEHIND_MAX) {
        tj__checkup_add(x, "clock", TJ_HEALTH_OK, NULL,
                        "it is not behind the newest commit, made at %s", newest);
        return;
    }
    tj__checkup_add(x, "clock", TJ_HEALTH_WARNING, "timedatectl status",
                    "it is %" PRId64 " s behind the newest commit, made at %s: one of the two "
                    "clocks was or is wrong, and until it is made up new commits get times just "
                    "above that one, and history_age counts from it",
                    x->info.clock_behind_ns / NS_PER_S, newest);
}

static void look_at_growth(tj__examinee *x)
{
    char size[TJ__AMOUNT_SIZE];
    char limit[TJ__AMOUNT_SIZE];
    char daily[TJ__AMOUNT_SIZE];
    char left[TJ__AMOUNT_SIZE];
    const tj_lmdb_info *info = &x->info.lmdb;
    uint64_t set = x->config->lmdb.history_size_bytes;
    uint64_t bound = set > 0 ? set : TJ_HISTORY_SIZE_DEFAULT;
    int64_t span = x->info.sequence_time - info->oldest_time;
    double growth = span < HOUR_NS ? 0 : (double)info->log_bytes / (double)span * DAY_NS;
    tj__amount(info->log_bytes, size);
    tj__amount(bound, limit);
    /* Where none was set, old segments go when space is low. */
    if (set > info->log_bytes && set - info->log_bytes > info->free_bytes) {
        tj__checkup_add(x, "history", TJ_HEALTH_WARNING,
                        tj__checkup_command(x, "tesser-journal prune -j %s --size MIB",
                                            tj__checkup_word(x, x->path)),
                        "the log has %s and may grow to %s, and %s are free: set a smaller "
                        "history_size in the configuration",
                        size, limit, tj__amount(info->free_bytes, left));
    } else if (growth > 0) {
        tj__checkup_add(x, "history", TJ_HEALTH_OK, NULL,
                        "the log has %s of at most %s and grows by %s a day: %.0f days are kept",
                        size, limit, tj__amount((uint64_t)growth, daily), (double)bound / growth);
    } else {
        tj__checkup_add(x, "history", TJ_HEALTH_OK, NULL,
                        "the log has %s of at most %s; it is too early to tell how fast it grows",
                        size, limit);
    }
}

static void look_at_free_pages(tj__examinee *x)
{
    uint64_t bytes = 0;
    uint64_t used = 0;
    char size[TJ__AMOUNT_SIZE];
    char needed[TJ__AMOUNT_SIZE];
    tj_error error = TJ_ERROR_INIT;
    if (tj__data_sizes(x->path, &bytes, &used, &error) != TJ_OK) {
        tj__checkup_add(x, "data.mdb", TJ_HEALTH_UNKNOWN, NULL, "%s", error.message);
        return;
    }
    bool spare = bytes > 2 * used && bytes - used > FREE_PAGES_MIN;
    tj__checkup_add(
        x, "data.mdb", spare ? TJ_HEALTH_WARNING : TJ_HEALTH_OK,
        spare ? tj__checkup_command(x, "tesser-journal compact -j %s", tj__checkup_word(x, x->path))
              : NULL,
        "it has %s, of which %s are in use", tj__amount(bytes, size), tj__amount(used, needed));
}

void tj__checkup_journal(tj__examinee *x)
{
    look_at_writer(x);
    look_at_readers(x);
    open_it(x);
    if (x->has_info) {
        look_at_clock(x);
        look_at_growth(x);
        look_at_free_pages(x);
    } else {
        tj__checkup_add(x, "clock", TJ_HEALTH_UNKNOWN, NULL,
                        "nothing tells when the newest commit was made while the journal cannot "
                        "be opened");
    }
}
