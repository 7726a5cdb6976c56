/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* A process that looks on: opens the journal read-only, again and again, and checks what it
 * sees. */
#include <inttypes.h>

#include "stress.h"

static void read_lanes(numbers *out, bool attempted)
{
    for (unsigned lane = 0; lane < LANES; lane++) {
        out->of[lane] = attempted ? atomic_load(&all->lanes[lane].attempted)
                                  : atomic_load(&all->lanes[lane].acknowledged);
    }
}

static void check_view(tj_store *store, numbers (*load)(tj_store *store), numbers *last)
{
    numbers before;
    numbers after;
    read_lanes(&before, false);
    numbers shown = load(store);
    read_lanes(&after, true);
    for (unsigned lane = 0; lane < LANES; lane++) {
        uint64_t n = shown.of[lane];
        if (n < before.of[lane] || n > after.of[lane] || n < last->of[lane]) {
            violation("lane %u: a view shows %" PRIu64 "; the one before it %" PRIu64
                      ", acknowledged before it %" PRIu64 ", attempted after it %" PRIu64,
                      lane, n, last->of[lane], before.of[lane], after.of[lane]);
        }
    }
    stress_mark_seen(&shown);
    *last = shown;
    atomic_fetch_add(&all->views, 1);
}

void view_some(tj_store *store, unsigned count)
{
    numbers last = {{0}};
    for (unsigned i = 0; i < count; i++) {
        check_view(store, stress_load_state, &last);
        check_view(store, stress_load_algos, &last);
    }
}

void viewer_main(uint64_t seed)
{
    uint64_t random = seed;
    tj_config config = stress_config();
    config.read_only = true;
    while (!atomic_load(&all->stop)) {
        tj_error error = TJ_ERROR_INIT;
        tj_store *store = NULL;
        tj_status status = tj_store_open(&config, &store, &error);
        if (status != TJ_OK) {
            violation("a view cannot be opened: %s: %s", tj_status_name(status), error.message);
        }
        for (unsigned i = draw(&random) % 20 + 1; i > 0 && !atomic_load(&all->stop); i--) {
            view_some(store, 2);
            pause_us(draw(&random) % 3000);
        }
        tj_store_close(store, NULL);
    }
}
