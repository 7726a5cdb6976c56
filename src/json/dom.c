/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* A text read once, from its first byte to its last: what its shape looks at becomes nodes, the
 * rest is stepped over by scan.h, which finds the same faults. */
#include "json/dom.h"

#include "base/arena.h"
#include "base/error.h"
#include "json/explain.h"
#include "json/scan.h"

typedef struct parser {
    const tj__json_source *source;
    const char *end;
    tj__arena *arena;
    int depth; /* arrays and objects that are open */
    size_t node_limit;
    size_t node_count;
    tj_status status; /* why nothing more is read */
    tj_error *error;
} parser;

/* ---- what stops it --------------------------------------------------------------------------- */

static const char *stop_nomem(parser *p)
{
    p->status = tj__fail(p->error, TJ_NOMEM, "no memory left while reading JSON");
    return NULL;
}

static tj_status explain(const tj__json_source *source, const tj__json_stop *stop, bool complete,
                         tj_error *error)
{
    if (stop->too_deep) {
        return tj__json_fail(source, NULL, stop->at, TJ_LIMIT, error,
                             "arrays and objects are nested deeper than %d levels",
                             TJ_JSON_DEPTH_MAX);
    }
    return tj__json_explain(source, stop->at, complete, error);
}

static const char *stop_at(parser *p, const tj__json_stop *stop)
{
    p->status = explain(p->source, stop, false, p->error);
    return NULL;
}

static const char *stop_unexpected(parser *p, const char *at)
{
    const tj__json_stop stop = {at, false};
    return stop_at(p, &stop);
}

/* behind: what was read of the value that is one too many. */
static bool has_room(parser *p, const char *behind)
{
    if (p->node_count++ < p->node_limit) {
        return true;
    }
    p->status = tj__json_fail(p->source, NULL, behind, TJ_LIMIT, p->error,
                              "more than %zu values in a text of %zu bytes are not read",
                              p->node_limit, p->source->text.size);
    return false;
}

/* ---- values ---------------------------------------------------------------------------------- */

static tj__json_type type_of(char first)
{
    switch (first) {
    case '{':
        return TJ__JSON_OBJECT;
    case '[':
        return TJ__JSON_ARRAY;
    case '"':
        return TJ__JSON_STRING;
    case 'n':
        return TJ__JSON_NULL;
    case 't':
    case 'f':
        return TJ__JSON_BOOLEAN;
    default:
        return TJ__JSON_NUMBER;
    }
}

/* What a string says: in place, or decoded where it has escapes. */
static bool take_text(parser *p, tj_str literal, tj_str *out)
{
    *out = (tj_str){literal.data + 1, literal.size - 2};
    if (!memchr(out->data, '\\', out->size)) {
        return true;
    }
    char *decoded = tj__arena_alloc(p->arena, out->size);
    if (!decoded) {
        return stop_nomem(p) != NULL;
    }
    *out = (tj_str){decoded, tj__json_string_decode(literal, decoded)};
    return true;
}

/* The name of a member and its colon. */
static const char *take_name(parser *p, const char *at, tj__json_node *member)
{
    const char *behind = tj__json_take_string(at, p->end);
    if (!behind) {
        return stop_unexpected(p, at);
    }
    member->name_at = at;
    if (!take_text(p, (tj_str){at, (size_t)(behind - at)}, &member->name)) {
        return NULL;
    }
    behind = tj__json_skip_space(behind, p->end);
    return behind < p->end && *behind == ':' ? tj__json_skip_space(behind + 1, p->end)
                                             : stop_unexpected(p, behind);
}

static const char *take_inside(parser *p, const char *at, tj__json_shape shape,
                               tj__json_node *node);

/* Each takes the value at `at` and returns what follows it, or NULL with the status set. */
static const char *take_value(parser *p, const char *at, tj__json_shape shape, tj__json_node *node)
{
    tj__json_stop stop = {at, true};
    bool opens = at < p->end && (*at == '{' || *at == '[');
    const char *behind = NULL;
    if (opens && !has_room(p, at + 1)) {
        return NULL;
    }
    if (!opens || !tj__json_shape_is_open(shape)) {
        behind = tj__json_value_end(at, p->end, p->depth, &stop);
    } else if (p->depth < TJ_JSON_DEPTH_MAX) {
        node->type = type_of(*at);
        behind = take_inside(p, at, shape, node);
    }
    if (!behind) {
        return p->status == TJ_OK ? stop_at(p, &stop) : NULL;
    }
    node->type = type_of(*at);
    node->raw = (tj_str){at, (size_t)(behind - at)};
    node->truth = *at == 't';
    node->text = node->type == TJ__JSON_NUMBER ? node->raw : node->text;
    bool read = (opens || has_room(p, behind)) &&
                (node->type != TJ__JSON_STRING || take_text(p, node->raw, &node->text));
    return read ? behind : NULL;
}

/* One member or element. */
static const char *take_child(parser *p, const char *at, tj__json_shape shape,
                              tj__json_node *parent, tj__json_node **last)
{
    tj__json_node *node = tj__arena_alloc(p->arena, sizeof *node);
    if (!node) {
        return stop_nomem(p);
    }
    node->parent = parent;
    if (parent->type == TJ__JSON_OBJECT) {
        at = take_name(p, at, node);
    }
    at = at ? take_value(p, at, tj__json_shape_inside(shape, node->name), node) : NULL;
    *(*last ? &(*last)->next : &parent->first) = node;
    *last = node;
    parent->count++;
    return at ? tj__json_skip_space(at, p->end) : NULL;
}

static const char *take_inside(parser *p, const char *at, tj__json_shape shape, tj__json_node *node)
{
    const char close = *at == '{' ? '}' : ']';
    tj__json_node *last = NULL;
    p->depth++;
    at = tj__json_skip_space(at + 1, p->end);
    if (at == p->end || *at != close) {
        at = take_child(p, at, shape, node, &last);
    }
    while (at && at < p->end && *at == ',') {
        at = take_child(p, tj__json_skip_space(at + 1, p->end), shape, node, &last);
    }
    p->depth--;
    if (at && (at == p->end || *at != close)) {
        return stop_unexpected(p, at);
    }
    return at ? at + 1 : NULL;
}

/* ---- texts ----------------------------------------------------------------------------------- */

static const char *end_of(const tj__json_source *source)
{
    return source->text.data + source->text.size;
}

static tj_status check_utf8(const tj__json_source *source, tj_error *error)
{
    const char *bad = tj__json_utf8_end(source->text);
    return bad == end_of(source)
               ? TJ_OK
               : tj__json_fail(source, NULL, bad, TJ_INVALID, error,
                               "byte 0x%02x is not valid UTF-8 here", (unsigned char)*bad);
}

/* Behind the value there is nothing but space. */
static tj_status check_rest(const tj__json_source *source, const char *behind, tj_error *error)
{
    behind = tj__json_skip_space(behind, end_of(source));
    return behind == end_of(source) ? TJ_OK : tj__json_explain(source, behind, true, error);
}

static tj_status parse(parser *p, tj__json_shape shape, tj__json_node **root)
{
    TJ_TRY(check_utf8(p->source, p->error));
    tj__json_node *node = tj__arena_alloc(p->arena, sizeof *node);
    if (!node) {
        (void)stop_nomem(p);
        return p->status;
    }
    p->end = end_of(p->source);
    const char *at = tj__json_skip_space(p->source->text.data, p->end);
    at = take_value(p, at, shape, node);
    *root = node;
    return at ? check_rest(p->source, at, p->error) : p->status;
}

/* A tree is taken apart for a comparison: then nothing can be left out of it. */
static size_t limit_of(tj__json_shape shape, size_t size)
{
    bool whole = shape.kind == TJ__JSON_TREE && shape.levels >= TJ_JSON_DEPTH_MAX;
    return whole ? SIZE_MAX : TJ__JSON_NODES_FREE + size / TJ__JSON_NODE_BYTES;
}

tj_status tj__json_parse(tj_str text, const char *what, tj__json_shape shape, tj__json_doc **out,
                         tj_error *error)
{
    *out = NULL;
    void *object = NULL;
    tj__arena *arena = tj__arena_new(sizeof(tj__json_doc), &object);
    if (!arena) {
        return tj__fail(error, TJ_NOMEM, "no memory left while reading JSON");
    }
    tj__json_doc *doc = object;
    doc->source = (tj__json_source){text.data ? text : TJ_STR(""), what};
    parser p = {.source = &doc->source,
                .arena = arena,
                .node_limit = limit_of(shape, text.size),
                .error = error};
    tj_status status = parse(&p, shape, &doc->root);
    if (status != TJ_OK) {
        tj__json_doc_free(doc);
        return status;
    }
    *out = doc;
    return TJ_OK;
}

void tj__json_doc_free(tj__json_doc *doc)
{
    tj__arena_free_object(doc);
}

tj_status tj__json_validate(const tj__json_source *source, tj_error *error)
{
    tj__json_stop stop;
    const tj__json_source text = {source->text.data ? source->text : TJ_STR(""), source->what};
    TJ_TRY(check_utf8(&text, error));
    const char *at = tj__json_skip_space(text.text.data, end_of(&text));
    at = tj__json_value_end(at, end_of(&text), 0, &stop);
    return at ? check_rest(&text, at, error) : explain(&text, &stop, false, error);
}

const tj__json_node *tj__json_find(const tj__json_node *object, tj_str name)
{
    if (object->type != TJ__JSON_OBJECT) {
        return NULL;
    }
    const tj__json_node *member = object->first;
    while (member && !tj_str_equal(member->name, name)) {
        member = member->next;
    }
    return member;
}

tj_str tj__json_raw_name(const tj__json_doc *doc, const tj__json_node *member)
{
    const char *behind = tj__json_take_string(member->name_at, end_of(&doc->source));
    TJ_ASSERT(behind != NULL);
    return (tj_str){member->name_at, (size_t)(behind - member->name_at)};
}
