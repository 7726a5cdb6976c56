/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * The model: what each commit writes, as a function of its number alone, and the state that a
 * sequence of commits leaves, kept in a few arrays of numbers. It knows nothing of logs and rows.
 *
 * Commits with a number divisible by 10 replace the whole LiveState; with one that ends in 5 too,
 * and touch nothing else. All others change a price, a position, the balance, an order or two, the
 * strategy's state, an algorithm, and append to the ledger.
 */
#ifndef TJ_CRASH_MODEL_H
#define TJ_CRASH_MODEL_H

#include <tesser/journal.h>

#define MODEL_PRICES 13
#define MODEL_POSITIONS 5
#define MODEL_ORDERS 9
#define MODEL_ALGOS 7
#define MODEL_LEDGER_MAX 4096
#define MODEL_BOOK "desk"

/* The numbers of commits in the order of their sequences, the first has sequence 1. */
typedef struct history {
    uint64_t *numbers;
    size_t count;
} history;

/* Every slot holds the number of the commit that wrote it, plus one; 0 is empty. */
typedef struct model {
    uint64_t prices[MODEL_PRICES];
    uint64_t positions[MODEL_POSITIONS];
    uint64_t balance;
    uint64_t equity;
    uint64_t strategy;
    unsigned order_slots[MODEL_ORDERS]; /* in the order of the list */
    uint64_t orders[MODEL_ORDERS];      /* who wrote the order at the same place */
    size_t order_count;
    uint64_t algos[MODEL_ALGOS];
    uint64_t ledger[MODEL_LEDGER_MAX];
    size_t ledger_count;
} model;

/* Whether a commit saves the LiveState alone, so that tj_state_save can do it. */
bool commit_is_state_only(uint64_t number);

/* Does commit `number` on a store. *sequence is set on TJ_OK. */
tj_status commit_apply(tj_store *store, uint64_t number, uint64_t *sequence, tj_error *error);
/* Does a commit for which commit_is_state_only holds through tj_state_save. */
tj_status commit_save_state(tj_store *store, uint64_t number, tj_error *error);

/* What the first `count` commits of a history leave. */
void model_after(model *m, const history *h, size_t count);

/* The text of a model, and of what a store shows; equal when they agree in everything. *sequence
 * receives the newest commit that the loaded state includes. */
char *model_text(const model *m);
tj_status store_text(tj_store *store, char **text, uint64_t *sequence, tj_error *error);
/* The text of what a store shows of the past: after commit `at`. */
tj_status store_text_at(tj_store *store, uint64_t at, char **text, tj_error *error);

#endif
