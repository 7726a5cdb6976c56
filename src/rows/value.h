/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Row values: encoding and decoding one entity each. The value_*.c files start with the byte
 * tables, which are the format.
 *
 * tj__<entity>_put appends the value to a buffer. It checks the entity first: TJ_INVALID or
 * TJ_LIMIT saying what is wrong with it (the caller adds which one it is), TJ_NOMEM. On failure the
 * buffer's size is as before. A kind of STATE row is decoded by tj__kind_get.
 * tj__<entity>_get decodes what is in other tables; texts in *out are views of the value.
 * TJ_CORRUPT or TJ_FORMAT_NEWER saying what is wrong with the value; *out is then undefined.
 */
#ifndef TJ_ROWS_VALUE_H
#define TJ_ROWS_VALUE_H

#include <tesser/algo.h>
#include <tesser/ledger.h>
#include <tesser/state.h>

#include "base/buffer.h"
#include "base/decimal.h"
#include "base/error.h"
#include "base/rows.h"
#include "rows/key.h"
#include "json/schema.h"

/* The layout that each kind of value is written in, and the newest that is read: a decoder reads
 * all up to it. Those of STATE rows are in their value files. */
#define TJ__BOOK_VERSION 1
#define TJ__ALGO_VERSION 1
#define TJ__LEDGER_VERSION 1
#define TJ__LEDGER_TIME_VERSION 1
#define TJ__LEDGER_ID_VERSION 1
#define TJ__COUNTER_VERSION 1
#define TJ__COMMIT_VERSION 1
#define TJ__QUARANTINE_VERSION 1
/* Where the rank of an order or exec id stands, and what follows it. */
#define TJ__RANK_AT 1
#define TJ__RANK_END 9
/* Where id and time of a ledger entry stand, in every version. */
#define TJ__LEDGER_ID_AT 2
#define TJ__LEDGER_TIME_AT 18

extern const tj__kind_info tj__kind_head;
tj_status tj__head_put(tj__buffer *out, const tj_portfolio *portfolio, tj_error *error);
extern const tj__kind_info tj__kind_balance;
tj_status tj__balance_put(tj__buffer *out, const tj_balance *balance, tj_error *error);
extern const tj__kind_info tj__kind_position;
tj_status tj__position_put(tj__buffer *out, const tj_position *position, tj_error *error);
extern const tj__kind_info tj__kind_sub_account;
tj_status tj__sub_account_put(tj__buffer *out, const tj_sub_account *account, tj_error *error);

extern const tj__kind_info tj__kind_order;
/* Encodes with rank 0. */
tj_status tj__order_put(tj__buffer *out, const tj_order *order, tj_error *error);

extern const tj__kind_info tj__kind_equity;
tj_status tj__equity_put(tj__buffer *out, tj_decimal equity, tj_error *error);
extern const tj__kind_info tj__kind_candle;
tj_status tj__candle_put(tj__buffer *out, tj_time time, tj_error *error);
extern const tj__kind_info tj__kind_strategy;
extern const tj__kind_info tj__kind_extra;
/* JSON text of the strategy state or of an unknown member, already checked. */
tj_status tj__json_put(tj__buffer *out, tj_str json, tj_error *error);
extern const tj__kind_info tj__kind_checkpoint; /* decoding leaves the exec ids alone */
tj_status tj__checkpoint_put(tj__buffer *out, const tj_execution_checkpoint *checkpoint,
                             tj_error *error);
extern const tj__kind_info tj__kind_exec_id; /* decoded to its identity */
/* Encodes with rank 0. */
tj_status tj__exec_id_put(tj__buffer *out, tj_error *error);
extern const tj__kind_info tj__kind_price;
tj_status tj__price_put(tj__buffer *out, const tj_price *price, tj_error *error);

/* The payload is already checked. */
tj_status tj__algo_put(tj__buffer *out, const tj_algo_state *state, tj_error *error);
tj_status tj__algo_get(tj__bytes value, tj_algo_state *out, tj_error *error);
/* The entry's sequence is in its key. */
tj_status tj__ledger_put(tj__buffer *out, const tj_ledger_entry *entry, tj_error *error);
tj_status tj__ledger_get(uint64_t sequence, tj__bytes value, tj_ledger_entry *out, tj_error *error);

/* The LEDGER_IDS row of a LEDGER row; false when that is no entry. Its value: the entry's sequence
 * (u64). */
bool tj__ledger_id_row(tj__bytes key, tj__bytes value, tj__derived_row *out);
#define TJ__LEDGER_ID_VALUE_SIZE 9
/* Likewise its LEDGER_TIME row. */
bool tj__ledger_time_row(tj__bytes key, tj__bytes value, tj__derived_row *out);

/* Values of BOOKS (u32) and COMMITS (u64) rows, and the empty one of LEDGER_TIME. */
#define TJ__BOOK_VALUE_SIZE 5
#define TJ__COMMIT_VALUE_SIZE 9
#define TJ__LEDGER_TIME_VALUE_SIZE 1
void tj__book_value(uint8_t out[TJ__BOOK_VALUE_SIZE], uint32_t number);
tj_status tj__book_value_get(tj__bytes value, uint32_t *number, tj_error *error);
void tj__commit_value(uint8_t out[TJ__COMMIT_VALUE_SIZE], uint64_t sequence);
tj_status tj__commit_value_get(tj__bytes value, uint64_t *sequence, tj_error *error);

/* COUNTERS: the first number that is not reserved, from 1 to TJ__COUNTER_MAX. */
#define TJ__COUNTER_VALUE_SIZE 9
#define TJ__COUNTER_MAX ((uint64_t)INT64_MAX)
tj_status tj__counter_get(tj__bytes value, uint64_t *next, tj_error *error);
tj_status tj__counter_name_check(tj_str name, tj_error *error);

/* Whether a STATE row's key and value decode. */
tj_status tj__state_row_check(tj__bytes key, tj__bytes value, tj_error *error);

static inline uint64_t tj__rank_get(const uint8_t *value)
{
    return tj__load_u64(value + TJ__RANK_AT);
}

/* ---- unknown members of a stored value ---------------------------------------------------- */

/* Which unknown members a new value does not give, so that the stored ones stay. */
#define TJ__KEEP_EXTRA 1u         /* the entity's own */
#define TJ__KEEP_REQUEST_EXTRA 2u /* an order's request's */

/* Whether putting `value` would leave `stored` as it is. Ranks are not compared. */
bool tj__value_same(unsigned kind, unsigned keep, tj__bytes value, tj__bytes stored);
/* Writes `value` with the kept members of `stored` into *out (cleared first). */
tj_status tj__value_merge(unsigned kind, unsigned keep, tj__bytes value, tj__bytes stored,
                          tj__buffer *out, tj_error *error);

/* ---- shared by the value files ------------------------------------------------------------- */

/* TJ_FORMAT_NEWER: what was read is whole, and of a later release. */
tj_status tj__value_newer(tj_error *error, const char *format, ...) TJ_PRINTF(2, 3);
/* Reads the version. TJ_FORMAT_NEWER when it is above `newest`. */
tj_status tj__value_open(tj__reader *in, tj__bytes value, unsigned newest, tj_error *error);
/* TJ_FORMAT_NEWER when a flag or choice is none that is known: the row's checksum has said that it
 * was written so. TJ_CORRUPT when a read failed (out of range or beyond the end), or bytes are left
 * over. */
tj_status tj__value_close(const tj__reader *in, tj__bytes value, tj_error *error);
uint16_t tj__value_get_flags(tj__reader *in, uint16_t known);
/* A u8 from first on; one above last is newer. */
uint8_t tj__value_get_choice(tj__reader *in, unsigned first, unsigned last);
tj_decimal tj__value_get_decimal(tj__reader *in);
/* A u16 length and at most size_max bytes. */
tj_str tj__value_get_short_str(tj__reader *in, size_t size_max);
/* A u16 length and the canonical text of an identity, split. */
tj_identity tj__value_get_identity(tj__reader *in);
/* All that is left; absent when nothing is. */
tj_str tj__value_get_rest(tj__reader *in);
/* Splits canonical text into views; false when it has no code. */
bool tj__identity_split(tj_str text, tj_identity *out);

/*
 * For the encoders. A save runs them for every row, so what is right is written or passed here, and
 * only what is not is looked at in value.c. None of them hands on the pen's address: a pen that
 * stays in a register is what makes them quick.
 */
/* TJ_INVALID for a value that is none of `first` to `last`. */
tj_status tj__value_refuse_choice(unsigned value, unsigned first, unsigned last, const char *member,
                                  tj_error *error);
static inline tj_status tj__value_check_choice(unsigned value, unsigned first, unsigned last,
                                               const char *member, tj_error *error)
{
    return value - first <= last - first
               ? TJ_OK
               : tj__value_refuse_choice(value, first, last, member, error);
}
/* 1 (0 when may_be_empty) to size_max bytes of UTF-8. */
tj_status tj__value_check_text(tj_str text, size_t size_max, bool may_be_empty, const char *member,
                               tj_error *error);
/* That the schema has no member of that name. */
tj_status tj__value_check_unknown(tj_str name, const tj__json_schema *schema, tj_error *error);
/* tj__value_check_extra of one that is there. */
tj_status tj__value_check_members(tj_str *extra, const tj__json_schema *schema, const char *member,
                                  tj_error *error);
/* An object without any of the schema's members; absent is fine. One without members becomes
 * absent. */
static inline tj_status tj__value_check_extra(tj_str *extra, const tj__json_schema *schema,
                                              const char *member, tj_error *error)
{
    return extra->data ? tj__value_check_members(extra, schema, member, error) : TJ_OK;
}

/* TJ_NOMEM for a value of at most `bound` bytes. */
tj_status tj__value_no_memory(size_t bound, tj_error *error);
/* Around the writing of a value of at most `bound` bytes behind the buffer's end: what was not
 * finished is not in the buffer. TJ_NOMEM. */
static inline tj_status tj__pen_start(tj__buffer *out, size_t bound, tj__pen *pen, tj_error *error)
{
    if (!tj__buffer_reserve(out, bound)) {
        return tj__value_no_memory(bound, error);
    }
    pen->at = out->data + out->size;
    return TJ_OK;
}
static inline void tj__pen_finish(tj__buffer *out, const tj__pen *pen)
{
    out->size = (size_t)(pen->at - out->data);
}

#define TJ__DECIMAL_SIZE 16
/* Writes what a decimal that is not canonical stands for. */
tj_status tj__pen_odd_decimal(uint8_t *at, tj_decimal value, const char *member, tj_error *error);
/* TJ_INVALID naming the member when the struct holds no decimal. */
static inline tj_status tj__pen_decimal(tj__pen *pen, tj_decimal value, const char *member,
                                        tj_error *error)
{
    if (!tj__decimal_is_canonical(value)) {
        TJ_TRY(tj__pen_odd_decimal(pen->at, value, member, error));
        pen->at += TJ__DECIMAL_SIZE;
        return TJ_OK;
    }
    tj__pen_u64(pen, value.bits[0]);
    tj__pen_u64(pen, value.bits[1]);
    return TJ_OK;
}

/* Room tj__pen_identity needs at most. */
#define TJ__IDENTITY_BOUND (2 + TJ_IDENTITY_TEXT_SIZE)
/* Says what is wrong with an identity that tj_identity_format refused. */
tj_status tj__value_refuse_identity(tj_identity id, const char *member, tj_error *error);
/* Length (u16) and canonical text. TJ_INVALID naming the member. */
static inline tj_status tj__pen_identity(tj__pen *pen, tj_identity id, const char *member,
                                         tj_error *error)
{
    size_t size = tj_identity_format(id, (char *)pen->at + 2);
    if (size == 0) {
        return tj__value_refuse_identity(id, member, error);
    }
    tj__pen_u16(pen, (uint16_t)size);
    pen->at += size;
    return TJ_OK;
}
/* The same for the name of an exchange; needs 2 + TJ_EXCHANGE_SIZE_MAX + 1 bytes at most. */
tj_status tj__pen_exchange(tj__pen *pen, tj_str exchange, const char *member, tj_error *error);

#endif
