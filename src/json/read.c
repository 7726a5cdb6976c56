/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* One reader for each kind of plain member. */
#include "json/read.h"

#include "base/decimal.h"
#include "base/error.h"
#include "base/text.h"

static tj_status check_text(const tj__json_input *in, const tj__json_node *node,
                            const tj__json_field *field)
{
    TJ_TRY(tj__json_want(in, node, TJ__JSON_STRING));
    if (node->text.size == 0 && !(field->flags & TJ__JSON_MAY_BE_EMPTY)) {
        return tj__json_fail_node(in, node, TJ_INVALID, "the text must not be empty");
    }
    if (node->text.size > field->limit) {
        return tj__json_fail_node(in, node, TJ_LIMIT,
                                  "the text has %zu bytes; at most %zu are allowed",
                                  node->text.size, field->limit);
    }
    return TJ_OK;
}

static tj_status copy(const tj__json_input *in, tj_str text, tj_str *out)
{
    *out = tj__arena_str(in->arena, text);
    return out->data ? TJ_OK : tj__json_fail_nomem(in);
}

static tj_status read_text(const tj__json_input *in, const tj__json_node *node,
                           const tj__json_field *field, char *base)
{
    TJ_TRY(check_text(in, node, field));
    return copy(in, node->text, tj__json_member_at(base, field));
}

/* The canonical text of an identity, an exchange or a UUID. */
static tj_status canonical_text(const tj__json_input *in, const tj__json_node *node,
                                const tj__json_field *field, char buffer[TJ__JSON_KEY_SIZE],
                                tj_str *out)
{
    TJ_TRY(tj__json_want(in, node, TJ__JSON_STRING));
    return tj__json_relay(in, node,
                          tj__json_canonical_of(in, field->kind, node->text, buffer, out));
}

/* Sets an identity member from canonical text that stays. */
static tj_status set_canonical(const tj__json_input *in, tj_str text, const tj__json_field *field,
                               char *base)
{
    if (field->kind == TJ__JSON_IDENTITY) {
        return tj_identity_parse(text, tj__json_member_at(base, field), in->error);
    }
    if (field->kind == TJ__JSON_UUID) {
        return tj_uuid_parse(text, tj__json_member_at(base, field), in->error);
    }
    *(tj_str *)tj__json_member_at(base, field) = text;
    return TJ_OK;
}

static tj_status read_canonical(const tj__json_input *in, const tj__json_node *node,
                                const tj__json_field *field, char *base)
{
    char buffer[TJ__JSON_KEY_SIZE];
    tj_str text;
    TJ_TRY(canonical_text(in, node, field, buffer, &text));
    TJ_TRY(copy(in, text, &text));
    return set_canonical(in, text, field, base);
}

tj_status tj__json_read_key(const tj__json_input *in, const tj__json_node *node,
                            const tj__json_field *field, tj_str key, char *base)
{
    char buffer[TJ__JSON_KEY_SIZE];
    tj_str text;
    if (node) {
        TJ_TRY(canonical_text(in, node, field, buffer, &text));
        if (!tj_str_equal(text, key)) {
            char inside[TJ__QUOTE_SIZE];
            char outside[TJ__QUOTE_SIZE];
            return tj__json_fail_node(in, node, TJ_INVALID, "%s stands under the key %s",
                                      tj__text_quote(text, inside), tj__text_quote(key, outside));
        }
    }
    return set_canonical(in, key, field, base);
}

tj_status tj__json_decode_decimal(const tj__json_input *in, const tj__json_node *node,
                                  tj_decimal *out)
{
    if (node->type != TJ__JSON_NUMBER) {
        TJ_TRY(tj__json_want(in, node, TJ__JSON_STRING));
    }
    return tj__json_relay(in, node, tj__decimal_parse_scientific(node->text, out, in->error));
}

tj_status tj__json_decode_time(const tj__json_input *in, const tj__json_node *node, tj_time *out)
{
    TJ_TRY(tj__json_want(in, node, TJ__JSON_STRING));
    return tj__json_relay(in, node, tj_time_parse(node->text, out, in->error));
}

static tj_status read_decimal(const tj__json_input *in, const tj__json_node *node,
                              const tj__json_field *field, char *base)
{
    tj__json_set_present(field, base);
    return tj__json_decode_decimal(in, node, tj__json_member_at(base, field));
}

static tj_status read_time(const tj__json_input *in, const tj__json_node *node,
                           const tj__json_field *field, char *base)
{
    tj__json_set_present(field, base);
    return tj__json_decode_time(in, node, tj__json_member_at(base, field));
}

static tj_status read_sequence(const tj__json_input *in, const tj__json_node *node,
                               const tj__json_field *field, char *base)
{
    TJ_TRY(tj__json_want(in, node, TJ__JSON_NUMBER));
    uint64_t value = 0;
    for (size_t i = 0; i < node->text.size; i++) {
        unsigned digit = (unsigned)(node->text.data[i] - '0');
        if (digit > 9 || value > (UINT64_MAX - digit) / 10) {
            return tj__json_fail_node(
                in, node, TJ_INVALID, "%.*s is not a whole number from 0 to 2^64 - 1",
                (int)(node->text.size < 40 ? node->text.size : 40), node->text.data);
        }
        value = value * 10 + digit;
    }
    *(uint64_t *)tj__json_member_at(base, field) = value;
    return TJ_OK;
}

static tj_status read_flag(const tj__json_input *in, const tj__json_node *node,
                           const tj__json_field *field, char *base)
{
    TJ_TRY(tj__json_want(in, node, TJ__JSON_BOOLEAN));
    *(bool *)tj__json_member_at(base, field) = node->truth;
    return TJ_OK;
}

static tj_status read_enum(const tj__json_input *in, const tj__json_node *node,
                           const tj__json_field *field, char *base)
{
    TJ_TRY(tj__json_want(in, node, TJ__JSON_STRING));
    unsigned value = 1;
    for (const char *const *name = field->names; *name; name++, value++) {
        if (tj_str_equal(node->text, tj_str_of(*name))) {
            memcpy(tj__json_member_at(base, field), &value, sizeof value);
            return TJ_OK;
        }
    }
    char choices[TJ__JSON_CHOICES_SIZE];
    char quote[TJ__QUOTE_SIZE];
    return tj__json_fail_node(in, node, TJ_INVALID, "%s is not one of %s",
                              tj__text_quote(node->text, quote),
                              tj__json_choices(field->names, choices));
}

static tj_status read_raw(const tj__json_input *in, const tj__json_node *node,
                          const tj__json_field *field, char *base)
{
    if (node->raw.size > TJ_JSON_SIZE_MAX) {
        return tj__json_fail_node(in, node, TJ_LIMIT,
                                  "the JSON text has %zu bytes; at most %zu are allowed",
                                  node->raw.size, TJ_JSON_SIZE_MAX);
    }
    return copy(in, node->raw, tj__json_member_at(base, field));
}

tj_status tj__json_new_array(const tj__json_input *in, const tj__json_field *field, size_t count,
                             size_t size, char *base, char **out)
{
    *out = tj__arena_array(in->arena, count, size);
    if (!*out) {
        return tj__json_fail_nomem(in);
    }
    memcpy(tj__json_member_at(base, field), out, sizeof *out);
    *(size_t *)(void *)(base + field->other) = count;
    return TJ_OK;
}

static tj_status read_prices(const tj__json_input *in, const tj__json_node *node,
                             const tj__json_field *field, char *base)
{
    tj__json_entries entries;
    TJ_TRY(tj__json_map_open(in, node, TJ__JSON_IDENTITY, 0, &entries));
    char *array;
    TJ_TRY(tj__json_new_array(in, field, entries.count, sizeof(tj_price), base, &array));
    tj_price *price = (void *)array;
    for (size_t i = 0; i < entries.count; i++, price++) {
        TJ_TRY(tj_identity_parse(entries.items[i].key, &price->symbol, in->error));
        TJ_TRY(tj__json_decode_decimal(in, entries.items[i].value, &price->price));
    }
    return TJ_OK;
}

static tj_status read_text_list(const tj__json_input *in, const tj__json_node *node,
                                const tj__json_field *field, char *base)
{
    TJ_TRY(tj__json_want(in, node, TJ__JSON_ARRAY));
    char *array;
    TJ_TRY(tj__json_new_array(in, field, node->count, sizeof(tj_str), base, &array));
    tj__json_entries texts;
    TJ_TRY(tj__json_entries_new(in, node, &texts));
    tj_str *text = (void *)array;
    for (const tj__json_node *each = node->first; each; each = each->next, text++) {
        TJ_TRY(check_text(in, each, field));
        TJ_TRY(copy(in, each->text, text));
        texts.items[texts.count++] = (tj__json_entry){*text, each, each->raw.data};
    }
    return tj__json_sort_unique(in, node, "id", "", &texts);
}

/* What decode.c reads has none, nor has what is read elsewhere. */
static tj__json_reader *const readers[TJ__JSON_KIND_COUNT] = {
    [TJ__JSON_TEXT] = read_text,          [TJ__JSON_IDENTITY] = read_canonical,
    [TJ__JSON_EXCHANGE] = read_canonical, [TJ__JSON_UUID] = read_canonical,
    [TJ__JSON_DECIMAL] = read_decimal,    [TJ__JSON_TIME] = read_time,
    [TJ__JSON_SEQUENCE] = read_sequence,  [TJ__JSON_FLAG] = read_flag,
    [TJ__JSON_ENUM] = read_enum,          [TJ__JSON_RAW] = read_raw,
    [TJ__JSON_PRICES] = read_prices,      [TJ__JSON_TEXT_LIST] = read_text_list,
};

tj_status tj__json_read_plain(const tj__json_input *in, const tj__json_node *node,
                              const tj__json_field *field, char *base)
{
    tj__json_reader *read = readers[field->kind];
    return read ? read(in, node, field, base) : TJ_OK;
}
