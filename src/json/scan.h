/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* The grammar of JSON over bytes: where a value ends, and the token that does not fit. */
#ifndef TJ_JSON_SCAN_H
#define TJ_JSON_SCAN_H

#include <tesser/base.h>

/* Why a value has no end. */
typedef struct tj__json_stop {
    const char *at; /* the token that is not expected there, or the end of the text */
    bool too_deep;  /* it opens one array or object more than TJ_JSON_DEPTH_MAX */
} tj__json_stop;

/* Behind the value that begins at `at`, where no white space is; NULL and why, when there is none.
 * depth: the arrays and objects that it stands in. Nothing is built, so that this is what most of
 * a text is read with. */
const char *tj__json_value_end(const char *at, const char *end, int depth, tj__json_stop *stop);

/* Behind the string at `at`; NULL when none is there, or one that is not as it should be. */
const char *tj__json_take_string(const char *at, const char *end);

#endif
