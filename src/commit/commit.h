/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * What a commit changes: a plan of what was asked for, resolved against the tip, which is what the
 * newest appended commit left.
 *
 *   plan (what is put, encoded)  --resolve-->  draft (what differs from the tip)  --append-->  tip
 */
#ifndef TJ_COMMIT_COMMIT_H
#define TJ_COMMIT_COMMIT_H

#include <tesser/counter.h>
#include <tesser/repository.h>

#include "base/buffer.h"
#include "base/rows.h"

/* ---- model -> changes ------------------------------------------------------------------- */

/*
 * A plan: what a transaction noted, by book name, encoded as far as it can be without looking at
 * what is stored. tj__plan_resolve turns it into a record body against the tip, under the append
 * lock. Functions return TJ_OK, TJ_INVALID naming the value, TJ_LIMIT, TJ_NOMEM, or TJ_MISUSE
 * before a book was chosen, and leave the plan as it was on failure. JSON texts inside values are
 * checked with tj__json_check (src/json/check.h), unless tj__plan_json_read said that they were.
 */
typedef struct tj__plan tj__plan;
tj__plan *tj__plan_new(void);       /* NULL when memory is short */
void tj__plan_free(tj__plan *plan); /* NULL is allowed */
/* Empties it and keeps its memory, for the next use. */
void tj__plan_clear(tj__plan *plan);
/* Whether payloads and strategy states that are noted from now on were taken out of a text that was
 * read, so that they need not be read again. */
void tj__plan_json_read(tj__plan *plan, bool read);
/* Bytes that it keeps. */
size_t tj__plan_memory(const tj__plan *plan);
tj_status tj__plan_use_book(tj__plan *plan, tj_str name, tj_error *error);
/* Only creates the book; TJ_EXISTS when resolved against a tip that has it. */
tj_status tj__plan_create_book(tj__plan *plan, tj_str name, tj_error *error);
tj_status tj__plan_put_state(tj__plan *plan, const tj_live_state *state, tj_error *error);
/* Notes only what a state has once, and checks its JSON texts: tj__plan_resolve_state notes the
 * rest. The plan's last call. */
tj_status tj__plan_open_state(tj__plan *plan, const tj_live_state *state, tj_error *error);
tj_status tj__plan_put_order(tj__plan *plan, const tj_order *order, tj_error *error);
tj_status tj__plan_delete_order(tj__plan *plan, tj_str id, tj_error *error);
tj_status tj__plan_put_portfolio(tj__plan *plan, const tj_portfolio *portfolio, tj_error *error);
tj_status tj__plan_delete_portfolio(tj__plan *plan, tj_error *error);
tj_status tj__plan_put_sub_account(tj__plan *plan, const tj_sub_account *account, tj_error *error);
tj_status tj__plan_delete_sub_account(tj__plan *plan, tj_str exchange, tj_error *error);
tj_status tj__plan_put_position(tj__plan *plan, tj_str owner, const tj_position *position,
                                tj_error *error);
tj_status tj__plan_delete_position(tj__plan *plan, tj_str owner, tj_symbol symbol, tj_error *error);
tj_status tj__plan_put_balance(tj__plan *plan, tj_str owner, const tj_balance *balance,
                               tj_error *error);
tj_status tj__plan_delete_balance(tj__plan *plan, tj_str owner, tj_asset currency, tj_error *error);
tj_status tj__plan_put_price(tj__plan *plan, const tj_price *price, tj_error *error);
tj_status tj__plan_delete_price(tj__plan *plan, tj_symbol symbol, tj_error *error);
tj_status tj__plan_set_equity(tj__plan *plan, const tj_decimal *equity, tj_error *error);
tj_status tj__plan_set_candle(tj__plan *plan, const tj_time *time, tj_error *error);
tj_status tj__plan_set_strategy(tj__plan *plan, tj_str json, tj_error *error);
tj_status tj__plan_set_checkpoint(tj__plan *plan, const tj_execution_checkpoint *checkpoint,
                                  tj_error *error);
/* One unknown top-level member; value absent deletes it. */
tj_status tj__plan_put_extra(tj__plan *plan, tj_str name, tj_str json, tj_error *error);
/* Deletes all unknown top-level members (before putting others). */
tj_status tj__plan_clear_extra(tj__plan *plan, tj_error *error);
tj_status tj__plan_put_algo(tj__plan *plan, const tj_uuid *id, const tj_algo_state *state,
                            tj_error *error);
tj_status tj__plan_delete_algo(tj__plan *plan, const tj_uuid *id, tj_error *error);
/* A STATE or ALGOS row of another time, byte for byte; the key's book is the plan's. */
tj_status tj__plan_put_row(tj__plan *plan, tj__bytes key, tj__bytes value, tj_error *error);
tj_status tj__plan_delete_row(tj__plan *plan, tj__bytes key, tj_error *error);
tj_status tj__plan_append_ledger(tj__plan *plan, const tj_ledger_entry *entry, tj_error *error);

/* Reserves `count` numbers of a counter; the first is tj__resolved.counter_first. */
tj_status tj__plan_reserve(tj__plan *plan, tj_str name, uint64_t count, tj_error *error);

/* ---- the tip --------------------------------------------------------------------------- */

/*
 * What the newest appended commit left, as far as saves need it: books, every state row, each
 * book's ledger and state sequence, the remembered commit ids. Owned by the store, guarded by its
 * append lock.
 */
typedef struct tj__tip tj__tip;
tj_status tj__tip_build(tj__row_source *rows, tj__tip **out, tj_error *error);
/* Where rows are looked up that the tip does not hold: the engine. Without it nothing else is
 * stored. */
typedef struct tj__stored {
    tj_status (*find)(void *context, tj__bytes key, bool *found, tj_error *error);
    uint64_t (*included)(void *context); /* find sees every commit up to here */
    void *context;
} tj__stored;
/* Before the first resolve; rows as the tip was built from. */
tj_status tj__tip_attach(tj__tip *tip, const tj__stored *stored, tj__row_source *rows,
                         tj_error *error);
void tj__tip_free(tj__tip *tip); /* NULL is allowed */
/* The sequence of a remembered commit id, 0 when it is not known. */
uint64_t tj__tip_commit_sequence(const tj__tip *tip, const tj_uuid *commit_id);

/* What a plan comes to. Zero-initialized is empty; may be passed to tj__plan_resolve again. */
typedef struct tj__resolved {
    tj__buffer body;        /* record body: the changes that are left after comparing */
    uint32_t change_count;  /* 0: nothing changes */
    uint64_t ledger_last;   /* sequence of the last ledger entry appended, 0 if none */
    uint64_t counter_first; /* first number of the last block reserved, 0 if none */
} tj__resolved;
void tj__resolved_dispose(tj__resolved *resolved);

/*
 * Compares a plan with the tip and writes the changes that are left into *resolved, one for each
 * key, in the order in which the plan first names the keys; orders and exec ids of which only the
 * rank changes come behind the others of their kind. What is stored does not change: the tip only
 * holds the outcome ready for tj__tip_advance, until the next call. Puts whose value equals the
 * stored one are dropped (not algorithms' and ledger's). With a commit id, also forgets the oldest
 * remembered one beyond TJ_COMMIT_ID_KEPT (a change in the body). A commit that only deletes state
 * rows of a book also puts the book's own row again, so that the book's state sequence can be found
 * in the rows.
 * The plan is stamped with book numbers, else left as it is, and may be resolved again.
 * TJ_NOT_FOUND (book), TJ_INVALID (a position, balance or sub-account without a portfolio),
 * TJ_CONFLICT (expected sequence, ledger sequence), TJ_EXISTS (book, remembered commit id, id of a
 * ledger entry), TJ_CORRUPT or TJ_FORMAT_NEWER (state changes of a book with a state row that
 * cannot be read), TJ_LIMIT, TJ_NOMEM.
 */
tj_status tj__plan_resolve(tj__plan *plan, tj__tip *tip, const tj_commit_options *options,
                           tj__resolved *resolved, tj_error *error);

/* The same for a plan that ended with tj__plan_open_state of this state. Portfolio, prices and
 * orders are compared while they are encoded, a few rows at a time: writing them all and reading
 * them again would cost as much as comparing them. TJ_INVALID and TJ_LIMIT also for them, with the
 * sentences of tj__plan_put_state. */
tj_status tj__plan_resolve_state(tj__plan *plan, const tj_live_state *state, tj__tip *tip,
                                 const tj_commit_options *options, tj__resolved *resolved,
                                 tj_error *error);

/* Brings the tip up to what the newest tj__plan_resolve came to, after its body was appended as
 * commit `sequence`; the commit id is the one in the options of that call. Never fails: everything
 * was allocated by tj__plan_resolve. A resolved plan that is not appended needs no call. */
void tj__tip_advance(tj__tip *tip, uint64_t sequence);

#endif
