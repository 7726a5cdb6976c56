/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* The names of kinds of entities. */
#include <stdio.h>

#include "base/error.h"
#include "base/text.h"
#include "store/changes.h"

static const char *const names[TJ_ENTITY_QUARANTINED + 1] = {
    [TJ_ENTITY_PORTFOLIO] = "portfolio",
    [TJ_ENTITY_EQUITY] = "portfolio_equity",
    [TJ_ENTITY_LAST_CANDLE] = "last_candle_ts",
    [TJ_ENTITY_STRATEGY_STATE] = "strategy_state",
    [TJ_ENTITY_CHECKPOINT] = "execution_checkpoint",
    [TJ_ENTITY_MEMBER] = "member",
    [TJ_ENTITY_BALANCE] = "balance",
    [TJ_ENTITY_POSITION] = "position",
    [TJ_ENTITY_SUB_ACCOUNT] = "sub_account",
    [TJ_ENTITY_PRICE] = "last_price",
    [TJ_ENTITY_ORDER] = "order",
    [TJ_ENTITY_EXEC_ID] = "exec_id",
    [TJ_ENTITY_ALGO] = "algo",
    [TJ_ENTITY_LEDGER] = "ledger",
    [TJ_ENTITY_BOOK] = "book",
    [TJ_ENTITY_COUNTER] = "counter",
    [TJ_ENTITY_QUARANTINED] = "quarantined",
};

const char *tj_entity_kind_name(tj_entity_kind kind)
{
    return kind >= TJ_ENTITY_PORTFOLIO && kind <= TJ_ENTITY_QUARANTINED ? names[kind] : NULL;
}

static tj_status unknown(tj_str text, tj_error *error)
{
    char quoted[TJ__QUOTE_SIZE];
    char list[400] = "";
    size_t size = 0;
    for (int kind = TJ_ENTITY_PORTFOLIO; kind <= TJ_ENTITY_QUARANTINED; kind++) {
        size += (size_t)snprintf(list + size, sizeof list - size, "%s%s", size ? ", " : "",
                                 names[kind]);
    }
    return tj__fail(error, TJ_INVALID, "%s is no kind of entity; there are: %s",
                    tj__text_quote(text, quoted), list);
}

tj_status tj_entity_kind_parse(tj_str text, tj_entity_kind *out, tj_error *error)
{
    if (!out) {
        return tj__fail(error, TJ_MISUSE, "an argument that must not be NULL is NULL");
    }
    for (int kind = TJ_ENTITY_PORTFOLIO; kind <= TJ_ENTITY_QUARANTINED; kind++) {
        if (tj_str_equal(text, tj_str_of(names[kind]))) {
            *out = (tj_entity_kind)kind;
            return TJ_OK;
        }
    }
    return unknown(text, error);
}
