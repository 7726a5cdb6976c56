/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Where a string literal ends, which UTF-8 is well formed, and line and column of a place. */
#include "json/text.h"

#include <stdarg.h>
#include <stdio.h>

#include "base/error.h"
#include "base/text.h"

void tj__json_place(const tj__json_source *source, const char *at, char out[TJ__JSON_PLACE_SIZE])
{
    const char *line_start = source->text.data;
    size_t line = 1;
    for (const char *p = source->text.data; p < at; p++) {
        if (*p == '\n') {
            line++;
            line_start = p + 1;
        }
    }
    size_t column = at ? (size_t)(at - line_start) + 1 : 1;
    (void)snprintf(out, TJ__JSON_PLACE_SIZE, "line %zu, column %zu", line, column);
}

tj_status tj__json_fail(const tj__json_source *source, const char *path, const char *at,
                        tj_status status, tj_error *error, const char *format, ...)
{
    char message[TJ_ERROR_MESSAGE_SIZE];
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(message, sizeof message, format, arguments);
    va_end(arguments);

    char place[TJ__JSON_PLACE_SIZE];
    tj__json_place(source, at, place);
    const char *what = source->what ? source->what : "";
    path = path ? path : "";
    const char *dot = *what && *path && *path != '[' ? "." : "";
    const char *colon = *what || *path ? ": " : "";
    (void)tj__fail(error, status, "%s%s%s%s%s: %s", what, dot, path, colon, place, message);
    tj__error_place(error, "%s", place);
    return status;
}

/* Behind the ASCII at p, which may go on for less than a step. */
static const char *skip_ascii(const char *p, const char *end)
{
    uint64_t words[4];
    while ((size_t)(end - p) >= sizeof words) {
        memcpy(words, p, sizeof words);
        if ((words[0] | words[1] | words[2] | words[3]) & UINT64_C(0x8080808080808080)) {
            break;
        }
        p += sizeof words;
    }
    while (p < end && (unsigned char)*p < 0x80) {
        p++;
    }
    return p;
}

const char *tj__json_utf8_end(tj_str text)
{
    const char *end = text.data + text.size;
    for (const char *p = text.data;;) {
        p = skip_ascii(p, end);
        if (p == end) {
            return p;
        }
        unsigned char first = (unsigned char)*p;
        size_t size = first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
        if ((size_t)(end - p) < size || !tj__text_is_utf8((tj_str){p, size})) {
            return p;
        }
        p += size;
    }
}

tj_str tj__json_without_mark(tj_str text)
{
    static const char mark[] = "\xef\xbb\xbf";
    size_t size = text.size >= 3 && memcmp(text.data, mark, 3) == 0 ? 3 : 0;
    return (tj_str){text.size ? text.data + size : text.data, text.size - size};
}

/* The code unit of the four hexadecimal digits at p, -1 when they are not that. */
static int code_unit(const char *p, const char *end)
{
    int unit = 0;
    for (int i = 0; i < 4; i++) {
        if (p + i >= end) {
            return -1;
        }
        char c = p[i];
        int digit = c >= '0' && c <= '9'   ? c - '0'
                    : c >= 'a' && c <= 'f' ? c - 'a' + 10
                    : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                           : -1;
        if (digit < 0) {
            return -1;
        }
        unit = unit * 16 + digit;
    }
    return unit;
}

/* Bytes of the escape whose backslash is at p; 0 and a reason when it is none. */
static size_t escape_size(const char *p, const char *end, const char **reason)
{
    if (end - p < 2) {
        *reason = "the text ends inside an escape";
        return 0;
    }
    if (p[1] != 'u') {
        *reason = "this escape does not exist in JSON";
        return p[1] && strchr("\"\\/bfnrt", p[1]) ? 2 : 0;
    }
    int first = code_unit(p + 2, end);
    if (first < 0) {
        *reason = "\\u needs four hexadecimal digits";
        return 0;
    }
    if (first < 0xd800 || first > 0xdfff) {
        return 6;
    }
    *reason = "half of a surrogate pair stands alone";
    bool paired = first < 0xdc00 && end - p >= 12 && p[6] == '\\' && p[7] == 'u';
    int second = paired ? code_unit(p + 8, end) : -1;
    return second >= 0xdc00 && second <= 0xdfff ? 12 : 0;
}

const char *tj__json_string_end(const char *at, const char *end, tj__json_fault *fault)
{
    const char *p = at + 1;
    while (p < end && *p != '"') {
        size_t size = 1;
        if ((unsigned char)*p < 0x20) {
            size = 0;
            fault->reason = "a control character in a string must be written as an escape";
        } else if (*p == '\\') {
            size = escape_size(p, end, &fault->reason);
        }
        if (size == 0) {
            fault->at = p;
            return NULL;
        }
        p += size;
    }
    if (p >= end) {
        *fault = (tj__json_fault){at, "the string that starts here does not end"};
        return NULL;
    }
    return p + 1;
}

static size_t put_character(uint32_t code, char *out)
{
    if (code < 0x80) {
        out[0] = (char)code;
        return 1;
    }
    size_t size = code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
    for (size_t i = size - 1; i > 0; i--, code >>= 6) {
        out[i] = (char)(0x80 | (code & 0x3f));
    }
    out[0] = (char)((0xf00u >> size & 0xf0u) | code);
    return size;
}

/* The character of the escape whose backslash is at *p, and the step behind it. */
static uint32_t take_escape(const char **p, const char *end)
{
    static const char letters[] = "bfnrt", means[] = "\b\f\n\r\t";
    const char *escape = *p;
    if (escape[1] != 'u') {
        const char *letter = strchr(letters, escape[1]);
        *p += 2;
        return (unsigned char)(letter ? means[letter - letters] : escape[1]);
    }
    uint32_t first = (uint32_t)code_unit(escape + 2, end);
    if (first < 0xd800 || first > 0xdfff) {
        *p += 6;
        return first;
    }
    *p += 12;
    return 0x10000 + ((first - 0xd800) << 10) + ((uint32_t)code_unit(escape + 8, end) - 0xdc00);
}

size_t tj__json_string_decode(tj_str literal, char *out)
{
    const char *p = literal.data + 1;
    const char *end = literal.data + literal.size - 1;
    char *put = out;
    while (p < end) {
        if (*p == '\\') {
            put += put_character(take_escape(&p, end), put);
        } else {
            *put++ = *p++;
        }
    }
    return (size_t)(put - out);
}
