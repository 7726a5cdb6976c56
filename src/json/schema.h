/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Tesser's spelling as tables: one row for each member of each object, in the order in which Tesser
 * writes them. Reading (decode.c) and writing (encode.c) follow the same tables.
 */
#ifndef TJ_JSON_SCHEMA_H
#define TJ_JSON_SCHEMA_H

#include <tesser/json.h>

/* What a member holds, and the C type at its offset. */
typedef enum tj__json_kind {
    TJ__JSON_TEXT,     /* tj_str */
    TJ__JSON_IDENTITY, /* tj_identity: a symbol or an asset */
    TJ__JSON_EXCHANGE, /* tj_str */
    TJ__JSON_UUID,     /* tj_uuid */
    TJ__JSON_DECIMAL,  /* tj_decimal; a bool at `other` when optional */
    TJ__JSON_TIME,     /* tj_time; a bool at `other` when optional */
    TJ__JSON_SEQUENCE, /* uint64_t */
    TJ__JSON_FLAG,     /* bool */
    TJ__JSON_ENUM,     /* an enum whose values count from 1 in the order of `names` */
    TJ__JSON_RAW,      /* tj_str: any JSON text, kept as it is */
    TJ__JSON_STRUCT,   /* a struct of `schema`; a bool at `other` when optional */
    TJ__JSON_LIST,   /* an array of `schema`, its count at `other`; the first members are unique */
    TJ__JSON_MAP,    /* the same as an object whose keys are the first members */
    TJ__JSON_PRICES, /* an array of tj_price, its count at `other` */
    TJ__JSON_TEXT_LIST, /* an array of tj_str without repeats, its count at `other` */
    TJ__JSON_ELSEWHERE, /* known here, read and written by the caller: a map of `schema` */
    TJ__JSON_TREE,      /* of a shape only */
    TJ__JSON_KIND_COUNT
} tj__json_kind;

enum {
    TJ__JSON_OPTIONAL = 1, /* null or missing: absent; absent is written as null */
    TJ__JSON_DEFAULT = 2,  /* may be missing (not null): stays zero */
    TJ__JSON_OMITTED = 4,  /* absent is not written at all */
    TJ__JSON_MAY_BE_EMPTY = 8
};

/* More members than any schema has. */
#define TJ__JSON_FIELDS_MAX 16

typedef struct tj__json_schema tj__json_schema;
typedef struct tj__json_field {
    tj_str name;
    tj__json_kind kind;
    unsigned flags;
    size_t offset;
    size_t other;
    size_t limit;             /* longest text in bytes */
    const char *const *names; /* of an enum, NULL at the end */
    const tj__json_schema *schema;
} tj__json_field;

struct tj__json_schema {
    const tj__json_field *fields;
    size_t count;
    size_t size;             /* of the C struct */
    bool has_extra;          /* unknown members are kept; without: they are an error */
    size_t extra;            /* offset of the tj_str that keeps them */
    size_t extra_name_limit; /* longest name of one; 0: any */
};

extern const tj__json_schema tj__json_live_state;
extern const tj__json_schema tj__json_portfolio;
extern const tj__json_schema tj__json_sub_account;
extern const tj__json_schema tj__json_order;
extern const tj__json_schema tj__json_order_request;
extern const tj__json_schema tj__json_position;
extern const tj__json_schema tj__json_balance;
extern const tj__json_schema tj__json_checkpoint;
/* id and sequence may be missing, since a new entry can be given both; who needs them asks with
 * tj__json_require. */
extern const tj__json_schema tj__json_ledger_entry;
/* The two spellings of an algorithm record: algo_type and state, plugin and payload. */
extern const tj__json_schema tj__json_algo_tesser;
extern const tj__json_schema tj__json_algo_plain;
/* Own members only: of a portfolio without its maps, of a sub-account beside its maps. */
extern const tj__json_schema tj__json_portfolio_head;
extern const tj__json_schema tj__json_sub_account_head;

/* An object whose members are looked at by name only. */
extern const tj__json_schema tj__json_any_members;

/* The schema's member of that name, or NULL. */
const tj__json_field *tj__json_field_find(const tj__json_schema *schema, tj_str name);

/* What is looked at of a text while it is read: values that no schema knows, and all that is kept
 * as it stands, are not taken apart. */
typedef struct tj__json_shape {
    tj__json_kind kind; /* RAW: only as a whole; TREE: whatever it holds */
    const tj__json_schema *schema;
    int levels; /* of a TREE: how many below it are looked at */
} tj__json_shape;

#define TJ__JSON_SHAPE_LEVELS(count) ((tj__json_shape){TJ__JSON_TREE, NULL, (count)})
#define TJ__JSON_SHAPE_STRUCT(schema) ((tj__json_shape){TJ__JSON_STRUCT, (schema), 0})

/* Whether anything inside such a value is looked at. */
bool tj__json_shape_is_open(tj__json_shape shape);
/* The shape of a member of that name, or of an element. */
tj__json_shape tj__json_shape_inside(tj__json_shape shape, tj_str name);

/* Room for the canonical text of any identity, exchange or UUID. */
#define TJ__JSON_KEY_SIZE TJ_IDENTITY_TEXT_SIZE

/* The canonical text of a symbol, an asset, an exchange, a UUID; other kinds give the text itself.
 * *out points into the buffer or is the text. TJ_INVALID, TJ_LIMIT. */
tj_status tj__json_canonical(tj__json_kind kind, tj_str text, char buffer[TJ__JSON_KEY_SIZE],
                             tj_str *out, tj_error *error);

/* Writes names as "a, b, c" for an error; the overloads are a list with NULL at its end and a
 * schema. */
#define TJ__JSON_CHOICES_SIZE 256
const char *tj__json_choices(const char *const *names, char out[TJ__JSON_CHOICES_SIZE]);
const char *tj__json_members_of(const tj__json_schema *schema, char out[TJ__JSON_CHOICES_SIZE]);

#endif
