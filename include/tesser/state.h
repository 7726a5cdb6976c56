/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/**
 * @file state.h
 * LiveState: the live portfolio snapshot of one book, as Tesser has it.
 *
 * Plain structs with borrowed views. To save, point the arrays at your own memory; nothing is
 * kept after the call. What is loaded lives in one arena and is released by one
 * tj_live_state_free. A zeroed tj_live_state is the default state.
 *
 * The form of what is saved is checked, not its sense: an enumerator that is none, a text, id or
 * identity that is not valid or too long, a key that stands twice is TJ_INVALID or TJ_LIMIT and
 * named. Whether a quantity has the right sign, a limit order its price, or a filled order still
 * stands among the open ones is the caller's business.
 *
 * `extra` members hold what this version does not know, so that a newer Tesser loses nothing: the
 * text of a JSON object such as {"margin_mode":"cross"}, each member byte for byte as it came.
 * When saving, an absent extra (data == NULL) keeps what is stored beside the same entity; "{}"
 * removes it.
 */
#ifndef TESSER_STATE_H
#define TESSER_STATE_H

#include <tesser/decimal.h>
#include <tesser/identity.h>
#include <tesser/time.h>

#ifdef __cplusplus
extern "C" {
#endif

/** Longest order id, client order id and exec id, in bytes. */
#define TJ_ID_SIZE_MAX 256
/** Longest name of a top-level member that this version does not know, in bytes. */
#define TJ_MEMBER_SIZE_MAX 256
/** Longest JSON text in one value: a payload, the strategy state, one extra member: 16 MiB. */
#define TJ_JSON_SIZE_MAX ((size_t)16 << 20)

/** Direction of an order or a position. */
typedef enum tj_side {
    TJ_SIDE_NONE = 0, /**< a flat position */
    TJ_SIDE_BUY = 1,
    TJ_SIDE_SELL = 2
} tj_side;

typedef enum tj_order_type {
    TJ_ORDER_MARKET = 1,
    TJ_ORDER_LIMIT = 2,
    TJ_ORDER_STOP_MARKET = 3
} tj_order_type;

typedef enum tj_time_in_force {
    TJ_TIF_NONE = 0, /**< not given */
    TJ_TIF_GOOD_TIL_CANCELED = 1,
    TJ_TIF_IMMEDIATE_OR_CANCEL = 2,
    TJ_TIF_FILL_OR_KILL = 3
} tj_time_in_force;

typedef enum tj_order_status {
    TJ_ORDER_PENDING_NEW = 1, /**< intent saved, not confirmed by the exchange */
    TJ_ORDER_ACCEPTED = 2,
    TJ_ORDER_PARTIALLY_FILLED = 3,
    TJ_ORDER_FILLED = 4,
    TJ_ORDER_CANCELED = 5,
    TJ_ORDER_REJECTED = 6
} tj_order_status;

/** One position. Identified by its symbol within its owner (the portfolio or a sub-account). */
typedef struct tj_position {
    tj_symbol symbol;
    tj_side side;        /**< TJ_SIDE_NONE when flat */
    tj_decimal quantity; /**< how much; side tells the direction */
    bool has_entry_price;
    tj_decimal entry_price;    /**< average price of entry */
    tj_decimal unrealized_pnl; /**< profit or loss of what is open */
    tj_time updated_at;
    tj_str extra; /**< unknown members, see the head of this file */
} tj_position;

/** One balance (Tesser's Cash). Identified by its currency within its owner. */
typedef struct tj_balance {
    tj_asset currency;
    tj_decimal quantity;
    tj_decimal conversion_rate; /**< to the reporting currency; 1 for that one itself */
    tj_str extra;
} tj_balance;

/** What is held at one exchange. */
typedef struct tj_sub_account {
    tj_str exchange; /**< name of the exchange; canonical lower case when loaded */
    tj_position *positions;
    size_t position_count;
    tj_balance *balances;
    size_t balance_count;
    tj_str extra;
} tj_sub_account;

/**
 * The portfolio. Tesser keeps each position and balance twice, in the portfolio's own list and in
 * that of its sub-account; here these are two entities, each stored as it is given.
 */
typedef struct tj_portfolio {
    tj_position *positions; /**< any order; sorted by symbol when loaded */
    size_t position_count;
    tj_balance *balances; /**< any order; sorted by currency when loaded */
    size_t balance_count;
    tj_asset reporting_currency; /**< must be given */
    tj_decimal initial_equity;
    bool has_drawdown_limit;
    tj_decimal drawdown_limit;    /**< fraction of the peak, e.g. 0.05 */
    tj_decimal peak_equity;       /**< highest equity so far */
    bool liquidate_only;          /**< only exits are allowed */
    tj_sub_account *sub_accounts; /**< any order; sorted by exchange when loaded */
    size_t sub_account_count;
    tj_str extra;
} tj_portfolio;

/** What was asked of the exchange. */
typedef struct tj_order_request {
    tj_symbol symbol;
    tj_side side; /**< TJ_SIDE_BUY or TJ_SIDE_SELL */
    tj_order_type order_type;
    tj_decimal quantity;
    bool has_price;
    tj_decimal price;
    bool has_trigger_price;
    tj_decimal trigger_price;       /**< price that triggers a stop */
    tj_time_in_force time_in_force; /**< TJ_TIF_NONE when not given */
    tj_str client_order_id;         /**< absent when data is NULL */
    bool has_take_profit;
    tj_decimal take_profit; /**< price to take profit at */
    bool has_stop_loss;
    tj_decimal stop_loss; /**< price to stop at */
    bool has_display_quantity;
    tj_decimal display_quantity; /**< quantity to show */
    tj_str extra;
} tj_order_request;

/** An order. Identified by its id within its book. */
typedef struct tj_order {
    tj_str id; /**< 1 to TJ_ID_SIZE_MAX bytes */
    tj_order_request request;
    tj_order_status status;
    tj_decimal filled_quantity;
    bool has_avg_fill_price;
    tj_decimal avg_fill_price;
    tj_time created_at;
    tj_time updated_at;
    tj_str extra;
} tj_order;

/** The last price seen of one symbol. */
typedef struct tj_price {
    tj_symbol symbol;
    tj_decimal price;
} tj_price;

/** How far the runtime has processed executions (Tesser 0.9.3 and later). */
typedef struct tj_execution_checkpoint {
    bool has_last_timestamp;
    tj_time last_timestamp; /**< of the newest execution that was processed */
    tj_str *exec_ids;       /**< in the caller's order, without duplicates */
    size_t exec_id_count;
    tj_str extra;
} tj_execution_checkpoint;

/** The whole snapshot of one book. */
typedef struct tj_live_state {
    bool has_portfolio_equity;
    tj_decimal portfolio_equity; /**< written to JSON only when set */
    bool has_portfolio;
    tj_portfolio portfolio;
    tj_order *open_orders; /**< the order of this list is part of the data; ids are unique */
    size_t open_order_count;
    tj_price *last_prices; /**< any order; sorted by symbol when loaded */
    size_t last_price_count;
    bool has_last_candle_ts;
    tj_time last_candle_ts;
    tj_str strategy_state; /**< any JSON text; absent or "null" means none */
    bool has_execution_checkpoint;
    tj_execution_checkpoint execution_checkpoint;
    tj_str extra; /**< unknown top-level members */
    /** When loaded: the newest commit this state includes, 0 before the first. Ignored when
     * saving. */
    uint64_t sequence;
} tj_live_state;

/**
 * Releases a state that this library returned, with everything in it.
 *
 * @param state may be NULL; never one that the caller declared itself
 * Threads: any, one at a time per object.
 */
TJ_API void tj_live_state_free(tj_live_state *state);

#ifdef __cplusplus
}
#endif
#endif
