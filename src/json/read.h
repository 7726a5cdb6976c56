/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Single values of a struct; decode.c puts them together. */
#ifndef TJ_JSON_READ_H
#define TJ_JSON_READ_H

#include "json/decode.h"

/* Reads a value into its field of the struct at base. */
tj_status tj__json_read_value(const tj__json_input *in, const tj__json_node *node,
                              const tj__json_field *field, char *base);
/* Sets the first member of an element of a map: from its key, or from a node that must say the same
 * (NULL: it is missing). */
tj_status tj__json_read_key(const tj__json_input *in, const tj__json_node *node,
                            const tj__json_field *field, tj_str key, char *base);

#endif
