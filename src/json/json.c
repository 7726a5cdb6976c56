/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* The public calls of tesser/json.h. */
#include "base/error.h"
#include "json/decode.h"
#include "json/encode.h"

static tj_status missing(tj_error *error)
{
    return tj__fail(error, TJ_MISUSE, "an argument that must not be NULL is NULL");
}

/* How a document becomes the object of an arena; the document is released. */
typedef tj_status builder(const tj__json_input *in, void *object);

static tj_status decode_object(tj__json_doc *doc, size_t size, builder *build, void **out,
                               tj_error *error)
{
    void *object = NULL;
    tj__json_input in = {doc, tj__arena_new(size, &object), error};
    tj_status status = in.arena ? build(&in, object) : tj__json_fail_nomem(&in);
    tj__json_doc_free(doc);
    if (status != TJ_OK) {
        tj__arena_free_object(object);
        return status;
    }
    *out = object;
    return TJ_OK;
}

static tj_status read_object(tj_str text, tj__json_shape shape, size_t size, builder *build,
                             void **out, tj_error *error)
{
    tj__json_doc *doc = NULL;
    TJ_TRY(tj__json_parse(tj__json_without_mark(text), NULL, shape, &doc, error));
    return decode_object(doc, size, build, out, error);
}

/* Every member may be missing, and unknown ones are kept. So what is something else, such as
 * algorithms or a ledger's line, would be read as a state of which nothing is left. */
tj_status tj__json_decode_live_state(const tj__json_input *in, const tj__json_node *node,
                                     tj_live_state *out)
{
    TJ_TRY(tj__json_decode(in, node, &tj__json_live_state, (tj_str){NULL, 0}, out));
    bool known = !node->first || tj__json_any_member(node, &tj__json_live_state);
    return known ? TJ_OK
                 : tj__json_fail_node(in, node, TJ_INVALID,
                                      "this is no live state: no member of it is one of those, "
                                      "such as open_orders");
}

static tj_status build_live_state(const tj__json_input *in, void *object)
{
    return tj__json_decode_live_state(in, in->doc->root, object);
}

tj_status tj_live_state_from_json(tj_str text, tj_live_state **out, tj_error *error)
{
    return tj__json_read_live_state(text, NULL, NULL, out, error);
}

tj_status tj__json_read_live_state(tj_str text, tj__json_rename *rename, void *context,
                                   tj_live_state **out, tj_error *error)
{
    void *object = NULL;
    if (!out) {
        return missing(error);
    }
    *out = NULL;
    tj__json_doc *doc = NULL;
    TJ_TRY(tj__json_parse(tj__json_without_mark(text), NULL,
                          TJ__JSON_SHAPE_STRUCT(&tj__json_live_state), &doc, error));
    doc->rename = rename;
    doc->rename_context = context;
    TJ_TRY(decode_object(doc, sizeof **out, build_live_state, &object, error));
    *out = object;
    return TJ_OK;
}

static tj_status build_algo_record(const tj__json_input *in, void *object)
{
    tj_algo_record *record = object;
    return tj__json_decode_algo(in, in->doc->root, &record->state);
}

tj_status tj_algo_record_from_json(tj_str text, tj_algo_record **out, tj_error *error)
{
    void *object = NULL;
    if (!out) {
        return missing(error);
    }
    *out = NULL;
    TJ_TRY(read_object(text, TJ__JSON_SHAPE_STRUCT(&tj__json_any_members), sizeof **out,
                       build_algo_record, &object, error));
    *out = object;
    return TJ_OK;
}

static tj_status build_algo_list(const tj__json_input *in, void *object)
{
    tj_algo_list *list = object;
    tj__json_entries entries;
    TJ_TRY(tj__json_map_open(in, in->doc->root, TJ__JSON_UUID, 0, &entries));
    list->records = tj__arena_array(in->arena, entries.count, sizeof *list->records);
    if (!list->records) {
        return tj__json_fail_nomem(in);
    }
    for (size_t i = 0; i < entries.count; i++) {
        tj_algo_record *record = &list->records[list->count++];
        TJ_TRY(tj_uuid_parse(entries.items[i].key, &record->id, in->error));
        TJ_TRY(tj__json_decode_algo(in, entries.items[i].value, &record->state));
    }
    return TJ_OK;
}

tj_status tj_algo_list_from_json(tj_str text, tj_algo_list **out, tj_error *error)
{
    void *object = NULL;
    if (!out) {
        return missing(error);
    }
    *out = NULL;
    TJ_TRY(read_object(text, (tj__json_shape){TJ__JSON_MAP, &tj__json_any_members, 0}, sizeof **out,
                       build_algo_list, &object, error));
    *out = object;
    return TJ_OK;
}

static tj_status build_ledger_entry(const tj__json_input *in, void *object)
{
    tj_ledger_list *list = object;
    list->entries = tj__arena_array(in->arena, 1, sizeof *list->entries);
    if (!list->entries) {
        return tj__json_fail_nomem(in);
    }
    list->count = 1;
    TJ_TRY(tj__json_decode(in, in->doc->root, &tj__json_ledger_entry, (tj_str){NULL, 0},
                           list->entries));
    TJ_TRY(tj__json_require(in, in->doc->root, "id"));
    return tj__json_require(in, in->doc->root, "sequence");
}

tj_status tj_ledger_entry_from_json(tj_str text, tj_ledger_list **out, tj_error *error)
{
    void *object = NULL;
    if (!out) {
        return missing(error);
    }
    *out = NULL;
    TJ_TRY(read_object(text, TJ__JSON_SHAPE_STRUCT(&tj__json_ledger_entry), sizeof **out,
                       build_ledger_entry, &object, error));
    *out = object;
    return TJ_OK;
}

/* How a value becomes text. */
typedef tj_status encoder(tj__json_output *out, const tj__json_step *root, const void *value);

static tj_status write_text(encoder *encode, const void *value, tj_text *out, tj_error *error)
{
    static const tj__json_step root = {NULL, {NULL, 0}, 0};
    void *object = NULL;
    if (!value || !out) {
        return missing(error);
    }
    *out = (tj_text){NULL, 0};
    tj__json_output output = {.scratch = tj__arena_new(0, &object), .error = error};
    tj_status status = output.scratch ? encode(&output, &root, value) : TJ_OK;
    tj__put_u8(&output.text, '\0');
    if (!output.scratch || (status == TJ_OK && output.text.failed)) {
        status = tj__fail(error, TJ_NOMEM, "no memory left while writing JSON");
    }
    if (status == TJ_OK) {
        *out = (tj_text){(char *)output.text.data, output.text.size - 1};
        output.text = (tj__buffer){0};
    }
    tj__buffer_dispose(&output.text);
    tj__arena_free_object(object);
    return status;
}

static tj_status encode_live_state(tj__json_output *out, const tj__json_step *root,
                                   const void *value)
{
    return tj__json_encode(out, root, &tj__json_live_state, value);
}

tj_status tj_live_state_to_json(const tj_live_state *state, tj_text *out, tj_error *error)
{
    return write_text(encode_live_state, state, out, error);
}

static tj_status encode_algo_state(tj__json_output *out, const tj__json_step *root,
                                   const void *value)
{
    return tj__json_encode(out, root, &tj__json_algo_tesser, value);
}

tj_status tj_algo_state_to_json(const tj_algo_state *state, tj_text *out, tj_error *error)
{
    return write_text(encode_algo_state, state, out, error);
}

static tj_status encode_algo_list(tj__json_output *out, const tj__json_step *root,
                                  const void *value)
{
    static const tj__json_field id = {
        .name = {"id", 2}, .kind = TJ__JSON_UUID, .offset = offsetof(tj_algo_record, id)};
    const tj_algo_list *list = value;
    tj__json_item *items;
    TJ_TRY(tj__json_sort_items(out, root, &id, list->records, list->count, sizeof *list->records,
                               &items));
    tj__put_u8(&out->text, '{');
    for (size_t i = 0; i < list->count; i++) {
        const tj_algo_record *record = &list->records[items[i].index];
        const tj__json_step inside = {root, items[i].key, 0};
        tj__put_format(&out->text, "%s\"%s\":", i ? "," : "", items[i].key.data);
        TJ_TRY(tj__json_encode(out, &inside, &tj__json_algo_tesser, &record->state));
    }
    tj__put_u8(&out->text, '}');
    return TJ_OK;
}

tj_status tj_algo_list_to_json(const tj_algo_list *list, tj_text *out, tj_error *error)
{
    return write_text(encode_algo_list, list, out, error);
}

static tj_status encode_ledger_entry(tj__json_output *out, const tj__json_step *root,
                                     const void *value)
{
    return tj__json_encode(out, root, &tj__json_ledger_entry, value);
}

tj_status tj_ledger_entry_to_json(const tj_ledger_entry *entry, tj_text *out, tj_error *error)
{
    return write_text(encode_ledger_entry, entry, out, error);
}
