/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * yajl says what comes next; where it stands is worked out here: between two events there is only
 * white space and at most one comma or colon, so the next token starts behind those. Its own byte
 * counter is not used for that, because it restarts when the parse is completed.
 */
#include "json/dom.h"

#include <setjmp.h>

#include <yajl/yajl_parse.h>

#include "base/arena.h"
#include "base/error.h"
#include "json/explain.h"
#include "json/scan.h"

typedef struct parser {
    const tj__json_source *source;
    const char *end;
    const char *cursor; /* behind the last token */
    tj__arena *arena;   /* NULL when nothing is built */
    int depth;          /* containers that are open */
    bool complete;      /* the root value has ended */
    int built;          /* those of them inside which nodes are built; -1: not even the root is */
    size_t node_limit;
    size_t node_count;
    tj__json_node *root;
    tj__json_node *open;                          /* the innermost open container that has a node */
    tj__json_shape shape;                         /* of the root */
    tj__json_shape shapes[TJ_JSON_DEPTH_MAX + 1]; /* of the first `built` open containers, from 1 */
    tj_str name;                                  /* of the member whose value comes next */
    const char *name_at;
    tj_status status; /* why a callback stopped the parse */
    tj_error *error;
    tj__arena *yajl_memory;
    jmp_buf no_memory; /* where to go when there is none for yajl */
} parser;

static int stop(parser *p, tj_status status)
{
    p->status = status;
    return 0;
}

static int stop_nomem(parser *p)
{
    return stop(p, tj__fail(p->error, TJ_NOMEM, "no memory left while reading JSON"));
}

static int stop_too_many(parser *p)
{
    return stop(p, tj__json_fail(p->source, NULL, p->cursor, TJ_LIMIT, p->error,
                                 "more than %zu values in a text of %zu bytes are not read",
                                 p->node_limit, p->source->text.size));
}

/* Start of the token that yajl has just reported. NULL after white space that JSON does not have
 * (yajl takes \v and \f too). */
static const char *token_start(parser *p)
{
    const char *at = tj__json_skip_space(p->cursor, p->end);
    if (at < p->end && (*at == ',' || *at == ':')) {
        at = tj__json_skip_space(at + 1, p->end);
    }
    if (at < p->end && (*at == '\v' || *at == '\f')) {
        (void)stop(p, tj__json_explain(p->source, at, p->complete, p->error));
        return NULL;
    }
    return at;
}

/* While a container is open, its `first` is the last child so far, whose `next` is the first. */
static void link_child(tj__json_node *parent, tj__json_node *node)
{
    node->next = parent->first ? parent->first->next : node;
    if (parent->first) {
        parent->first->next = node;
    }
    parent->first = node;
    parent->count++;
}

static void close_children(tj__json_node *parent)
{
    if (parent->first) {
        tj__json_node *last = parent->first;
        parent->first = last->next;
        last->next = NULL;
    }
}

/* Takes a value (a container: its first byte). *out is NULL when it lies too deep to be built. */
static int take_value(parser *p, tj__json_type type, tj_str raw, tj__json_node **out)
{
    *out = NULL;
    p->cursor = raw.data + raw.size;
    p->complete = p->depth == 0;
    if (p->depth > p->built) {
        return 1;
    }
    if (p->node_count++ == p->node_limit) {
        return stop_too_many(p);
    }
    tj__json_node *node = tj__arena_alloc(p->arena, sizeof *node);
    if (!node) {
        return stop_nomem(p);
    }
    node->type = type;
    node->raw = raw;
    node->parent = p->open;
    if (p->open) {
        node->name = p->name;
        node->name_at = p->name_at;
        link_child(p->open, node);
    } else {
        p->root = node;
    }
    p->name = (tj_str){NULL, 0};
    p->name_at = NULL;
    *out = node;
    return 1;
}

/* Where a string literal ends, and its text: in place, or decoded by yajl into its own buffer. */
static int take_string(parser *p, const unsigned char *value, size_t size, tj_str *raw,
                       tj_str *text)
{
    const char *start = token_start(p);
    if (!start) {
        return 0;
    }
    *text = (tj_str){(const char *)value, size};
    *raw = (tj_str){start, size + 2};
    if (text->data == start + 1) {
        return 1;
    }
    tj__json_fault fault;
    const char *end = tj__json_string_end(start, p->end, &fault);
    if (!end) {
        return stop(
            p, tj__json_fail(p->source, NULL, fault.at, TJ_INVALID, p->error, "%s", fault.reason));
    }
    raw->size = (size_t)(end - start);
    if (p->depth <= p->built) {
        *text = tj__arena_str(p->arena, *text);
        return text->data ? 1 : stop_nomem(p);
    }
    return 1;
}

static int on_word(parser *p, tj__json_type type, size_t size, tj__json_node **out)
{
    const char *start = token_start(p);
    return start && take_value(p, type, (tj_str){start, size}, out);
}

static int on_null(void *context)
{
    tj__json_node *node;
    return on_word(context, TJ__JSON_NULL, 4, &node);
}

static int on_boolean(void *context, int truth)
{
    tj__json_node *node;
    int go_on = on_word(context, TJ__JSON_BOOLEAN, truth ? 4 : 5, &node);
    if (go_on && node) {
        node->truth = truth != 0;
    }
    return go_on;
}

static int on_number(void *context, const char *value, size_t size)
{
    (void)value;
    tj__json_node *node;
    int go_on = on_word(context, TJ__JSON_NUMBER, size, &node);
    if (go_on && node) {
        node->text = node->raw;
    }
    return go_on;
}

static int on_string(void *context, const unsigned char *value, size_t size)
{
    parser *p = context;
    tj__json_node *node;
    tj_str raw;
    tj_str text;
    if (!take_string(p, value, size, &raw, &text) || !take_value(p, TJ__JSON_STRING, raw, &node)) {
        return 0;
    }
    if (node) {
        node->text = text;
    }
    return 1;
}

static int on_map_key(void *context, const unsigned char *value, size_t size)
{
    parser *p = context;
    tj_str raw;
    tj_str text;
    if (!take_string(p, value, size, &raw, &text)) {
        return 0;
    }
    p->cursor = raw.data + raw.size;
    if (p->depth <= p->built) {
        p->name = text;
        p->name_at = raw.data;
    }
    return 1;
}

static int on_start(parser *p, tj__json_type type)
{
    tj__json_node *node;
    tj__json_shape shape = p->depth > 0 && p->depth == p->built
                               ? tj__json_shape_inside(p->shapes[p->built], p->name)
                               : p->shape;
    if (!on_word(p, type, 1, &node)) {
        return 0;
    }
    p->complete = false;
    if (p->depth == TJ_JSON_DEPTH_MAX) {
        return stop(p, tj__json_fail(p->source, NULL, p->cursor - 1, TJ_LIMIT, p->error,
                                     "arrays and objects are nested deeper than %d levels",
                                     TJ_JSON_DEPTH_MAX));
    }
    p->depth++;
    if (node) {
        p->open = node;
    }
    if (node && tj__json_shape_is_open(shape)) {
        p->shapes[++p->built] = shape;
    }
    return 1;
}

static int on_end(void *context)
{
    parser *p = context;
    const char *start = token_start(p);
    if (!start) {
        return 0;
    }
    p->cursor = start + 1;
    p->depth--;
    p->complete = p->depth == 0;
    if (p->depth <= p->built) {
        p->built = p->depth;
        tj__json_node *node = p->open;
        node->raw.size = (size_t)(p->cursor - node->raw.data);
        close_children(node);
        p->open = node->parent;
    }
    return 1;
}

static int on_start_map(void *context)
{
    return on_start(context, TJ__JSON_OBJECT);
}

static int on_start_array(void *context)
{
    return on_start(context, TJ__JSON_ARRAY);
}

static const yajl_callbacks callbacks = {
    .yajl_null = on_null,
    .yajl_boolean = on_boolean,
    .yajl_number = on_number,
    .yajl_string = on_string,
    .yajl_start_map = on_start_map,
    .yajl_map_key = on_map_key,
    .yajl_end_map = on_end,
    .yajl_start_array = on_start_array,
    .yajl_end_array = on_end,
};

/*
 * yajl does not look at what its allocations return, so a failed one jumps over it. All its memory
 * is in one arena, where nothing is freed before the end: it takes a handful of blocks, and its
 * buffer for decoded strings doubles.
 */
#define BLOCK_HEAD 16

static void *yajl_take(void *context, size_t size)
{
    parser *p = context;
    char *block =
        size < SIZE_MAX - BLOCK_HEAD ? tj__arena_alloc(p->yajl_memory, BLOCK_HEAD + size) : NULL;
    if (!block) {
        longjmp(p->no_memory, 1);
    }
    memcpy(block, &size, sizeof size);
    return block + BLOCK_HEAD;
}

static void *yajl_retake(void *context, void *old, size_t size)
{
    char *block = yajl_take(context, size);
    if (old) {
        size_t old_size;
        memcpy(&old_size, (char *)old - BLOCK_HEAD, sizeof old_size);
        memcpy(block, old, old_size < size ? old_size : size);
    }
    return block;
}

static void yajl_give(void *context, void *block)
{
    (void)context;
    (void)block;
}

/* The token that yajl refused: behind at most one separator that it had taken before. consumed:
 * behind that token, or behind the end of the text when that is what was refused. */
static tj_status explain_refusal(parser *p, const char *consumed)
{
    const char *at = tj__json_skip_space(p->cursor, p->end);
    if (at < p->end && (*at == ',' || *at == ':') && at + 1 < consumed) {
        at = tj__json_skip_space(at + 1, p->end);
    }
    return tj__json_explain(p->source, at, p->complete, p->error);
}

static tj_status run(parser *p)
{
    const tj_str text = p->source->text;
    yajl_alloc_funcs memory = {yajl_take, yajl_retake, yajl_give, p};
    if (setjmp(p->no_memory) != 0) {
        (void)stop_nomem(p);
        return p->status;
    }
    yajl_handle handle = yajl_alloc(&callbacks, &memory, p);
    (void)yajl_config(handle, yajl_dont_validate_strings, 1); /* the caller has, more strictly */
    yajl_status outcome = yajl_parse(handle, (const unsigned char *)text.data, text.size);
    if (outcome == yajl_status_client_canceled) {
        return p->status;
    }
    if (outcome == yajl_status_error) {
        return explain_refusal(p, text.data + yajl_get_bytes_consumed(handle));
    }
    outcome = yajl_complete_parse(handle);
    if (outcome == yajl_status_client_canceled) {
        return p->status;
    }
    /* yajl takes an unfinished string behind the value, so look for what is left. */
    if (outcome != yajl_status_ok || !p->complete ||
        tj__json_skip_space(p->cursor, p->end) != p->end) {
        return explain_refusal(p, p->end + 1);
    }
    return TJ_OK;
}

/* ---- without yajl ---------------------------------------------------------------------------
 * Nearly every text is valid and has no escapes. Then a token's first byte says all about it, and
 * what no nodes are built for is stepped over.
 */

static bool is_plain(tj_str text)
{
    return text.size > 0 && !memchr(text.data, '\\', text.size) && tj__json_is_valid(text);
}

static const char *closing_quote(const char *quote, const char *end)
{
    return memchr(quote + 1, '"', (size_t)(end - quote - 1));
}

/* The bracket that ends the container in which `at` is. */
static const char *closing_bracket(const char *at, const char *end)
{
    for (int depth = 1;; at++) {
        if (*at == '"') {
            at = closing_quote(at, end);
        } else if (*at == '{' || *at == '[') {
            depth++;
        } else if ((*at == '}' || *at == ']') && --depth == 0) {
            return at;
        }
    }
}

static int plain_start(parser *p, tj__json_type type)
{
    if (!on_start(p, type)) {
        return 0;
    }
    if (p->depth > p->built) {
        p->cursor = closing_bracket(p->cursor, p->end);
    }
    return 1;
}

/* Only behind a name there is a colon. */
static int plain_string(parser *p, const char *at)
{
    const char *quote = closing_quote(at, p->end);
    const char *next = tj__json_skip_space(quote + 1, p->end);
    bool is_name = next < p->end && *next == ':';
    return (is_name ? on_map_key : on_string)(p, (const unsigned char *)at + 1,
                                              (size_t)(quote - at) - 1);
}

static int plain_number(parser *p, const char *at)
{
    const char *behind = at;
    while (behind < p->end && (*behind == '-' || *behind == '+' || *behind == '.' ||
                               (*behind | 0x20) == 'e' || (*behind >= '0' && *behind <= '9'))) {
        behind++;
    }
    return on_number(p, at, (size_t)(behind - at));
}

static int plain_token(parser *p)
{
    const char *at = token_start(p);
    switch (*at) {
    case '{':
        return plain_start(p, TJ__JSON_OBJECT);
    case '[':
        return plain_start(p, TJ__JSON_ARRAY);
    case '}':
    case ']':
        return on_end(p);
    case '"':
        return plain_string(p, at);
    case 'n':
        return on_null(p);
    case 't':
    case 'f':
        return on_boolean(p, *at == 't');
    default:
        return plain_number(p, at);
    }
}

static tj_status run_plain(parser *p)
{
    while (!p->complete) {
        if (!plain_token(p)) {
            return p->status;
        }
    }
    return TJ_OK;
}

/* ---- either way ------------------------------------------------------------------------------ */

static tj_status parse(parser *p)
{
    const tj_str text = p->source->text;
    p->cursor = text.data;
    p->end = text.data + text.size;
    if (p->arena && is_plain(text)) {
        return run_plain(p);
    }
    if (tj__json_skip_space(p->cursor, p->end) == p->end) {
        return tj__json_explain(p->source, p->end, false, p->error);
    }
    const char *bad = tj__json_utf8_end(text);
    if (bad != p->end) {
        return tj__json_fail(p->source, NULL, bad, TJ_INVALID, p->error,
                             "byte 0x%02x is not valid UTF-8 here", (unsigned char)*bad);
    }
    void *object = NULL;
    p->yajl_memory = tj__arena_new(0, &object);
    if (!p->yajl_memory) {
        (void)stop_nomem(p);
        return p->status;
    }
    tj_status status = run(p);
    tj__arena_free_object(object);
    return status;
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
                .shape = shape,
                .node_limit = limit_of(shape, text.size),
                .error = error};
    tj_status status = parse(&p);
    if (status != TJ_OK) {
        tj__json_doc_free(doc);
        return status;
    }
    doc->root = p.root;
    *out = doc;
    return TJ_OK;
}

void tj__json_doc_free(tj__json_doc *doc)
{
    tj__arena_free_object(doc);
}

tj_status tj__json_validate(const tj__json_source *source, tj_error *error)
{
    tj__json_source present = *source;
    if (!present.text.data) {
        present.text = TJ_STR("");
    }
    parser p = {.source = &present, .built = -1, .error = error};
    return parse(&p);
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
    tj__json_fault fault;
    const char *end = doc->source.text.data + doc->source.text.size;
    const char *behind = tj__json_string_end(member->name_at, end, &fault);
    TJ_ASSERT(behind != NULL);
    return (tj_str){member->name_at, (size_t)(behind - member->name_at)};
}
