/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* UUIDs in their canonical text, and random ones from libuuid. */
#include <tesser/uuid.h>

#include <uuid/uuid.h>

#include "base/error.h"
#include "base/text.h"

_Static_assert(sizeof(tj_uuid) == sizeof(uuid_t), "a UUID is 16 bytes");
_Static_assert(TJ_UUID_TEXT_SIZE == UUID_STR_LEN, "the library writes 36 characters and a NUL");

/* The value of a hexadecimal digit; 16 or more for anything else. */
static unsigned digit(char c)
{
    unsigned letter = ((unsigned)(unsigned char)c | 0x20) - 'a';
    unsigned decimal = (unsigned)(unsigned char)c - '0';
    return decimal < 10 ? decimal : letter < 6 ? letter + 10 : 16;
}

/* Ten times as fast as libuuid's, which goes through strtoul; a line of `record` has several. */
static bool parse(const char text[TJ_UUID_TEXT_SIZE - 1], tj_uuid *out)
{
    for (size_t i = 0; i < sizeof out->bytes; i++) {
        if ((i == 4 || i == 6 || i == 8 || i == 10) && *text++ != '-') {
            return false;
        }
        unsigned high = digit(*text++);
        unsigned low = digit(*text++);
        if ((high | low) > 15) {
            return false;
        }
        out->bytes[i] = (uint8_t)(high << 4 | low);
    }
    return true;
}

tj_status tj_uuid_parse(tj_str text, tj_uuid *out, tj_error *error)
{
    tj_uuid parsed;
    if (text.size == TJ_UUID_TEXT_SIZE - 1 && parse(text.data, &parsed)) {
        *out = parsed;
        return TJ_OK;
    }
    char quote[TJ__QUOTE_SIZE];
    return tj__fail(error, TJ_INVALID,
                    "%s is not a UUID such as 6f1c7a52-0a3e-4f0b-9d7e-2b5c8d1e4f60",
                    tj__text_quote(text, quote));
}

void tj_uuid_format(tj_uuid id, char buffer[TJ_UUID_TEXT_SIZE])
{
    uuid_unparse_lower(id.bytes, buffer);
}

tj_uuid tj_uuid_generate(void)
{
    tj_uuid id;
    uuid_generate_random(id.bytes);
    return id;
}

int tj_uuid_compare(tj_uuid a, tj_uuid b)
{
    return memcmp(a.bytes, b.bytes, sizeof a.bytes);
}

bool tj_uuid_is_nil(tj_uuid id)
{
    return uuid_is_null(id.bytes) != 0;
}
