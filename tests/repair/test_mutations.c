/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * P17: a journal whose bytes are no longer what was written. One file is changed at random:
 * data.mdb, a segment, a base, a .rest, writer.lock. Then all that may be done about it is done:
 * verify, open, repair, restore. No signal, no hang, and:
 *
 *   - what opens, or was restored, has the state after the commit that it names
 *   - the change is reported, or harmless: then the next writer, and who looks on after it, finds
 *     the newest state (a mark in writer.lock that says less than was acknowledged is what a crash
 *     may leave)
 *   - what is reported is repaired: without a loss whenever the report says that the newest state
 *     is whole, and else to the state after the commit that the repair names
 *
 * On a journal with its whole log and on one that was pruned. With the tests a share runs;
 * TJ_LONG=1 runs 8,000. (Backups: tests/backup/test_mutations.c.)
 */
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include <tesser/journal.h>

#include "base/random.h"
#include "history/base_chain.h"
#include "support/check.h"
#include "support/directory.h"

#include "support/mutation.h"

/* Of each of the two journals. */
#define MUTATIONS 100
#define MUTATIONS_LONG 4000
#define COMMITS 1200
#define PAYLOAD_SIZE 5000
#define WORKED_MAX_S 20 /* of the processor's time, */
#define IN_TIME_S 300   /* and on a machine that stalls */
#define UNAPPLIED_MS (3600 * 1000)

/* What a child found. */
enum { BEYOND_REPAIR = 10, SOUND, WRONG, REPAIRED, REPAIRED_IN_PART, ENDS };

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
    char payload[PAYLOAD_SIZE]; /* so that there are some segments */
    snprintf(payload, sizeof payload, "{\"steps\":\"%0*u\"}", PAYLOAD_SIZE - 32, number);
    tj_algo_state algo = {TJ_STR("twap"), tj_str_of(payload)};
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

static tj_config config_of(const char *path)
{
    tj_config config = TJ_CONFIG_INIT;
    config.path = path;
    config.lmdb.segment_size_bytes = TJ_SEGMENT_SIZE_MIN;
    config.durability = TJ_DURABILITY_OS;
    config.no_threads = true;
    return config;
}

static void save_numbers(tj_store *store, unsigned first, unsigned last)
{
    for (unsigned i = first; i <= last; i++) {
        save_all(store, i);
    }
}

static void build_bases(tj_store *store, const char *journal, uint64_t first_segment)
{
    char log[DIRECTORY_SIZE + 32];
    char history[DIRECTORY_SIZE + 32];
    tj_store_info info = TJ_STORE_INFO_INIT;
    tj__base_chain chains[TJ__BASE_KINDS] = {{0}};
    uint32_t built = 0;
    assert_ok(tj_store_info_get(store, &info, &err));
    snprintf(log, sizeof log, "%s/log", journal);
    snprintf(history, sizeof history, "%s/history", journal);
    (void)mkdir(history, 0700);
    tj__base_place place = {.log_path = log, .directory = history, .journal_id = info.journal_id};
    assert_ok(tj__base_chains_extend(&place, first_segment, 0, chains, &built, &err));
    assert_true(built > 0);
}

static uint64_t prune_all(tj_store *store)
{
    tj_prune_options options = TJ_PRUNE_OPTIONS_INIT;
    tj_prune_report report = TJ_PRUNE_REPORT_INIT;
    options.history_size_bytes = 1;
    assert_ok(tj_prune(store, &options, &report, &err));
    assert_true(report.segment_count > 0);
    return report.first_segment;
}

/* Half of it is in LMDB, and the writer was killed: as a crash leaves it. */
static void make_journal(const char *journal, bool pruned)
{
    tj_store *store = NULL;
    tj_config config = config_of(journal);
    assert_ok(tj_store_open(&config, &store, &err));
    save_numbers(store, 1, COMMITS / 2);
    assert_ok(tj_store_close(store, &err));
    assert_ok(tj_store_open(&config, &store, &err));
    uint64_t first_segment = pruned ? prune_all(store) : 1;
    assert_ok(tj_store_close(store, &err));
    fflush(NULL);
    pid_t pid = fork();
    if (pid == 0) {
        config.lmdb.lag_ms = UNAPPLIED_MS;
        config.lmdb.lag_bytes = (uint64_t)64 << 20;
        assert_ok(tj_store_open(&config, &store, &err));
        save_numbers(store, COMMITS / 2 + 1, COMMITS);
        build_bases(store, journal, first_segment);
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

/* What a look at a journal shows, or that it is refused. */
typedef enum shown { SAME, OTHER, NOT_OPENED } shown;

static bool is_lost(const tj_repair_report *report, uint64_t commit)
{
    for (size_t i = 0; report && i < report->part_count; i++) {
        const tj_repair_part *part = &report->parts[i];
        if (part->lost && part->sequence_first <= commit && commit <= part->sequence_last) {
            return true;
        }
    }
    return false;
}

/* Against what it held after that commit; entries of the ledger may lack that a report says are
 * lost, where bases lead over a hole. */
static shown look_on(const char *path, bool read_only, uint64_t sequence,
                     const tj_repair_report *report)
{
    tj_store *store = NULL;
    tj_error error = TJ_ERROR_INIT;
    tj_live_state *state = NULL;
    tj_algo_list *algos = NULL;
    tj_ledger_list *ledger = NULL;
    unsigned number = 0;
    size_t tenths = 0;
    size_t entries = 0;
    size_t lost = 0;
    for (unsigned i = 1; i <= COMMITS && commit_of(i) <= sequence; i++) {
        number = i;
        tenths += i % 10 == 0 && commit_of(i) + 1 <= sequence;
        entries += i % 10 == 0 && commit_of(i) + 2 <= sequence;
        lost += i % 10 == 0 && commit_of(i) + 2 <= sequence && is_lost(report, commit_of(i) + 2);
    }
    bool read =
        open_journal(path, read_only, &store, &error) == TJ_OK &&
        tj_state_load(tj_store_state_repository(store, NULL), &state, &error) == TJ_OK &&
        tj_algo_load_all(tj_store_algo_repository(store, NULL), &algos, &error) == TJ_OK &&
        tj_ledger_find(tj_store_ledger_repository(store, NULL), NULL, &ledger, &error) == TJ_OK;
    bool same =
        read &&
        (number == 0 || tj_decimal_compare(state->portfolio_equity, tj_decimal_int(number)) == 0) &&
        algos->count + algos->quarantined_count == tenths && ledger->count <= entries &&
        ledger->count + lost >= entries;
    tj_live_state_free(state);
    tj_algo_list_free(algos);
    tj_ledger_list_free(ledger);
    if (tj_store_close(store, &error) != TJ_OK || !read) {
        return NOT_OPENED;
    }
    if (!same) {
        printf("opened %s, %s shows another state than after commit %" PRIu64 "\n",
               read_only ? "to look on" : "to write", path, sequence);
    }
    return same ? SAME : OTHER;
}

static bool holds(const char *path, bool read_only, uint64_t sequence,
                  const tj_repair_report *report)
{
    shown found = look_on(path, read_only, sequence, report);
    if (found == NOT_OPENED) {
        printf("%s was not opened\n", path);
    }
    return found == SAME;
}

/* Its log, to the commit that the report says, or not at all. */
static bool restores_or_not(const char *source)
{
    char into[DIRECTORY_SIZE + 64];
    tj_restore_report *report = NULL;
    tj_error error = TJ_ERROR_INIT;
    snprintf(into, sizeof into, "%s.restored", source);
    if (tj_restore(source, into, NULL, &report, &error) != TJ_OK) {
        return access(into, F_OK) != 0;
    }
    bool right = holds(into, true, report->sequence, NULL);
    tj_restore_report_free(report);
    directory_remove(into);
    return right;
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
        printf("beyond repair: %s\n", error.message);
        return BEYOND_REPAIR;
    }
    bool right = report->written && report->loses == !newest_whole &&
                 (!newest_whole || report->sequence == NEWEST) &&
                 holds(into, true, report->sequence, report) &&
                 holds(into, false, report->sequence, report);
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
    struct rlimit most = {WORKED_MAX_S, WORKED_MAX_S};
    assert_int_equal(setrlimit(RLIMIT_CPU, &most), 0);
    alarm(IN_TIME_S);
    tj_status status = tj_verify(path, &options, &report, &error);
    bool sound = status == TJ_OK && report->verdict == TJ_VERDICT_SOUND;
    bool newest_whole = status == TJ_OK && report->newest_whole;
    tj_verify_report_free(report);
    if (sound) {
        return holds(path, false, NEWEST, NULL) && holds(path, true, NEWEST, NULL) ? SOUND : WRONG;
    }
    if (status != TJ_OK) {
        printf("not verified: %s\n", error.message);
    }
    int end = status == TJ_OK ? repair_it(path, newest_whole) : BEYOND_REPAIR;
    bool right = restores_or_not(path) && look_on(path, true, NEWEST, NULL) != OTHER &&
                 look_on(path, false, NEWEST, NULL) != OTHER;
    return right ? end : WRONG;
}

/* In a process of its own, whose end tells. */
static int look_apart(const char *path)
{
    int status = 0;
    fflush(NULL);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        int end = look_at(path);
        fflush(NULL);
        _exit(end);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

/* What a process left beside the journal when it was ended. */
static void remove_leftovers(const char *directory)
{
    DIR *stream = opendir(directory);
    assert_non_null(stream);
    for (struct dirent *entry; (entry = readdir(stream));) {
        char path[DIRECTORY_SIZE + 300];
        if (strncmp(entry->d_name, "journal.", 8) == 0) {
            snprintf(path, sizeof path, "%s/%s", directory, entry->d_name);
            directory_remove(path);
        }
    }
    closedir(stream);
}

static void change_at_random(const char *directory, whole_journal *whole, unsigned ends[ENDS],
                             unsigned *wrong)
{
    char text[MUTATION_TEXT_SIZE];
    put_whole_back(whole);
    uint64_t seed = random_state;
    mutate(whole, text);
    int found = look_apart(whole->path);
    remove_leftovers(directory);
    if (found < BEYOND_REPAIR || found >= ENDS || found == WRONG) {
        ++*wrong;
        printf("TJ_SEED=%" PRIu64 ": %s: ended with %d\n", seed, text, found);
        return;
    }
    ends[found]++;
}

static void every_change_is_told_or_harmless(bool pruned)
{
    char directory[DIRECTORY_SIZE];
    char path[DIRECTORY_SIZE + 16];
    whole_journal whole;
    unsigned ends[ENDS] = {0};
    unsigned wrong = 0;
    random_start();
    directory_in_memory();
    directory_make(directory, "tj-mutations");
    snprintf(path, sizeof path, "%s/journal", directory);
    make_journal(path, pruned);
    keep_whole(&whole, path);
    assert_int_equal(look_apart(path), SOUND);
    unsigned count = getenv("TJ_LONG") ? MUTATIONS_LONG : MUTATIONS;
    for (unsigned i = 0; i < count; i++) {
        change_at_random(directory, &whole, ends, &wrong);
    }
    printf(
        "%u changes: %u harmless, %u repaired, %u repaired in part, %u beyond repair, %u wrong\n",
        count, ends[SOUND], ends[REPAIRED], ends[REPAIRED_IN_PART], ends[BEYOND_REPAIR], wrong);
    assert_int_equal(wrong, 0);
    assert_true(ends[SOUND] > 0 && ends[REPAIRED] > count / 4 && ends[REPAIRED_IN_PART] > 0);
    free_whole(&whole);
    directory_remove(directory);
}

/* A bit of an entry's id, wherever it stands: in the entry, in the index of ids, in the log. */
static void a_bit_of_an_id(void **unused)
{
    char directory[DIRECTORY_SIZE];
    char path[DIRECTORY_SIZE + 16];
    whole_journal whole;
    tj_uuid id = number_id(COMMITS / 2 - 10);
    unsigned places = 0;
    (void)unused;
    directory_in_memory();
    directory_make(directory, "tj-mutations");
    snprintf(path, sizeof path, "%s/journal", directory);
    make_journal(path, true);
    keep_whole(&whole, path);
    whole_file *data = &whole.files[0];
    const uint8_t *end = data->bytes + data->size;
    for (uint8_t *at = data->bytes; (at = memmem(at, (size_t)(end - at), &id, sizeof id)); at++) {
        at[1] ^= 0x08;
        put_whole_back(&whole);
        at[1] ^= 0x08;
        int found = look_apart(path);
        remove_leftovers(directory);
        assert_true(found == REPAIRED || found == SOUND);
        places++;
    }
    assert_true(places >= 2);
    free_whole(&whole);
    directory_remove(directory);
}

static void with_the_whole_log(void **unused)
{
    (void)unused;
    every_change_is_told_or_harmless(false);
}

static void with_a_pruned_log(void **unused)
{
    (void)unused;
    every_change_is_told_or_harmless(true);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_bit_of_an_id),
        cmocka_unit_test(with_the_whole_log),
        cmocka_unit_test(with_a_pruned_log),
    };
    return cmocka_run_group_tests_name("mutations", tests, NULL, NULL);
}
