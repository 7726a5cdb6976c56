/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* A row's checksum, and where it stands, for a person. */
#include "rows/row.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/error.h"
#include "base/text.h"
#include "rows/value.h"

tj_status tj__row_refuse_damaged(const tj__row *row, tj_error *error)
{
    if (!row->file) {
        tj__fail(error, TJ_CORRUPT, "the stored bytes do not match their checksum");
    } else {
        tj__fail(error, TJ_CORRUPT,
                 "the stored bytes at offset %" PRIu64 " of %s do not match their checksum",
                 row->offset, row->file);
        tj__error_place(error, "%s:%" PRIu64, row->file, row->offset);
    }
    return tj__row_explain(row, TJ_CORRUPT, error);
}

void tj__row_cite(const tj__row *row, tj_error *error)
{
    char text[TJ__KEY_TEXT_SIZE];
    tj__key_describe(row->key, text);
    tj__error_context(error, "%s (commit %" PRIu64 ")", text, row->sequence);
}

/* ---- names of books -------------------------------------------------------------------------- */

void tj__name_list_add(tj__name_list *list, tj_str name)
{
    char quoted[TJ__QUOTE_SIZE];
    tj__text_quote(name, quoted);
    size_t quoted_size = strlen(quoted) - 2; /* between the quotes */
    bool first = list->size == 0;
    if (list->size + quoted_size + sizeof ", ..." > sizeof list->text) {
        if (!list->cut) {
            list->size +=
                (size_t)snprintf(list->text + list->size, sizeof list->text - list->size, ", ...");
        }
        list->cut = true;
        return;
    }
    list->size += (size_t)snprintf(list->text + list->size, sizeof list->text - list->size,
                                   "%s%.*s", first ? "" : ", ", (int)quoted_size, quoted + 1);
}

tj_status tj__book_unknown(tj_str name, const tj__name_list *list, tj_error *error)
{
    char quoted[TJ__QUOTE_SIZE];
    tj__text_quote(name, quoted);
    return tj__fail(error, TJ_NOT_FOUND,
                    "book %s is not in this journal (it has: %s); a new one must be created before "
                    "its first use",
                    quoted, list->text);
}

typedef struct name_search {
    uint32_t number;
    tj_error *error;
    bool found;
} name_search;

static tj_status match_number(void *context, const tj__row *row, tj_error *error)
{
    (void)error;
    name_search *search = context;
    uint32_t number = 0;
    if (row->damaged || tj__book_value_get(row->value, &number, NULL) != TJ_OK ||
        number != search->number) {
        return TJ_OK;
    }
    char text[TJ__KEY_TEXT_SIZE];
    tj__key_describe(row->key, text);
    tj__error_context(search->error, "%s", text);
    search->found = true;
    return TJ__STOP;
}

tj_status tj__book_explain(tj__row_source *rows, uint32_t book, tj_status status, tj_error *error)
{
    if (status == TJ_OK || !error || book == 0) {
        return status;
    }
    uint8_t prefix = TJ__TABLE_BOOKS;
    name_search search = {book, error, false};
    tj_status scanned =
        tj__rows_scan_prefix(rows, tj__bytes_of(&prefix, 1), false, match_number, &search, NULL);
    if (scanned != TJ_OK || !search.found) {
        tj__error_context(error, "book number %" PRIu32, book);
    }
    return status;
}
