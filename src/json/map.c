/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Objects as maps: keys in canonical form, sorted, each only once. */
#include <stdlib.h>

#include "base/error.h"
#include "json/decode.h"

/* By key, then by place, so that the first of two equal keys is the first in the text. */
static int by_key(const void *a, const void *b)
{
    const tj__json_entry *left = a;
    const tj__json_entry *right = b;
    int order = tj__str_compare(left->key, right->key);
    return order ? order : (left->at > right->at) - (left->at < right->at);
}

static int by_place(const void *a, const void *b)
{
    const tj__json_entry *left = a;
    const tj__json_entry *right = b;
    return (left->at > right->at) - (left->at < right->at);
}

tj_status tj__json_sort_unique(const tj__json_input *in, const tj__json_node *container,
                               const char *noun, const char *hint, tj__json_entries *entries)
{
    if (entries->count > 1) {
        qsort(entries->items, entries->count, sizeof *entries->items, by_key);
    }
    for (size_t i = 1; i < entries->count; i++) {
        const tj__json_entry *pair = entries->items + i - 1;
        if (tj_str_equal(pair[0].key, pair[1].key)) {
            return tj__json_fail_repeat(in, container, noun, &pair[0], &pair[1], hint);
        }
    }
    return TJ_OK;
}

void tj__json_entries_in_text_order(tj__json_entries *entries)
{
    if (entries->count > 1) {
        qsort(entries->items, entries->count, sizeof *entries->items, by_place);
    }
}

tj_status tj__json_entries_new(const tj__json_input *in, const tj__json_node *container,
                               tj__json_entries *out)
{
    out->count = 0;
    out->items =
        tj__arena_array(tj__arena_of_object(in->doc), container->count, sizeof *out->items);
    return out->items ? TJ_OK : tj__json_fail_nomem(in);
}

tj_status tj__json_refuse_repeats(const tj__json_input *in, const tj__json_node *object)
{
    tj__json_entries entries;
    TJ_TRY(tj__json_entries_new(in, object, &entries));
    for (const tj__json_node *each = object->first; each; each = each->next) {
        entries.items[entries.count++] = (tj__json_entry){each->name, each, each->name_at};
    }
    return tj__json_sort_unique(in, object, "key", "", &entries);
}

tj_status tj__json_canonical_of(const tj__json_input *in, tj__json_kind kind, tj_str text,
                                char buffer[TJ__JSON_KEY_SIZE], tj_str *out)
{
    tj_identity id;
    if (kind == TJ__JSON_IDENTITY && in->doc->rename &&
        in->doc->rename(in->doc->rename_context, text, &id)) {
        *out = (tj_str){buffer, tj_identity_format(id, buffer)};
        return TJ_OK;
    }
    return tj__json_canonical(kind, text, buffer, out, in->error);
}

static tj_status canonical_key(const tj__json_input *in, const tj__json_node *member,
                               tj__json_kind kind, size_t limit, tj_str *key)
{
    char buffer[TJ__JSON_KEY_SIZE];
    tj_str text;
    tj_status status = tj__json_canonical_of(in, kind, member->name, buffer, &text);
    if (status == TJ_OK && kind == TJ__JSON_TEXT && text.size == 0) {
        status = tj__fail(in->error, TJ_INVALID, "an empty key is not allowed here");
    }
    if (status == TJ_OK && kind == TJ__JSON_TEXT && text.size > limit) {
        status = tj__fail(in->error, TJ_LIMIT, "the key has %zu bytes; at most %zu are allowed",
                          text.size, limit);
    }
    if (status != TJ_OK) {
        return tj__json_fail_inside(in, member->parent, member->name_at, status, "%s",
                                    in->error ? in->error->message : "");
    }
    *key = tj__arena_str(in->arena, text);
    return key->data ? TJ_OK : tj__json_fail_nomem(in);
}

tj_status tj__json_map_open(const tj__json_input *in, const tj__json_node *map,
                            tj__json_kind key_kind, size_t limit, tj__json_entries *out)
{
    TJ_TRY(tj__json_want(in, map, TJ__JSON_OBJECT));
    TJ_TRY(tj__json_entries_new(in, map, out));
    for (const tj__json_node *each = map->first; each; each = each->next) {
        tj__json_entry *entry = &out->items[out->count++];
        *entry = (tj__json_entry){.value = each, .at = each->name_at};
        TJ_TRY(canonical_key(in, each, key_kind, limit, &entry->key));
    }
    const char *hint = key_kind == TJ__JSON_IDENTITY
                           ? "; two venues under one code? write them as exchange:CODE"
                           : "";
    return tj__json_sort_unique(in, map, "key", hint, out);
}
