/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * A journal on a PostgreSQL server beside what a runtime would do there instead: one prepared
 * UPDATE of a row of 600 bytes in autocommit, on a connection for each thread. Savers of 1, 8 and
 * 64 threads; one order of 10,000 that changes, and a load of all of them, beside the bare
 * statement that writes or reads as much; and a price that changes 30,000 times beside an open
 * snapshot. And a lone save with durability "replicated" beside the UPDATE, both of which wait for
 * the same standby. All take turns in every round.
 *
 *   TMPDIR=/var/tmp tests/postgres/with_server.sh bench_postgres [rounds [milliseconds per turn]]
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "book.h"
#include "postgres/session.h"

#define THREADS_MAX 64
#define SCHEMA "bench"
#define STATEMENT_MS 30000
/* Of the part with a book, in one round. */
#define ORDERS 60
#define LOADS 2
#define PRICES 30000
#define PRICES_PART 5000

typedef struct side {
    const char *name;
    size_t threads;
    bool bare;
    bench_series per_second;
    bench_series p50;
    bench_times times;
} side;

typedef struct bench {
    tj_store *store;
    tj_algo_repository *algos;
    tj__pg_target target;
    tj__pg_session sessions[THREADS_MAX];
    pthread_barrier_t start;
    uint64_t turn_ns;
} bench;

typedef struct saver {
    bench *bench;
    const side *side;
    size_t number;
    size_t saved;
    bench_times times;
    pthread_t thread;
} saver;

static bench_book book;

/* ---- the server ------------------------------------------------------------------------------ */

static void ask(tj__pg_session *session, const tj__pg_query *query)
{
    tj_error error = TJ_ERROR_INIT;
    tj__pg_result *result = NULL;
    bench_must(tj__pg_ask(session, query, 1, &result, STATEMENT_MS, &error), &error, "asking");
    tj__pg_clear(session, &result, 1);
}

static void do_sql(tj__pg_session *session, const char *sql)
{
    tj__pg_query query = tj__pg_sql(sql);
    ask(session, &query);
}

static void open_session(bench *b, tj__pg_session *session)
{
    tj_error error = TJ_ERROR_INIT;
    bench_must(tj__pg_open(session, &b->target, &error), &error, "connecting");
}

static void open_server(bench *b)
{
    tj_error error = TJ_ERROR_INIT;
    tj_config config = TJ_CONFIG_INIT;
    const char *url = getenv("TJ_POSTGRES_URL");
    if (!url) {
        bench_die("starting", "there is no server: run this by tests/postgres/with_server.sh");
    }
    bench_must(tj__libpq_load(&b->target.pq, &error), &error, "loading libpq");
    b->target.url = url;
    b->target.schema = SCHEMA;
    b->target.writes = true;
    config.type = TJ_ENGINE_POSTGRES;
    config.postgres.url = url;
    config.postgres.schema = SCHEMA;
    bench_must(tj_store_open(&config, &b->store, &error), &error, "opening a journal");
    b->algos = tj_store_algo_repository(b->store, NULL);
    for (size_t i = 0; i < THREADS_MAX; i++) {
        open_session(b, &b->sessions[i]);
    }
    do_sql(&b->sessions[0], "create table bare(id int8 primary key, value bytea) with (fillfactor "
                            "= 50)");
    do_sql(&b->sessions[0], "insert into bare select i, '' from generate_series(0, 63) i");
    for (size_t i = 0; i < THREADS_MAX; i++) {
        tj__pg_query prepare =
            tj__pg_prepare("bare", "update bare set value = $2::bytea where id = "
                                   "$1::int8");
        ask(&b->sessions[i], &prepare);
    }
}

/* ---- savers ---------------------------------------------------------------------------------- */

static void update_bare(bench *b, size_t number, size_t count)
{
    char payload[BENCH_PAYLOAD_SIZE];
    tj__pg_query query = tj__pg_prepared("bare");
    bench_payload(payload, count);
    tj__pg_int8(&query, number);
    tj__pg_bytes(&query, tj__bytes_of(payload, sizeof payload));
    ask(&b->sessions[number], &query);
}

static void save(saver *s)
{
    char payload[BENCH_PAYLOAD_SIZE];
    tj_error error = TJ_ERROR_INIT;
    tj_uuid id = bench_algo_id(s->number, 0);
    tj_algo_state state = {TJ_STR("twap"), {payload, BENCH_PAYLOAD_SIZE}};
    bench_payload(payload, s->saved);
    bench_must(tj_algo_save(s->bench->algos, &id, &state, &error), &error, "saving");
}

static void *run_saver(void *argument)
{
    saver *s = argument;
    pthread_barrier_wait(&s->bench->start);
    uint64_t start = bench_now_ns();
    uint64_t until = start + s->bench->turn_ns;
    while (start < until) {
        if (s->side->bare) {
            update_bare(s->bench, s->number, s->saved);
        } else {
            save(s);
        }
        s->saved++;
        uint64_t end = bench_now_ns();
        bench_times_add(&s->times, end - start);
        start = end;
    }
    return NULL;
}

static void settle(bench *b)
{
    tj_error error = TJ_ERROR_INIT;
    bench_must(tj_store_work(b->store, &error), &error, "applying");
}

static void take_turn(bench *b, side *s)
{
    static saver savers[THREADS_MAX];
    bench_times times = {0};
    pthread_barrier_init(&b->start, NULL, (unsigned)s->threads + 1);
    for (size_t i = 0; i < s->threads; i++) {
        savers[i] = (saver){.bench = b, .side = s, .number = i};
        if (pthread_create(&savers[i].thread, NULL, run_saver, &savers[i]) != 0) {
            bench_die("saving", "a thread cannot be started");
        }
    }
    pthread_barrier_wait(&b->start);
    uint64_t start = bench_now_ns();
    for (size_t i = 0; i < s->threads; i++) {
        pthread_join(savers[i].thread, NULL);
        for (size_t k = 0; k < savers[i].times.count; k++) {
            bench_times_add(&times, savers[i].times.ns[k]);
            bench_times_add(&s->times, savers[i].times.ns[k]);
        }
        bench_times_clear(&savers[i].times);
    }
    if (!s->bare) {
        settle(b); /* what the rows still owe is time of these saves */
    }
    bench_add(&s->per_second, (double)times.count * 1e9 / (double)(bench_now_ns() - start));
    bench_times_sort(&times);
    bench_add(&s->p50, bench_times_us(&times, 0.5));
    bench_times_clear(&times);
    pthread_barrier_destroy(&b->start);
}

static void print_side(side *s)
{
    bench_spread rate = bench_spread_of(&s->per_second);
    bench_times_sort(&s->times);
    printf("  %-24s %8.0f (%7.0f to %7.0f) %9.0f %9.0f\n", s->name, rate.median, rate.lowest,
           rate.highest, bench_times_us(&s->times, 0.5), bench_times_us(&s->times, 0.99));
    bench_times_clear(&s->times);
}

enum { BARE_1, OURS_1, BARE_8, OURS_8, BARE_64, OURS_64, SIDES };

static void measure_savers(bench *b, size_t rounds)
{
    static side sides[SIDES] = {{.name = "UPDATE, 1 thread", .threads = 1, .bare = true},
                                {.name = "tesser, 1 thread", .threads = 1},
                                {.name = "UPDATE, 8 threads", .threads = 8, .bare = true},
                                {.name = "tesser, 8 threads", .threads = 8},
                                {.name = "UPDATE, 64 threads", .threads = 64, .bare = true},
                                {.name = "tesser, 64 threads", .threads = 64}};
    for (size_t round = 0; round < rounds; round++) {
        for (size_t i = 0; i < SIDES; i++) {
            take_turn(b, &sides[i]);
        }
    }
    printf("Durable saves of %d bytes, %zu rounds; times in us\n", BENCH_PAYLOAD_SIZE, rounds);
    printf("  %-24s %8s %20s %9s %9s\n", "", "a second", "(lowest to highest)", "p50", "p99");
    for (size_t i = 0; i < SIDES; i++) {
        print_side(&sides[i]);
    }
    bench_series lone = bench_ratio(&sides[OURS_1].p50, &sides[BARE_1].p50);
    bench_series eight = bench_ratio(&sides[OURS_8].per_second, &sides[BARE_8].per_second);
    bench_series many = bench_ratio(&sides[OURS_64].per_second, &sides[BARE_64].per_second);
    bench_series one = bench_ratio(&sides[OURS_64].per_second, &sides[BARE_1].per_second);
    bench_goal_at_most("12", "a lone save to a bare UPDATE, p50", &lone, 1.5, "x");
    bench_goal_at_least("12", "8 savers to 8 plain connections", &eight, 0.8, "x");
    bench_goal_at_least("12", "64 savers to 64 plain connections", &many, 1.2, "x");
    bench_goal_at_least("12", "64 savers to one transaction a commit", &one, 6, "x");
}

/* ---- a book ---------------------------------------------------------------------------------- */

typedef void work(bench *b, size_t count);

static void change_order(bench *b, size_t count)
{
    (void)count;
    bench_book_commit_change(&book, b->store);
}

static void update_one(bench *b, size_t count)
{
    update_bare(b, 0, count);
}

static void load(bench *b, size_t count)
{
    (void)count;
    tj_error error = TJ_ERROR_INIT;
    tj_live_state *state = NULL;
    bench_must(tj_state_load(tj_store_state_repository(b->store, NULL), &state, &error), &error,
               "loading the state");
    tj_live_state_free(state);
}

static void select_rows(bench *b, size_t count)
{
    (void)count;
    tj__pg_query query = tj__pg_sql("select key, value, seq, sum from raw_state order by key");
    ask(&b->sessions[0], &query);
}

static void measure(bench *b, work *what, size_t count, bench_series *out)
{
    bench_times times = {0};
    for (size_t i = 0; i < count; i++) {
        uint64_t start = bench_now_ns();
        what(b, i);
        bench_times_add(&times, bench_now_ns() - start);
    }
    bench_times_sort(&times);
    bench_add(out, bench_times_us(&times, 0.5));
    bench_times_clear(&times);
}

static void measure_book(bench *b, size_t rounds)
{
    static bench_series order, bare, loading, selecting;
    bench_book_put(&book, b->store, 1);
    settle(b);
    for (size_t round = 0; round < rounds; round++) {
        measure(b, update_one, ORDERS, &bare);
        measure(b, change_order, ORDERS, &order);
        settle(b);
        measure(b, select_rows, LOADS, &selecting);
        measure(b, load, LOADS, &loading);
    }
    printf("One order of %d, and a load of all of them, %zu rounds\n", BENCH_ORDER_COUNT, rounds);
    bench_print("one order", "us", &order);
    bench_print("a bare UPDATE", "us", &bare);
    bench_print("a load", "us", &loading);
    bench_print("a bare SELECT", "us", &selecting);
    bench_series change = bench_ratio(&order, &bare);
    bench_series reading = bench_ratio(&loading, &selecting);
    bench_goal_at_most("12", "one order of 10,000 to a bare UPDATE", &change, 1.6, "x");
    bench_goal_at_most("12", "a load to a bare SELECT of the rows", &reading, 2, "x");
}

/* ---- beside an open snapshot ----------------------------------------------------------------- */

static void save_price(bench *b, size_t number)
{
    tj_error error = TJ_ERROR_INIT;
    tj_txn *txn = NULL;
    tj_price price = {.symbol = {TJ_STR("binance_perp"), TJ_STR("BTCUSDT")},
                      .price = tj_decimal_int((int64_t)number + 1)};
    bench_must(tj_txn_begin(b->store, &txn, &error), &error, "beginning");
    bench_must(tj_txn_put_price(txn, &price, &error), &error, "putting");
    bench_must(tj_txn_commit(txn, NULL, NULL, &error), &error, "committing");
}

static void measure_snapshot(bench *b)
{
    static bench_series first, last, ratio;
    tj__pg_session reader;
    open_session(b, &reader);
    do_sql(&reader, "begin isolation level repeatable read");
    do_sql(&reader, "select count(*) from raw_state");
    uint64_t start = bench_now_ns();
    for (size_t i = 0; i < PRICES; i++) {
        if (i == PRICES_PART) {
            bench_add(&first, (double)(bench_now_ns() - start) / 1e3 / PRICES_PART);
        }
        if (i == PRICES - PRICES_PART) {
            start = bench_now_ns();
        }
        save_price(b, i);
    }
    bench_add(&last, (double)(bench_now_ns() - start) / 1e3 / PRICES_PART);
    tj__pg_close(&reader);
    printf("%d commits to one price beside an open snapshot\n", PRICES);
    bench_print("of the first 5,000 each", "us", &first);
    bench_print("of the last 5,000 each", "us", &last);
    ratio = bench_ratio(&last, &first);
    bench_goal_at_most("12", "the last commits to the first", &ratio, 1.5, "x");
}

/* ---- with a standby -------------------------------------------------------------------------- */

/* The checkpoint is made by the process that tells all others whether there is a standby to wait
 * for, after it has read the setting. */
static void start_standby(bench *b)
{
    char command[1024];
    snprintf(command, sizeof command, "bash %s standby %s", getenv("TJ_POSTGRES_SERVER"),
             getenv("TJ_POSTGRES_DIRECTORY"));
    if (system(command) != 0) {
        bench_die("starting a standby", command);
    }
    do_sql(&b->sessions[0], "alter system set synchronous_standby_names = '*'");
    do_sql(&b->sessions[0], "select pg_reload_conf()");
    do_sql(&b->sessions[0], "checkpoint");
}

static void open_replicated(bench *b)
{
    tj_error error = TJ_ERROR_INIT;
    tj_config config = TJ_CONFIG_INIT;
    config.type = TJ_ENGINE_POSTGRES;
    config.durability = TJ_DURABILITY_REPLICATED;
    config.postgres.url = b->target.url;
    config.postgres.schema = SCHEMA;
    config.postgres.name = "replicated";
    bench_must(tj_store_open(&config, &b->store, &error), &error, "opening a journal");
    b->algos = tj_store_algo_repository(b->store, NULL);
}

static void measure_standby(bench *b, size_t rounds)
{
    static side bare = {.name = "UPDATE, 1 thread", .threads = 1, .bare = true};
    static side ours = {.name = "tesser, 1 thread", .threads = 1};
    start_standby(b);
    open_replicated(b);
    for (size_t round = 0; round < rounds; round++) {
        take_turn(b, &bare);
        take_turn(b, &ours);
    }
    printf("With a synchronous standby, %zu rounds\n", rounds);
    print_side(&bare);
    print_side(&ours);
    bench_series lone = bench_ratio(&ours.p50, &bare.p50);
    bench_goal_at_most("12", "a replicated save to a bare UPDATE", &lone, 1.6, "x");
}

int main(int argc, char **argv)
{
    static bench b;
    size_t rounds = bench_argument(argc, argv, 1, 15);
    b.turn_ns = bench_argument(argc, argv, 2, 300) * 1000000u;
    open_server(&b);
    measure_savers(&b, rounds);
    measure_book(&b, rounds);
    measure_snapshot(&b);
    bench_store_close(b.store);
    measure_standby(&b, rounds);
    for (size_t i = 0; i < THREADS_MAX; i++) {
        tj__pg_close(&b.sessions[i]);
    }
    bench_store_close(b.store);
    return 0;
}
