/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/** @file time.h Points in time: nanoseconds since 1970-01-01T00:00:00Z, UTC. */
#ifndef TESSER_TIME_H
#define TESSER_TIME_H

#include <tesser/error.h>

#ifdef __cplusplus
extern "C" {
#endif

/** Nanoseconds since the Unix epoch, UTC; from 1677-09-21 to 2262-04-11. */
typedef int64_t tj_time;

/** Bytes that hold any tj_time as text, with its NUL. */
#define TJ_TIME_TEXT_SIZE 40

/**
 * Reads an RFC 3339 time: date, 'T' or 't' or a space, time, up to 9 fraction digits, 'Z',
 * 'z' or an offset (which is subtracted: the result is UTC).
 *
 * @param out unchanged on failure
 * @return TJ_OK; TJ_INVALID if the text has another form or no such date exists (a leap second,
 *         :60, is not representable); TJ_LIMIT beyond the range of tj_time or 9 fraction digits
 * Threads: any.
 */
TJ_API TJ_CHECKED tj_status tj_time_parse(tj_str text, tj_time *out, tj_error *error);

/**
 * Writes a time as Tesser does: UTC, 'Z', with 0, 3, 6 or 9 fraction digits, as few as needed.
 *
 * @return length of the text
 * Threads: any.
 */
TJ_API size_t tj_time_format(tj_time time, char buffer[TJ_TIME_TEXT_SIZE]);

/** The system's clock now; the last time that can be stored when it is beyond. Threads: any. */
TJ_API tj_time tj_time_now(void);

#ifdef __cplusplus
}
#endif
#endif
