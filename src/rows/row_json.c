/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* From a row's bytes to text, kind by kind. */
#include "rows/row_json.h"

#include <inttypes.h>
#include <stdalign.h>
#include <stdio.h>

#include "base/error.h"
#include "rows/value.h"
#include "json/check.h"
#include "json/encode.h"

/* ---- names ------------------------------------------------------------------------------- */

static tj_str name_of_uuid(tj__bytes rest, char text[TJ__KEY_NAME_SIZE])
{
    tj_uuid id;
    if (rest.size != sizeof id.bytes) {
        return (tj_str){(const char *)rest.data, rest.size};
    }
    memcpy(id.bytes, rest.data, sizeof id.bytes);
    tj_uuid_format(id, text);
    return tj_str_of(text);
}

static tj_str name_of_number(tj__bytes rest, char text[TJ__KEY_NAME_SIZE])
{
    uint64_t number = rest.size == sizeof number ? tj__load_u64_be(rest.data) : 0;
    snprintf(text, TJ__KEY_NAME_SIZE, "%" PRIu64, number);
    return tj_str_of(text);
}

/* The table it would stand in, and its key there when that is text. */
static tj_str name_of_quarantined(tj__bytes rest, char text[TJ__KEY_NAME_SIZE])
{
    uint8_t table = rest.size > 0 ? rest.data[0] : 0;
    tj__bytes key = rest.size > 0 ? tj__bytes_of(rest.data + 1, rest.size - 1) : rest;
    if (table == TJ__TABLE_ALGOS) {
        return name_of_uuid(key, text);
    }
    if (table == TJ__TABLE_LEDGER) {
        return name_of_number(key, text);
    }
    return tj_str_of(table == TJ__TABLE_STATE ? "state" : "");
}

tj_str tj__row_name(const tj__key_parts *parts, char text[TJ__KEY_NAME_SIZE])
{
    tj_str owner = {0};
    tj_str identity = {0};
    tj_str rest = {(const char *)parts->rest.data, parts->rest.size};
    switch (parts->table) {
    case TJ__TABLE_ALGOS:
        return name_of_uuid(parts->rest, text);
    case TJ__TABLE_LEDGER:
        return name_of_number(parts->rest, text);
    case TJ__TABLE_QUARANTINE:
        return name_of_quarantined(parts->rest, text);
    default:
        return parts->table == TJ__TABLE_STATE && tj__key_split_owner(parts, &owner, &identity)
                   ? identity
                   : rest;
    }
}

/* ---- values ------------------------------------------------------------------------------ */

static tj_status no_memory(tj_error *error)
{
    return tj__fail(error, TJ_NOMEM, "no memory for a value as JSON");
}

static tj_status encode(const tj__json_schema *schema, const void *value, tj__buffer *out,
                        tj_error *error)
{
    static const tj__json_step root = {NULL, {NULL, 0}, 0};
    void *object = NULL;
    tj__json_output output = {.text = *out, .scratch = tj__arena_new(0, &object), .error = error};
    if (!output.scratch) {
        return no_memory(error);
    }
    tj_status status = tj__json_encode(&output, &root, schema, value);
    *out = output.text;
    tj__arena_free_object(object);
    return status == TJ_OK && out->failed ? no_memory(error) : status;
}

/* The first members of a schema, with what is unknown. */
static tj_status encode_first(const tj__json_schema *schema, size_t count, const void *value,
                              tj__buffer *out, tj_error *error)
{
    tj__json_schema head = *schema;
    head.count = count;
    return encode(&head, value, out, error);
}

static void put_decimal(tj__buffer *out, tj_decimal value)
{
    char text[TJ_DECIMAL_TEXT_SIZE];
    tj__json_put_string(out, (tj_str){text, tj_decimal_format(value, text)});
}

static void put_time(tj__buffer *out, tj_time value)
{
    char text[TJ_TIME_TEXT_SIZE];
    tj__json_put_string(out, (tj_str){text, tj_time_format(value, text)});
}

/* What tj__kind_get made. */
typedef union entity {
    alignas(max_align_t) uint8_t bytes[TJ__ENTITY_SIZE_MAX];
    tj_decimal equity;
    tj_time candle;
    tj_str json;
    tj_price price;
} entity;

static tj_status put_entity(unsigned kind, const entity *value, tj__buffer *out, tj_error *error)
{
    switch ((tj__kind)kind) {
    case TJ__KIND_HEAD:
        return encode(&tj__json_portfolio_head, value, out, error);
    case TJ__KIND_SUB_ACCOUNT:
        return encode_first(&tj__json_sub_account, 1, value, out, error);
    case TJ__KIND_CHECKPOINT:
        return encode_first(&tj__json_checkpoint, 1, value, out, error);
    case TJ__KIND_BALANCE:
        return encode(&tj__json_balance, value, out, error);
    case TJ__KIND_POSITION:
        return encode(&tj__json_position, value, out, error);
    case TJ__KIND_ORDER:
        return encode(&tj__json_order, value, out, error);
    case TJ__KIND_EQUITY:
        put_decimal(out, value->equity);
        break;
    case TJ__KIND_PRICE:
        put_decimal(out, value->price.price);
        break;
    case TJ__KIND_CANDLE:
        put_time(out, value->candle);
        break;
    case TJ__KIND_STRATEGY:
    case TJ__KIND_EXTRA:
        tj__put_str(out, value->json);
        break;
    case TJ__KIND_EXEC_ID:
        tj__put_cstr(out, "true");
        break;
    }
    return TJ_OK;
}

static tj_status put_state(const tj__key_parts *parts, tj__bytes value, tj__buffer *out,
                           tj_error *error)
{
    entity decoded = {{0}};
    char unused[TJ__KEY_NAME_SIZE];
    tj_str identity = tj__row_name(parts, unused);
    TJ_TRY(tj__kind_get(parts->kind, identity, value, &decoded, error));
    return put_entity(parts->kind, &decoded, out, error);
}

static tj_status put_algo(tj__bytes value, tj__buffer *out, tj_error *error)
{
    tj_algo_state state;
    TJ_TRY(tj__algo_get(value, &state, error));
    return encode(&tj__json_algo_tesser, &state, out, error);
}

static tj_status put_ledger(const tj__key_parts *parts, tj__bytes value, tj__buffer *out,
                            tj_error *error)
{
    tj_ledger_entry entry;
    if (parts->rest.size != sizeof entry.sequence) {
        return tj__fail(error, TJ_CORRUPT, "its key is malformed");
    }
    TJ_TRY(tj__ledger_get(tj__load_u64_be(parts->rest.data), value, &entry, error));
    return encode(&tj__json_ledger_entry, &entry, out, error);
}

static tj_status put_counter(tj__bytes value, tj__buffer *out, tj_error *error)
{
    uint64_t next = 0;
    TJ_TRY(tj__counter_get(value, &next, error));
    tj__put_format(out, "%" PRIu64, next);
    return TJ_OK;
}

tj_status tj__row_json(const tj__key_parts *parts, tj__bytes value, tj__buffer *out,
                       tj_error *error)
{
    tj_status status = TJ_OK;
    switch (parts->table) {
    case TJ__TABLE_STATE:
        status = put_state(parts, value, out, error);
        break;
    case TJ__TABLE_ALGOS:
        status = put_algo(value, out, error);
        break;
    case TJ__TABLE_LEDGER:
        status = put_ledger(parts, value, out, error);
        break;
    case TJ__TABLE_COUNTERS:
        status = put_counter(value, out, error);
        break;
    default:
        tj__put_cstr(out, "true");
        break;
    }
    return status == TJ_OK && out->failed ? no_memory(error) : status;
}
