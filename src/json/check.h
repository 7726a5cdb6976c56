/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* JSON text that is kept as text: is it valid, and what are an object's members? */
#ifndef TJ_JSON_CHECK_H
#define TJ_JSON_CHECK_H

#include <tesser/json.h>

#include "base/buffer.h"

/* Whether text is exactly one valid JSON value (UTF-8, no lone surrogate escapes, depth and
 * TJ_JSON_SIZE_MAX kept). what names it in the error: "payload: line 1, column 7: ...". */
tj_status tj__json_check(tj_str text, const char *what, tj_error *error);

/* Whether text is no longer than TJ_JSON_SIZE_MAX. */
tj_status tj__json_check_size(tj_str text, const char *what, tj_error *error);

/* Visits the members of an object's text in order: the name decoded, the value's own bytes without
 * surrounding white space. Views are valid during the call. A repeated name is TJ_INVALID; so is
 * anything but an object. The text is checked as by tj__json_check. */
typedef tj_status tj__json_member_visitor(void *context, tj_str name, tj_str value,
                                          tj_error *error);
tj_status tj__json_members(tj_str text, const char *what, tj__json_member_visitor *visitor,
                           void *context, tj_error *error);

/* Appends text as a JSON string with its quotes. */
void tj__json_put_string(tj__buffer *out, tj_str text);

#endif
