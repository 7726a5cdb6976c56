/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* JSON on standard output: commas, nesting and quoting. */
#include "output.h"

#include <inttypes.h>
#include <stdlib.h>

/* Valid JSON whatever the bytes are: an error message may quote the middle of a character. */
static void quote(output *out, tj_str text)
{
    out_bytes(out, TJ_STR("\""));
    for (size_t i = 0; i < text.size;) {
        size_t length = character_size((tj_str){text.data + i, text.size - i});
        unsigned char c = (unsigned char)text.data[i];
        if (length == 0) {
            out_bytes(out, TJ_STR("\\ufffd"));
        } else if (c == '"' || c == '\\') {
            out_format(out, "\\%c", c);
        } else if (c < 0x20) {
            out_format(out, "\\u%04x", c);
        } else {
            out_bytes(out, (tj_str){text.data + i, length});
        }
        i += length ? length : 1;
    }
    out_bytes(out, TJ_STR("\""));
}

/* What stands before a value: the comma and the key. */
static void begin(json_writer *json, const char *key)
{
    if (json->filled[json->depth]) {
        out_bytes(json->out, TJ_STR(","));
    }
    json->filled[json->depth] = true;
    if (key) {
        quote(json->out, tj_str_of(key));
        out_bytes(json->out, TJ_STR(":"));
    }
}

void json_open(json_writer *json, const char *key, char bracket)
{
    begin(json, key);
    out_format(json->out, "%c", bracket);
    json->filled[++json->depth] = false;
}

void json_close(json_writer *json, char bracket)
{
    out_format(json->out, "%c", bracket);
    if (--json->depth == 0) {
        out_bytes(json->out, TJ_STR("\n"));
        json->filled[0] = false;
    }
}

void json_text(json_writer *json, const char *key, tj_str text)
{
    begin(json, key);
    quote(json->out, text);
}

void json_unsigned(json_writer *json, const char *key, uint64_t number)
{
    begin(json, key);
    out_format(json->out, "%" PRIu64, number);
}

void json_bool(json_writer *json, const char *key, bool value)
{
    begin(json, key);
    out_format(json->out, "%s", value ? "true" : "false");
}

void json_time(json_writer *json, const char *key, tj_time time)
{
    char text[TJ_TIME_TEXT_SIZE];
    tj_time_format(time, text);
    json_text(json, key, tj_str_of(text));
}

void json_uuid(json_writer *json, const char *key, tj_uuid id)
{
    char text[TJ_UUID_TEXT_SIZE];
    tj_uuid_format(id, text);
    json_text(json, key, tj_str_of(text));
}

void json_hex(json_writer *json, const char *key, tj_str bytes)
{
    char *hex = need(malloc(2 * bytes.size + 1));
    for (size_t i = 0; i < bytes.size; i++) {
        sprintf(hex + 2 * i, "%02x", (unsigned char)bytes.data[i]);
    }
    json_text(json, key, (tj_str){hex, 2 * bytes.size});
    free(hex);
}

void json_null(json_writer *json, const char *key)
{
    begin(json, key);
    out_bytes(json->out, TJ_STR("null"));
}

void json_raw(json_writer *json, const char *key, tj_str text)
{
    begin(json, key);
    out_bytes(json->out, text);
}
