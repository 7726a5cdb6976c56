/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Shared by the tests of this folder: files, and a comparison of two JSON texts that knows nothing
 * of what they mean. */
#ifndef TJ_TESTS_JSON_SUPPORT_H
#define TJ_TESTS_JSON_SUPPORT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/file.h"
#include "json/dom.h"

#define ALL_LEVELS TJ__JSON_SHAPE_LEVELS(TJ_JSON_DEPTH_MAX)
#define COPY(name) TJ_TESTDATA_COPY "/tesser/" name

static inline tj_str text_of(const tj__buffer *buffer)
{
    return (tj_str){(const char *)buffer->data, buffer->size};
}

static inline void read_file(const char *path, tj__buffer *out)
{
    tj_error error = TJ_ERROR_INIT;
    *out = (tj__buffer){0};
    if (tj__file_read_all(path, (size_t)64 << 20, out, &error) != TJ_OK) {
        fail_msg("%s", error.message);
    }
}

static inline int by_name(const void *a, const void *b)
{
    tj_str left = (*(const tj__json_node *const *)a)->name;
    tj_str right = (*(const tj__json_node *const *)b)->name;
    return tj__bytes_compare(tj__bytes_of(left.data, left.size),
                             tj__bytes_of(right.data, right.size));
}

static inline const tj__json_node **children(const tj__json_node *node)
{
    const tj__json_node **list = calloc(node->count + 1, sizeof *list);
    assert_non_null(list);
    size_t count = 0;
    for (const tj__json_node *each = node->first; each; each = each->next) {
        list[count++] = each;
    }
    assert_int_equal(count, node->count);
    if (node->type == TJ__JSON_OBJECT) {
        qsort(list, count, sizeof *list, by_name);
    }
    return list;
}

static inline bool nodes_equal(const tj__json_node *a, const tj__json_node *b)
{
    bool equal = a->type == b->type && a->truth == b->truth && a->count == b->count &&
                 tj_str_equal(a->text, b->text) && tj_str_equal(a->name, b->name);
    if (!equal) {
        print_error("%.*s: %.*s differs from %.*s\n", (int)a->name.size, a->name.data,
                    (int)a->raw.size, a->raw.data, (int)b->raw.size, b->raw.data);
        return false;
    }
    const tj__json_node **left = children(a);
    const tj__json_node **right = children(b);
    for (size_t i = 0; i < a->count && equal; i++) {
        equal = nodes_equal(left[i], right[i]);
    }
    free(left);
    free(right);
    return equal;
}

/* Objects are compared with sorted keys, numbers and strings by their text. */
static inline void assert_same_json(tj_str a, tj_str b)
{
    tj_error error = TJ_ERROR_INIT;
    tj__json_doc *left = NULL;
    tj__json_doc *right = NULL;
    if (tj__json_parse(a, NULL, ALL_LEVELS, &left, &error) != TJ_OK ||
        tj__json_parse(b, NULL, ALL_LEVELS, &right, &error) != TJ_OK) {
        fail_msg("%s", error.message);
    }
    assert_true(nodes_equal(left->root, right->root));
    tj__json_doc_free(left);
    tj__json_doc_free(right);
}

#endif
