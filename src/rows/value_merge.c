/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * A new value against the stored one: is it the same, and what is it with the stored unknown
 * members kept? A value that keeps them was encoded without them, so its fixed part is all there is
 * (of an order: followed by the length 0), and no other value of that entity can start with the
 * same bytes.
 */
#include "base/error.h"
#include "rows/value.h"

#define EXTRA_SIZE_SIZE 4 /* the length before an order's request's extra */

/* A value cut at its unknown members. */
typedef struct pieces {
    tj__bytes fixed;
    tj_str request_extra;
    tj_str extra;
} pieces;

/* Decodes a STATE row's value for its unknown members, or only to see whether it decodes. */
static tj_status find_extra(unsigned kind, tj_str identity, tj__bytes value, pieces *out,
                            tj_error *error)
{
    union {
        uint8_t bytes[TJ__ENTITY_SIZE_MAX];
        tj_order order;
    } entity = {{0}};
    const tj__json_schema *schema = tj__kinds[kind]->schema;
    TJ_ASSERT(tj__kinds[kind]->size <= sizeof entity);
    TJ_TRY(tj__kind_get(kind, identity, value, &entity, error));
    if (schema) {
        memcpy(&out->extra, entity.bytes + schema->extra, sizeof out->extra);
    }
    if (kind == TJ__KIND_ORDER) {
        out->request_extra = entity.order.request.extra;
    }
    return TJ_OK;
}

static tj_status cut(unsigned kind, tj__bytes value, pieces *out, tj_error *error)
{
    /* The identity is in the key, checked when the key was made; any valid one will do. */
    *out = (pieces){.fixed = value};
    TJ_TRY(find_extra(kind, TJ_STR("X"), value, out, error));
    out->fixed.size -= out->extra.size;
    if (kind == TJ__KIND_ORDER) {
        out->fixed.size -= out->request_extra.size + EXTRA_SIZE_SIZE;
    }
    return TJ_OK;
}

tj_status tj__state_row_check(tj__bytes key, tj__bytes value, tj_error *error)
{
    tj__key_parts parts;
    pieces ignored;
    tj_str owner = {0};
    tj_str identity = {0};
    TJ_TRY(tj__key_open(key, &parts, error));
    if (!tj__key_split_owner(&parts, &owner, &identity)) {
        return tj__fail(error, TJ_CORRUPT, "its key has no owner");
    }
    return find_extra(parts.kind, identity, value, &ignored, error);
}

/* Bytes from the rank's end on; ranks are the tip's matter. */
static tj__bytes without_rank(unsigned kind, tj__bytes value)
{
    if (!tj__kind_is_ranked(kind) || value.size < TJ__RANK_END) {
        return value;
    }
    return tj__bytes_of(value.data + TJ__RANK_END, value.size - TJ__RANK_END);
}

bool tj__value_same(unsigned kind, unsigned keep, tj__bytes value, tj__bytes stored)
{
    tj__bytes a = without_rank(kind, value);
    tj__bytes b = without_rank(kind, stored);
    if (keep == 0) {
        return tj__bytes_equal(a, b);
    }
    if (keep == TJ__KEEP_REQUEST_EXTRA) {
        return false; /* the order's own members follow: only the merged value tells */
    }
    if (keep & TJ__KEEP_REQUEST_EXTRA) {
        a.size -= EXTRA_SIZE_SIZE;
    }
    return a.size <= b.size && memcmp(a.data, b.data, a.size) == 0;
}

tj_status tj__value_merge(unsigned kind, unsigned keep, tj__bytes value, tj__bytes stored,
                          tj__buffer *out, tj_error *error)
{
    pieces new_pieces;
    pieces old_pieces;
    TJ_TRY(cut(kind, value, &new_pieces, error));
    TJ_TRY(cut(kind, stored, &old_pieces, error));
    const pieces *request = keep & TJ__KEEP_REQUEST_EXTRA ? &old_pieces : &new_pieces;
    const pieces *own = keep & TJ__KEEP_EXTRA ? &old_pieces : &new_pieces;
    tj__buffer_clear(out);
    tj__put_bytes(out, new_pieces.fixed.data, new_pieces.fixed.size);
    if (kind == TJ__KIND_ORDER) {
        tj__put_u32(out, (uint32_t)request->request_extra.size);
        tj__put_str(out, request->request_extra);
    }
    tj__put_str(out, own->extra);
    return out->failed ? tj__fail(error, TJ_NOMEM, "no memory for a row") : TJ_OK;
}
