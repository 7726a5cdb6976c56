/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * JSON text as a tree of nodes that point into the text.
 *
 * The text is RFC 8259 to the letter and UTF-8 as RFC 3629 has it; surrogate escapes come in pairs,
 * nesting ends at TJ_JSON_DEPTH_MAX, nothing follows the value. Numbers keep their text, so that
 * they may have any size; a name that stands twice is a member twice.
 */
#ifndef TJ_JSON_DOM_H
#define TJ_JSON_DOM_H

#include "json/schema.h"
#include "json/text.h"

typedef enum tj__json_type {
    TJ__JSON_NULL,
    TJ__JSON_BOOLEAN,
    TJ__JSON_NUMBER,
    TJ__JSON_STRING,
    TJ__JSON_ARRAY,
    TJ__JSON_OBJECT
} tj__json_type;

typedef struct tj__json_node tj__json_node;
struct tj__json_node {
    tj__json_node *parent; /* NULL for the root */
    tj__json_node *next;   /* the next element or member */
    tj__json_node *first;  /* the first one inside */
    size_t count;          /* how many are inside */
    tj_str raw;            /* the value's own bytes */
    tj_str text;           /* a string decoded, or a number's digits */
    tj_str name;           /* of a member, decoded; absent for elements and the root */
    const char *name_at;   /* its opening quote in the text */
    tj__json_type type;
    bool truth; /* of a boolean */
};

/* Another identity for a text that names one; false to leave it as it is. */
typedef bool tj__json_rename(void *context, tj_str text, tj_identity *out);

typedef struct tj__json_doc {
    tj__json_source source;
    tj__json_node *root;
    tj__json_rename *rename; /* NULL: identities are what they say */
    void *rename_context;
} tj__json_doc;

/* A node takes many times the memory of a short value, so that a text of nothing but such would
 * take all there is. More than one for so many bytes, beside what any small text may have, is
 * TJ_LIMIT; no state comes near. */
#define TJ__JSON_NODE_BYTES 8
#define TJ__JSON_NODES_FREE 16384

/* Parses a text, which must outlive the document. Nodes are built for the root and for what its
 * shape looks at; the rest is checked and stays raw. what may be NULL. */
tj_status tj__json_parse(tj_str text, const char *what, tj__json_shape shape, tj__json_doc **out,
                         tj_error *error);
void tj__json_doc_free(tj__json_doc *doc); /* NULL is allowed */

/* Checks a text as tj__json_parse does, and builds nothing. */
tj_status tj__json_validate(const tj__json_source *source, tj_error *error);

/* The first member of that name; NULL when there is none or the node is no object. */
const tj__json_node *tj__json_find(const tj__json_node *object, tj_str name);

/* A member's name as it stands in the text, quotes included. */
tj_str tj__json_raw_name(const tj__json_doc *doc, const tj__json_node *member);

#endif
