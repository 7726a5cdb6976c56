/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Walks a kept text; of what it finds, it counts all and describes the first. */
#include "migrate/findings.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"
#include "base/error.h"
#include "base/text.h"
#include "json/dom.h"

/* Bytes of a number that are shown. */
#define SHOWN_SIZE_MAX 48

/* ---- where a value stands ------------------------------------------------------------------ */

static size_t index_of(const tj__json_node *element)
{
    size_t index = 0;
    for (const tj__json_node *each = element->parent->first; each != element; each = each->next) {
        index++;
    }
    return index;
}

/* "orders[2].size"; nothing for the whole. Recursion ends at TJ_JSON_DEPTH_MAX. */
static void put_place(tj__buffer *out, const tj__json_node *node)
{
    if (!node->parent) {
        return;
    }
    put_place(out, node->parent);
    if (node->name.data) {
        char quoted[TJ__QUOTE_SIZE];
        const char *name = tj__text_quote(node->name, quoted);
        tj__put_cstr(out, out->size > 0 ? "." : "");
        /* Without the quotes where the name is a plain one. */
        if (strlen(name) == node->name.size + 2) {
            tj__put_str(out, node->name);
        } else {
            tj__put_cstr(out, name);
        }
    } else {
        tj__put_format(out, "[%zu]", index_of(node));
    }
}

static void take(tj__finding *found, const tj__json_node *node, const char *what)
{
    if (found->count++ > 0) {
        return;
    }
    tj__buffer place = {0};
    put_place(&place, node);
    (void)snprintf(found->first, sizeof found->first, "%.*s%s%s",
                   (int)(place.size < 96 ? place.size : 96),
                   place.size > 0 ? (const char *)place.data : "", place.size > 0 ? " " : "", what);
    tj__buffer_dispose(&place);
}

/* ---- what is wrong ------------------------------------------------------------------------- */

static void see_number(tj__finding *found, const tj__json_node *number)
{
    static const tj__finding_kind kinds[] = {
        [TJ__NUMBER_BESIDE] = TJ__FINDING_BESIDE,
        [TJ__NUMBER_ROUNDED] = TJ__FINDING_ROUNDED,
        [TJ__NUMBER_WIDE] = TJ__FINDING_WIDE,
        [TJ__NUMBER_REFUSED] = TJ__FINDING_REFUSED,
        [TJ__NUMBER_MINUS_ZERO] = TJ__FINDING_MINUS_ZERO,
    };
    tj__number_fate fate = tj__number_fate_of(number->text);
    if (fate == TJ__NUMBER_KEPT) {
        return;
    }
    char what[SHOWN_SIZE_MAX + 16];
    bool whole = number->text.size <= SHOWN_SIZE_MAX;
    (void)snprintf(what, sizeof what, "is %.*s%s",
                   (int)(whole ? number->text.size : SHOWN_SIZE_MAX), number->text.data,
                   whole ? "" : "...");
    take(&found[kinds[fate]], number, what);
}

static int by_name(const void *a, const void *b)
{
    const tj__json_node *left = *(const tj__json_node *const *)a;
    const tj__json_node *right = *(const tj__json_node *const *)b;
    return tj__str_compare(left->name, right->name);
}

static bool see_names(tj__finding *found, const tj__json_node *object)
{
    const tj__json_node **members = malloc(object->count * sizeof *members);
    size_t count = 0;
    for (const tj__json_node *each = object->first; each && members; each = each->next) {
        members[count++] = each;
    }
    if (count > 1) {
        qsort(members, count, sizeof *members, by_name);
    }
    for (size_t i = 1; i < count; i++) {
        if (tj_str_equal(members[i - 1]->name, members[i]->name)) {
            take(&found[TJ__FINDING_REPEATED], members[i], "stands twice");
        }
    }
    free(members);
    return members != NULL;
}

/* Recursion ends at TJ_JSON_DEPTH_MAX. False when memory is short. */
static bool see(tj__finding *found, const tj__json_node *node)
{
    if (node->type == TJ__JSON_NUMBER) {
        see_number(found, node);
    }
    bool seen = node->type != TJ__JSON_OBJECT || node->count < 2 || see_names(found, node);
    for (const tj__json_node *each = node->first; each && seen; each = each->next) {
        seen = see(found, each);
    }
    return seen;
}

tj_status tj__findings_of(tj_str json, tj__finding found[TJ__FINDING_KINDS], tj_error *error)
{
    tj__json_doc *doc = NULL;
    memset(found, 0, TJ__FINDING_KINDS * sizeof *found);
    TJ_TRY(tj__json_parse(json, NULL, TJ__JSON_SHAPE_LEVELS(TJ_JSON_DEPTH_MAX), &doc, error));
    bool seen = see(found, doc->root);
    tj__json_doc_free(doc);
    return seen ? TJ_OK : tj__fail(error, TJ_NOMEM, "no memory to look at a JSON text");
}
