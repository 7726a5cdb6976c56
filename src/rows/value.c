/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * What the row values have in common. Integers are little-endian. In the tables of the value_*.c
 * files:
 *   version   1 byte, for each kind of value its own
 *   decimal   16 bytes: decimal128 in binary integer encoding, canonical
 *   time      8 bytes: signed nanoseconds since 1970
 *   flags     2 bytes: one bit for each optional member, from bit 0; others are 0
 *   choice    1 byte: the number of the enumerator in include/tesser
 *   short     2 bytes length, then so many bytes
 *   identity  short that holds canonical text
 *   rest      everything up to the end of the value
 */
#include "rows/value.h"

#include <stdarg.h>
#include <stdio.h>

#include "base/decimal.h"
#include "base/error.h"
#include "base/identity.h"
#include "base/text.h"
#include "json/check.h"

tj_status tj__value_newer(tj_error *error, const char *format, ...)
{
    char what[128];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(what, sizeof what, format, arguments);
    va_end(arguments);
    return tj__fail(error, TJ_FORMAT_NEWER,
                    "%s: a later release wrote it; update tesser-journal to read it", what);
}

tj_status tj__value_open(tj__reader *in, tj__bytes value, unsigned newest, tj_error *error)
{
    *in = (tj__reader){.rest = value};
    if (value.size == 0) {
        return tj__fail(error, TJ_CORRUPT, "the value is empty");
    }
    uint8_t version = tj__get_u8(in);
    if (version == 0) {
        return tj__fail(error, TJ_CORRUPT, "layout version 0 does not exist");
    }
    return version <= newest
               ? TJ_OK
               : tj__value_newer(error, "layout version %u, this library reads up to %u", version,
                                 newest);
}

tj_status tj__value_close(const tj__reader *in, tj__bytes value, tj_error *error)
{
    if (in->newer) {
        return tj__value_newer(error, "a flag or choice that this library does not know");
    }
    if (in->failed) {
        return tj__fail(error, TJ_CORRUPT, "its %zu bytes do not decode", value.size);
    }
    if (in->rest.size > 0) {
        return tj__fail(error, TJ_CORRUPT, "%zu bytes are left over at its end", in->rest.size);
    }
    return TJ_OK;
}

uint16_t tj__value_get_flags(tj__reader *in, uint16_t known)
{
    uint16_t flags = tj__get_u16(in);
    in->newer = in->newer || (flags & ~known) != 0;
    return flags;
}

uint8_t tj__value_get_choice(tj__reader *in, unsigned first, unsigned last)
{
    uint8_t choice = tj__get_u8(in);
    in->failed = in->failed || choice < first;
    in->newer = in->newer || choice > last;
    return choice;
}

tj_decimal tj__value_get_decimal(tj__reader *in)
{
    tj_decimal value = {{0}};
    tj__bytes bytes = tj__get_bytes(in, TJ__DECIMAL_SIZE);
    in->failed = in->failed || !tj__decimal_load(bytes.data, &value);
    return value;
}

tj_str tj__value_get_short_str(tj__reader *in, size_t size_max)
{
    size_t size = tj__get_u16(in);
    tj__bytes bytes = tj__get_bytes(in, size);
    in->failed = in->failed || size > size_max;
    return (tj_str){(const char *)bytes.data, bytes.size};
}

bool tj__identity_split(tj_str text, tj_identity *out)
{
    const char *colon = text.size > 0 ? memchr(text.data, ':', text.size) : NULL;
    size_t exchange_size = colon ? (size_t)(colon - text.data) : 0;
    size_t code_at = colon ? exchange_size + 1 : 0;
    out->exchange = (tj_str){text.data, exchange_size};
    out->code = (tj_str){text.data + code_at, text.size - code_at};
    return out->code.size > 0 && out->code.size <= TJ_CODE_SIZE_MAX &&
           exchange_size <= TJ_EXCHANGE_SIZE_MAX && (!colon || exchange_size > 0);
}

tj_identity tj__value_get_identity(tj__reader *in)
{
    tj_identity id = {{NULL, 0}, {NULL, 0}};
    tj_str text = tj__value_get_short_str(in, TJ_IDENTITY_TEXT_SIZE);
    in->failed = in->failed || !tj__identity_split(text, &id);
    return id;
}

tj_str tj__value_get_rest(tj__reader *in)
{
    tj__bytes rest = tj__get_bytes(in, in->rest.size);
    return (tj_str){rest.size > 0 ? (const char *)rest.data : NULL, rest.size};
}

tj_status tj__value_no_memory(size_t bound, tj_error *error)
{
    return tj__fail(error, TJ_NOMEM, "no memory for a row of %zu bytes", bound);
}

tj_status tj__pen_odd_decimal(uint8_t *at, tj_decimal value, const char *member, tj_error *error)
{
    tj_status status = tj__decimal_check(value, error);
    if (status != TJ_OK) {
        tj__error_context(error, "%s", member);
        return status;
    }
    tj__decimal_store(at, value); /* of a struct that was never set: 0 */
    return TJ_OK;
}

tj_status tj__value_refuse_identity(tj_identity id, const char *member, tj_error *error)
{
    tj_status status = tj__identity_check(id, error);
    TJ_ASSERT(status != TJ_OK);
    tj__error_context(error, "%s", member);
    return status;
}

tj_status tj__pen_exchange(tj__pen *pen, tj_str exchange, const char *member, tj_error *error)
{
    size_t size = 0;
    tj_status status = tj__exchange_canonical(exchange, (char *)pen->at + 2, &size, error);
    if (status != TJ_OK) {
        tj__error_context(error, "%s", member);
        return status;
    }
    tj__pen_u16(pen, (uint16_t)size);
    pen->at += size;
    return TJ_OK;
}

tj_status tj__value_refuse_choice(unsigned value, unsigned first, unsigned last, const char *member,
                                  tj_error *error)
{
    return tj__fail(error, TJ_INVALID, "%s is %u, which is none of its values (%u to %u)", member,
                    value, first, last);
}

/* Ids are nearly always ASCII, and saves look at every one of them: eight bytes at a time, the last
 * word overlapping the one before. */
static bool is_ascii(tj_str text)
{
    const uint8_t *from = (const uint8_t *)text.data;
    uint64_t all = 0;
    if (text.size < sizeof all) {
        for (size_t i = 0; i < text.size; i++) {
            all |= from[i];
        }
        return all < 0x80;
    }
    for (size_t at = 0; at < text.size - sizeof all; at += sizeof all) {
        all |= tj__load_u64(from + at);
    }
    all |= tj__load_u64(from + text.size - sizeof all);
    return (all & UINT64_C(0x8080808080808080)) == 0;
}

tj_status tj__value_check_text(tj_str text, size_t size_max, bool may_be_empty, const char *member,
                               tj_error *error)
{
    if (text.size == 0 && !may_be_empty) {
        return tj__fail(error, TJ_INVALID, "%s is empty", member);
    }
    if (text.size > size_max) {
        return tj__fail(error, TJ_LIMIT, "%s has %zu bytes, %zu are allowed", member, text.size,
                        size_max);
    }
    if (!is_ascii(text) && !tj__text_is_utf8(text)) {
        return tj__fail(error, TJ_INVALID, "%s is not UTF-8", member);
    }
    return TJ_OK;
}

tj_status tj__value_check_unknown(tj_str name, const tj__json_schema *schema, tj_error *error)
{
    const tj__json_field *field = tj__json_field_find(schema, name);
    return field ? tj__fail(error, TJ_INVALID,
                            "\"%s\" is a member of its own and cannot stand among the unknown ones",
                            field->name.data)
                 : TJ_OK;
}

typedef struct extra_check {
    const tj__json_schema *schema;
    size_t count;
} extra_check;

static tj_status check_extra_member(void *context, tj_str name, tj_str value, tj_error *error)
{
    (void)value;
    extra_check *check = context;
    check->count++;
    return tj__value_check_unknown(name, check->schema, error);
}

tj_status tj__value_check_members(tj_str *extra, const tj__json_schema *schema, const char *member,
                                  tj_error *error)
{
    extra_check check = {schema, 0};
    TJ_TRY(tj__json_members(*extra, member, check_extra_member, &check, error));
    if (check.count == 0) {
        *extra = (tj_str){NULL, 0};
    }
    return TJ_OK;
}
