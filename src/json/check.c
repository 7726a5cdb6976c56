/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Whether kept text is valid, the members of an object, and text as a string literal. */
#include "json/check.h"

#include "base/arena.h"
#include "base/error.h"
#include "json/decode.h"
#include "json/dom.h"

tj_status tj__json_check_size(tj_str text, const char *what, tj_error *error)
{
    if (text.size > TJ_JSON_SIZE_MAX) {
        return tj__fail(error, TJ_LIMIT, "%s: the JSON text has %zu bytes; at most %zu are allowed",
                        what, text.size, TJ_JSON_SIZE_MAX);
    }
    return TJ_OK;
}

tj_status tj__json_check(tj_str text, const char *what, tj_error *error)
{
    const tj__json_source source = {text, what};
    TJ_TRY(tj__json_check_size(text, what, error));
    return tj__json_validate(&source, error);
}

tj_status tj__json_members(tj_str text, const char *what, tj__json_member_visitor *visitor,
                           void *context, tj_error *error)
{
    TJ_TRY(tj__json_check_size(text, what, error));
    tj__json_doc *doc = NULL;
    TJ_TRY(tj__json_parse(text, what, TJ__JSON_SHAPE_STRUCT(&tj__json_any_members), &doc, error));
    const tj__json_input in = {doc, tj__arena_of_object(doc), error};
    tj_status status = tj__json_want(&in, doc->root, TJ__JSON_OBJECT);
    if (status == TJ_OK) {
        status = tj__json_refuse_repeats(&in, doc->root);
    }
    for (const tj__json_node *each = doc->root->first; each && status == TJ_OK; each = each->next) {
        status = visitor(context, each->name, each->raw, error);
    }
    tj__json_doc_free(doc);
    return status;
}

static size_t plain_run(const unsigned char *p, size_t rest)
{
    size_t size = 0;
    while (size < rest && p[size] >= 0x20 && p[size] != '"' && p[size] != '\\') {
        size++;
    }
    return size;
}

void tj__json_put_string(tj__buffer *out, tj_str text)
{
    static const char short_forms[] = {['\b'] = 'b', ['\t'] = 't', ['\n'] = 'n', ['\f'] = 'f',
                                       ['\r'] = 'r', ['"'] = '"',  ['\\'] = '\\'};
    const unsigned char *p = (const unsigned char *)(text.data ? text.data : "");
    const unsigned char *end = p + text.size;
    tj__put_u8(out, '"');
    while (p < end) {
        size_t plain = plain_run(p, (size_t)(end - p));
        tj__put_bytes(out, p, plain);
        p += plain;
        if (p == end) {
            break;
        }
        char letter = *p < sizeof short_forms ? short_forms[*p] : 0;
        if (letter) {
            const char pair[] = {'\\', letter};
            tj__put_bytes(out, pair, sizeof pair);
        } else {
            tj__put_format(out, "\\u%04x", *p);
        }
        p++;
    }
    tj__put_u8(out, '"');
}
