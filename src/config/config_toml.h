/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* TOML as plain values with their lines: the one place that knows toml11 is behind this header. */
#ifndef TJ_CONFIG_CONFIG_TOML_H
#define TJ_CONFIG_CONFIG_TOML_H

#include <tesser/error.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef enum tj__toml_kind {
    TJ__TOML_TEXT,
    TJ__TOML_INTEGER,
    TJ__TOML_BOOLEAN,
    TJ__TOML_FLOAT,
    TJ__TOML_TIME,
    TJ__TOML_ARRAY,
    TJ__TOML_TABLE
} tj__toml_kind;

/* A kind with its article, e.g. "an integer". */
const char *tj__toml_kind_name(tj__toml_kind kind);

/* One value of a table; borrowed for the visit. */
typedef struct tj__toml_value {
    const char *table; /* dotted name, as asked for */
    tj_str key;
    unsigned line;
    tj__toml_kind kind;
    tj_str text;     /* TJ__TOML_TEXT; NUL-terminated */
    int64_t integer; /* TJ__TOML_INTEGER; one too large to hold is INT64_MAX */
    bool boolean;    /* TJ__TOML_BOOLEAN */
} tj__toml_value;

typedef tj_status tj__toml_visitor(void *context, const tj__toml_value *value, tj_error *error);

/* Deepest nesting of arrays and inline tables: toml11 recurses, and the stack is bounded. */
#define TJ__TOML_DEPTH_MAX 200

/* What is to be read: a whole table, or one key of another program's. */
typedef struct tj__toml_place {
    const char *table; /* dotted */
    const char *key;   /* NULL: all */
} tj__toml_place;

/* Reads a whole file's text and visits the values at the places: place by place, a table's in the
 * order of its lines. What is not there is passed over; the first failing visit ends it.
 * `file` names the file in errors. TJ_INVALID with file and line; TJ_LIMIT; TJ_NOMEM. */
tj_status tj__toml_visit(const char *file, tj_str text, const tj__toml_place *places,
                         size_t place_count, tj__toml_visitor *visitor, void *context,
                         tj_error *error);

/* Fails with "FILE:LINE: what", or "FILE: what" without a line, and notes the place. In C, so that
 * the file which knows toml11 needs no more of this library than this header. */
tj_status tj__toml_fail(tj_error *error, tj_status status, const char *file, unsigned line,
                        const char *what);

#ifdef __cplusplus
}
#endif
#endif
