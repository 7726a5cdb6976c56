/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Inside a plan: its rows, and how its parts write them. */
#ifndef TJ_COMMIT_PLAN_H
#define TJ_COMMIT_PLAN_H

#include <tesser/config.h>

#include "commit/commit.h"
#include "rows/quarantine.h"
#include "rows/value.h"

typedef enum tj__plan_op {
    TJ__PLAN_PUT,         /* of a STATE or ALGOS row */
    TJ__PLAN_DELETE,      /* of a STATE or ALGOS row */
    TJ__PLAN_PUT_ROW,     /* the same as TJ__PLAN_PUT, with the rank that the value has */
    TJ__PLAN_SCOPE_BEGIN, /* value: the kinds (u32); the puts up to the end are all rows of them */
    TJ__PLAN_SCOPE_END,
    TJ__PLAN_DELETE_OWNER, /* of a sub-account's row (the key) and its positions and balances */
    TJ__PLAN_LEDGER,       /* a LEDGER row; sequence 0 in its key: the next */
    TJ__PLAN_COUNTER       /* of a COUNTERS row; value: how many numbers (u64) */
} tj__plan_op;

/* A row: this head in as many bytes, the key (with 0 for the book's number until it is resolved),
 * the value; one behind the other without alignment. */
typedef struct tj__plan_row {
    uint32_t book; /* index of the plan's books */
    uint32_t value_size;
    uint16_t key_size;
    uint8_t op;
    uint8_t keep; /* TJ__KEEP_*: unknown members that the value does not give */
} tj__plan_row;
#define TJ__PLAN_ROW_HEAD_SIZE 12

typedef struct tj__plan_book {
    char name[TJ_BOOK_SIZE_MAX];
    size_t name_size;
    bool create;        /* it must be new */
    bool used;          /* rows name it */
    bool touches_state; /* STATE rows do */
    size_t tip_index;   /* of the tip's books, since it was resolved */
} tj__plan_book;

struct tj__plan {
    tj__buffer rows;
    tj__plan_book *books;
    size_t book_count;
    size_t book_capacity;
    size_t book;     /* in use; book_count or above: none */
    size_t row_at;   /* the row being written */
    size_t value_at; /* its value */
    tj__plan_op op;  /* what it does */
    bool json_read;
};

/* Reads the row at offset `at`; returns where the next one is. */
static inline size_t tj__plan_row_read(const tj__plan *plan, size_t at, tj__plan_row *row,
                                       uint8_t **key, tj__bytes *value)
{
    uint8_t *head = plan->rows.data + at;
    memcpy(&row->book, head, 4);
    memcpy(&row->value_size, head + 4, 4);
    memcpy(&row->key_size, head + 8, 2);
    row->op = head[10];
    row->keep = head[11];
    *key = head + TJ__PLAN_ROW_HEAD_SIZE;
    *value = tj__bytes_of(*key + row->key_size, row->value_size);
    return at + TJ__PLAN_ROW_HEAD_SIZE + row->key_size + row->value_size;
}

/* The key of the row whose head this is. */
static inline tj__bytes tj__plan_row_key(const uint8_t *head)
{
    uint16_t size;
    memcpy(&size, head + 8, sizeof size);
    return tj__bytes_of(head + TJ__PLAN_ROW_HEAD_SIZE, size);
}

/* tj__json_check, unless the text was read. */
tj_status tj__plan_check_json(const tj__plan *plan, tj_str json, const char *what, tj_error *error);

/* Around everything that a public function adds: the second puts the plan back as it was when
 * status is not TJ_OK, and returns it. */
tj_status tj__plan_begin(tj__plan *plan, size_t *mark, tj_error *error);
tj_status tj__plan_end(tj__plan *plan, size_t mark, bool touches_state, tj_status status);

/* Starts a row whose key goes on with at most `bound` bytes (the pen's), e.g. an identity. */
tj_status tj__plan_row_open(tj__plan *plan, tj__plan_op op, tj__table table, size_t bound,
                            tj__pen *pen, tj_error *error);
/* The key ends here; then its value is appended to plan->rows. */
void tj__plan_key_close(tj__plan *plan, const tj__pen *pen);
tj_status tj__plan_row_close(tj__plan *plan, unsigned keep, tj_error *error);

tj_status tj__plan_scope_begin(tj__plan *plan, unsigned kinds, tj_error *error);
tj_status tj__plan_scope_end(tj__plan *plan, tj_error *error);

/* One row each, for the public function and for a whole state. Errors name the entity. */
tj_status tj__plan_add_order(tj__plan *plan, const tj_order *order, tj_error *error);
tj_status tj__plan_add_head(tj__plan *plan, const tj_portfolio *portfolio, tj_error *error);
tj_status tj__plan_add_sub_account(tj__plan *plan, const tj_sub_account *account, tj_error *error);
tj_status tj__plan_add_position(tj__plan *plan, tj_str owner, const tj_position *position,
                                tj_error *error);
tj_status tj__plan_add_balance(tj__plan *plan, tj_str owner, const tj_balance *balance,
                               tj_error *error);
tj_status tj__plan_add_price(tj__plan *plan, const tj_price *price, tj_error *error);
tj_status tj__plan_add_equity(tj__plan *plan, tj_decimal equity, tj_error *error);
tj_status tj__plan_add_candle(tj__plan *plan, tj_time time, tj_error *error);
/* Absent or null: adds nothing and sets *none. */
tj_status tj__plan_add_strategy(tj__plan *plan, tj_str json, bool *none, tj_error *error);
/* With its exec ids. */
tj_status tj__plan_add_checkpoint(tj__plan *plan, const tj_execution_checkpoint *checkpoint,
                                  tj_error *error);
/* json was checked. */
tj_status tj__plan_add_extra(tj__plan *plan, tj_str name, tj_str json, tj_error *error);

/* For imports: TJ_LIMIT when key or raw bytes are too long. A longer reason is cut. */
tj_status tj__plan_put_quarantine(tj__plan *plan, const tj__quarantined *row, tj_error *error);
tj_status tj__plan_delete_quarantine(tj__plan *plan, tj__table table, tj__bytes key,
                                     tj_error *error);

/* Takes the plan's last rows, from offset `at` on, which are removed then. */
typedef tj_status tj__plan_taker(void *context, tj__plan *plan, size_t at, tj_error *error);
/* Adds what a state can have thousands of: portfolio, prices, orders. They go to `take` a few at a
 * time; with NULL all stay. */
tj_status tj__plan_add_entities(tj__plan *plan, const tj_live_state *state, tj__plan_taker *take,
                                void *context, tj_error *error);

/* TJ_INVALID naming the first of the STATE rows from offset `mark` on that stands twice. */
tj_status tj__plan_check_unique(const tj__plan *plan, size_t mark, tj_error *error);
/* TJ_INVALID naming the row with this key. */
tj_status tj__plan_refuse_twice(tj__bytes key, tj_error *error);

#endif
