/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * P17: a journal whose bytes are no longer what was written: one file is changed at random, and
 * looked at. Verification raises no signal and ends in time; it reports the change, or the change
 * is harmless: then the next writer, and who looks on after it, finds the state that it had. (A
 * mark in writer.lock that says less than was acknowledged is what a crash may leave.)
 *
 * What is reported is repaired: without a loss whenever the report says that the newest state is
 * whole, and else to the state that the journal had after the commit that the repair names.
 *
 * With the tests a share runs; TJ_LONG=1 runs 8,000.
 */
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include <tesser/journal.h>

#include "base/random.h"
#include "support/check.h"
#include "support/directory.h"

#include "mutation.h"

#define MUTATIONS 150
#define MUTATIONS_LONG 8000
#define COMMITS 1200
#define IN_TIME_S 30
#define UNAPPLIED_MS (3600 * 1000)

/* What a child found. */
enum { BEYOND_REPAIR = 10, SOUND = 11, WRONG = 12, REPAIRED = 13, REPAIRED_IN_PART = 14 };

static tj_status open_journal(const char *path, bool read_only, tj_store **store, tj_error *error)
{
    tj_config config = TJ_CONFIG_INIT;
    config.path = path;
    config.must_exist = true;
    config.read_only = read_only;
    config.lmdb.segment_size_bytes = TJ_SEGMENT_SIZE_MIN;
    return tj_store_open(&config, store, error);
}

static tj_uuid number_id(unsigned number)
{
    tj_uuid id = {{0}};
    memcpy(id.bytes, &number, sizeof number);
    id.bytes[6] = 0x40;
    id.bytes[8] = 0x80;
    return id;
}

static void save_all(tj_store *store, unsigned number)
{
    tj_live_state state = {.has_portfolio_equity = true,
                           .portfolio_equity = tj_decimal_int(number)};
    tj_algo_state algo = {TJ_STR("twap"), TJ_STR("{\"steps\":[1,2,3]}")};
    tj_uuid id = number_id(number);
    assert_ok(tj_state_save(tj_store_state_repository(store, NULL), &state, &err));
    if (number % 10 == 0) {
        assert_ok(tj_algo_save(tj_store_algo_repository(store, NULL), &id, &algo, &err));
        tj_ledger_entry entry = {.type = TJ_LEDGER_FEE,
                                 .id = id,
                                 .time = number,
                                 .amount = tj_decimal_int(number),
                                 .exchange = TJ_STR("kraken"),
                                 .asset = {.code = TJ_STR("EUR")},
                                 .reference = TJ_STR("r"),
                                 .sequence = number / 10};
        assert_ok(tj_ledger_append(tj_store_ledger_repository(store, NULL), &entry, 1, NULL, &err));
    }
}

/* Half of it is in LMDB, and the writer was killed: as a crash leaves it. */
static void make_journal(const char *path)
{
    tj_store *store = NULL;
    tj_config config = TJ_CONFIG_INIT;
    config.path = path;
    config.lmdb.segment_size_bytes = TJ_SEGMENT_SIZE_MIN;
    config.durability = TJ_DURABILITY_OS;
    assert_ok(tj_store_open(&config, &store, &err));
    for (unsigned i = 1; i <= COMMITS / 2; i++) {
        save_all(store, i);
    }
    assert_ok(tj_store_close(store, &err));
    fflush(NULL);
    pid_t pid = fork();
    if (pid == 0) {
        config.lmdb.lag_ms = UNAPPLIED_MS;
        config.lmdb.lag_bytes = (uint64_t)64 << 20;
        assert_ok(tj_store_open(&config, &store, &err));
        for (unsigned i = COMMITS / 2 + 1; i <= COMMITS; i++) {
            save_all(store, i);
        }
        _exit(0);
    }
    int status = 0;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

/* Every number is a commit, and every tenth two more: an algorithm and a ledger entry. */
static uint64_t commit_of(unsigned number)
{
    return number + 2 * ((number - 1) / 10);
}
#define NEWEST commit_of(COMMITS) + 2

/* Whether the journal holds what it held after that commit. */
static bool holds(const char *path, bool read_only, uint64_t sequence)
{
    tj_store *store = NULL;
    tj_error error = TJ_ERROR_INIT;
    tj_live_state *state = NULL;
    tj_algo_list *algos = NULL;
    tj_ledger_list *ledger = NULL;
    unsigned number = 0;
    size_t tenths = 0;
    size_t entries = 0;
    for (unsigned i = 1; i <= COMMITS && commit_of(i) <= sequence; i++) {
        number = i;
        tenths += i % 10 == 0 && commit_of(i) + 1 <= sequence;
        entries += i % 10 == 0 && commit_of(i) + 2 <= sequence;
    }
    bool same =
        open_journal(path, read_only, &store, &error) == TJ_OK &&
        tj_state_load(tj_store_state_repository(store, NULL), &state, &error) == TJ_OK &&
        tj_algo_load_all(tj_store_algo_repository(store, NULL), &algos, &error) == TJ_OK &&
        tj_ledger_find(tj_store_ledger_repository(store, NULL), NULL, &ledger, &error) == TJ_OK;
    same =
        same &&
        (number == 0 || tj_decimal_compare(state->portfolio_equity, tj_decimal_int(number)) == 0) &&
        algos->count == tenths && ledger->count == entries;
    if (!same) {
        printf("opened %s: %s\n", read_only ? "to look on" : "to write",
               error.status != TJ_OK ? error.message : "another state");
    }
    tj_live_state_free(state);
    tj_algo_list_free(algos);
    tj_ledger_list_free(ledger);
    return tj_store_close(store, &error) == TJ_OK && same;
}

static int repair_it(const char *path, bool newest_whole)
{
    char into[DIRECTORY_SIZE + 64];
    tj_repair_report *report = NULL;
    tj_repair_options options = TJ_REPAIR_OPTIONS_INIT;
    tj_error error = TJ_ERROR_INIT;
    snprintf(into, sizeof into, "%s.repaired", path);
    options.accept_loss = !newest_whole;
    tj_status status = tj_repair(path, into, &options, &report, &error);
    if (status != TJ_OK && newest_whole) {
        printf("could be repaired, and was not: %s\n", error.message);
        return WRONG;
    }
    if (status != TJ_OK) {
        return BEYOND_REPAIR;
    }
    bool right = report->written && report->loses == !newest_whole &&
                 (!newest_whole || report->sequence == NEWEST) &&
                 holds(into, true, report->sequence) && holds(into, false, report->sequence);
    if (!right) {
        printf("repaired, written %d, with a loss %d, to commit %" PRIu64 ", the newest %s whole\n",
               report->written, report->loses, report->sequence, newest_whole ? "being" : "not");
    }
    tj_repair_report_free(report);
    directory_remove(into);
    return !right ? WRONG : newest_whole ? REPAIRED : REPAIRED_IN_PART;
}

static int look_at(const char *path)
{
    tj_verify_report *report = NULL;
    tj_verify_options options = TJ_VERIFY_OPTIONS_INIT;
    tj_error error = TJ_ERROR_INIT;
    options.deep = true;
    alarm(IN_TIME_S);
    tj_status status = tj_verify(path, &options, &report, &error);
    bool sound = status == TJ_OK && report->verdict == TJ_VERDICT_SOUND;
    bool newest_whole = status == TJ_OK && report->newest_whole;
    tj_verify_report_free(report);
    if (!sound) {
        return status == TJ_OK ? repair_it(path, newest_whole) : BEYOND_REPAIR;
    }
    return holds(path, false, NEWEST) && holds(path, true, NEWEST) ? SOUND : WRONG;
}

/* In a process of its own, whose end tells. */
static int look_apart(const char *path)
{
    int status = 0;
    fflush(NULL);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        _exit(look_at(path));
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

static void every_change_is_reported_or_harmless(void **unused)
{
    (void)unused;
    char directory[DIRECTORY_SIZE];
    char path[DIRECTORY_SIZE + 16];
    char text[MUTATION_TEXT_SIZE];
    whole_journal whole;
    unsigned ends[16] = {0};
    unsigned wrong = 0;
    random_start();
    directory_in_memory();
    directory_make(directory, "tj-mutations");
    snprintf(path, sizeof path, "%s/journal", directory);
    make_journal(path);
    keep_whole(&whole, path);
    assert_int_equal(look_apart(path), SOUND);
    unsigned count = getenv("TJ_LONG") ? MUTATIONS_LONG : MUTATIONS;
    for (unsigned i = 0; i < count; i++) {
        put_whole_back(&whole);
        uint64_t seed = random_state;
        mutate(&whole, text);
        int found = look_apart(path);
        if (found >= BEYOND_REPAIR && found <= REPAIRED_IN_PART && found != WRONG) {
            ends[found]++;
            continue;
        }
        wrong++;
        printf("TJ_SEED=%" PRIu64 ": %s: ended with %d\n", seed, text, found);
    }
    printf(
        "%u changes: %u harmless, %u repaired, %u repaired in part, %u beyond repair, %u wrong\n",
        count, ends[SOUND], ends[REPAIRED], ends[REPAIRED_IN_PART], ends[BEYOND_REPAIR], wrong);
    assert_int_equal(wrong, 0);
    assert_true(ends[SOUND] > 0 && ends[REPAIRED] > count / 4 && ends[REPAIRED_IN_PART] > 0);
    free_whole(&whole);
    directory_remove(directory);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_change_is_reported_or_harmless),
    };
    return cmocka_run_group_tests_name("mutations", tests, NULL, NULL);
}
