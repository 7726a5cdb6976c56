/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef TJ_MIGRATE_HOLDINGS_H
#define TJ_MIGRATE_HOLDINGS_H

#include <tesser/error.h>
#include <tesser/state.h>

/* How many positions and balances there are. Tesser keeps each one twice, in the portfolio and in
 * the sub-account of its exchange, mostly with the bare code: that is counted as one. TJ_NOMEM. */
tj_status tj__holdings_count(const tj_portfolio *portfolio, size_t *positions, size_t *balances,
                             tj_error *error);

#endif
