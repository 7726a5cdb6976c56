/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * What saving a LiveState costs before its record is appended: 10,000 open orders, one changed.
 * Prints medians of the whole, of encoding alone, where rows are dropped once they are written, and
 * their difference, which is what comparing adds: a save does both in turns. Then of the same state
 * as part of a transaction, whose rows are kept until it is committed, of loading the rows again,
 * and of the same change as a transaction of its own.
 */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "commit/plan.h"
#include "rows/body.h"
#include "rows/load.h"
#include "rows/rowmap_source.h"

#define ORDER_COUNT 10000
#define POSITION_COUNT 1000
#define ROUNDS 301

typedef struct bench {
    tj_live_state state;
    tj_order orders[ORDER_COUNT];
    tj_position positions[POSITION_COUNT];
    char ids[ORDER_COUNT][40];
    char codes[POSITION_COUNT][16];
    double save_us[ROUNDS];
    double encode_us[ROUNDS];
    double kept_us[ROUNDS];
    double load_us[ROUNDS];
    double transaction_us[ROUNDS];
} bench;

static bench b;

static void must(tj_status status, const tj_error *error)
{
    if (status != TJ_OK) {
        fprintf(stderr, "%s\n", error->message);
        exit(1);
    }
}

static double now_us(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec * 1e6 + (double)time.tv_nsec / 1e3;
}

static tj_decimal decimal(unsigned units)
{
    tj_decimal value = {{0}};
    tj_error error = TJ_ERROR_INIT;
    must(tj_decimal_from_parts(false, 0, units, 4, &value, &error), &error);
    return value;
}

static tj_symbol symbol(size_t i)
{
    return (tj_symbol){TJ_STR("binance_perp"), tj_str_of(b.codes[i % POSITION_COUNT])};
}

static void fill(bool random_ids)
{
    srand(1);
    for (size_t i = 0; i < POSITION_COUNT; i++) {
        snprintf(b.codes[i], sizeof b.codes[i], "C%05zuUSDT", i);
        b.positions[i] = (tj_position){.symbol = symbol(i),
                                       .side = TJ_SIDE_BUY,
                                       .quantity = decimal(12500),
                                       .has_entry_price = true,
                                       .entry_price = decimal(995000),
                                       .unrealized_pnl = decimal(100),
                                       .updated_at = 1763900000000000000};
    }
    for (size_t i = 0; i < ORDER_COUNT; i++) {
        unsigned part = random_ids ? (unsigned)rand() : 0;
        snprintf(b.ids[i], sizeof b.ids[i], "%08x-0c00-4000-8000-%012zu", part, i);
        tj_order_request request = {.symbol = symbol(i),
                                    .side = TJ_SIDE_SELL,
                                    .order_type = TJ_ORDER_LIMIT,
                                    .quantity = decimal(10000),
                                    .has_price = true,
                                    .price = decimal(640000000),
                                    .time_in_force = TJ_TIF_GOOD_TIL_CANCELED,
                                    .client_order_id = tj_str_of(b.ids[i])};
        b.orders[i] = (tj_order){.id = tj_str_of(b.ids[i]),
                                 .request = request,
                                 .status = TJ_ORDER_ACCEPTED,
                                 .filled_quantity = decimal(0),
                                 .created_at = 1763900000000000000,
                                 .updated_at = 1763900000000000000};
    }
    b.state = (tj_live_state){.has_portfolio = true,
                              .portfolio = {.positions = b.positions,
                                            .position_count = POSITION_COUNT,
                                            .reporting_currency = {{"", 0}, TJ_STR("USDT")},
                                            .initial_equity = decimal(100),
                                            .peak_equity = decimal(100)},
                              .open_orders = b.orders,
                              .open_order_count = ORDER_COUNT};
}

static int compare(const void *a, const void *c)
{
    double left = *(const double *)a;
    double right = *(const double *)c;
    return (left > right) - (left < right);
}

static void print(const char *name, double *values)
{
    qsort(values, ROUNDS, sizeof *values, compare);
    printf("  %-22s %8.1f us   (lowest %.1f, p90 %.1f)\n", name, values[ROUNDS / 2], values[0],
           values[ROUNDS * 9 / 10]);
}

static void begin(tj__plan *plan)
{
    tj_error error = TJ_ERROR_INIT;
    tj__plan_clear(plan);
    must(tj__plan_use_book(plan, TJ_STR("default"), &error), &error);
}

static tj_status drop_row(void *context, tj__plan *plan, size_t at, tj_error *error)
{
    (void)context;
    (void)plan;
    (void)at;
    (void)error;
    return TJ_OK;
}

static double encode(tj__plan *plan)
{
    tj_error error = TJ_ERROR_INIT;
    double start = now_us();
    begin(plan);
    must(tj__plan_open_state(plan, &b.state, &error), &error);
    must(tj__plan_add_entities(plan, &b.state, drop_row, NULL, &error), &error);
    return now_us() - start;
}

static double save(tj__plan *plan, tj__tip *tip, tj__resolved *resolved)
{
    tj_error error = TJ_ERROR_INIT;
    double start = now_us();
    begin(plan);
    must(tj__plan_open_state(plan, &b.state, &error), &error);
    must(tj__plan_resolve_state(plan, &b.state, tip, NULL, resolved, &error), &error);
    return now_us() - start;
}

/* Comes to the same changes once more. */
static double save_in_transaction(tj__plan *plan, tj__tip *tip, tj__resolved *resolved)
{
    tj_error error = TJ_ERROR_INIT;
    double start = now_us();
    begin(plan);
    must(tj__plan_put_state(plan, &b.state, &error), &error);
    must(tj__plan_resolve(plan, tip, NULL, resolved, &error), &error);
    return now_us() - start;
}

/* Puts one order, from plan to advance. */
static double put_order(tj__plan *plan, tj__tip *tip, tj__resolved *resolved, size_t round)
{
    tj_error error = TJ_ERROR_INIT;
    tj_order *order = &b.orders[round * 29];
    double start = now_us();
    order->updated_at += 1;
    begin(plan);
    must(tj__plan_put_order(plan, order, &error), &error);
    must(tj__plan_resolve(plan, tip, NULL, resolved, &error), &error);
    tj__tip_advance(tip, round + 1);
    return now_us() - start;
}

static double load(tj__row_source *source)
{
    tj_error error = TJ_ERROR_INIT;
    tj_live_state *loaded = NULL;
    double start = now_us();
    must(tj__state_load(source, 1, &loaded, &error), &error);
    double loaded_us = now_us() - start;
    tj_live_state_free(loaded);
    return loaded_us;
}

static void run(const char *title, bool random_ids)
{
    tj_error error = TJ_ERROR_INIT;
    tj__rowmap *rows = tj__rowmap_new();
    rowmap_source source = rowmap_source_of(rows, 0);
    tj__tip *tip = NULL;
    tj__resolved resolved = {0};
    tj__plan *plan = tj__plan_new();
    must(tj__tip_build(&source.source, &tip, &error), &error);
    fill(random_ids);
    for (size_t round = 0; round < ROUNDS + 2; round++) {
        size_t at = round > 1 ? round - 2 : 0; /* two rounds to warm up */
        b.orders[round * 31].updated_at += 1;
        b.encode_us[at] = encode(plan);
        b.kept_us[at] = save_in_transaction(plan, tip, &resolved);
        b.save_us[at] = save(plan, tip, &resolved);
        must(tj__body_apply(rows, TJ__TABLES_ALL, tj__buffer_bytes(&resolved.body),
                            resolved.change_count, round + 1, NULL, &error),
             &error);
        tj__tip_advance(tip, round + 1);
        if (round == 0) {
            printf("%s: %u rows, %zu bytes\n", title, resolved.change_count, resolved.body.size);
        }
        b.transaction_us[at] = put_order(plan, tip, &resolved, round);
        b.load_us[at] = load(&source.source);
    }
    printf("  one order changed: %u change, %zu bytes\n", resolved.change_count,
           resolved.body.size);
    print("save", b.save_us);
    print("encode", b.encode_us);
    printf("  %-22s %8.1f us\n", "compare", b.save_us[ROUNDS / 2] - b.encode_us[ROUNDS / 2]);
    print("save in a transaction", b.kept_us);
    print("load", b.load_us);
    print("transaction", b.transaction_us);
    tj__resolved_dispose(&resolved);
    tj__plan_free(plan);
    tj__tip_free(tip);
    tj__rowmap_free(rows);
}

int main(void)
{
    run("10,000 orders, 1,000 positions, rising ids", false);
    run("10,000 orders, 1,000 positions, random ids", true);
    return 0;
}
