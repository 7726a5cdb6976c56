/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Walks a document along the tables: one reader for each shape of value, and what is unknown. */
#include "json/decode.h"

#include "base/error.h"
#include "base/text.h"
#include "json/read.h"

/* ---- members -------------------------------------------------------------------------------- */

/* The members of an object, told apart. */
typedef struct members {
    const tj__json_node *known[TJ__JSON_FIELDS_MAX]; /* by number of the field */
    tj__json_entries unknown;
} members;

/* The field of a name, or the count. The search starts where the last one ended, since most texts
 * have their members in Tesser's order. */
static size_t field_of(const tj__json_schema *schema, tj_str name, size_t start)
{
    for (size_t i = 0; i < schema->count; i++) {
        size_t index = start + i < schema->count ? start + i : start + i - schema->count;
        if (tj_str_equal(name, schema->fields[index].name)) {
            return index;
        }
    }
    return schema->count;
}

static tj_status sort_out(const tj__json_input *in, const tj__json_node *object,
                          const tj__json_schema *schema, members *out)
{
    *out = (members){{NULL}, {NULL, 0}};
    size_t next = 0;
    for (const tj__json_node *each = object->first; each; each = each->next) {
        size_t index = field_of(schema, each->name, next);
        tj__json_entry entry = {each->name, each, each->name_at};
        if (index == schema->count) {
            if (!out->unknown.items) {
                TJ_TRY(tj__json_entries_new(in, object, &out->unknown));
            }
            out->unknown.items[out->unknown.count++] = entry;
            continue;
        }
        const tj__json_node *before = out->known[index];
        if (before) {
            tj__json_entry first = {before->name, before, before->name_at};
            return tj__json_fail_repeat(in, object, "key", &first, &entry, "");
        }
        out->known[index] = each;
        next = index + 1 < schema->count ? index + 1 : 0;
    }
    return tj__json_sort_unique(in, object, "key", "", &out->unknown);
}

static tj_status check_unknown(const tj__json_input *in, const tj__json_schema *schema,
                               const tj__json_entry *entry)
{
    const tj__json_node *node = entry->value;
    char shown[TJ__QUOTE_SIZE];
    if (!schema->has_extra) {
        char choices[TJ__JSON_CHOICES_SIZE];
        return tj__json_fail_inside(in, node->parent, entry->at, TJ_INVALID,
                                    "member %s is not one of %s", tj__text_quote(node->name, shown),
                                    tj__json_members_of(schema, choices));
    }
    if (schema->extra_name_limit && node->name.size > schema->extra_name_limit) {
        return tj__json_fail_inside(
            in, node->parent, entry->at, TJ_LIMIT,
            "the name %s of an unknown member has %zu bytes; at most %zu are allowed",
            tj__text_quote(node->name, shown), node->name.size, schema->extra_name_limit);
    }
    return TJ_OK;
}

static void put_unknown(const tj__json_input *in, const tj__json_entries *unknown, tj__buffer *text)
{
    for (size_t i = 0; i < unknown->count; i++) {
        const tj__json_node *node = unknown->items[i].value;
        tj__put_u8(text, i == 0 ? '{' : ',');
        tj__put_str(text, tj__json_raw_name(in->doc, node));
        tj__put_u8(text, ':');
        tj__put_str(text, node->raw);
    }
    tj__put_u8(text, '}');
}

/* Builds the object text of unknown members, in their order, each as it stands in the text. */
static tj_status keep_unknown(const tj__json_input *in, const tj__json_node *object,
                              tj__json_entries *unknown, tj_str *out)
{
    tj__buffer text = {0};
    tj__json_entries_in_text_order(unknown);
    put_unknown(in, unknown, &text);
    tj_status status = TJ_OK;
    if (text.size > TJ_JSON_SIZE_MAX) {
        status = tj__json_fail_node(in, object, TJ_LIMIT,
                                    "unknown members have %zu bytes; at most %zu are allowed",
                                    text.size, TJ_JSON_SIZE_MAX);
        goto done;
    }
    if (!text.failed) {
        *out = tj__arena_str(in->arena, (tj_str){(const char *)text.data, text.size});
    }
    if (!out->data) {
        status = tj__json_fail_nomem(in);
    }
done:
    tj__buffer_dispose(&text);
    return status;
}

/* ---- values that hold structs --------------------------------------------------------------- */

static tj_status read_struct(const tj__json_input *in, const tj__json_node *node,
                             const tj__json_field *field, char *base)
{
    tj__json_set_present(field, base);
    return tj__json_decode(in, node, field->schema, (tj_str){NULL, 0},
                           tj__json_member_at(base, field));
}

/* Members that every object of the schema has, without the first, which a key may stand for. */
static size_t needed_members(const tj__json_schema *schema)
{
    size_t needed = 0;
    for (size_t i = 1; i < schema->count; i++) {
        needed += !(schema->fields[i].flags & (TJ__JSON_OPTIONAL | TJ__JSON_DEFAULT));
    }
    return needed;
}

/* Looks for an element that cannot be decoded before there is room for all: a struct takes many
 * times the memory of {}. key: what the element stands under; absent in a list. */
static tj_status judge(const tj__json_input *in, const tj__json_node *node,
                       const tj__json_schema *schema, tj_str key)
{
    if (node->type == TJ__JSON_OBJECT && node->count >= needed_members(schema)) {
        return TJ_OK;
    }
    void *element = tj__arena_alloc(in->arena, schema->size);
    return element ? tj__json_decode(in, node, schema, key, element) : tj__json_fail_nomem(in);
}

static tj_status read_list(const tj__json_input *in, const tj__json_node *node,
                           const tj__json_field *field, char *base)
{
    const tj__json_schema *schema = field->schema;
    TJ_TRY(tj__json_want(in, node, TJ__JSON_ARRAY));
    for (const tj__json_node *each = node->first; each; each = each->next) {
        TJ_TRY(judge(in, each, schema, (tj_str){NULL, 0}));
    }
    char *element;
    TJ_TRY(tj__json_new_array(in, field, node->count, schema->size, base, &element));
    tj__json_entries ids;
    TJ_TRY(tj__json_entries_new(in, node, &ids));
    for (const tj__json_node *each = node->first; each; each = each->next) {
        TJ_TRY(tj__json_decode(in, each, schema, (tj_str){NULL, 0}, element));
        const tj_str *id = tj__json_member_at(element, &schema->fields[0]);
        ids.items[ids.count++] = (tj__json_entry){*id, each, each->raw.data};
        element += schema->size;
    }
    return tj__json_sort_unique(in, node, schema->fields[0].name.data, "", &ids);
}

static tj_status read_map(const tj__json_input *in, const tj__json_node *node,
                          const tj__json_field *field, char *base)
{
    const tj__json_schema *schema = field->schema;
    tj__json_entries entries;
    TJ_TRY(tj__json_map_open(in, node, schema->fields[0].kind, schema->fields[0].limit, &entries));
    for (size_t i = 0; i < entries.count; i++) {
        TJ_TRY(judge(in, entries.items[i].value, schema, entries.items[i].key));
    }
    char *element;
    TJ_TRY(tj__json_new_array(in, field, entries.count, schema->size, base, &element));
    for (size_t i = 0; i < entries.count; i++) {
        const tj__json_entry *entry = &entries.items[i];
        TJ_TRY(tj__json_decode(in, entry->value, schema, entry->key, element));
        element += schema->size;
    }
    return TJ_OK;
}

static tj__json_reader *const readers[TJ__JSON_KIND_COUNT] = {
    [TJ__JSON_STRUCT] = read_struct,
    [TJ__JSON_LIST] = read_list,
    [TJ__JSON_MAP] = read_map,
};

static tj_status read_value(const tj__json_input *in, const tj__json_node *node,
                            const tj__json_field *field, char *base)
{
    tj__json_reader *read = readers[field->kind];
    return read ? read(in, node, field, base) : tj__json_read_plain(in, node, field, base);
}

/* ---- objects ------------------------------------------------------------------------------- */

static tj_status fail_missing(const tj__json_input *in, const tj__json_node *object,
                              const char *name)
{
    return tj__json_fail_node(in, object, TJ_INVALID, "member \"%s\" is missing", name);
}

tj_status tj__json_require(const tj__json_input *in, const tj__json_node *object, const char *name)
{
    return tj__json_find(object, tj_str_of(name)) ? TJ_OK : fail_missing(in, object, name);
}

static tj_status read_field(const tj__json_input *in, const tj__json_node *object,
                            const tj__json_field *field, const tj__json_node *node, char *base)
{
    bool optional = field->flags & TJ__JSON_OPTIONAL;
    if (node && !(optional && node->type == TJ__JSON_NULL)) {
        return read_value(in, node, field, base);
    }
    if (node || optional || (field->flags & TJ__JSON_DEFAULT)) {
        return TJ_OK;
    }
    return fail_missing(in, object, field->name.data);
}

tj_status tj__json_decode(const tj__json_input *in, const tj__json_node *node,
                          const tj__json_schema *schema, tj_str key, void *out)
{
    char *base = out;
    members found;
    TJ_TRY(tj__json_want(in, node, TJ__JSON_OBJECT));
    TJ_TRY(sort_out(in, node, schema, &found));
    for (size_t i = 0; i < found.unknown.count; i++) {
        TJ_TRY(check_unknown(in, schema, &found.unknown.items[i]));
    }
    memset(out, 0, schema->size);
    size_t first = 0;
    if (key.data) {
        TJ_TRY(tj__json_read_key(in, found.known[0], &schema->fields[0], key, base));
        first = 1;
    }
    for (size_t i = first; i < schema->count; i++) {
        TJ_TRY(read_field(in, node, &schema->fields[i], found.known[i], base));
    }
    if (found.unknown.count == 0) {
        return TJ_OK;
    }
    return keep_unknown(in, node, &found.unknown, (tj_str *)(void *)(base + schema->extra));
}

const tj__json_node *tj__json_any_member(const tj__json_node *object, const tj__json_schema *schema)
{
    const tj__json_node *found = NULL;
    for (size_t i = 0; i < schema->count && !found; i++) {
        found = tj__json_find(object, schema->fields[i].name);
    }
    return found;
}

tj_status tj__json_decode_algo(const tj__json_input *in, const tj__json_node *node,
                               tj_algo_state *out)
{
    const tj__json_node *plain = tj__json_any_member(node, &tj__json_algo_plain);
    if (plain && tj__json_any_member(node, &tj__json_algo_tesser)) {
        return tj__json_fail_node(in, node, TJ_INVALID,
                                  "two spellings are mixed; an algorithm record has either "
                                  "plugin and payload, or algo_type and state");
    }
    return tj__json_decode(in, node, plain ? &tj__json_algo_plain : &tj__json_algo_tesser,
                           (tj_str){NULL, 0}, out);
}
