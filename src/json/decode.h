/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Nodes -> model values, along the tables of schema.h. What is decoded is copied into the arena, in
 * canonical form; it holds no pointer into the document. Errors name the path of the member and its
 * place in the text.
 */
#ifndef TJ_JSON_DECODE_H
#define TJ_JSON_DECODE_H

#include "base/arena.h"
#include "json/dom.h"
#include "json/schema.h"

/* What every call needs. */
typedef struct tj__json_input {
    tj__json_doc *doc; /* also lends its memory for what is needed during the call */
    tj__arena *arena;
    tj_error *error;
} tj__json_input;

/* Decodes one object into a struct of the schema. With a key (of the map the object stands in,
 * canonical) the first member may be missing, else it must say the same. */
tj_status tj__json_decode(const tj__json_input *in, const tj__json_node *node,
                          const tj__json_schema *schema, tj_str key, void *out);
/* Decodes an algorithm record in either spelling. */
tj_status tj__json_decode_algo(const tj__json_input *in, const tj__json_node *node,
                               tj_algo_state *out);
tj_status tj__json_decode_decimal(const tj__json_input *in, const tj__json_node *node,
                                  tj_decimal *out);
tj_status tj__json_decode_time(const tj__json_input *in, const tj__json_node *node, tj_time *out);

/* As tj__json_canonical, after the document's own rule for identities. */
tj_status tj__json_canonical_of(const tj__json_input *in, tj__json_kind kind, tj_str text,
                                char buffer[TJ__JSON_KEY_SIZE], tj_str *out);
/* A whole state; an object that holds other things is TJ_INVALID. */
tj_status tj__json_decode_live_state(const tj__json_input *in, const tj__json_node *node,
                                     tj_live_state *out);
/* As tj_live_state_from_json; identities go through a rule. */
tj_status tj__json_read_live_state(tj_str text, tj__json_rename *rename, void *context,
                                   tj_live_state **out, tj_error *error);

/* A member of a map, its key in canonical form. */
typedef struct tj__json_entry {
    tj_str key;
    const tj__json_node *value;
    const char *at; /* of the key in the text */
} tj__json_entry;
typedef struct tj__json_entries {
    tj__json_entry *items;
    size_t count;
} tj__json_entries;

/* The members of a map in the order of their keys; a key that stands twice is an error. The array
 * is part of the document, the keys of the arena. limit: the longest text key. */
tj_status tj__json_map_open(const tj__json_input *in, const tj__json_node *map,
                            tj__json_kind key_kind, size_t limit, tj__json_entries *out);
/* An empty list with room for everything inside a container. */
tj_status tj__json_entries_new(const tj__json_input *in, const tj__json_node *container,
                               tj__json_entries *out);
/* Sorts by key and fails when two are equal. noun: what the keys are. */
tj_status tj__json_sort_unique(const tj__json_input *in, const tj__json_node *container,
                               const char *noun, const char *hint, tj__json_entries *entries);
/* Puts entries back into the order of the text. */
void tj__json_entries_in_text_order(tj__json_entries *entries);

/* Fails unless the object has a member of that name. */
tj_status tj__json_require(const tj__json_input *in, const tj__json_node *object, const char *name);
/* A member of the object that the schema knows; NULL when there is none. */
const tj__json_node *tj__json_any_member(const tj__json_node *object,
                                         const tj__json_schema *schema);
/* Fails unless no two members of an object have the same name. */
tj_status tj__json_refuse_repeats(const tj__json_input *in, const tj__json_node *object);
tj_status tj__json_want(const tj__json_input *in, const tj__json_node *node, tj__json_type type);
/* Fails at a node: "open_orders[3].request.quantity: line 1, column 812: <message>". */
tj_status tj__json_fail_node(const tj__json_input *in, const tj__json_node *node, tj_status status,
                             const char *format, ...) TJ_PRINTF(4, 5);
/* Fails at another place inside a node. */
tj_status tj__json_fail_inside(const tj__json_input *in, const tj__json_node *node, const char *at,
                               tj_status status, const char *format, ...) TJ_PRINTF(5, 6);
/* Passes a status on; a failure, of which in->error tells, is reported at a node. */
tj_status tj__json_relay(const tj__json_input *in, const tj__json_node *node, tj_status status);
/* Fails because a key (or an id) of a container stands at two places; hint is appended. */
tj_status tj__json_fail_repeat(const tj__json_input *in, const tj__json_node *container,
                               const char *noun, const tj__json_entry *first,
                               const tj__json_entry *second, const char *hint);
tj_status tj__json_fail_nomem(const tj__json_input *in);

#endif
