/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "base/text.h"

#include <stdio.h>
#include <stdlib.h>

void tj_text_dispose(tj_text *text)
{
    if (text) {
        free(text->data);
        *text = (tj_text){NULL, 0};
    }
}

/* Length of the character that starts text (not empty), or 0 if it is not well formed. */
static size_t utf8_character(const unsigned char *text, size_t size)
{
    unsigned char first = text[0];
    if (first < 0x80) {
        return 1;
    }
    size_t length = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
    if (first < 0xc2 || first > 0xf4 || length > size) {
        return 0;
    }
    /* The second byte's range excludes overlong forms, surrogates and what is above U+10FFFF. */
    unsigned char low = first == 0xe0 ? 0xa0 : first == 0xf0 ? 0x90 : 0x80;
    unsigned char high = first == 0xed ? 0x9f : first == 0xf4 ? 0x8f : 0xbf;
    if (text[1] < low || text[1] > high) {
        return 0;
    }
    for (size_t i = 2; i < length; i++) {
        if ((text[i] & 0xc0) != 0x80) {
            return 0;
        }
    }
    return length;
}

bool tj__text_is_utf8(tj_str text)
{
    const unsigned char *data = (const unsigned char *)text.data;
    size_t at = 0;
    while (at < text.size) {
        size_t length = utf8_character(data + at, text.size - at);
        if (length == 0) {
            return false;
        }
        at += length;
    }
    return true;
}

/* How much of a long text is shown: no character is cut in halves. */
static size_t shown_size(tj_str text)
{
    if (text.size <= TJ__QUOTE_TEXT_MAX) {
        return text.size;
    }
    size_t size = TJ__QUOTE_TEXT_MAX;
    while (size > TJ__QUOTE_TEXT_MAX - 4 && ((unsigned char)text.data[size] & 0xc0) == 0x80) {
        size--;
    }
    return size;
}

const char *tj__text_quote(tj_str text, char buffer[TJ__QUOTE_SIZE])
{
    tj_str shown = {text.data, shown_size(text)};
    bool utf8 = tj__text_is_utf8(shown);
    char *to = buffer;
    *to++ = '"';
    for (size_t i = 0; i < shown.size; i++) {
        unsigned char c = (unsigned char)shown.data[i];
        if (c < 0x20 || c == 0x7f || (c >= 0x80 && !utf8)) {
            to += snprintf(to, sizeof "\\xNN", "\\x%02x", c);
        } else {
            *to++ = (char)c;
        }
    }
    strcpy(to, shown.size < text.size ? "...\"" : "\"");
    return buffer;
}
