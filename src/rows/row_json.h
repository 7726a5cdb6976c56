/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* One row, for whoever looks on: its key as text, its value as JSON in Tesser's spelling. */
#ifndef TJ_ROWS_ROW_JSON_H
#define TJ_ROWS_ROW_JSON_H

#include "base/buffer.h"
#include "rows/key.h"

/* Room for the text of any key's identity. */
#define TJ__KEY_NAME_SIZE (TJ__ROW_KEY_SIZE_MAX + 1)

/* What the key names inside its book and kind: an order's id, a symbol, an algorithm's UUID, a
 * number. A view of the key, or of `text`. */
tj_str tj__row_name(const tj__key_parts *parts, char text[TJ__KEY_NAME_SIZE]);

/* Appends the value as JSON: an object, or a plain value where there is nothing else; `true` for a
 * row that only stands for its key. Of a portfolio, a sub-account or a checkpoint only its own
 * members: what it has many of are rows. TJ_CORRUPT, TJ_FORMAT_NEWER, TJ_NOMEM. */
tj_status tj__row_json(const tj__key_parts *parts, tj__bytes value, tj__buffer *out,
                       tj_error *error);

#endif
