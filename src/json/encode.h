/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Model values -> JSON text, along the tables of schema.h. */
#ifndef TJ_JSON_ENCODE_H
#define TJ_JSON_ENCODE_H

#include "base/arena.h"
#include "json/schema.h"

/* A text being written. `scratch` holds what sorting needs. */
typedef struct tj__json_output {
    tj__buffer text;
    tj__arena *scratch;
    tj_error *error;
} tj__json_output;

/* Where in the value the writer is; lives on the stack and is looked at when something fails. */
typedef struct tj__json_step tj__json_step;
struct tj__json_step {
    const tj__json_step *up; /* NULL for the root */
    tj_str name;             /* of a member or a key; absent for an element */
    size_t index;            /* of an element */
};

/* Writes a struct of the schema as an object. TJ_INVALID, TJ_LIMIT, TJ_NOMEM with the path. */
tj_status tj__json_encode(tj__json_output *out, const tj__json_step *step,
                          const tj__json_schema *schema, const void *value);

/* An element of an array with the canonical text of its identity. */
typedef struct tj__json_item {
    tj_str key;
    const char *value;
    size_t index; /* in the array */
} tj__json_item;

/* The elements of an array (`size` bytes each) in the order of an identity member; one that stands
 * twice is TJ_INVALID. *items belongs to the scratch arena. */
tj_status tj__json_sort_items(tj__json_output *out, const tj__json_step *step,
                              const tj__json_field *identity, const void *array, size_t count,
                              size_t size, tj__json_item **items);

/* Fails at a step: "open_orders[3].request.side: <message>". */
tj_status tj__json_fail_step(tj__json_output *out, const tj__json_step *step, tj_status status,
                             const char *format, ...) TJ_PRINTF(4, 5);
/* Passes a status on; a failure, of which out->error tells, is reported at a step. */
tj_status tj__json_relay_step(tj__json_output *out, const tj__json_step *step, tj_status status);

#endif
