/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Errors that say where in a document: the path of a member, its line and column. */
#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>

#include "base/error.h"
#include "base/text.h"
#include "json/decode.h"

#define PATH_SIZE 320

typedef struct path {
    char text[PATH_SIZE];
    size_t size;
} path;

static void add(path *out, const char *format, ...) TJ_PRINTF(2, 3);
static void add(path *out, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    int more = vsnprintf(out->text + out->size, PATH_SIZE - out->size, format, arguments);
    va_end(arguments);
    out->size += more > 0 ? (size_t)more : 0;
    out->size = out->size < PATH_SIZE ? out->size : PATH_SIZE - 1;
}

/* Whether a name can stand in a path without quotes. */
static bool is_plain(tj_str name)
{
    for (size_t i = 0; i < name.size; i++) {
        unsigned char c = (unsigned char)name.data[i];
        if (!isalnum(c) && !strchr("_:-", c)) {
            return false;
        }
    }
    return name.size > 0 && name.size <= TJ__QUOTE_TEXT_MAX;
}

static size_t index_of(const tj__json_node *node)
{
    size_t index = 0;
    for (const tj__json_node *each = node->parent->first; each != node; each = each->next) {
        index++;
    }
    return index;
}

/* Recursion ends after the few levels that are built. */
static void add_node(path *out, const tj__json_node *node)
{
    if (!node->parent) {
        return;
    }
    add_node(out, node->parent);
    char quote[TJ__QUOTE_SIZE];
    if (node->parent->type == TJ__JSON_ARRAY) {
        add(out, "[%zu]", index_of(node));
    } else if (is_plain(node->name)) {
        add(out, "%s%.*s", out->size ? "." : "", (int)node->name.size, node->name.data);
    } else {
        add(out, "[%s]", tj__text_quote(node->name, quote));
    }
}

static path path_of(const tj__json_node *node)
{
    path out = {{0}, 0};
    add_node(&out, node);
    return out;
}

tj_status tj__json_fail_node(const tj__json_input *in, const tj__json_node *node, tj_status status,
                             const char *format, ...)
{
    char message[TJ_ERROR_MESSAGE_SIZE];
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(message, sizeof message, format, arguments);
    va_end(arguments);
    return tj__json_fail_inside(in, node, node->raw.data, status, "%s", message);
}

tj_status tj__json_fail_inside(const tj__json_input *in, const tj__json_node *node, const char *at,
                               tj_status status, const char *format, ...)
{
    char message[TJ_ERROR_MESSAGE_SIZE];
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(message, sizeof message, format, arguments);
    va_end(arguments);
    path where = path_of(node);
    return tj__json_fail(&in->doc->source, where.text, at, status, in->error, "%s", message);
}

tj_status tj__json_relay(const tj__json_input *in, const tj__json_node *node, tj_status status)
{
    return status == TJ_OK
               ? TJ_OK
               : tj__json_fail_node(in, node, status, "%s", in->error ? in->error->message : "");
}

tj_status tj__json_fail_repeat(const tj__json_input *in, const tj__json_node *container,
                               const char *noun, const tj__json_entry *first,
                               const tj__json_entry *second, const char *hint)
{
    const tj__json_source *source = &in->doc->source;
    path where = path_of(container);
    const char *what = source->what ? source->what : "";
    const char *dot = *what && where.size && where.text[0] != '[' ? "." : "";
    char places[2][TJ__JSON_PLACE_SIZE];
    char quote[TJ__QUOTE_SIZE];
    tj__json_place(source, first->at, places[0]);
    tj__json_place(source, second->at, places[1]);
    (void)tj__fail(in->error, TJ_INVALID, "%s%s%s%s%s %s stands twice (%s and %s)%s", what, dot,
                   where.text, *what || where.size ? ": " : "", noun,
                   tj__text_quote(first->key, quote), places[0], places[1], hint);
    tj__error_place(in->error, "%s", places[1]);
    return TJ_INVALID;
}

tj_status tj__json_fail_nomem(const tj__json_input *in)
{
    return tj__fail(in->error, TJ_NOMEM, "no memory left while reading JSON");
}

tj_status tj__json_want(const tj__json_input *in, const tj__json_node *node, tj__json_type type)
{
    static const char *const names[] = {"null",     "true or false", "a number",
                                        "a string", "an array",      "an object"};
    if (node->type == type) {
        return TJ_OK;
    }
    return tj__json_fail_node(in, node, TJ_INVALID, "expected %s, found %s", names[type],
                              names[node->type]);
}
