/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* From bytes of rows to changes that are told. */
#include "store/changes.h"

#include "base/error.h"
#include "rows/row.h"
#include "rows/row_json.h"
#include "rows/value.h"

/* Most values fit into that as JSON. */
#define JSON_SIZE 1024

static tj_status no_memory(tj_error *error)
{
    return tj__fail(error, TJ_NOMEM, "no memory for the changes of a commit");
}

/* ---- books ------------------------------------------------------------------------------- */

static tj_status add_book(void *context, const tj__row *row, tj_error *error)
{
    tj__book_names *names = context;
    tj__book_name book = {0};
    TJ_TRY(tj__row_intact(row, error));
    TJ_TRY(tj__book_value_get(row->value, &book.number, error));
    tj_str name = {(const char *)row->key.data + TJ__KEY_REST_AT, row->key.size - TJ__KEY_REST_AT};
    book.name = tj__arena_str(names->arena, name);
    tj__put_bytes(&names->list, &book, sizeof book);
    return book.name.data && !names->list.failed ? TJ_OK : no_memory(error);
}

tj_status tj__book_names_read(tj__book_names *names, tj_store *store, tj_error *error)
{
    tj__reading now;
    uint8_t prefix = TJ__TABLE_BOOKS;
    tj__book_names_dispose(names);
    names->arena = tj__arena_new(0, &names->object);
    if (!names->arena) {
        return no_memory(error);
    }
    tj_status status = tj__reading_begin_all(&now, store, error);
    if (status == TJ_OK) {
        status =
            tj__rows_scan_prefix(now.rows, tj__bytes_of(&prefix, 1), false, add_book, names, error);
    }
    tj__reading_end(&now);
    return status;
}

void tj__book_names_dispose(tj__book_names *names)
{
    tj__arena_free_object(names->object);
    tj__buffer_dispose(&names->list);
    *names = (tj__book_names){0};
}

tj_str tj__book_names_of(const tj__book_names *names, uint32_t number)
{
    const tj__book_name *books = (const tj__book_name *)(const void *)names->list.data;
    for (size_t i = 0; i < names->list.size / sizeof *books; i++) {
        if (books[i].number == number) {
            return books[i].name;
        }
    }
    return (tj_str){0};
}

/* ---- decoding ---------------------------------------------------------------------------- */

/* The rank of an order is its place in the list, and no part of what it says. */
static bool only_moved(const tj__raw_change *raw)
{
    const tj__bytes *a = &raw->old_value;
    const tj__bytes *b = &raw->new_value;
    if (raw->key.data[0] != TJ__TABLE_STATE ||
        !tj__kind_is_ranked(raw->key.data[TJ__KEY_KIND_AT]) || !a->data || !b->data ||
        a->size != b->size || a->size < TJ__RANK_END || tj__bytes_equal(*a, *b)) {
        return false;
    }
    return a->data[0] == b->data[0] &&
           memcmp(a->data + TJ__RANK_END, b->data + TJ__RANK_END, a->size - TJ__RANK_END) == 0;
}

static tj_status decode_value(const tj__key_parts *parts, tj__bytes value, tj__arena *arena,
                              tj_str *out, tj_error *error)
{
    tj__buffer json = {0};
    if (!value.data) {
        *out = (tj_str){0};
        return TJ_OK;
    }
    (void)tj__buffer_reserve(&json, JSON_SIZE);
    tj_status status = tj__row_json(parts, value, &json, error);
    if (status == TJ_OK) {
        *out = tj__arena_str(arena, (tj_str){(const char *)json.data, json.size});
        status = out->data ? TJ_OK : no_memory(error);
    }
    tj__buffer_dispose(&json);
    return status;
}

static tj_status decode(const tj__raw_change *raw, const tj__book_names *names, tj__arena *arena,
                        tj_change *out, tj_error *error)
{
    tj__key_parts parts;
    tj_str owner = {0};
    tj_str identity = {0};
    char text[TJ__KEY_NAME_SIZE];
    TJ_TRY(tj__key_open(raw->key, &parts, error));
    *out = (tj_change){.kind = (tj_entity_kind)tj__entity_of(raw->key),
                       .moved = only_moved(raw),
                       .key = tj__arena_str(arena, tj__row_name(&parts, text))};
    if (parts.table == TJ__TABLE_STATE && tj__key_split_owner(&parts, &owner, &identity)) {
        out->owner = tj__arena_str(arena, owner);
    }
    out->book = out->kind == TJ_ENTITY_BOOK
                    ? out->key
                    : tj__arena_str(arena, tj__book_names_of(names, parts.book));
    TJ_TRY(decode_value(&parts, raw->old_value, arena, &out->old_value, error));
    return decode_value(&parts, raw->new_value, arena, &out->new_value, error);
}

tj_status tj__change_decode(const tj__raw_change *raw, const tj__book_names *names,
                            tj__arena *arena, tj_change *out, tj_error *error)
{
    tj_status status = decode(raw, names, arena, out, error);
    if (status != TJ_OK) {
        char text[TJ__KEY_TEXT_SIZE];
        tj__key_describe(raw->key, text);
        tj__error_context(error, "%s", text);
    }
    return status;
}
