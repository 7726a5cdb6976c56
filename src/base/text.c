/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* UTF-8, and making visible what a terminal would hide. */
#include "base/text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"

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

/* What a terminal does not show as something of its own: the categories Cc, Cf, Co, Cn as far as
 * they are noncharacters, Zl, Zp and Zs without the space, default ignorable code points, and
 * U+2800, a blank. */
static const struct {
    uint32_t first;
    uint32_t last;
} hidden[] = {
    {0x0, 0x1f},        {0x7f, 0xa0},       {0xad, 0xad},        {0x34f, 0x34f},
    {0x600, 0x605},     {0x61c, 0x61c},     {0x6dd, 0x6dd},      {0x70f, 0x70f},
    {0x890, 0x891},     {0x8e2, 0x8e2},     {0x115f, 0x1160},    {0x1680, 0x1680},
    {0x17b4, 0x17b5},   {0x180b, 0x180f},   {0x2000, 0x200f},    {0x2028, 0x202f},
    {0x205f, 0x206f},   {0x2800, 0x2800},   {0x3000, 0x3000},    {0x3164, 0x3164},
    {0xd800, 0xf8ff},   {0xfdd0, 0xfdef},   {0xfe00, 0xfe0f},    {0xfeff, 0xfeff},
    {0xffa0, 0xffa0},   {0xfff0, 0xfffb},   {0xfffe, 0xffff},    {0x110bd, 0x110bd},
    {0x110cd, 0x110cd}, {0x13430, 0x1343f}, {0x1bca0, 0x1bca3},  {0x1d173, 0x1d17a},
    {0x1fffe, 0x1ffff}, {0x2fffe, 0x2ffff}, {0x3fffe, 0x10ffff},
};

static bool is_hidden(uint32_t character)
{
    for (size_t i = 0; i < sizeof hidden / sizeof *hidden && hidden[i].first <= character; i++) {
        if (character <= hidden[i].last) {
            return true;
        }
    }
    return false;
}

/* The number of a well-formed character. */
static uint32_t character_at(const unsigned char *text, size_t length)
{
    uint32_t value = length == 1 ? text[0] : text[0] & (0x7fu >> length);
    for (size_t i = 1; i < length; i++) {
        value = value << 6 | (text[i] & 0x3fu);
    }
    return value;
}

#define SHOWN_SIZE 20

/* How a character is shown, or its first byte when it is none; *length: how many bytes were
 * taken. */
static size_t show(const unsigned char *text, size_t size, char out[SHOWN_SIZE], size_t *length)
{
    *length = utf8_character(text, size);
    uint32_t value = *length > 0 ? character_at(text, *length) : 0;
    if (*length > 0 && !is_hidden(value)) {
        memcpy(out, text, *length);
        return *length;
    }
    if (value >= 0xa0) {
        return (size_t)snprintf(out, SHOWN_SIZE, "\\u{%x}", value);
    }
    *length = 1;
    return (size_t)snprintf(out, SHOWN_SIZE, "\\x%02x", text[0]);
}

size_t tj_text_visible(tj_str text, char *buffer, size_t size)
{
    const unsigned char *data = (const unsigned char *)text.data;
    size_t used = 0;
    size_t kept = 0;
    size_t length = 0;
    for (size_t at = 0; at < text.size; at += length) {
        char shown[SHOWN_SIZE];
        size_t more = show(data + at, text.size - at, shown, &length);
        if (kept == used && used + more < size) {
            memcpy(buffer + used, shown, more);
            kept += more;
        }
        used += more;
    }
    if (size > 0) {
        buffer[kept] = '\0';
    }
    return used;
}

static bool is_plain(tj_str text)
{
    static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
                                "/._-+,:@%=";
    for (size_t i = 0; i < text.size; i++) {
        unsigned char c = (unsigned char)text.data[i];
        if (c < 0x80 && (c == '\0' || !strchr(plain, c))) {
            return false;
        }
    }
    return text.size > 0;
}

/* What fits of a word that is being put together. */
typedef struct word {
    char *buffer;
    size_t size;
    size_t used;
    size_t kept;
} word;

static void put(word *w, const char *text, size_t size)
{
    if (w->kept == w->used && w->used + size < w->size) {
        memcpy(w->buffer + w->used, text, size);
        w->kept += size;
    }
    w->used += size;
}

/* Between $' and ': what is not seen byte by byte, so that it means the same in every locale. */
static void put_escaped(word *w, tj_str text)
{
    const unsigned char *data = (const unsigned char *)text.data;
    size_t length = 0;
    for (size_t at = 0; at < text.size; at += length) {
        char shown[SHOWN_SIZE];
        size_t size = show(data + at, text.size - at, shown, &length);
        bool seen = size == length;
        for (size_t i = 0; i < length && !seen; i++) {
            put(w, shown, (size_t)snprintf(shown, sizeof shown, "\\x%02x", data[at + i]));
        }
        if (seen) {
            put(w, "\\", shown[0] == '\'' || shown[0] == '\\');
            put(w, shown, size);
        }
    }
}

static void put_quoted(word *w, tj_str text)
{
    for (size_t i = 0; i < text.size; i++) {
        bool is_quote = text.data[i] == '\'';
        put(w, is_quote ? "'\\''" : text.data + i, is_quote ? 4 : 1);
    }
}

size_t tj_text_word(tj_str text, char *buffer, size_t size)
{
    word w = {.buffer = buffer, .size = size};
    bool all_seen = tj_text_visible(text, NULL, 0) == text.size;
    if (all_seen && is_plain(text)) {
        put(&w, text.data, text.size);
    } else {
        put(&w, all_seen ? "'" : "$'", all_seen ? 1 : 2);
        (all_seen ? put_quoted : put_escaped)(&w, text);
        put(&w, "'", 1);
    }
    if (size > 0) {
        buffer[w.kept] = '\0';
    }
    return w.used;
}

const char *tj__word(const char *text, char buffer[TJ__WORD_SIZE])
{
    (void)tj_text_word(tj_str_of(text), buffer, TJ__WORD_SIZE);
    return buffer;
}

const char *tj__plural(uint64_t count, const char *one, const char *many)
{
    return count == 1 ? one : many;
}

const char *tj__text_quote(tj_str text, char buffer[TJ__QUOTE_SIZE])
{
    tj_str shown = {text.data, shown_size(text)};
    buffer[0] = '"';
    size_t size = tj_text_visible(shown, buffer + 1, TJ__QUOTE_SIZE - sizeof "\"...");
    strcpy(buffer + 1 + size, shown.size < text.size ? "...\"" : "\"");
    return buffer;
}

tj_status tj__book_name_check(const char *name, tj_error *error)
{
    size_t size = !name ? 0 : strlen(name);
    if (size == 0) {
        return tj__fail(error, TJ_INVALID, "a book's name must not be empty");
    }
    if (size > TJ_BOOK_SIZE_MAX) {
        return tj__fail(error, TJ_LIMIT, "a book's name has at most %d bytes, this one %zu",
                        TJ_BOOK_SIZE_MAX, size);
    }
    for (size_t i = 0; i < size; i++) {
        if ((unsigned char)name[i] < 0x20 || name[i] == 0x7f) {
            return tj__fail(error, TJ_INVALID,
                            "a book's name must not hold control characters (byte %zu is 0x%02x)",
                            i + 1, (unsigned)(unsigned char)name[i]);
        }
    }
    return TJ_OK;
}
