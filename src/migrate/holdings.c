/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Counts by exchange and code, so that what stands twice is counted as one. */
#include "migrate/holdings.h"

#include <stdlib.h>

#include "base/buffer.h"
#include "base/error.h"

typedef struct coded {
    tj_str code;
    bool in_sub_account;
} coded;

static int by_code(const void *a, const void *b)
{
    const coded *left = a;
    const coded *right = b;
    return tj__str_compare(left->code, right->code);
}

static void add(tj__buffer *all, tj_str code, bool in_sub_account)
{
    coded item = {code, in_sub_account};
    tj__put_bytes(all, &item, sizeof item);
}

/* Each code as often as it stands in the portfolio or in the sub-accounts, whichever is more. */
static size_t count_each(coded *items, size_t count)
{
    size_t total = 0;
    if (count > 1) {
        qsort(items, count, sizeof *items, by_code);
    }
    for (size_t i = 0; i < count;) {
        size_t of_portfolio = 0;
        size_t of_sub_accounts = 0;
        tj_str code = items[i].code;
        for (; i < count && tj_str_equal(items[i].code, code); i++) {
            of_portfolio += !items[i].in_sub_account;
            of_sub_accounts += items[i].in_sub_account;
        }
        total += of_portfolio > of_sub_accounts ? of_portfolio : of_sub_accounts;
    }
    return total;
}

static tj_status count_and_empty(tj__buffer *codes, size_t *count, tj_error *error)
{
    if (codes->failed) {
        return tj__fail(error, TJ_NOMEM, "no memory to count what a portfolio holds");
    }
    *count = count_each((coded *)(void *)codes->data, codes->size / sizeof(coded));
    codes->size = 0;
    return TJ_OK;
}

static void add_positions(tj__buffer *codes, const tj_position *positions, size_t count, bool sub)
{
    for (size_t i = 0; i < count; i++) {
        add(codes, positions[i].symbol.code, sub);
    }
}

static void add_balances(tj__buffer *codes, const tj_balance *balances, size_t count, bool sub)
{
    for (size_t i = 0; i < count; i++) {
        add(codes, balances[i].currency.code, sub);
    }
}

tj_status tj__holdings_count(const tj_portfolio *portfolio, size_t *positions, size_t *balances,
                             tj_error *error)
{
    tj__buffer codes = {0};
    add_positions(&codes, portfolio->positions, portfolio->position_count, false);
    for (size_t i = 0; i < portfolio->sub_account_count; i++) {
        const tj_sub_account *account = &portfolio->sub_accounts[i];
        add_positions(&codes, account->positions, account->position_count, true);
    }
    tj_status status = count_and_empty(&codes, positions, error);
    add_balances(&codes, portfolio->balances, portfolio->balance_count, false);
    for (size_t i = 0; i < portfolio->sub_account_count; i++) {
        const tj_sub_account *account = &portfolio->sub_accounts[i];
        add_balances(&codes, account->balances, account->balance_count, true);
    }
    status = status == TJ_OK ? count_and_empty(&codes, balances, error) : status;
    tj__buffer_dispose(&codes);
    return status;
}
