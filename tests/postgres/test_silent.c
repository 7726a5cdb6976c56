/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * A server that is there and says nothing, as one whose machine is frozen: nobody waits for ever,
 * what is kept in memory meanwhile is bounded, and nothing is lost when it speaks again. How long
 * each call took is printed, and with TJ_LONG judged.
 */
#include "proxy.h"

#include <sys/resource.h>

#include <tesser/async.h>

#include "base/thread.h"
#include "support/sanitized.h"

#define PAYLOAD_SIZE ((size_t)64 << 10)
#define MEMORY_MAX_KIB (64 << 10)
#define APPEND_MS_MAX 10
#define LATE_MS_MAX 50

static proxy way;
static char way_url[URL_SIZE];

static tj_config silent_config(const char *journal)
{
    tj_config config = database_config(journal);
    config.postgres.url = way_url;
    config.postgres.timeout_ms = 400;
    config.postgres.answer_ms = 300;
    config.postgres.lag_ms = 20;
    atomic_store(&way.silent, false);
    return config;
}

static void fall_silent(void)
{
    atomic_store(&way.silent, true);
}

static void speak_again(void)
{
    atomic_store(&way.silent, false);
}

/* ---- how long it took ---------------------------------------------------------------------- */

static uint64_t begun;

static void begin(void)
{
    begun = tj__monotonic_ns();
}

static void end(const char *call, unsigned deadline_ms)
{
    uint64_t ms = (tj__monotonic_ns() - begun) / 1000000;
    printf("%-28s %5u ms, its deadline %u ms\n", call, (unsigned)ms, deadline_ms);
    if (getenv("TJ_LONG")) {
        assert_true(ms <= deadline_ms + LATE_MS_MAX);
    }
}

/* ---- memory ---------------------------------------------------------------------------------- */

static long peak_kib(void)
{
    struct rusage usage;
    assert_int_equal(getrusage(RUSAGE_SELF, &usage), 0);
    return usage.ru_maxrss;
}

typedef struct landed {
    unsigned count;
    unsigned unknown;
    uint64_t last;
} landed;

static void count_landed(void *context, tj_status status, uint64_t sequence, const tj_error *error)
{
    landed *l = context;
    if (status != TJ_OK && status != TJ_UNKNOWN) {
        fail_msg("%s: %s", tj_status_name(status), error->message);
    }
    l->count += status == TJ_OK;
    l->unknown += status == TJ_UNKNOWN;
    l->last = sequence;
}

static tj_status submit_payload(tj_store *store, unsigned number, size_t size, landed *l)
{
    static char payload[PAYLOAD_SIZE];
    tj_txn *txn = NULL;
    tj_uuid id = {{(uint8_t)(number >> 8), (uint8_t)number, 1}};
    memset(payload, 'x', sizeof payload);
    payload[0] = payload[size - 1] = '"';
    tj_algo_state state = {TJ_STR("large"), {payload, size}};
    assert_ok(tj_txn_begin(store, &txn, &err));
    assert_ok(tj_txn_put_algo(txn, &id, &state, &err));
    return tj_txn_submit(txn, NULL, count_landed, l, NULL, &err);
}

/* The longest of them, in milliseconds; *late: how many took longer than they may. */
static unsigned submit_until_refused(tj_store *store, unsigned *count, unsigned *late, landed *l)
{
    uint64_t longest = 0;
    tj_status status = TJ_OK;
    while (status == TJ_OK) {
        uint64_t start = tj__monotonic_ns();
        status = submit_payload(store, *count, PAYLOAD_SIZE, l);
        uint64_t took = tj__monotonic_ns() - start;
        longest = took > longest ? took : longest;
        *late += took >= APPEND_MS_MAX * UINT64_C(1000000);
        *count += status == TJ_OK;
        assert_true(*count < 4096);
    }
    assert_int_equal(status, TJ_UNAVAILABLE);
    return (unsigned)(longest / 1000000);
}

static void test_memory_is_bounded(void **state)
{
    (void)state;
    landed l = {0};
    unsigned count = 0;
    unsigned late = 0;
    tj_config config = silent_config("bounded");
    config.postgres.timeout_ms = 600000; /* it is full before it is away */
    config.postgres.answer_ms = 600000;
    tj_store *store = open_store(&config);
    long before = peak_kib();
    fall_silent();
    unsigned longest = submit_until_refused(store, &count, &late, &l);
    assert_non_null(strstr(err.message, "not applied: commits of "));
    assert_non_null(strstr(err.message, " wait to be written already"));
    long more = peak_kib() - before;
    printf(
        "%u commits of 64 KiB are kept, %ld MiB; appends took %u ms at most, %u of them %u ms or "
        "more\n",
        count, more / 1024, longest, late, APPEND_MS_MAX);
    if (getenv("TJ_LONG")) {
        assert_true(late * 50 <= count); /* this machine may have other work */
    }
    assert_true(count * PAYLOAD_SIZE > (size_t)8 << 20);
    assert_true(SANITIZED || more < MEMORY_MAX_KIB);
    speak_again();
    assert_ok(tj_store_drain(store, 0, &err));
    assert_int_equal(l.count, count);
    more = peak_kib() - before;
    printf("and at most %ld MiB while they are written\n", more / 1024);
    assert_true(SANITIZED || more < MEMORY_MAX_KIB);
    tj_algo_list *list = NULL;
    assert_ok(tj_algo_load_all(tj_store_algo_repository(store, NULL), &list, &err));
    assert_int_equal(list->count, count);
    tj_algo_list_free(list);
    assert_ok(tj_store_close(store, &err));
}

/* ---- submitted commits ----------------------------------------------------------------------- */

/* They are told to be in doubt, once, and the next ones come through. */
static void test_submitted_and_not_answered(void **state)
{
    (void)state;
    landed l = {0};
    size_t taken = 0;
    tj_store_info info = TJ_STORE_INFO_INIT;
    tj_config config = silent_config("submitted");
    tj_store *store = open_store(&config);
    fall_silent();
    assert_ok(submit_payload(store, 1, 100, &l));
    assert_ok(submit_payload(store, 2, 100, &l));
    while (l.unknown < 2) {
        assert_ok(tj_store_complete(store, 10000, &taken, &err));
    }
    assert_int_equal(l.last, 2);
    speak_again();
    do {
        (void)usleep(10000);
        assert_ok(tj_store_info_get(store, &info, &err));
    } while (info.postgres.away_since != 0);
    assert_int_equal(info.sequence, 2);
    while (submit_payload(store, 3, 100, &l) == TJ_UNAVAILABLE) {
        (void)usleep(10000);
    }
    assert_ok(tj_store_drain(store, 0, &err));
    assert_int_equal(l.count, 1);
    assert_int_equal(l.last, 3);
    assert_ok(tj_store_close(store, &err));
}

/* What is in flight is waited for once, and not again by what closing does behind it. */
static void test_closed_with_commits_in_flight(void **state)
{
    (void)state;
    landed l = {0};
    tj_config config = silent_config("in_flight");
    tj_store *store = open_store(&config);
    fall_silent();
    assert_ok(submit_payload(store, 1, 100, &l));
    begin();
    assert_int_equal(tj_store_close(store, &err), TJ_UNKNOWN);
    end("close, commits in flight", 400);
    speak_again();
}

/* ---- deadlines ------------------------------------------------------------------------------- */

typedef struct saving {
    tj_store *store;
    tj_status status;
    pthread_t thread;
} saving;

static void *save_beside(void *context)
{
    saving *s = context;
    s->status = save_equity(s->store, 3);
    return NULL;
}

static tj_status commit_within(tj_store *store, uint32_t deadline_ms)
{
    tj_txn *txn = NULL;
    tj_uuid id = {{9}};
    tj_algo_state algo = {TJ_STR("twap"), TJ_STR("1")};
    tj_commit_options options = TJ_COMMIT_OPTIONS_INIT;
    options.deadline_ms = deadline_ms;
    assert_ok(tj_txn_begin(store, &txn, &err));
    assert_ok(tj_txn_put_algo(txn, &id, &algo, &err));
    return tj_txn_commit(txn, &options, NULL, &err);
}

/* In doubt; or not begun, where this machine is slower than the deadlines. */
static void assert_undone(tj_status status)
{
    assert_true(status == TJ_UNKNOWN || status == TJ_UNAVAILABLE);
}

static void test_nobody_waits_for_ever(void **state)
{
    (void)state;
    tj_config config = silent_config("waits");
    tj_live_state *loaded = NULL;
    tj_store *other = NULL;
    tj_store *store = open_store(&config);
    saving beside = {.store = store};
    assert_ok(append_fee(store, 1));
    assert_ok(append_fee(store, 2));
    fall_silent();
    begin();
    assert_undone(commit_within(store, 100));
    end("commit with a deadline", 100);
    begin();
    assert_int_equal(pthread_create(&beside.thread, NULL, save_beside, &beside), 0);
    assert_undone(save_equity(store, 2));
    assert_int_equal(pthread_join(beside.thread, NULL), 0);
    assert_undone(beside.status);
    end("two saves at once", 400);
    begin();
    assert_int_equal(tj_state_load(tj_store_state_repository(store, NULL), &loaded, &err),
                     TJ_UNAVAILABLE);
    end("load", 400);
    do {
        begin();
        assert_int_equal(append_fee(store, 3), TJ_UNAVAILABLE);
    } while (!strstr(err.message, "has taken no commits for"));
    end("append while it is away", 0);
    char again[URL_SIZE + 32];
    snprintf(again, sizeof again, "%s application_name=again", way_url);
    config.postgres.url = again;
    begin();
    assert_int_equal(tj_store_open(&config, &other, &err), TJ_UNAVAILABLE);
    end("open", 400);
    begin();
    (void)tj_store_close(store, &err);
    end("close", 400);
    speak_again();
    config.postgres.url = url;
    config.postgres.takeover = true;
    store = open_store(&config);
    assert_int_equal(count_fees(store), 2);
    assert_ok(tj_store_close(store, &err));
}

/* A look that an append takes first meets the silence; nothing waits to be written, and the store
 * finds out by itself that the server speaks again. */
static void test_a_look_is_not_answered(void **state)
{
    (void)state;
    tj_config config = silent_config("look");
    tj_store *store = open_store(&config);
    assert_ok(append_fee(store, 1));
    fall_silent();
    begin();
    assert_int_equal(append_fee(store, 2), TJ_UNAVAILABLE);
    end("append to the ledger", 300);
    speak_again();
    while (append_fee(store, 2) == TJ_UNAVAILABLE) {
        (void)usleep(10000);
    }
    assert_int_equal(count_fees(store), 2);
    assert_ok(tj_store_close(store, &err));
}

static int start(void **state)
{
    (void)state;
    tj_config config = database_config("first");
    assert_ok(tj_store_close(open_store(&config), &err));
    proxy_start(&way);
    proxy_url(&way, way_url);
    return 0;
}

static int stop(void **state)
{
    (void)state;
    proxy_stop(&way);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_memory_is_bounded),
        cmocka_unit_test(test_submitted_and_not_answered),
        cmocka_unit_test(test_closed_with_commits_in_flight),
        cmocka_unit_test(test_nobody_waits_for_ever),
        cmocka_unit_test(test_a_look_is_not_answered),
    };
    database_start("silent");
    return cmocka_run_group_tests(tests, start, stop);
}
