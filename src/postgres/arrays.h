/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Arrays as parameters, in PostgreSQL's binary form: one statement for many rows. */
#ifndef TJ_POSTGRES_ARRAYS_H
#define TJ_POSTGRES_ARRAYS_H

#include "postgres/session.h"

/* Types of elements: their numbers in pg_type. */
enum { TJ__PG_BYTEA = 17, TJ__PG_INT8 = 20, TJ__PG_INT4 = 23, TJ__PG_UUID = 2950 };

#define TJ__PG_ARRAYS_MAX 80

/* Some arrays, one behind the other. Zero-initialized is empty. */
typedef struct tj__pg_arrays {
    tj__buffer bytes;
    size_t starts[TJ__PG_ARRAYS_MAX + 1];
    size_t count;
} tj__pg_arrays;

void tj__pg_arrays_dispose(tj__pg_arrays *arrays);
void tj__pg_arrays_clear(tj__pg_arrays *arrays);
/* Begins an array of so many elements, which follow. */
void tj__pg_array(tj__pg_arrays *arrays, uint32_t type, size_t count);
void tj__pg_element_int8(tj__pg_arrays *arrays, uint64_t value);
void tj__pg_element_int4(tj__pg_arrays *arrays, uint32_t value);
void tj__pg_element_bytes(tj__pg_arrays *arrays, tj__bytes value);
void tj__pg_element_null(tj__pg_arrays *arrays);
/* When all are there: gives the array of this number to a statement. */
void tj__pg_array_give(const tj__pg_arrays *arrays, size_t number, tj__pg_query *query);

#endif
