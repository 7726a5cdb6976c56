/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Rows of the quarantine through the same readers that an import has. */
#include "migrate/again.h"

#include "base/error.h"
#include "base/text.h"
#include "migrate/gather.h"
#include "rows/key.h"
#include "json/check.h"
#include "json/dom.h"

#define SOURCE 0

static tj_str text_of(tj__bytes bytes)
{
    return (tj_str){bytes.size > 0 ? (const char *)bytes.data : "", bytes.size};
}

/* ---- states ---------------------------------------------------------------------------------- */

bool tj__is_strategy(const tj__quarantined *row)
{
    return row->table == TJ__TABLE_STATE && row->key.size > 0 &&
           row->key.data[0] == TJ__KIND_STRATEGY;
}

/* A state in bincode begins with an option, which JSON does not. */
static bool is_bincode(tj__bytes raw)
{
    return raw.size > 0 && raw.data[0] <= 1;
}

static tj_status feed_state(tj__gathering *all, const tj__quarantined *row, tj_error *error)
{
    if (tj__is_strategy(row)) {
        return tj__lmdb_decode_strategy(all, SOURCE, row->raw, error);
    }
    if (!is_bincode(row->raw)) {
        return tj__gather_state(all, SOURCE, text_of(row->raw), true, error);
    }
    tj__found_raw raw = {.source = SOURCE, .bytes = row->raw};
    all->raw_states.size = 0;
    TJ_TRY(tj__gathering_add(&all->raw_states, &raw, sizeof raw, error));
    return tj__lmdb_decode(all, error);
}

/* ---- algorithms ------------------------------------------------------------------------------ */

/* A key that was no UUID is kept as it stood there, and may have as many bytes as one. */
static bool is_uuid(tj__bytes key)
{
    tj_str text = {(const char *)key.data, sizeof(tj_uuid)};
    bool alone = key.size == sizeof(tj_uuid);
    bool numbered = key.size > sizeof(tj_uuid) + 1 && key.data[sizeof(tj_uuid)] == '#';
    if (!alone && !numbered) {
        return false;
    }
    bool printable = tj__text_is_utf8(text);
    for (size_t i = 0; i < text.size && printable; i++) {
        printable = (unsigned char)text.data[i] >= ' ';
    }
    return !printable;
}

static tj_status feed_algo(tj__gathering *all, const tj__quarantined *row, tj_error *error)
{
    tj_uuid id;
    char text[TJ_UUID_TEXT_SIZE];
    tj_str key = text_of(row->key);
    if (is_uuid(row->key)) {
        memcpy(id.bytes, row->key.data, sizeof id.bytes);
        tj_uuid_format(id, text);
        key = tj_str_of(text);
    }
    return tj__gather_algo_row(all, SOURCE, key, text_of(row->raw), error);
}

/* ---- ledger entries -------------------------------------------------------------------------- */

/* The entry as JSON, its meta, which was kept as a text, as what it says. */
static tj_status put_entry(const tj__json_doc *doc, tj__buffer *json, tj_error *error)
{
    const tj__json_node *meta = tj__json_find(doc->root, TJ_STR("meta"));
    bool told = meta && meta->type == TJ__JSON_STRING;
    if (told) {
        TJ_TRY(tj__json_check(meta->text, "meta", error));
    }
    for (const tj__json_node *each = doc->root->first; each; each = each->next) {
        tj__put_u8(json, json->size == 0 ? '{' : ',');
        tj__put_str(json, tj__json_raw_name(doc, each));
        tj__put_u8(json, ':');
        tj__put_str(json, told && each == meta ? meta->text : each->raw);
    }
    tj__put_u8(json, '}');
    return json->failed ? tj__fail(error, TJ_NOMEM, "no memory for a ledger entry") : TJ_OK;
}

static tj_status decode_entry(tj_str raw, tj_ledger_list **list, tj_error *error)
{
    tj__json_doc *doc = NULL;
    tj__buffer json = {0};
    TJ_TRY(tj__json_parse(raw, NULL, TJ__JSON_SHAPE_LEVELS(1), &doc, error));
    tj_status status = doc->root->type == TJ__JSON_OBJECT
                           ? put_entry(doc, &json, error)
                           : tj__fail(error, TJ_INVALID, "it is no JSON object");
    if (status == TJ_OK) {
        status =
            tj_ledger_entry_from_json((tj_str){(const char *)json.data, json.size}, list, error);
    }
    tj__json_doc_free(doc);
    tj__buffer_dispose(&json);
    return status;
}

static tj_status feed_entry(tj__gathering *all, const tj__quarantined *row, tj_error *error)
{
    tj_ledger_list *list = NULL;
    TJ_TRY(decode_entry(text_of(row->raw), &list, error));
    tj_status status = list->entries[0].sequence == 0
                           ? tj__fail(error, TJ_INVALID, "its sequence is 0")
                           : tj__gather_entry(all, SOURCE, &list->entries[0], error);
    tj_ledger_list_free(list);
    return status;
}

/* ---- any of them ----------------------------------------------------------------------------- */

static tj_status feed(tj__gathering *all, const tj__quarantined *row, tj_error *error)
{
    switch (row->table) {
    case TJ__TABLE_STATE:
        return feed_state(all, row, error);
    case TJ__TABLE_ALGOS:
        return feed_algo(all, row, error);
    case TJ__TABLE_LEDGER:
        return feed_entry(all, row, error);
    default:
        return tj__fail(error, TJ_INVALID, "no import fills table %u", (unsigned)row->table);
    }
}

static void take(const tj__gathering *all, const tj__quarantined *row, tj__again *out)
{
    if (row->table == TJ__TABLE_STATE) {
        out->state =
            TJ__ITEMS(tj__found_state, all->states)[TJ__COUNT(tj__found_state, all->states) - 1]
                .state;
    } else if (row->table == TJ__TABLE_ALGOS) {
        out->algo =
            TJ__ITEMS(tj__found_algo, all->algos)[TJ__COUNT(tj__found_algo, all->algos) - 1].record;
    } else {
        out->entry = TJ__COUNT(tj__found_entry, all->entries) - 1;
    }
}

tj_status tj__decode_again(tj__gathering *all, const tj__quarantined *row, tj__again *out,
                           tj_error *error)
{
    size_t kept = TJ__COUNT(tj__kept_raw, all->quarantined);
    tj_error cause = TJ_ERROR_INIT;
    *out = (tj__again){0};
    if (row->damaged) {
        out->reason = row->reason;
        return TJ_OK;
    }
    tj_status status = feed(all, row, &cause);
    if (tj__gathering_is_undecodable(status)) {
        return tj__gathering_keep(all, tj_str_of(cause.message), &out->reason, error);
    }
    TJ_TRY(tj__error_pass(error, &cause));
    if (TJ__COUNT(tj__kept_raw, all->quarantined) > kept) {
        /* Also when only its strategy's state is undecodable: half of it is not moved. */
        out->reason = TJ__ITEMS(tj__kept_raw, all->quarantined)[kept].row.reason;
    } else {
        take(all, row, out);
    }
    return TJ_OK;
}
