/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Trimming, folding and checking the two parts of an identity, and its text both ways. */
#include "base/identity.h"

#include "base/error.h"
#include "base/text.h"

typedef enum fault {
    FAULT_NONE,
    FAULT_EMPTY,
    FAULT_LONG,
    FAULT_CONTROL,
    FAULT_NOT_UTF8,
    FAULT_COLON
} fault;

static bool is_space(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

static tj_str trim(tj_str text)
{
    while (text.size > 0 && is_space(text.data[0])) {
        text.data++;
        text.size--;
    }
    while (text.size > 0 && is_space(text.data[text.size - 1])) {
        text.size--;
    }
    return text;
}

/* What is wrong with a trimmed part. Where the text is split at its first colon, a colon in the
 * part would make another identity of it. */
static fault look_at(tj_str part, size_t size_max, bool colon_allowed)
{
    if (part.size == 0) {
        return FAULT_EMPTY;
    }
    if (part.size > size_max) {
        return FAULT_LONG;
    }
    unsigned char all = 0;
    for (size_t i = 0; i < part.size; i++) {
        unsigned char c = (unsigned char)part.data[i];
        all |= c;
        if (c < 0x20 || c == 0x7f) {
            return FAULT_CONTROL;
        }
        if (c == ':' && !colon_allowed) {
            return FAULT_COLON;
        }
    }
    return all < 0x80 || tj__text_is_utf8(part) ? FAULT_NONE : FAULT_NOT_UTF8;
}

static tj_status explain(fault found, const char *what, tj_str part, size_t size_max,
                         tj_error *error)
{
    char quote[TJ__QUOTE_SIZE];
    tj__text_quote(part, quote);
    switch (found) {
    case FAULT_NONE:
        break;
    case FAULT_EMPTY:
        return tj__fail(error, TJ_INVALID, "the %s is empty", what);
    case FAULT_LONG:
        return tj__fail(error, TJ_LIMIT, "the %s %s has %zu bytes; at most %zu are allowed", what,
                        quote, part.size, size_max);
    case FAULT_CONTROL:
        return tj__fail(error, TJ_INVALID, "the %s %s holds a control character", what, quote);
    case FAULT_NOT_UTF8:
        return tj__fail(error, TJ_INVALID, "the %s %s is not UTF-8", what, quote);
    case FAULT_COLON:
        return tj__fail(error, TJ_INVALID,
                        "the %s %s holds a colon, which ends the exchange in an identity", what,
                        quote);
    }
    return TJ_OK;
}

/* An identity whose parts are trimmed, and the fault of each. */
typedef struct examined {
    tj_identity id;
    fault exchange;
    fault code;
} examined;

static examined examine(tj_identity id)
{
    bool with_exchange = id.exchange.size > 0;
    examined result = {{trim(id.exchange), trim(id.code)}, FAULT_NONE, FAULT_NONE};
    if (with_exchange) {
        result.exchange = look_at(result.id.exchange, TJ_EXCHANGE_SIZE_MAX, false);
    }
    result.code = look_at(result.id.code, TJ_CODE_SIZE_MAX, with_exchange);
    return result;
}

static tj_status verdict(const examined *result, tj_error *error)
{
    if (result->exchange != FAULT_NONE) {
        return explain(result->exchange, "exchange", result->id.exchange, TJ_EXCHANGE_SIZE_MAX,
                       error);
    }
    return result->code == FAULT_NONE
               ? TJ_OK
               : explain(result->code, "code", result->id.code, TJ_CODE_SIZE_MAX, error);
}

tj_status tj__identity_check(tj_identity id, tj_error *error)
{
    examined result = examine(id);
    return verdict(&result, error);
}

bool tj__identity_is_ccxt(tj_str text)
{
    const char *colon = text.size > 0 ? memchr(text.data, ':', text.size) : NULL;
    return colon && memchr(text.data, '/', (size_t)(colon - text.data));
}

/* What stands before the colon would become the exchange: btc/usdt, which none is called. */
static tj_status refuse_ccxt(tj_str text, tj_error *error)
{
    char quote[TJ__QUOTE_SIZE];
    tj__text_quote(text, quote);
    return tj__fail(error, TJ_INVALID,
                    "%s has no exchange in front, whose name holds no slash: write "
                    "\"EXCHANGE:%s, such as \"binance:%s",
                    quote, quote + 1, quote + 1);
}

tj_status tj_identity_parse(tj_str text, tj_identity *out, tj_error *error)
{
    const char *colon = text.size > 0 ? memchr(text.data, ':', text.size) : NULL;
    tj_identity id = {{NULL, 0}, text};
    if (tj__identity_is_ccxt(text)) {
        return refuse_ccxt(text, error);
    }
    if (colon) {
        size_t before = (size_t)(colon - text.data);
        id.exchange = (tj_str){text.data, before};
        id.code = (tj_str){colon + 1, text.size - before - 1};
        if (before == 0) {
            return explain(FAULT_EMPTY, "exchange", id.exchange, TJ_EXCHANGE_SIZE_MAX, error);
        }
    }
    examined result = examine(id);
    TJ_TRY(verdict(&result, error));
    *out = result.id;
    return TJ_OK;
}

static char *put_lower(char *to, tj_str text)
{
    for (size_t i = 0; i < text.size; i++) {
        char c = text.data[i];
        *to++ = c >= 'A' && c <= 'Z' ? (char)(c + ('a' - 'A')) : c;
    }
    return to;
}

static char *put_upper(char *to, tj_str text)
{
    for (size_t i = 0; i < text.size; i++) {
        char c = text.data[i];
        *to++ = c >= 'a' && c <= 'z' ? (char)(c - ('a' - 'A')) : c;
    }
    return to;
}

/* ---- plain identities ------------------------------------------------------------------------ */

/* A word of eight times the same byte. */
#define EACH(byte) (UINT64_C(0x0101010101010101) * (uint64_t)(byte))

/* The highest bit of each byte that is printable ASCII without space and colon. */
static uint64_t find_plain(uint64_t word)
{
    uint64_t visible = (word + EACH(0x80 - '!')) & ~(word + EACH(0x7f - '~'));
    uint64_t not_colon = (word ^ EACH(':')) + EACH(0x7f);
    return visible & not_colon & ~word & EACH(0x80);
}

/* Changes the case of the bytes from `first` to `first` + 25, one of 'a' and 'A'; all are ASCII. */
static uint64_t fold(uint64_t word, unsigned first)
{
    uint64_t found = (word + EACH(0x80 - first)) & ~(word + EACH(0x7f - 25 - first)) & EACH(0x80);
    return word ^ found >> 2; /* 0x20: the case */
}

/* One to seven bytes as a word, underscores behind them. In a few overlapping loads: a copy of so
 * many bytes would have to reach the memory before the word could be read. */
static uint64_t load_short(const uint8_t *from, size_t size)
{
    uint64_t word = EACH('_') << 8 * size;
    if (size >= 4) {
        uint64_t last = tj__load_u32(from + size - 4);
        return word | tj__load_u32(from) | last << 8 * (size - 4);
    }
    for (size_t i = 0; i < size; i++) {
        word |= (uint64_t)from[i] << 8 * i;
    }
    return word;
}

/* Puts a part that is printable ASCII without space and colon, eight bytes at a time, with the case
 * of `first` to `first` + 25 changed; false for all others. The last word of a part overlaps the
 * one before; a part that is shorter than a word is put as one, and the limits leave room for
 * it. */
static inline bool put_plain(char *to, tj_str part, size_t size_max, unsigned first)
{
    const uint8_t *from = (const uint8_t *)part.data;
    if (part.size - 1 >= size_max) { /* 0, too */
        return false;
    }
    if (part.size < 8) {
        uint64_t word = load_short(from, part.size);
        tj__store_u64((uint8_t *)to, fold(word, first));
        return find_plain(word) == EACH(0x80);
    }
    uint64_t plain = EACH(0x80);
    for (size_t end = 8;; end = end + 8 < part.size ? end + 8 : part.size) {
        uint64_t word = tj__load_u64(from + end - 8);
        plain &= find_plain(word);
        tj__store_u64((uint8_t *)to + end - 8, fold(word, first));
        if (end == part.size) {
            return plain == EACH(0x80);
        }
    }
}

_Static_assert(TJ_EXCHANGE_SIZE_MAX >= 8 && TJ_CODE_SIZE_MAX >= 8, "put_plain needs it");

/* What nearly all identities are, and saves look at every one of them. 0 when this one is not
 * plain. */
static size_t format_plain(tj_identity id, char buffer[TJ_IDENTITY_TEXT_SIZE])
{
    size_t at = 0;
    if (id.exchange.size > 0) {
        if (!put_plain(buffer, id.exchange, TJ_EXCHANGE_SIZE_MAX, 'A')) {
            return 0;
        }
        at = id.exchange.size;
        buffer[at++] = ':';
    }
    if (!put_plain(buffer + at, id.code, TJ_CODE_SIZE_MAX, 'a')) {
        return 0;
    }
    at += id.code.size;
    buffer[at] = '\0';
    return at;
}

size_t tj_identity_format(tj_identity id, char buffer[TJ_IDENTITY_TEXT_SIZE])
{
    size_t plain = format_plain(id, buffer);
    if (plain > 0) {
        return plain;
    }
    examined result = examine(id);
    char *to = buffer;
    if (result.exchange == FAULT_NONE && result.code == FAULT_NONE) {
        if (result.id.exchange.size > 0) {
            to = put_lower(to, result.id.exchange);
            *to++ = ':';
        }
        to = put_upper(to, result.id.code);
    }
    *to = '\0';
    return (size_t)(to - buffer);
}

tj_status tj__exchange_canonical(tj_str exchange, char buffer[TJ_EXCHANGE_SIZE_MAX + 1],
                                 size_t *size, tj_error *error)
{
    tj_str part = trim(exchange);
    fault found = look_at(part, TJ_EXCHANGE_SIZE_MAX, false);
    if (found != FAULT_NONE) {
        return explain(found, "exchange", part, TJ_EXCHANGE_SIZE_MAX, error);
    }
    *put_lower(buffer, part) = '\0';
    *size = part.size;
    return TJ_OK;
}

int tj_identity_compare(tj_identity a, tj_identity b)
{
    char left[TJ_IDENTITY_TEXT_SIZE];
    char right[TJ_IDENTITY_TEXT_SIZE];
    size_t left_size = tj_identity_format(a, left);
    size_t right_size = tj_identity_format(b, right);
    return tj__bytes_compare(tj__bytes_of(left, left_size), tj__bytes_of(right, right_size));
}
