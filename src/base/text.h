/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Text from outside: is it UTF-8, and how is it shown in an error? */
#ifndef TJ_BASE_TEXT_H
#define TJ_BASE_TEXT_H

#include <tesser/base.h>
#include <tesser/config.h>

/* Bytes of an offending text that an error shows. */
#define TJ__QUOTE_TEXT_MAX 40
/* Quotes, every byte as \xNN, "..." and NUL. */
#define TJ__QUOTE_SIZE (TJ__QUOTE_TEXT_MAX * 4 + 6)

/* Writes text in double quotes, shortened to TJ__QUOTE_TEXT_MAX bytes, as tj_text_visible shows it.
 * Returns buffer. */
const char *tj__text_quote(tj_str text, char buffer[TJ__QUOTE_SIZE]);

/* A path as one word of an advised command, by tj_text_word. Returns buffer. */
#define TJ__WORD_SIZE (4 * TJ_PATH_SIZE + 4)
const char *tj__word(const char *text, char buffer[TJ__WORD_SIZE]);

/* The word for what is counted. */
const char *tj__plural(uint64_t count, const char *one, const char *many);

/* Whether text is well-formed UTF-8: no overlong forms, surrogates or values above U+10FFFF. */
bool tj__text_is_utf8(tj_str text);

/* Refuses what cannot be the name of a book: one that is empty, too long (TJ_LIMIT) or holds
 * control characters. */
tj_status tj__book_name_check(const char *name, tj_error *error);

#endif
