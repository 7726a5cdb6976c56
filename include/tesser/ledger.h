/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/** @file ledger.h Ledger entries: every movement of money, append-only, by sequence and time. */
#ifndef TESSER_LEDGER_H
#define TESSER_LEDGER_H

#include <tesser/state.h>
#include <tesser/uuid.h>

#ifdef __cplusplus
extern "C" {
#endif

/** Longest reference of a ledger entry, in bytes. */
#define TJ_REFERENCE_SIZE_MAX 1024

/** What moved the money; the comment is Tesser's spelling. */
typedef enum tj_ledger_type {
    TJ_LEDGER_TRADE_REALIZED_PNL = 1, /**< "trade_realized_pnl" */
    TJ_LEDGER_FEE = 2,                /**< "fee" */
    TJ_LEDGER_FUNDING = 3,            /**< "funding" */
    TJ_LEDGER_TRANSFER_IN = 4,        /**< "transfer_in" */
    TJ_LEDGER_TRANSFER_OUT = 5,       /**< "transfer_out" */
    TJ_LEDGER_ADJUSTMENT = 6          /**< "adjustment" */
} tj_ledger_type;

/** One entry of a book's ledger. */
typedef struct tj_ledger_entry {
    /** Its own in the book: what is appended under an id that the book has is refused, so that a
     * fill reported twice is booked once. Derive it from what is booked, or use
     * tj_uuid_generate; nil is an id like any other. */
    tj_uuid id;
    uint64_t sequence; /**< the book's own numbering; 0 when appending: the next number */
    tj_time time;
    tj_str exchange; /**< name of the exchange; canonical lower case when loaded */
    tj_asset asset;
    tj_decimal amount; /**< positive into the account */
    tj_ledger_type type;
    tj_str reference; /**< e.g. an order or trade id; may be empty */
    tj_str meta;      /**< any JSON text; absent means none */
} tj_ledger_entry;

/** Entries as a query found them. */
typedef struct tj_ledger_list {
    tj_ledger_entry *entries;
    size_t count;
} tj_ledger_list;

/** Which entries to find; start from TJ_LEDGER_QUERY_INIT and set what matters. */
typedef struct tj_ledger_query {
    size_t struct_size;
    tj_str exchange;         /**< only this exchange; absent: all */
    tj_asset asset;          /**< only this asset; absent code: all */
    tj_ledger_type type;     /**< only this type; 0: all */
    uint64_t sequence_first; /**< from here on; 0: from the start */
    uint64_t sequence_last;  /**< up to and including; 0: to the end */
    bool has_time_first;
    tj_time time_first; /**< from here on */
    bool has_time_last;
    tj_time time_last; /**< up to and including */
    size_t limit;      /**< at most so many; 0: all */
    bool descending;   /**< newest (highest sequence, or time) first */
    bool by_time;      /**< order by (time, sequence) instead of by sequence */
} tj_ledger_query;

#define TJ_LEDGER_QUERY_INIT                                                                 \
    {                                                                                        \
        sizeof(tj_ledger_query), {NULL, 0}, {{NULL, 0}, {NULL, 0}}, (tj_ledger_type)0, 0, 0, \
            false, 0, false, 0, 0, false, false                                              \
    }

/** Releases a list that this library returned. NULL is allowed. Threads: any, one at a time. */
TJ_API void tj_ledger_list_free(tj_ledger_list *list);

#ifdef __cplusplus
}
#endif
#endif
