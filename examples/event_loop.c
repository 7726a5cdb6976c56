/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * An event loop that never waits for the disk: a timer stands for the market, each tick moves a few
 * prices, and each price is a commit of its own. The journal says through a descriptor which of
 * them are durable.
 *
 *     cc event_loop.c $(pkg-config --cflags --libs tesser-journal) -o event_loop
 *     ./event_loop ./journal
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include <tesser/async.h>
#include <tesser/journal.h>

#define TICKS 20
#define SYMBOLS 16
#define TICK_NS 2000000

typedef struct runtime {
    tj_store *store;
    int ticks;
    int in_flight, in_flight_most;
    uint64_t durable; /* the newest commit that is */
} runtime;

static void check(tj_status status, const tj_error *error)
{
    if (status != TJ_OK) {
        fprintf(stderr, "event_loop: %s\n", error->message);
        exit(1);
    }
}

/* Called by tj_store_complete, in the order of the commits. Here an order would be sent: its intent
 * is on the disk. */
static void on_durable(void *context, tj_status status, uint64_t sequence, const tj_error *error)
{
    runtime *r = context;
    check(status, error);
    r->in_flight--;
    r->durable = sequence;
}

static void move_price(runtime *r, int symbol, int price)
{
    char name[32], text[32];
    tj_txn *txn = NULL;
    tj_price moved;
    tj_error error = TJ_ERROR_INIT;
    snprintf(name, sizeof name, "binance_perp:COIN%dUSDT", symbol);
    snprintf(text, sizeof text, "%d.50", price);
    check(tj_identity_parse(tj_str_of(name), &moved.symbol, &error), &error);
    check(tj_decimal_parse(tj_str_of(text), &moved.price, &error), &error);
    check(tj_txn_begin(r->store, &txn, &error), &error);
    check(tj_txn_put_price(txn, &moved, &error), &error);
    check(tj_txn_submit(txn, NULL, on_durable, r, NULL, &error), &error);
    r->in_flight++;
    r->in_flight_most = r->in_flight > r->in_flight_most ? r->in_flight : r->in_flight_most;
}

static void on_tick(runtime *r, int timer)
{
    uint64_t ticks = 0;
    if (read(timer, &ticks, sizeof ticks) == sizeof ticks && r->ticks < TICKS) {
        r->ticks++;
        for (int symbol = 0; symbol < SYMBOLS; symbol++) {
            move_price(r, symbol, 100 + r->ticks);
        }
    }
}

static void run(runtime *r)
{
    tj_error error = TJ_ERROR_INIT;
    int timer = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
    int loop = epoll_create1(EPOLL_CLOEXEC);
    int completions = tj_store_completion_fd(r->store);
    struct itimerspec every = {{0, TICK_NS}, {0, TICK_NS}};
    struct epoll_event on_timer = {.events = EPOLLIN, .data.fd = timer};
    struct epoll_event on_completion = {.events = EPOLLIN, .data.fd = completions};
    if (timer < 0 || loop < 0 || timerfd_settime(timer, 0, &every, NULL) != 0 ||
        epoll_ctl(loop, EPOLL_CTL_ADD, timer, &on_timer) != 0 ||
        epoll_ctl(loop, EPOLL_CTL_ADD, completions, &on_completion) != 0) {
        perror("event_loop");
        exit(1);
    }
    while (r->ticks < TICKS || r->in_flight > 0) {
        struct epoll_event events[2];
        int count = epoll_wait(loop, events, 2, -1);
        for (int i = 0; i < count; i++) {
            if (events[i].data.fd == timer) {
                on_tick(r, timer);
            } else {
                check(tj_store_complete(r->store, 0, NULL, &error), &error);
            }
        }
    }
    close(timer);
    close(loop);
}

int main(int argc, char **argv)
{
    runtime r = {0};
    tj_config config = TJ_CONFIG_INIT;
    tj_error error = TJ_ERROR_INIT;
    if (argc != 2) {
        fprintf(stderr, "usage: event_loop DIRECTORY\n");
        return 2;
    }
    config.path = argv[1];
    check(tj_store_open(&config, &r.store, &error), &error);
    run(&r);
    check(tj_store_close(r.store, &error), &error);
    printf("%d commits durable up to %" PRIu64 ", at most %d in flight\n", TICKS * SYMBOLS,
           r.durable, r.in_flight_most);
    return 0;
}
