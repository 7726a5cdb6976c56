/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* UUIDs in their canonical text, and random ones from libuuid. */
#include <tesser/uuid.h>

#include <uuid/uuid.h>

#include "base/error.h"
#include "base/text.h"

_Static_assert(sizeof(tj_uuid) == sizeof(uuid_t), "a UUID is 16 bytes");
_Static_assert(TJ_UUID_TEXT_SIZE == UUID_STR_LEN, "the library writes 36 characters and a NUL");

tj_status tj_uuid_parse(tj_str text, tj_uuid *out, tj_error *error)
{
    char copy[TJ_UUID_TEXT_SIZE] = {0};
    tj_uuid parsed;
    if (text.size == sizeof copy - 1) {
        memcpy(copy, text.data, text.size);
        if (uuid_parse(copy, parsed.bytes) == 0) {
            *out = parsed;
            return TJ_OK;
        }
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
