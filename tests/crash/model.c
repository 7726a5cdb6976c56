/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* The commits by number, through the public interface, and the texts that are compared. */
#include "crash/model.h"

#include <inttypes.h>

#include <tesser/history.h>

#include "crash/support.h"

/* ---- the rules --------------------------------------------------------------------------- */

static bool replaces_state(uint64_t number)
{
    return number % 5 == 0;
}

bool commit_is_state_only(uint64_t number)
{
    return number % 10 == 5;
}

static bool deletes_algo(uint64_t number)
{
    return number % 4 == 3;
}

static bool deletes_order(uint64_t number)
{
    return number % 3 == 0;
}

static unsigned price_slot(uint64_t number)
{
    return (unsigned)(number % MODEL_PRICES);
}

static unsigned position_slot(uint64_t number)
{
    return (unsigned)(number / 2 % MODEL_POSITIONS);
}

static unsigned order_slot(uint64_t number)
{
    return (unsigned)(number * 7 % MODEL_ORDERS);
}

static unsigned deleted_order_slot(uint64_t number)
{
    return (unsigned)((number + 4) % MODEL_ORDERS);
}

static unsigned algo_slot(uint64_t number)
{
    return (unsigned)(number / 3 % MODEL_ALGOS);
}

/* Payloads differ in size, so that records and LMDB's pages do; now and then one is larger than the
 * smallest segment. */
static size_t payload_padding(uint64_t number)
{
    return number % 97 == 61 ? 70000 : (size_t)(number * 37 % 2500);
}

/* ---- what they leave --------------------------------------------------------------------- */

static void put_order(model *m, unsigned slot, uint64_t writer)
{
    size_t at = 0;
    while (at < m->order_count && m->order_slots[at] != slot) {
        at++;
    }
    m->order_slots[at] = slot;
    m->orders[at] = writer;
    m->order_count += at == m->order_count;
}

static void delete_order(model *m, unsigned slot)
{
    for (size_t at = 0; at < m->order_count; at++) {
        if (m->order_slots[at] == slot) {
            m->order_count--;
            size_t behind = m->order_count - at;
            memmove(&m->order_slots[at], &m->order_slots[at + 1], behind * sizeof(unsigned));
            memmove(&m->orders[at], &m->orders[at + 1], behind * sizeof(uint64_t));
            return;
        }
    }
}

/* The whole LiveState of a commit that replaces it. */
static void replace_state(model *m, uint64_t number)
{
    uint64_t writer = number + 1;
    for (unsigned i = 0; i < MODEL_PRICES; i++) {
        m->prices[i] = (number / 5 + i) % 3 != 0 ? writer : 0;
    }
    for (unsigned i = 0; i < MODEL_POSITIONS; i++) {
        m->positions[i] = (number / 5 + i) % 2 == 0 ? writer : 0;
    }
    m->balance = writer;
    m->equity = writer;
    m->strategy = writer;
    m->order_count = 0;
    for (unsigned i = 0; i < number / 5 % 4; i++) {
        put_order(m, (order_slot(number) + 2 * i) % MODEL_ORDERS, writer);
    }
}

static void change_state(model *m, uint64_t number)
{
    uint64_t writer = number + 1;
    m->prices[price_slot(number)] = writer;
    m->positions[position_slot(number)] = writer;
    m->balance = writer;
    m->strategy = writer;
    put_order(m, order_slot(number), writer);
    if (deletes_order(number)) {
        delete_order(m, deleted_order_slot(number));
    }
}

static void model_commit(model *m, uint64_t number)
{
    if (replaces_state(number)) {
        replace_state(m, number);
    } else {
        change_state(m, number);
    }
    if (!commit_is_state_only(number)) {
        m->algos[algo_slot(number)] = deletes_algo(number) ? 0 : number + 1;
        m->ledger[m->ledger_count++] = number + 1;
    }
}

void model_after(model *m, const history *h, size_t count)
{
    *m = (model){0};
    if (count > h->count || count > MODEL_LEDGER_MAX) {
        die("no model of %zu commits, only %zu are known", count, h->count);
    }
    for (size_t i = 0; i < count; i++) {
        model_commit(m, h->numbers[i]);
    }
}

/* ---- values ------------------------------------------------------------------------------ */

static tj_decimal amount_of(uint64_t writer, unsigned slot)
{
    tj_decimal amount;
    if (tj_decimal_from_parts(false, 0, writer * 100 + slot, 2, &amount, NULL) != TJ_OK) {
        die("no decimal for %" PRIu64, writer);
    }
    return amount;
}

typedef struct names {
    char symbols[MODEL_PRICES][16];
    char orders[MODEL_ORDERS][16];
} names;

static const names *all_names(void)
{
    static names all;
    if (all.symbols[0][0] == '\0') {
        for (unsigned i = 0; i < MODEL_ORDERS; i++) {
            snprintf(all.orders[i], sizeof all.orders[i], "order-%u", i);
        }
        for (unsigned i = MODEL_PRICES; i > 0; i--) {
            snprintf(all.symbols[i - 1], sizeof all.symbols[i - 1], "SYM%02u", i - 1);
        }
    }
    return &all;
}

static tj_symbol symbol_of(unsigned slot)
{
    return (tj_symbol){TJ_STR("venue"), tj_str_of(all_names()->symbols[slot])};
}

static tj_price price_of(unsigned slot, uint64_t writer)
{
    return (tj_price){symbol_of(slot), amount_of(writer, slot)};
}

static tj_position position_of(unsigned slot, uint64_t writer)
{
    return (tj_position){.symbol = symbol_of(slot),
                         .side = writer % 2 == 0 ? TJ_SIDE_BUY : TJ_SIDE_SELL,
                         .quantity = amount_of(writer, slot),
                         .updated_at = (tj_time)writer};
}

static tj_balance balance_of(uint64_t writer)
{
    return (tj_balance){.currency = {TJ_STR("venue"), TJ_STR("USDT")},
                        .quantity = amount_of(writer, 0),
                        .conversion_rate = tj_decimal_int(1)};
}

static tj_order order_of(unsigned slot, uint64_t writer)
{
    return (tj_order){.id = tj_str_of(all_names()->orders[slot]),
                      .request = {.symbol = symbol_of(slot),
                                  .side = TJ_SIDE_BUY,
                                  .order_type = TJ_ORDER_MARKET,
                                  .quantity = amount_of(writer, slot)},
                      .status = TJ_ORDER_PENDING_NEW,
                      .filled_quantity = tj_decimal_int(0),
                      .created_at = (tj_time)writer,
                      .updated_at = (tj_time)writer};
}

static tj_uuid algo_id(unsigned slot)
{
    return (tj_uuid){{0xA1, 0x60, (uint8_t)slot, 1}};
}

static char *payload_of(uint64_t writer)
{
    size_t padding = payload_padding(writer - 1);
    char *text = must(malloc(padding + 64));
    int head = snprintf(text, 64, "{\"commit\":%" PRIu64 ",\"pad\":\"", writer);
    memset(text + head, 'a' + (int)(writer % 26), padding);
    memcpy(text + head + padding, "\"}", 3);
    return text;
}

static size_t strategy_text(uint64_t writer, char out[64])
{
    return (size_t)snprintf(out, 64, "{\"commit\":%" PRIu64 "}", writer);
}

/* A LiveState with the memory its arrays point into. */
typedef struct built_state {
    tj_live_state state;
    tj_price prices[MODEL_PRICES];
    tj_position positions[MODEL_POSITIONS];
    tj_balance balance;
    tj_order orders[MODEL_ORDERS];
    char strategy[64];
} built_state;

static void build_state(const model *m, built_state *b)
{
    memset(b, 0, sizeof *b);
    tj_live_state *s = &b->state;
    if (m->equity == 0) {
        return;
    }
    s->has_portfolio_equity = true;
    s->portfolio_equity = amount_of(m->equity, 1);
    s->has_portfolio = true;
    s->portfolio.reporting_currency = (tj_asset){TJ_STR("venue"), TJ_STR("USDT")};
    s->portfolio.positions = b->positions;
    s->portfolio.balances = &b->balance;
    s->portfolio.balance_count = 1;
    s->open_orders = b->orders;
    s->last_prices = b->prices;
    b->balance = balance_of(m->balance);
    for (unsigned i = 0; i < MODEL_POSITIONS; i++) {
        if (m->positions[i] != 0) {
            b->positions[s->portfolio.position_count++] = position_of(i, m->positions[i]);
        }
    }
    for (unsigned i = 0; i < MODEL_PRICES; i++) {
        if (m->prices[i] != 0) {
            b->prices[s->last_price_count++] = price_of(i, m->prices[i]);
        }
    }
    for (; s->open_order_count < m->order_count; s->open_order_count++) {
        size_t i = s->open_order_count;
        b->orders[i] = order_of(m->order_slots[i], m->orders[i]);
    }
    s->strategy_state = (tj_str){b->strategy, strategy_text(m->strategy, b->strategy)};
}

/* ---- committing -------------------------------------------------------------------------- */

static tj_status put_changes(tj_txn *txn, uint64_t number, tj_error *error)
{
    uint64_t writer = number + 1;
    char strategy[64];
    tj_price price = price_of(price_slot(number), writer);
    tj_position position = position_of(position_slot(number), writer);
    tj_balance balance = balance_of(writer);
    tj_order order = order_of(order_slot(number), writer);
    tj_str own = {NULL, 0};
    tj_str strategy_state = {strategy, strategy_text(writer, strategy)};
    tj_status status = tj_txn_put_price(txn, &price, error);
    if (status == TJ_OK) {
        status = tj_txn_put_position(txn, own, &position, error);
    }
    if (status == TJ_OK) {
        status = tj_txn_put_balance(txn, own, &balance, error);
    }
    if (status == TJ_OK) {
        status = tj_txn_set_strategy_state(txn, strategy_state, error);
    }
    if (status == TJ_OK) {
        status = tj_txn_put_order(txn, &order, error);
    }
    if (status == TJ_OK && deletes_order(number)) {
        tj_str id = tj_str_of(all_names()->orders[deleted_order_slot(number)]);
        status = tj_txn_delete_order(txn, id, error);
    }
    return status;
}

static tj_status put_algo(tj_txn *txn, uint64_t number, tj_error *error)
{
    tj_uuid id = algo_id(algo_slot(number));
    if (deletes_algo(number)) {
        return tj_txn_delete_algo(txn, &id, error);
    }
    char *payload = payload_of(number + 1);
    tj_algo_state state = {.plugin = TJ_STR("TWAP"), .payload = tj_str_of(payload)};
    tj_status status = tj_txn_put_algo(txn, &id, &state, error);
    free(payload);
    return status;
}

static tj_status put_ledger(tj_txn *txn, uint64_t number, tj_error *error)
{
    char reference[32];
    snprintf(reference, sizeof reference, "fill-%" PRIu64, number + 1);
    tj_ledger_entry entry = {.time = (tj_time)(number + 1),
                             .exchange = TJ_STR("venue"),
                             .asset = {TJ_STR("venue"), TJ_STR("USDT")},
                             .amount = amount_of(number + 1, 3),
                             .type = TJ_LEDGER_FEE,
                             .reference = tj_str_of(reference)};
    memcpy(entry.id.bytes, &number, sizeof number);
    return tj_txn_append_ledger(txn, &entry, error);
}

static tj_status put_state(tj_txn *txn, uint64_t number, tj_error *error)
{
    model m = {0};
    built_state built;
    replace_state(&m, number);
    build_state(&m, &built);
    return tj_txn_put_state(txn, &built.state, error);
}

static tj_status put_all(tj_txn *txn, uint64_t number, tj_error *error)
{
    tj_status status = tj_txn_use_book(txn, MODEL_BOOK, error);
    if (status == TJ_OK) {
        status = replaces_state(number) ? put_state(txn, number, error)
                                        : put_changes(txn, number, error);
    }
    if (status == TJ_OK && !commit_is_state_only(number)) {
        status = put_algo(txn, number, error);
    }
    if (status == TJ_OK && !commit_is_state_only(number)) {
        status = put_ledger(txn, number, error);
    }
    return status;
}

tj_status commit_apply(tj_store *store, uint64_t number, uint64_t *sequence, tj_error *error)
{
    tj_txn *txn = NULL;
    tj_status status = tj_txn_begin(store, &txn, error);
    if (status == TJ_OK) {
        status = put_all(txn, number, error);
    }
    if (status != TJ_OK) {
        tj_txn_abort(txn);
        return status;
    }
    return tj_txn_commit(txn, NULL, sequence, error);
}

tj_status commit_save_state(tj_store *store, uint64_t number, tj_error *error)
{
    model m = {0};
    built_state built;
    replace_state(&m, number);
    build_state(&m, &built);
    return tj_state_save(tj_store_state_repository(store, MODEL_BOOK), &built.state, error);
}

/* ---- telling ----------------------------------------------------------------------------- */

typedef struct decimal_text {
    char text[TJ_DECIMAL_TEXT_SIZE];
} decimal_text;

static const char *text_of(tj_decimal value, decimal_text *out)
{
    tj_decimal_format(value, out->text);
    return out->text;
}

static const char *symbol_text(tj_identity id, char out[TJ_IDENTITY_TEXT_SIZE])
{
    tj_identity_format(id, out);
    return out;
}

static void tell_portfolio(FILE *out, const tj_portfolio *p)
{
    char name[TJ_IDENTITY_TEXT_SIZE];
    decimal_text number;
    for (size_t i = 0; i < p->position_count; i++) {
        const tj_position *position = &p->positions[i];
        fprintf(out, "position %s side %d quantity %s at %" PRId64 "\n",
                symbol_text(position->symbol, name), (int)position->side,
                text_of(position->quantity, &number), position->updated_at);
    }
    for (size_t i = 0; i < p->balance_count; i++) {
        fprintf(out, "balance %s %s\n", symbol_text(p->balances[i].currency, name),
                text_of(p->balances[i].quantity, &number));
    }
}

static void tell_state(FILE *out, const tj_live_state *s)
{
    char name[TJ_IDENTITY_TEXT_SIZE];
    decimal_text number;
    if (s->has_portfolio_equity) {
        fprintf(out, "equity %s\n", text_of(s->portfolio_equity, &number));
    }
    if (s->has_portfolio) {
        tell_portfolio(out, &s->portfolio);
    }
    for (size_t i = 0; i < s->last_price_count; i++) {
        fprintf(out, "price %s %s\n", symbol_text(s->last_prices[i].symbol, name),
                text_of(s->last_prices[i].price, &number));
    }
    for (size_t i = 0; i < s->open_order_count; i++) {
        const tj_order *order = &s->open_orders[i];
        fprintf(out, "order %.*s %s quantity %s at %" PRId64 "\n", (int)order->id.size,
                order->id.data, symbol_text(order->request.symbol, name),
                text_of(order->request.quantity, &number), order->created_at);
    }
    fprintf(out, "strategy %.*s\n", (int)s->strategy_state.size,
            s->strategy_state.size > 0 ? s->strategy_state.data : "");
}

static void tell_algo(FILE *out, tj_uuid id, tj_str payload)
{
    char text[TJ_UUID_TEXT_SIZE];
    tj_uuid_format(id, text);
    fprintf(out, "algo %s %.*s\n", text, (int)payload.size, payload.data);
}

static void tell_ledger(FILE *out, uint64_t sequence, tj_str reference, tj_decimal amount)
{
    decimal_text number;
    fprintf(out, "ledger %" PRIu64 " %.*s %s\n", sequence, (int)reference.size, reference.data,
            text_of(amount, &number));
}

char *model_text(const model *m)
{
    char *text = NULL;
    size_t size = 0;
    FILE *out = must(open_memstream(&text, &size));
    built_state built;
    build_state(m, &built);
    tell_state(out, &built.state);
    for (unsigned i = 0; i < MODEL_ALGOS; i++) {
        if (m->algos[i] != 0) {
            char *payload = payload_of(m->algos[i]);
            tell_algo(out, algo_id(i), tj_str_of(payload));
            free(payload);
        }
    }
    for (size_t i = 0; i < m->ledger_count; i++) {
        char reference[32];
        snprintf(reference, sizeof reference, "fill-%" PRIu64, m->ledger[i]);
        tell_ledger(out, i + 1, tj_str_of(reference), amount_of(m->ledger[i], 3));
    }
    fclose(out);
    return text;
}

/* All zero: of now. */
static bool is_past(tj_moment at)
{
    return at.sequence > 0;
}

static tj_status tell_algos(FILE *out, tj_store *store, tj_moment at, tj_error *error)
{
    tj_algo_list *algos = NULL;
    tj_algo_repository *repository = tj_store_algo_repository(store, MODEL_BOOK);
    tj_status status = is_past(at) ? tj_algo_load_all_at(repository, at, &algos, error)
                                   : tj_algo_load_all(repository, &algos, error);
    if (status != TJ_OK) {
        return status;
    }
    for (size_t i = 0; i < algos->count; i++) {
        tell_algo(out, algos->records[i].id, algos->records[i].state.payload);
    }
    for (size_t i = 0; i < algos->quarantined_count; i++) {
        fprintf(out, "quarantined %.*s\n", (int)algos->quarantined[i].reason.size,
                algos->quarantined[i].reason.data);
    }
    tj_algo_list_free(algos);
    return TJ_OK;
}

static tj_status tell_entries(FILE *out, tj_store *store, tj_moment at, tj_error *error)
{
    tj_ledger_list *entries = NULL;
    tj_ledger_repository *repository = tj_store_ledger_repository(store, MODEL_BOOK);
    tj_status status = is_past(at) ? tj_ledger_find_at(repository, at, NULL, &entries, error)
                                   : tj_ledger_find(repository, NULL, &entries, error);
    if (status != TJ_OK) {
        return status;
    }
    for (size_t i = 0; i < entries->count; i++) {
        const tj_ledger_entry *entry = &entries->entries[i];
        tell_ledger(out, entry->sequence, entry->reference, entry->amount);
    }
    tj_ledger_list_free(entries);
    return TJ_OK;
}

static tj_status tell_store(tj_store *store, tj_moment at, char **text, uint64_t *sequence,
                            tj_error *error)
{
    tj_live_state *state = NULL;
    tj_state_repository *repository = tj_store_state_repository(store, MODEL_BOOK);
    tj_status status = is_past(at) ? tj_state_load_at(repository, at, &state, error)
                                   : tj_state_load(repository, &state, error);
    if (status != TJ_OK) {
        return status;
    }
    size_t size = 0;
    char *told = NULL;
    FILE *out = must(open_memstream(&told, &size));
    tell_state(out, state);
    *sequence = state->sequence;
    tj_live_state_free(state);
    status = tell_algos(out, store, at, error);
    if (status == TJ_OK) {
        status = tell_entries(out, store, at, error);
    }
    fclose(out);
    if (status != TJ_OK) {
        free(told);
        return status;
    }
    *text = told;
    return TJ_OK;
}

tj_status store_text(tj_store *store, char **text, uint64_t *sequence, tj_error *error)
{
    return tell_store(store, (tj_moment)TJ_MOMENT_INIT, text, sequence, error);
}

tj_status store_text_at(tj_store *store, uint64_t at, char **text, tj_error *error)
{
    uint64_t sequence = 0;
    return tell_store(store, (tj_moment){.sequence = at}, text, &sequence, error);
}
