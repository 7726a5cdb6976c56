/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * How long `tesser-journal status` takes, as a program and in its own processor time, of journals
 * with 1,000,000 rows: a quarter of each kind; open orders alone, in a random order of their ids;
 * last prices; algorithms; ledger entries. They take turns. Files are in the page cache.
 *
 *   bench_status [directory [rounds [rows]]]
 */
#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "book.h"

#define TXN_ROWS 10000

typedef void filler(tj_txn *txn, size_t number);

typedef struct side {
    const char *name;
    filler *put;
    bench_series wall_ms;
    bench_series cpu_ms;
} side;

static bench_book book;

/* ---- the rows ------------------------------------------------------------------------------ */

static void put_order(tj_txn *txn, size_t number)
{
    char id[40];
    tj_error error = TJ_ERROR_INIT;
    tj_order order = book.orders[number % BENCH_ORDER_COUNT];
    snprintf(id, sizeof id, "%08x-0c00-4000-8000-%012zu",
             (unsigned)((number + 1) * 0x9e3779b97f4a7c15u >> 32), number);
    order.id = tj_str_of(id);
    order.request.client_order_id = order.id;
    bench_must(tj_txn_put_order(txn, &order, &error), &error, "putting");
}

static void put_price(tj_txn *txn, size_t number)
{
    char code[16];
    tj_error error = TJ_ERROR_INIT;
    snprintf(code, sizeof code, "C%07zuUSDT", number);
    tj_price price = {.symbol = {TJ_STR("binance_perp"), tj_str_of(code)},
                      .price = book.orders[number % BENCH_ORDER_COUNT].request.price};
    bench_must(tj_txn_put_price(txn, &price, &error), &error, "putting");
}

static void put_algo(tj_txn *txn, size_t number)
{
    static const char payload[] = "{\"filled\":\"0.125\",\"left\":\"1.875\"}";
    tj_error error = TJ_ERROR_INIT;
    tj_uuid id = bench_algo_id(number >> 8, number);
    tj_algo_state state = {TJ_STR("twap"), {payload, sizeof payload - 1}};
    bench_must(tj_txn_put_algo(txn, &id, &state, &error), &error, "putting");
}

static void append_entry(tj_txn *txn, size_t number)
{
    tj_error error = TJ_ERROR_INIT;
    tj_ledger_entry entry = {.id = bench_algo_id(number >> 8, number),
                             .time = (tj_time)number * 1000,
                             .exchange = TJ_STR("binance_perp"),
                             .asset = {{"", 0}, TJ_STR("USDT")},
                             .amount = book.orders[0].request.quantity,
                             .type = TJ_LEDGER_FEE};
    bench_must(tj_txn_append_ledger(txn, &entry, &error), &error, "appending");
}

static void put_any(tj_txn *txn, size_t number)
{
    static filler *const kinds[] = {put_order, put_price, put_algo, append_entry};
    kinds[number % 4](txn, number);
}

static void fill(const char *directory, const side *s, size_t rows)
{
    tj_config config = TJ_CONFIG_INIT;
    tj_error error = TJ_ERROR_INIT;
    config.durability = TJ_DURABILITY_OS;
    config.lmdb.no_history = true;
    tj_store *store = bench_store_open(directory, s->name, &config);
    for (size_t at = 0; at < rows;) {
        tj_txn *txn = NULL;
        bench_must(tj_txn_begin(store, &txn, &error), &error, "beginning");
        for (size_t end = at + TXN_ROWS; at < rows && at < end; at++) {
            s->put(txn, at);
        }
        bench_must(tj_txn_commit(txn, NULL, NULL, &error), &error, "committing");
    }
    bench_store_close(store);
}

/* ---- the program --------------------------------------------------------------------------- */

static double ms_of(struct timeval time)
{
    return (double)time.tv_sec * 1e3 + (double)time.tv_usec / 1e3;
}

/* Spawned, not forked: to copy this process's page tables takes longer than some of the answers. */
static void ask(const char *program, const char *directory, side *s)
{
    char journal[BENCH_PATH_SIZE];
    char *arguments[] = {(char *)program, (char *)"-j", journal, (char *)"status", NULL};
    int status = 0;
    pid_t child = -1;
    struct rusage used;
    posix_spawn_file_actions_t actions;
    bench_join(journal, directory, s->name);
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
    uint64_t start = bench_now_ns();
    int failed = posix_spawn(&child, program, &actions, NULL, arguments, environ);
    posix_spawn_file_actions_destroy(&actions);
    if (failed != 0 || wait4(child, &status, 0, &used) != child || status != 0) {
        bench_die("asking for the status with", program);
    }
    bench_add(&s->wall_ms, (double)(bench_now_ns() - start) / 1e6);
    bench_add(&s->cpu_ms, ms_of(used.ru_utime) + ms_of(used.ru_stime));
}

int main(int argc, char **argv)
{
    static side sides[] = {{"rows", put_any, {.count = 0}, {.count = 0}},
                           {"orders", put_order, {.count = 0}, {.count = 0}},
                           {"prices", put_price, {.count = 0}, {.count = 0}},
                           {"algorithms", put_algo, {.count = 0}, {.count = 0}},
                           {"ledger", append_entry, {.count = 0}, {.count = 0}}};
    static const size_t count = sizeof sides / sizeof *sides;
    char directory[BENCH_PATH_SIZE];
    char program[BENCH_PATH_SIZE];
    char goal[96];
    size_t rounds = bench_argument(argc, argv, 2, 21);
    size_t rows = bench_argument(argc, argv, 3, 1000000);
    const char *slash = strrchr(argv[0], '/');
    bench_directory(argc, argv, directory);
    snprintf(program, sizeof program, "%.*s../cli/tesser-journal",
             slash ? (int)(slash - argv[0]) + 1 : 0, argv[0]);
    bench_book_fill(&book);
    for (size_t i = 0; i < count; i++) {
        fill(directory, &sides[i], rows);
    }
    for (size_t round = 0; round < rounds; round++) {
        for (size_t i = 0; i < count; i++) {
            ask(program, directory, &sides[i]);
        }
    }
    for (size_t i = 0; i < count; i++) {
        snprintf(goal, sizeof goal, "status of %zu %s", rows, sides[i].name);
        bench_goal_at_most("status", goal, &sides[i].wall_ms, 50, " ms");
        bench_print("  processor time", "ms", &sides[i].cpu_ms);
    }
    bench_remove(directory);
    return 0;
}
