/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* What --where and --sort compare: values that are read once, and conditions on them. */
#ifndef TJ_CLI_TABLE_CONDITION_H
#define TJ_CLI_TABLE_CONDITION_H

#include "table/table.h"

/* A value, read once: all decimals come before all times, these before texts, and what is not there
 * comes last. */
typedef struct key {
    enum { KEY_DECIMAL, KEY_TIME, KEY_TEXT, KEY_NONE } kind;
    tj_decimal decimal;
    tj_time time;
    const char *text;
    size_t row;
} key;

/* Of a cell; NULL where nothing is there. */
key key_of(const char *value);
int key_compare(const key *a, const key *b);

typedef enum relation {
    RELATION_NOT,
    RELATION_LOW,
    RELATION_HIGH,
    RELATION_LESS,
    RELATION_MORE,
    RELATION_EQUAL,
    RELATION_PART
} relation;

typedef struct condition {
    tj_str column;
    relation relation;
    key wanted;
} condition;

/* False for what is no column, relation and value. */
bool condition_parse(const char *text, condition *out);
bool condition_holds(const condition *asked, table_align align, const char *value);
/* Whether its value can be in any cell of such a column. */
bool condition_fits(const condition *asked, table_align align);

#endif
