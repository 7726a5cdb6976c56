/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Members of a struct that hold no other struct; decode.c puts them together. */
#ifndef TJ_JSON_READ_H
#define TJ_JSON_READ_H

#include "json/decode.h"

/* Reads one value into its place in the struct at base. */
typedef tj_status tj__json_reader(const tj__json_input *in, const tj__json_node *node,
                                  const tj__json_field *field, char *base);

/* Where a member is in the struct at base. */
static inline void *tj__json_member_at(char *base, const tj__json_field *field)
{
    return base + field->offset;
}

static inline void tj__json_set_present(const tj__json_field *field, char *base)
{
    if (field->flags & TJ__JSON_OPTIONAL) {
        *(bool *)(void *)(base + field->other) = true;
    }
}

/* Reads every kind but structs and lists and maps of them. */
tj_status tj__json_read_plain(const tj__json_input *in, const tj__json_node *node,
                              const tj__json_field *field, char *base);
/* Sets the first member of an element of a map: from its key, or from a node that must say the same
 * (NULL: it is missing). */
tj_status tj__json_read_key(const tj__json_input *in, const tj__json_node *node,
                            const tj__json_field *field, tj_str key, char *base);
/* Gives an array member its memory and its count. */
tj_status tj__json_new_array(const tj__json_input *in, const tj__json_field *field, size_t count,
                             size_t size, char *base, char **out);

#endif
