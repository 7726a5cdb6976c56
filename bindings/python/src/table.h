/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Rows of the library's structs as columns in Arrow's layout, shared by all who read them. */
#ifndef TESSER_PYTHON_TABLE_H
#define TESSER_PYTHON_TABLE_H

#include <stdatomic.h>

#include "native.h"

typedef struct column {
    const char *name;
    const field *member;
    size_t shift;    /* of the member's struct in a row */
    char format[16]; /* Arrow's name of the type */
    uint8_t *valid;  /* bits; NULL: no value is absent */
    char *values;
    int32_t *offsets; /* of texts */
    int64_t nulls;
} column;

#define TABLE_COLUMNS_MAX 32

typedef struct table {
    atomic_int references;
    size_t row_count, column_count;
    column columns[TABLE_COLUMNS_MAX];
} table;

/* NULL with an exception set. */
table *table_new(const record *row, const void *rows, size_t count, bool floats);
void table_release(table *self);

#endif
