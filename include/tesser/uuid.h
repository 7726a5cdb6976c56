/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/** @file uuid.h UUIDs (RFC 9562), the keys of algorithms, ledger entries and commits. */
#ifndef TESSER_UUID_H
#define TESSER_UUID_H

#include <tesser/error.h>

#ifdef __cplusplus
extern "C" {
#endif

/** Bytes that hold a UUID as text: 36 characters and a NUL. */
#define TJ_UUID_TEXT_SIZE 37

/** A UUID in network byte order. All zero is the nil UUID. */
typedef struct tj_uuid {
    uint8_t bytes[16];
} tj_uuid;

/**
 * Reads the 36-character form, upper or lower case.
 *
 * @param out unchanged on failure
 * @return TJ_OK; TJ_INVALID if the text has any other form
 * Threads: any.
 */
TJ_API TJ_CHECKED tj_status tj_uuid_parse(tj_str text, tj_uuid *out, tj_error *error);

/** Writes the 36-character form in lower case, NUL-terminated. Threads: any. */
TJ_API void tj_uuid_format(tj_uuid id, char buffer[TJ_UUID_TEXT_SIZE]);

/** A new random UUID (version 4). Threads: any. */
TJ_API tj_uuid tj_uuid_generate(void);

/** Byte order: below, equal to or above zero. Threads: any. */
TJ_API int tj_uuid_compare(tj_uuid a, tj_uuid b);

/** Whether all bytes are zero. Threads: any. */
TJ_API bool tj_uuid_is_nil(tj_uuid id);

#ifdef __cplusplus
}
#endif
#endif
