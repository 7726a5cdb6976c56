/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Compares two documents node by node, the members of objects by name. */
#include "migrate/same.h"

#include <stdlib.h>

#include "base/error.h"
#include "base/identity.h"
#include "json/dom.h"

/* Recursion ends at TJ_JSON_DEPTH_MAX, which parsing holds. */
static bool same_node(const tj__json_node *a, const tj__json_node *b);

static int by_name(const void *a, const void *b)
{
    const tj__json_node *left = *(const tj__json_node *const *)a;
    const tj__json_node *right = *(const tj__json_node *const *)b;
    return tj__str_compare(left->name, right->name);
}

/* The children of a container, an object's in the order of their names. NULL when memory is
 * short. */
static const tj__json_node **children(const tj__json_node *node)
{
    const tj__json_node **list = malloc((node->count + 1) * sizeof *list);
    size_t count = 0;
    for (const tj__json_node *each = node->first; each && list; each = each->next) {
        list[count++] = each;
    }
    if (list && node->type == TJ__JSON_OBJECT && count > 1) {
        qsort(list, count, sizeof *list, by_name);
    }
    return list;
}

static bool same_children(const tj__json_node *a, const tj__json_node *b)
{
    const tj__json_node **left = children(a);
    const tj__json_node **right = children(b);
    bool same = left && right;
    for (size_t i = 0; same && i < a->count; i++) {
        same = tj_str_equal(left[i]->name, right[i]->name) && same_node(left[i], right[i]);
    }
    free(left);
    free(right);
    return same;
}

static bool same_node(const tj__json_node *a, const tj__json_node *b)
{
    if (a->type != b->type || a->count != b->count) {
        return false;
    }
    switch (a->type) {
    case TJ__JSON_NULL:
        return true;
    case TJ__JSON_BOOLEAN:
        return a->truth == b->truth;
    case TJ__JSON_NUMBER:
    case TJ__JSON_STRING:
        return tj_str_equal(a->text, b->text);
    case TJ__JSON_ARRAY:
    case TJ__JSON_OBJECT:
        return same_children(a, b);
    }
    TJ_ASSERT(false);
    return false;
}

tj_status tj__json_text_same(tj_str a, tj_str b, bool *same, tj_error *error)
{
    tj__json_doc *left = NULL;
    tj__json_doc *right = NULL;
    if (!a.data || !b.data || tj_str_equal(a, b)) {
        *same = (!a.data && !b.data) || (a.data && b.data);
        return TJ_OK;
    }
    tj_status status =
        tj__json_parse(a, NULL, TJ__JSON_SHAPE_LEVELS(TJ_JSON_DEPTH_MAX), &left, error);
    if (status == TJ_OK) {
        status = tj__json_parse(b, NULL, TJ__JSON_SHAPE_LEVELS(TJ_JSON_DEPTH_MAX), &right, error);
    }
    if (status == TJ_OK) {
        *same = same_node(left->root, right->root);
    }
    tj__json_doc_free(left);
    tj__json_doc_free(right);
    return status;
}

bool tj__exchange_same(tj_str a, tj_str b)
{
    tj_identity left = {a, TJ_STR("X")};
    tj_identity right = {b, TJ_STR("X")};
    return tj_identity_compare(left, right) == 0;
}

tj_status tj__entry_same(const tj_ledger_entry *a, const tj_ledger_entry *b, bool *same,
                         tj_error *error)
{
    *same = tj_uuid_compare(a->id, b->id) == 0 && a->sequence == b->sequence &&
            a->time == b->time && tj__exchange_same(a->exchange, b->exchange) &&
            tj_identity_compare(a->asset, b->asset) == 0 &&
            tj_decimal_identical(a->amount, b->amount) && a->type == b->type &&
            tj_str_equal(a->reference, b->reference);
    return *same ? tj__json_text_same(a->meta, b->meta, same, error) : TJ_OK;
}
