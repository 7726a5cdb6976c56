/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* What the loaders share: judging a row and saying which one it is. */
#ifndef TJ_ROWS_ROW_H
#define TJ_ROWS_ROW_H

#include "base/rows.h"
#include "rows/key.h"

/* Adds to an error which row it is about. */
void tj__row_cite(const tj__row *row, tj_error *error);
/* Returns status; when it is not TJ_OK, adds which row it is about. */
static inline tj_status tj__row_explain(const tj__row *row, tj_status status, tj_error *error)
{
    if (status != TJ_OK) {
        tj__row_cite(row, error);
    }
    return status;
}
/* TJ_CORRUPT naming a row whose checksum does not match. */
tj_status tj__row_refuse_damaged(const tj__row *row, tj_error *error);
static inline tj_status tj__row_intact(const tj__row *row, tj_error *error)
{
    return row->damaged ? tj__row_refuse_damaged(row, error) : TJ_OK;
}
/* Whether key and value decode, whatever table the row is of: TJ_CORRUPT or TJ_FORMAT_NEWER naming
 * the row. */
tj_status tj__row_decodes(const tj__row *row, tj_error *error);
/* TJ_CORRUPT or TJ_FORMAT_NEWER when it is no counter's row. */
tj_status tj__counter_row_check(const tj__row *row, tj_error *error);
/* Returns status; when it is not TJ_OK, adds the book's name, or its number when the name cannot be
 * found, or nothing for number 0. */
tj_status tj__book_explain(tj__row_source *rows, uint32_t book, tj_status status, tj_error *error);

/* Names for a message, as many as fit: `default, momentum`. Zero-initialized is empty. */
typedef struct tj__name_list {
    char text[512];
    size_t size;
    bool cut;
} tj__name_list;
void tj__name_list_add(tj__name_list *list, tj_str name);
/* TJ_NOT_FOUND: the book is not among those listed. */
tj_status tj__book_unknown(tj_str name, const tj__name_list *list, tj_error *error);

#endif
