/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* JSON text as bytes: UTF-8, string literals, places for people. Knows no parser. */
#ifndef TJ_JSON_TEXT_H
#define TJ_JSON_TEXT_H

#include <tesser/error.h>

/* A text that is being read. */
typedef struct tj__json_source {
    tj_str text;
    const char *what; /* names the text in errors; NULL when the caller's error needs no name */
} tj__json_source;

/* Fails with "<what>.<path>: line L, column C: <message>". Columns count bytes from 1. path may be
 * NULL; at points into the text, or behind its last byte. */
tj_status tj__json_fail(const tj__json_source *source, const char *path, const char *at,
                        tj_status status, tj_error *error, const char *format, ...) TJ_PRINTF(6, 7);

/* Writes "line L, column C" of a place in the text. */
#define TJ__JSON_PLACE_SIZE 64
void tj__json_place(const tj__json_source *source, const char *at, char out[TJ__JSON_PLACE_SIZE]);

/* The first byte that does not continue valid UTF-8 (RFC 3629); the end when all of it is valid. */
const char *tj__json_utf8_end(tj_str text);

/* A text without the byte order mark that it may begin with: it says nothing about UTF-8, but
 * editors write one. For whole documents; what is kept as it is must not have one. */
tj_str tj__json_without_mark(tj_str text);

/* Behind the white space at `at`. */
static inline const char *tj__json_skip_space(const char *at, const char *end)
{
    while (at < end && *at <= ' ' && (*at == ' ' || *at == '\n' || *at == '\t' || *at == '\r')) {
        at++;
    }
    return at;
}

/* Reads the string literal whose opening quote is at `at`. Returns what follows its closing quote,
 * or NULL and what is wrong where: a control character, an escape that JSON does not have, half a
 * surrogate pair, no closing quote. */
typedef struct tj__json_fault {
    const char *at;
    const char *reason;
} tj__json_fault;
const char *tj__json_string_end(const char *at, const char *end, tj__json_fault *fault);

/* Writes what a string literal without fault says, which is never longer than between its quotes.
 * Returns the size. */
size_t tj__json_string_decode(tj_str literal, char *out);

#endif
