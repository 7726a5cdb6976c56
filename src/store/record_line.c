/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * One line of `tesser-journal record`: an object whose members are changes. Each is decoded as the
 * same thing in a LiveState is, and noted with the public calls of a transaction. The order is
 * fixed, so that what a line does is independent of how it is written: the book and the id, the
 * whole state, the portfolio, what stands in it, the rest.
 */
#include <tesser/repository.h>

#include "base/error.h"
#include "base/sized.h"
#include "base/text.h"
#include "store/internal.h"
#include "json/decode.h"

typedef struct line {
    tj_txn *txn;
    tj__json_input in;
    tj_uuid commit_id;
} line;

static bool is_null(const tj__json_node *node)
{
    return node->type == TJ__JSON_NULL;
}

static const tj_str no_key = {NULL, 0};

static tj_status apply_book(line *l, const tj__json_node *node)
{
    TJ_TRY(tj__json_want(&l->in, node, TJ__JSON_STRING));
    if (memchr(node->text.data, '\0', node->text.size)) {
        return tj__json_fail_node(&l->in, node, TJ_INVALID,
                                  "the name of a book holds no control characters");
    }
    tj_str name = tj__arena_str(l->in.arena, node->text);
    if (!name.data) {
        return tj__json_fail_nomem(&l->in);
    }
    return tj__json_relay(&l->in, node, tj_txn_use_book(l->txn, name.data, l->in.error));
}

static tj_status apply_id(line *l, const tj__json_node *node)
{
    TJ_TRY(tj__json_want(&l->in, node, TJ__JSON_STRING));
    tj_uuid id;
    TJ_TRY(tj__json_relay(&l->in, node, tj_uuid_parse(node->text, &id, l->in.error)));
    if (tj_uuid_is_nil(id)) {
        return tj__json_fail_node(&l->in, node, TJ_INVALID,
                                  "the nil UUID is no commit id; leave it out");
    }
    l->commit_id = id;
    return TJ_OK;
}

static tj_status apply_state(line *l, const tj__json_node *node)
{
    tj_live_state state;
    TJ_TRY(tj__json_decode_live_state(&l->in, node, &state));
    return tj__json_relay(&l->in, node, tj_txn_put_state(l->txn, &state, l->in.error));
}

static tj_status refuse_maps(const line *l, const tj__json_node *portfolio)
{
    static const char *const maps[] = {"positions", "balances", "sub_accounts"};
    for (size_t i = 0; i < sizeof maps / sizeof *maps; i++) {
        const tj__json_node *map = tj__json_find(portfolio, tj_str_of(maps[i]));
        if (map) {
            return tj__json_fail_node(&l->in, map, TJ_INVALID,
                                      "give %s as a member of its own, beside portfolio", maps[i]);
        }
    }
    return TJ_OK;
}

static tj_status apply_portfolio(line *l, const tj__json_node *node)
{
    if (is_null(node)) {
        return tj__json_relay(&l->in, node, tj_txn_delete_portfolio(l->txn, l->in.error));
    }
    tj_portfolio portfolio;
    TJ_TRY(refuse_maps(l, node));
    TJ_TRY(tj__json_decode(&l->in, node, &tj__json_portfolio_head, no_key, &portfolio));
    return tj__json_relay(&l->in, node, tj_txn_put_portfolio(l->txn, &portfolio, l->in.error));
}

/* Puts or deletes what stands under one key of a map. owner: the sub-account that has the map. */
typedef tj_status entry_applier(line *l, tj_str owner, const tj__json_entry *entry);

static tj_status apply_entries(line *l, tj__json_entries *entries, tj_str owner,
                               entry_applier *apply)
{
    for (size_t i = 0; i < entries->count; i++) {
        TJ_TRY(apply(l, owner, &entries->items[i]));
    }
    return TJ_OK;
}

static tj_status apply_map(line *l, const tj__json_node *map, tj__json_kind kind, tj_str owner,
                           entry_applier *apply)
{
    tj__json_entries entries;
    TJ_TRY(tj__json_map_open(&l->in, map, kind, 0, &entries));
    return apply_entries(l, &entries, owner, apply);
}

static tj_status apply_position(line *l, tj_str owner, const tj__json_entry *entry)
{
    tj_position position;
    if (is_null(entry->value)) {
        TJ_TRY(tj_identity_parse(entry->key, &position.symbol, l->in.error));
        return tj__json_relay(&l->in, entry->value,
                              tj_txn_delete_position(l->txn, owner, position.symbol, l->in.error));
    }
    TJ_TRY(tj__json_decode(&l->in, entry->value, &tj__json_position, entry->key, &position));
    return tj__json_relay(&l->in, entry->value,
                          tj_txn_put_position(l->txn, owner, &position, l->in.error));
}

static tj_status apply_balance(line *l, tj_str owner, const tj__json_entry *entry)
{
    tj_balance balance;
    if (is_null(entry->value)) {
        TJ_TRY(tj_identity_parse(entry->key, &balance.currency, l->in.error));
        return tj__json_relay(&l->in, entry->value,
                              tj_txn_delete_balance(l->txn, owner, balance.currency, l->in.error));
    }
    TJ_TRY(tj__json_decode(&l->in, entry->value, &tj__json_balance, entry->key, &balance));
    return tj__json_relay(&l->in, entry->value,
                          tj_txn_put_balance(l->txn, owner, &balance, l->in.error));
}

static tj_status apply_positions_of(line *l, const tj__json_node *map, tj_str owner)
{
    return map ? apply_map(l, map, TJ__JSON_IDENTITY, owner, apply_position) : TJ_OK;
}

static tj_status apply_balances_of(line *l, const tj__json_node *map, tj_str owner)
{
    return map ? apply_map(l, map, TJ__JSON_IDENTITY, owner, apply_balance) : TJ_OK;
}

static tj_status apply_sub_account(line *l, tj_str owner, const tj__json_entry *entry)
{
    (void)owner;
    const tj__json_node *node = entry->value;
    if (is_null(node)) {
        return tj__json_relay(&l->in, node,
                              tj_txn_delete_sub_account(l->txn, entry->key, l->in.error));
    }
    tj_sub_account account;
    TJ_TRY(tj__json_decode(&l->in, node, &tj__json_sub_account_head, entry->key, &account));
    TJ_TRY(tj__json_relay(&l->in, node, tj_txn_put_sub_account(l->txn, &account, l->in.error)));
    TJ_TRY(apply_positions_of(l, tj__json_find(node, TJ_STR("positions")), entry->key));
    return apply_balances_of(l, tj__json_find(node, TJ_STR("balances")), entry->key);
}

static tj_status apply_sub_accounts(line *l, const tj__json_node *node)
{
    return apply_map(l, node, TJ__JSON_EXCHANGE, no_key, apply_sub_account);
}

static tj_status apply_positions(line *l, const tj__json_node *node)
{
    return apply_positions_of(l, node, no_key);
}

static tj_status apply_balances(line *l, const tj__json_node *node)
{
    return apply_balances_of(l, node, no_key);
}

static tj_status apply_order(line *l, tj_str owner, const tj__json_entry *entry)
{
    (void)owner;
    const tj__json_node *node = entry->value;
    if (is_null(node)) {
        return tj__json_relay(&l->in, node, tj_txn_delete_order(l->txn, entry->key, l->in.error));
    }
    tj_order order;
    TJ_TRY(tj__json_decode(&l->in, node, &tj__json_order, entry->key, &order));
    return tj__json_relay(&l->in, node, tj_txn_put_order(l->txn, &order, l->in.error));
}

static tj_status apply_orders(line *l, const tj__json_node *node)
{
    tj__json_entries entries;
    TJ_TRY(tj__json_map_open(&l->in, node, TJ__JSON_TEXT, TJ_ID_SIZE_MAX, &entries));
    tj__json_entries_in_text_order(&entries);
    return apply_entries(l, &entries, no_key, apply_order);
}

static tj_status apply_price(line *l, tj_str owner, const tj__json_entry *entry)
{
    (void)owner;
    const tj__json_node *node = entry->value;
    tj_price price;
    TJ_TRY(tj_identity_parse(entry->key, &price.symbol, l->in.error));
    if (is_null(node)) {
        return tj__json_relay(&l->in, node, tj_txn_delete_price(l->txn, price.symbol, l->in.error));
    }
    TJ_TRY(tj__json_decode_decimal(&l->in, node, &price.price));
    return tj__json_relay(&l->in, node, tj_txn_put_price(l->txn, &price, l->in.error));
}

static tj_status apply_last_prices(line *l, const tj__json_node *node)
{
    return apply_map(l, node, TJ__JSON_IDENTITY, no_key, apply_price);
}

static tj_status apply_portfolio_equity(line *l, const tj__json_node *node)
{
    tj_decimal equity;
    if (!is_null(node)) {
        TJ_TRY(tj__json_decode_decimal(&l->in, node, &equity));
    }
    return tj__json_relay(
        &l->in, node,
        tj_txn_set_portfolio_equity(l->txn, is_null(node) ? NULL : &equity, l->in.error));
}

static tj_status apply_last_candle_ts(line *l, const tj__json_node *node)
{
    tj_time time;
    if (!is_null(node)) {
        TJ_TRY(tj__json_decode_time(&l->in, node, &time));
    }
    return tj__json_relay(
        &l->in, node, tj_txn_set_last_candle_ts(l->txn, is_null(node) ? NULL : &time, l->in.error));
}

static tj_status apply_strategy_state(line *l, const tj__json_node *node)
{
    return tj__json_relay(&l->in, node, tj_txn_set_strategy_state(l->txn, node->raw, l->in.error));
}

static tj_status apply_execution_checkpoint(line *l, const tj__json_node *node)
{
    tj_execution_checkpoint checkpoint;
    if (!is_null(node)) {
        TJ_TRY(tj__json_decode(&l->in, node, &tj__json_checkpoint, no_key, &checkpoint));
    }
    return tj__json_relay(
        &l->in, node,
        tj_txn_set_execution_checkpoint(l->txn, is_null(node) ? NULL : &checkpoint, l->in.error));
}

/* A known name here would stand twice in the LiveState. */
static tj_status refuse_known(const line *l, const tj__json_node *extra)
{
    for (size_t i = 0; i < tj__json_live_state.count; i++) {
        const tj__json_node *known = tj__json_find(extra, tj__json_live_state.fields[i].name);
        if (known) {
            return tj__json_fail_node(&l->in, known, TJ_INVALID,
                                      "this is not an unknown member; give it beside extra");
        }
    }
    return TJ_OK;
}

static tj_status apply_extra(line *l, const tj__json_node *node)
{
    TJ_TRY(tj__json_want(&l->in, node, TJ__JSON_OBJECT));
    TJ_TRY(tj__json_refuse_repeats(&l->in, node));
    TJ_TRY(refuse_known(l, node));
    return tj__json_relay(&l->in, node, tj_txn_set_extra(l->txn, node->raw, l->in.error));
}

static tj_status apply_algo(line *l, tj_str owner, const tj__json_entry *entry)
{
    (void)owner;
    const tj__json_node *node = entry->value;
    tj_uuid id;
    TJ_TRY(tj_uuid_parse(entry->key, &id, l->in.error));
    if (is_null(node)) {
        return tj__json_relay(&l->in, node, tj_txn_delete_algo(l->txn, &id, l->in.error));
    }
    tj_algo_state state;
    TJ_TRY(tj__json_decode_algo(&l->in, node, &state));
    return tj__json_relay(&l->in, node, tj_txn_put_algo(l->txn, &id, &state, l->in.error));
}

static tj_status apply_algos(line *l, const tj__json_node *node)
{
    return apply_map(l, node, TJ__JSON_UUID, no_key, apply_algo);
}

static tj_status apply_ledger(line *l, const tj__json_node *node)
{
    TJ_TRY(tj__json_want(&l->in, node, TJ__JSON_ARRAY));
    for (const tj__json_node *each = node->first; each; each = each->next) {
        tj_ledger_entry entry;
        TJ_TRY(tj__json_decode(&l->in, each, &tj__json_ledger_entry, no_key, &entry));
        if (!tj__json_find(each, TJ_STR("id"))) {
            entry.id = tj_uuid_generate();
        }
        TJ_TRY(tj__json_relay(&l->in, each, tj_txn_append_ledger(l->txn, &entry, l->in.error)));
    }
    return TJ_OK;
}

/* The members in the order in which they are applied, and what of them is looked at. */
#define MEMBER(literal, of_kind) \
    .name = {(literal), sizeof(literal) - 1}, .kind = TJ__JSON_##of_kind
static const tj__json_field members[] = {
    {MEMBER("book", TEXT)},
    {MEMBER("id", UUID)},
    {MEMBER("state", STRUCT), .schema = &tj__json_live_state},
    {MEMBER("portfolio", STRUCT), .schema = &tj__json_portfolio_head},
    {MEMBER("sub_accounts", MAP), .schema = &tj__json_sub_account_head},
    {MEMBER("positions", MAP), .schema = &tj__json_position},
    {MEMBER("balances", MAP), .schema = &tj__json_balance},
    {MEMBER("orders", MAP), .schema = &tj__json_order},
    {MEMBER("last_prices", PRICES)},
    {MEMBER("portfolio_equity", DECIMAL)},
    {MEMBER("last_candle_ts", TIME)},
    {MEMBER("strategy_state", RAW)},
    {MEMBER("execution_checkpoint", STRUCT), .schema = &tj__json_checkpoint},
    {MEMBER("extra", STRUCT), .schema = &tj__json_any_members},
    {MEMBER("algos", MAP), .schema = &tj__json_any_members},
    {MEMBER("ledger", LIST), .schema = &tj__json_ledger_entry},
};
#define MEMBER_COUNT (sizeof members / sizeof *members)
static const tj__json_schema line_schema = {.fields = members, .count = MEMBER_COUNT};

typedef tj_status applier(line *l, const tj__json_node *node);
static applier *const appliers[] = {
    apply_book,
    apply_id,
    apply_state,
    apply_portfolio,
    apply_sub_accounts,
    apply_positions,
    apply_balances,
    apply_orders,
    apply_last_prices,
    apply_portfolio_equity,
    apply_last_candle_ts,
    apply_strategy_state,
    apply_execution_checkpoint,
    apply_extra,
    apply_algos,
    apply_ledger,
};
_Static_assert(sizeof appliers / sizeof *appliers == MEMBER_COUNT, "every member has an applier");

static bool is_known(tj_str name)
{
    for (size_t i = 0; i < MEMBER_COUNT; i++) {
        if (tj_str_equal(name, members[i].name)) {
            return true;
        }
    }
    return false;
}

static tj_status check_members(const line *l, const tj__json_node *root)
{
    char choices[TJ__JSON_CHOICES_SIZE];
    char quote[TJ__QUOTE_SIZE];
    TJ_TRY(tj__json_want(&l->in, root, TJ__JSON_OBJECT));
    TJ_TRY(tj__json_refuse_repeats(&l->in, root));
    for (const tj__json_node *each = root->first; each; each = each->next) {
        if (!is_known(each->name)) {
            return tj__json_fail_inside(
                &l->in, root, each->name_at, TJ_INVALID, "member %s is not one of %s",
                tj__text_quote(each->name, quote), tj__json_members_of(&line_schema, choices));
        }
    }
    return TJ_OK;
}

static tj_status apply_line(line *l)
{
    const tj__json_node *root = l->in.doc->root;
    TJ_TRY(check_members(l, root));
    for (size_t i = 0; i < MEMBER_COUNT; i++) {
        const tj__json_node *node = tj__json_find(root, members[i].name);
        if (node) {
            TJ_TRY(appliers[i](l, node));
        }
    }
    return TJ_OK;
}

tj_status tj_txn_apply_json(tj_txn *txn, tj_str json, tj_commit_options *options, tj_error *error)
{
    if (!txn) {
        return tj__fail(error, TJ_MISUSE, "no transaction");
    }
    tj_commit_options own = TJ_COMMIT_OPTIONS_INIT;
    if (options) {
        TJ_TRY(tj__sized_read(options, &own, "the commit options struct", "TJ_COMMIT_OPTIONS_INIT",
                              error));
    }
    tj__json_doc *doc = NULL;
    TJ_TRY(tj__json_parse(tj__json_without_mark(json), NULL, TJ__JSON_SHAPE_STRUCT(&line_schema),
                          &doc, error));
    line l = {txn, {doc, tj__arena_of_object(doc), error}, {{0}}};
    tj__txn_json_read(txn, true);
    tj_status status = apply_line(&l);
    tj__txn_json_read(txn, false);
    bool has_id = !tj_uuid_is_nil(l.commit_id);
    if (status == TJ_OK && has_id && !options) {
        status = tj__fail(error, TJ_MISUSE,
                          "the text has a commit id, but there are no options "
                          "to receive it");
    }
    if (status == TJ_OK && has_id) {
        own.commit_id = l.commit_id;
        tj__sized_fill(options, &own);
    }
    tj__json_doc_free(doc);
    return status;
}
