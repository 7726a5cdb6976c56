/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Walks model values along the tables: one writer for each shape of value. */
#include "json/encode.h"

#include <inttypes.h>

#include "base/decimal.h"
#include "base/error.h"
#include "base/identity.h"
#include "base/text.h"
#include "json/check.h"
#include "json/dom.h"

/* Writes one value from its place in a struct. */
typedef tj_status writer(tj__json_output *out, const tj__json_step *step,
                         const tj__json_field *field, const char *base);

static const void *place(const char *base, const tj__json_field *field)
{
    return base + field->offset;
}

static const void *array_of(const char *base, const tj__json_field *field)
{
    const void *array;
    memcpy(&array, base + field->offset, sizeof array);
    return array;
}

static size_t count_of(const char *base, const tj__json_field *field)
{
    return *(const size_t *)(const void *)(base + field->other);
}

static tj_status put_text(tj__json_output *out, const tj__json_step *step,
                          const tj__json_field *field, tj_str text)
{
    char quote[TJ__QUOTE_SIZE];
    if (text.size == 0 && !(field->flags & TJ__JSON_MAY_BE_EMPTY)) {
        return tj__json_fail_step(out, step, TJ_INVALID, "the text must not be empty");
    }
    if (text.size > field->limit) {
        return tj__json_fail_step(out, step, TJ_LIMIT,
                                  "the text has %zu bytes; at most %zu are allowed", text.size,
                                  field->limit);
    }
    if (!tj__text_is_utf8(text)) {
        return tj__json_fail_step(out, step, TJ_INVALID, "%s is not UTF-8",
                                  tj__text_quote(text, quote));
    }
    tj__json_put_string(&out->text, text);
    return TJ_OK;
}

static tj_status write_text(tj__json_output *out, const tj__json_step *step,
                            const tj__json_field *field, const char *base)
{
    return put_text(out, step, field, *(const tj_str *)place(base, field));
}

static tj_status write_identity(tj__json_output *out, const tj__json_step *step,
                                const tj__json_field *field, const char *base)
{
    const tj_identity *id = place(base, field);
    char buffer[TJ_IDENTITY_TEXT_SIZE];
    TJ_TRY(tj__json_relay_step(out, step, tj__identity_check(*id, out->error)));
    tj__json_put_string(&out->text, (tj_str){buffer, tj_identity_format(*id, buffer)});
    return TJ_OK;
}

static tj_status write_exchange(tj__json_output *out, const tj__json_step *step,
                                const tj__json_field *field, const char *base)
{
    char buffer[TJ_EXCHANGE_SIZE_MAX + 1];
    size_t size = 0;
    const tj_str name = *(const tj_str *)place(base, field);
    TJ_TRY(tj__json_relay_step(out, step, tj__exchange_canonical(name, buffer, &size, out->error)));
    tj__json_put_string(&out->text, (tj_str){buffer, size});
    return TJ_OK;
}

static tj_status write_uuid(tj__json_output *out, const tj__json_step *step,
                            const tj__json_field *field, const char *base)
{
    (void)step;
    char buffer[TJ_UUID_TEXT_SIZE];
    tj_uuid_format(*(const tj_uuid *)place(base, field), buffer);
    tj__put_format(&out->text, "\"%s\"", buffer);
    return TJ_OK;
}

static tj_status write_decimal(tj__json_output *out, const tj__json_step *step,
                               const tj__json_field *field, const char *base)
{
    char buffer[TJ_DECIMAL_TEXT_SIZE];
    const tj_decimal value = *(const tj_decimal *)place(base, field);
    TJ_TRY(tj__json_relay_step(out, step, tj__decimal_check(value, out->error)));
    size_t size = tj_decimal_format(value, buffer);
    tj__json_put_string(&out->text, (tj_str){buffer, size});
    return TJ_OK;
}

static tj_status write_time(tj__json_output *out, const tj__json_step *step,
                            const tj__json_field *field, const char *base)
{
    (void)step;
    char buffer[TJ_TIME_TEXT_SIZE];
    size_t size = tj_time_format(*(const tj_time *)place(base, field), buffer);
    tj__json_put_string(&out->text, (tj_str){buffer, size});
    return TJ_OK;
}

static tj_status write_sequence(tj__json_output *out, const tj__json_step *step,
                                const tj__json_field *field, const char *base)
{
    (void)step;
    tj__put_format(&out->text, "%" PRIu64, *(const uint64_t *)place(base, field));
    return TJ_OK;
}

static tj_status write_flag(tj__json_output *out, const tj__json_step *step,
                            const tj__json_field *field, const char *base)
{
    (void)step;
    tj__put_cstr(&out->text, *(const bool *)place(base, field) ? "true" : "false");
    return TJ_OK;
}

static unsigned enum_value(const char *base, const tj__json_field *field)
{
    unsigned value;
    memcpy(&value, place(base, field), sizeof value);
    return value;
}

static tj_status write_enum(tj__json_output *out, const tj__json_step *step,
                            const tj__json_field *field, const char *base)
{
    unsigned value = enum_value(base, field);
    unsigned count = 0;
    while (field->names[count]) {
        count++;
    }
    if (value == 0 || value > count) {
        return tj__json_fail_step(out, step, TJ_INVALID, "the value %u is not one from 1 to %u",
                                  value, count);
    }
    tj__json_put_string(&out->text, tj_str_of(field->names[value - 1]));
    return TJ_OK;
}

static tj_status write_raw(tj__json_output *out, const tj__json_step *step,
                           const tj__json_field *field, const char *base)
{
    const tj_str text = *(const tj_str *)place(base, field);
    const tj__json_source source = {text, NULL};
    if (text.size > TJ_JSON_SIZE_MAX) {
        return tj__json_fail_step(out, step, TJ_LIMIT,
                                  "the JSON text has %zu bytes; at most %zu are allowed", text.size,
                                  TJ_JSON_SIZE_MAX);
    }
    TJ_TRY(tj__json_relay_step(out, step, tj__json_validate(&source, out->error)));
    tj__put_str(&out->text, text);
    return TJ_OK;
}

static tj_status write_struct(tj__json_output *out, const tj__json_step *step,
                              const tj__json_field *field, const char *base)
{
    return tj__json_encode(out, step, field->schema, place(base, field));
}

static tj_status write_list(tj__json_output *out, const tj__json_step *step,
                            const tj__json_field *field, const char *base)
{
    const tj__json_schema *schema = field->schema;
    const char *element = array_of(base, field);
    size_t count = count_of(base, field);
    tj__json_item *unique;
    TJ_TRY(
        tj__json_sort_items(out, step, &schema->fields[0], element, count, schema->size, &unique));
    tj__put_u8(&out->text, '[');
    for (size_t i = 0; i < count; i++, element += schema->size) {
        const tj__json_step inside = {step, {NULL, 0}, i};
        tj__put_cstr(&out->text, i ? "," : "");
        TJ_TRY(tj__json_encode(out, &inside, schema, element));
    }
    tj__put_u8(&out->text, ']');
    return TJ_OK;
}

static void put_key(tj__json_output *out, size_t index, tj_str key)
{
    tj__put_cstr(&out->text, index ? "," : "");
    tj__json_put_string(&out->text, key);
    tj__put_u8(&out->text, ':');
}

static tj_status write_map(tj__json_output *out, const tj__json_step *step,
                           const tj__json_field *field, const char *base)
{
    const tj__json_schema *schema = field->schema;
    size_t count = count_of(base, field);
    tj__json_item *items;
    TJ_TRY(tj__json_sort_items(out, step, &schema->fields[0], array_of(base, field), count,
                               schema->size, &items));
    tj__put_u8(&out->text, '{');
    for (size_t i = 0; i < count; i++) {
        const tj__json_step inside = {step, items[i].key, 0};
        put_key(out, i, items[i].key);
        TJ_TRY(tj__json_encode(out, &inside, schema, items[i].value));
    }
    tj__put_u8(&out->text, '}');
    return TJ_OK;
}

static tj_status write_prices(tj__json_output *out, const tj__json_step *step,
                              const tj__json_field *field, const char *base)
{
    static const tj__json_field symbol = {
        .name = {"symbol", 6}, .kind = TJ__JSON_IDENTITY, .offset = offsetof(tj_price, symbol)};
    static const tj__json_field price = {.kind = TJ__JSON_DECIMAL,
                                         .offset = offsetof(tj_price, price)};
    size_t count = count_of(base, field);
    tj__json_item *items;
    TJ_TRY(tj__json_sort_items(out, step, &symbol, array_of(base, field), count, sizeof(tj_price),
                               &items));
    tj__put_u8(&out->text, '{');
    for (size_t i = 0; i < count; i++) {
        const tj__json_step inside = {step, items[i].key, 0};
        put_key(out, i, items[i].key);
        TJ_TRY(write_decimal(out, &inside, &price, items[i].value));
    }
    tj__put_u8(&out->text, '}');
    return TJ_OK;
}

static tj_status write_text_list(tj__json_output *out, const tj__json_step *step,
                                 const tj__json_field *field, const char *base)
{
    static const tj__json_field id = {.name = {"id", 2}, .kind = TJ__JSON_TEXT};
    const tj_str *texts = array_of(base, field);
    size_t count = count_of(base, field);
    tj__json_item *unique;
    TJ_TRY(tj__json_sort_items(out, step, &id, texts, count, sizeof *texts, &unique));
    tj__put_u8(&out->text, '[');
    for (size_t i = 0; i < count; i++) {
        const tj__json_step inside = {step, {NULL, 0}, i};
        tj__put_cstr(&out->text, i ? "," : "");
        TJ_TRY(put_text(out, &inside, field, texts[i]));
    }
    tj__put_u8(&out->text, ']');
    return TJ_OK;
}

static writer *const writers[TJ__JSON_KIND_COUNT] = {
    [TJ__JSON_TEXT] = write_text,
    [TJ__JSON_IDENTITY] = write_identity,
    [TJ__JSON_EXCHANGE] = write_exchange,
    [TJ__JSON_UUID] = write_uuid,
    [TJ__JSON_DECIMAL] = write_decimal,
    [TJ__JSON_TIME] = write_time,
    [TJ__JSON_SEQUENCE] = write_sequence,
    [TJ__JSON_FLAG] = write_flag,
    [TJ__JSON_ENUM] = write_enum,
    [TJ__JSON_RAW] = write_raw,
    [TJ__JSON_STRUCT] = write_struct,
    [TJ__JSON_LIST] = write_list,
    [TJ__JSON_MAP] = write_map,
    [TJ__JSON_PRICES] = write_prices,
    [TJ__JSON_TEXT_LIST] = write_text_list,
};

/* Whether an optional member is not there. */
static bool is_absent(const tj__json_field *field, const char *base)
{
    if (!(field->flags & TJ__JSON_OPTIONAL)) {
        return false;
    }
    if (field->kind == TJ__JSON_TEXT || field->kind == TJ__JSON_RAW) {
        return !((const tj_str *)place(base, field))->data;
    }
    if (field->kind == TJ__JSON_ENUM) {
        return enum_value(base, field) == 0;
    }
    return !*(const bool *)(const void *)(base + field->other);
}

typedef struct splice {
    tj__json_output *out;
    const tj__json_schema *schema;
    size_t written; /* members before */
} splice;

static tj_status put_extra_member(void *context, tj_str name, tj_str value, tj_error *error)
{
    splice *s = context;
    char quote[TJ__QUOTE_SIZE];
    if (tj__json_field_find(s->schema, name)) {
        return tj__fail(error, TJ_INVALID, "extra: member %s is not an unknown one",
                        tj__text_quote(name, quote));
    }
    put_key(s->out, s->written++, name);
    tj__put_str(&s->out->text, value);
    return TJ_OK;
}

static tj_status write_extra(tj__json_output *out, const tj__json_step *step,
                             const tj__json_schema *schema, const char *base, size_t written)
{
    if (!schema->has_extra) {
        return TJ_OK;
    }
    const tj_str *extra = (const void *)(base + schema->extra);
    if (!extra->data) {
        return TJ_OK;
    }
    splice s = {out, schema, written};
    return tj__json_relay_step(out, step,
                               tj__json_members(*extra, "extra", put_extra_member, &s, out->error));
}

tj_status tj__json_encode(tj__json_output *out, const tj__json_step *step,
                          const tj__json_schema *schema, const void *value)
{
    const char *base = value;
    size_t written = 0;
    tj__put_u8(&out->text, '{');
    for (size_t i = 0; i < schema->count; i++) {
        const tj__json_field *field = &schema->fields[i];
        bool absent = is_absent(field, base);
        if (absent && (field->flags & TJ__JSON_OMITTED)) {
            continue;
        }
        put_key(out, written++, field->name);
        if (absent) {
            tj__put_cstr(&out->text, "null");
            continue;
        }
        const tj__json_step inside = {step, field->name, 0};
        TJ_TRY(writers[field->kind](out, &inside, field, base));
    }
    TJ_TRY(write_extra(out, step, schema, base, written));
    tj__put_u8(&out->text, '}');
    return TJ_OK;
}
