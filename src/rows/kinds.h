/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * The kinds of STATE rows, and what there is to know of each. A kind's value file says it (its
 * layout, version and decoder are there, too); kinds.c lists them.
 */
#ifndef TJ_ROWS_KINDS_H
#define TJ_ROWS_KINDS_H

#include "base/buffer.h"
#include "json/schema.h"

/* Numbers are part of the format. */
typedef enum tj__kind {
    TJ__KIND_HEAD = 1,
    TJ__KIND_EQUITY = 2,
    TJ__KIND_CANDLE = 3,
    TJ__KIND_STRATEGY = 4,
    TJ__KIND_CHECKPOINT = 5,
    TJ__KIND_EXTRA = 6,
    TJ__KIND_BALANCE = 7,
    TJ__KIND_POSITION = 8,
    TJ__KIND_SUB_ACCOUNT = 9,
    TJ__KIND_PRICE = 10,
    TJ__KIND_ORDER = 11,
    TJ__KIND_EXEC_ID = 12
} tj__kind;
#define TJ__KIND_FIRST 1
#define TJ__KIND_LAST 12
/* A set of kinds is one bit each. These are no members of the table below, since a save asks for
 * them at every row. */
#define TJ__KIND_BIT(kind) (1u << (kind))
#define TJ__KINDS_PORTFOLIO                                         \
    (TJ__KIND_BIT(TJ__KIND_HEAD) | TJ__KIND_BIT(TJ__KIND_BALANCE) | \
     TJ__KIND_BIT(TJ__KIND_POSITION) | TJ__KIND_BIT(TJ__KIND_SUB_ACCOUNT))
#define TJ__KINDS_CHECKPOINT (TJ__KIND_BIT(TJ__KIND_CHECKPOINT) | TJ__KIND_BIT(TJ__KIND_EXEC_ID))
/* Rows stand in the order of their rank, which is behind the version. */
#define TJ__KINDS_RANKED (TJ__KIND_BIT(TJ__KIND_ORDER) | TJ__KIND_BIT(TJ__KIND_EXEC_ID))
/* The key names a sub-account, or none, before the identity. */
#define TJ__KINDS_OWNED (TJ__KIND_BIT(TJ__KIND_BALANCE) | TJ__KIND_BIT(TJ__KIND_POSITION))
#define TJ__KINDS_ALL (((1u << (TJ__KIND_LAST + 1)) - 1) & ~1u)

static inline bool tj__kind_is_ranked(unsigned kind)
{
    return TJ__KINDS_RANKED >> kind & 1;
}

typedef struct tj__kind_info {
    const char *name; /* for people */
    uint8_t version;  /* the layout that values are written in; all up to it are read */
    size_t size;      /* of what a value is decoded to */
    const tj__json_schema *schema; /* NULL: no unknown members stand at a value's end */
    /* Reads the value behind its version into an entity whose identity the key gave. What is wrong
     * with it is noted in the reader. */
    void (*get)(tj__reader *in, tj_str identity, void *entity);
} tj__kind_info;

/* By number; NULL for 0. */
extern const tj__kind_info *const tj__kinds[TJ__KIND_LAST + 1];

/* Room for an entity of any kind. */
#define TJ__ENTITY_SIZE_MAX 512

/* Decodes a value; texts in the entity are views of it and of the identity. TJ_CORRUPT or
 * TJ_FORMAT_NEWER saying what is wrong with the value; the entity is then undefined. */
tj_status tj__kind_get(unsigned kind, tj_str identity, tj__bytes value, void *entity,
                       tj_error *error);

#endif
