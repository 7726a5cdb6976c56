/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/**
 * @file base.h
 * What every other header needs: visibility, text views and owned text.
 */
#ifndef TESSER_BASE_H
#define TESSER_BASE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#if defined(_WIN32)
#error "tesser-journal needs a POSIX system with open file description locks (Linux)"
#endif

/** Marks what the shared library exports; everything else is hidden. */
#define TJ_API __attribute__((visibility("default")))
/** The result must be looked at: an ignored tj_status is a lost error. */
#define TJ_CHECKED __attribute__((warn_unused_result))
/** Lets the compiler check a format string against its arguments. */
#define TJ_PRINTF(format_index, first_index) \
    __attribute__((format(printf, format_index, first_index)))

#ifdef __cplusplus
extern "C" {
#endif

/**
 * A borrowed view of UTF-8 text (or of JSON text): pointer and length, no NUL needed.
 *
 * `data == NULL` means absent; an empty text has `size == 0` and a non-NULL pointer. Who owns
 * the bytes is said where a tj_str appears; a view passed into a call is read during that call
 * only, a view in a loaded value lives as long as the value.
 */
typedef struct tj_str {
    const char *data; /**< first byte, or NULL when absent */
    size_t size;      /**< length in bytes */
} tj_str;

/** A view of a string literal. */
#define TJ_STR(literal) ((tj_str){(literal), sizeof(literal) - 1})

/**
 * A view of a NUL-terminated string.
 *
 * @param text borrowed; NULL gives the absent view
 * @return the view
 * Threads: any.
 */
static inline tj_str tj_str_of(const char *text)
{
    tj_str view = {text, text ? strlen(text) : 0};
    return view;
}

/**
 * Whether two views hold the same bytes; absent and empty are equal here.
 *
 * Threads: any.
 */
static inline bool tj_str_equal(tj_str a, tj_str b)
{
    return a.size == b.size && (a.size == 0 || memcmp(a.data, b.data, a.size) == 0);
}

/**
 * Writes text so that it can be shown on a terminal, in a table or in a log, and looks like nothing
 * else.
 *
 * Names come from outside, and some characters are not seen, or change how others are: U+202E turns
 * a name around, U+200B makes another one look the same. Control characters and bytes that are no
 * UTF-8 stand as \xNN; format characters, spaces but the plain one, separators, fillers, variation
 * selectors, tags, private use and what is no character as \u{NNNN}. Backslashes stay.
 *
 * @param text   borrowed; absent is empty
 * @param buffer receives as much as fits, NUL-terminated; may be NULL when size is 0
 * @param size   bytes of the buffer; 4 times the text and 1 are always enough
 * @return length of the whole result, as snprintf counts
 * Threads: any.
 */
TJ_API size_t tj_text_visible(tj_str text, char *buffer, size_t size);

/**
 * Writes text as one word of a shell's command: as it is, or in single quotes where a shell would
 * read it otherwise. What tj_text_visible would show differently stands as bash, zsh and ksh read
 * it, $'\xNN'. For a path in a command that somebody may copy.
 *
 * @param text   borrowed; absent is empty
 * @param buffer receives as much as fits, NUL-terminated; may be NULL when size is 0
 * @param size   bytes of the buffer; 4 times the text and 4 are always enough
 * @return length of the whole result, as snprintf counts
 * Threads: any.
 */
TJ_API size_t tj_text_word(tj_str text, char *buffer, size_t size);

/** Text this library allocated for the caller; NUL-terminated for convenience. */
typedef struct tj_text {
    char *data;  /**< owned by the struct; NULL when nothing was produced */
    size_t size; /**< length in bytes, without the NUL */
} tj_text;

/**
 * Releases the bytes of a tj_text and empties it.
 *
 * @param text may be NULL or already empty
 * Threads: any, one at a time per object.
 */
TJ_API void tj_text_dispose(tj_text *text);

#ifdef __cplusplus
}
#endif
#endif
