/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Members of a state that this version does not know: they are kept, and the report names them,
 * because a name that was damaged would look the same. */
#include <stdio.h>

#include "base/error.h"
#include "base/text.h"
#include "migrate/gather.h"
#include "json/check.h"

/* Different names that are told apart; more are counted together. */
#define NAMES_MAX 64

typedef struct unknown_name {
    char name[TJ__QUOTE_SIZE];
    const char *where;
    size_t count;
} unknown_name;

typedef struct counting {
    unknown_name names[NAMES_MAX];
    size_t name_count;
    size_t others;
    const char *where;
} counting;

static tj_status count_member(void *context, tj_str name, tj_str value, tj_error *error)
{
    (void)value;
    (void)error;
    counting *c = context;
    char quoted[TJ__QUOTE_SIZE];
    tj__text_quote(name, quoted);
    size_t i = 0;
    while (i < c->name_count &&
           (c->names[i].where != c->where || strcmp(c->names[i].name, quoted) != 0)) {
        i++;
    }
    if (i == NAMES_MAX) {
        c->others++;
        return TJ_OK;
    }
    if (i == c->name_count) {
        c->name_count++;
        c->names[i] = (unknown_name){.where = c->where};
        (void)snprintf(c->names[i].name, sizeof c->names[i].name, "%s", quoted);
    }
    c->names[i].count++;
    return TJ_OK;
}

static tj_status count_extra(counting *c, const char *where, tj_str extra, tj_error *error)
{
    c->where = where;
    return extra.data ? tj__json_members(extra, where, count_member, c, error) : TJ_OK;
}

static tj_status count_holdings(counting *c, const tj_position *positions, size_t position_count,
                                const tj_balance *balances, size_t balance_count, tj_error *error)
{
    for (size_t i = 0; i < position_count; i++) {
        TJ_TRY(count_extra(c, "positions", positions[i].extra, error));
    }
    for (size_t i = 0; i < balance_count; i++) {
        TJ_TRY(count_extra(c, "balances", balances[i].extra, error));
    }
    return TJ_OK;
}

static tj_status count_all(counting *c, const tj_live_state *state, tj_error *error)
{
    const tj_portfolio *portfolio = &state->portfolio;
    TJ_TRY(count_extra(c, "the state", state->extra, error));
    TJ_TRY(count_extra(c, "execution_checkpoint", state->execution_checkpoint.extra, error));
    TJ_TRY(count_extra(c, "portfolio", portfolio->extra, error));
    TJ_TRY(count_holdings(c, portfolio->positions, portfolio->position_count, portfolio->balances,
                          portfolio->balance_count, error));
    for (size_t i = 0; i < portfolio->sub_account_count; i++) {
        const tj_sub_account *account = &portfolio->sub_accounts[i];
        TJ_TRY(count_extra(c, "sub_accounts", account->extra, error));
        TJ_TRY(count_holdings(c, account->positions, account->position_count, account->balances,
                              account->balance_count, error));
    }
    for (size_t i = 0; i < state->open_order_count; i++) {
        TJ_TRY(count_extra(c, "open_orders", state->open_orders[i].extra, error));
        TJ_TRY(count_extra(c, "order requests", state->open_orders[i].request.extra, error));
    }
    return TJ_OK;
}

tj_status tj__gathering_note_unknown(tj__gathering *all, const tj_live_state *state,
                                     tj_error *error)
{
    counting c = {.name_count = 0};
    TJ_TRY(count_all(&c, state, error));
    for (size_t i = 0; i < c.name_count; i++) {
        char what[TJ__QUOTE_SIZE + 64];
        (void)snprintf(what, sizeof what, "member %s of %s", c.names[i].name, c.names[i].where);
        TJ_TRY(tj__gathering_note(all, &all->remarks, SIZE_MAX, tj_str_of(what), error,
                                  "unknown to this version, and kept as it is; %zu of them",
                                  c.names[i].count));
    }
    if (c.others > 0) {
        return tj__gathering_note(all, &all->remarks, SIZE_MAX, TJ_STR("further members"), error,
                                  "unknown to this version, and kept as they are; %zu of them",
                                  c.others);
    }
    return TJ_OK;
}
