/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "migrate/gather.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

#include "base/error.h"
#include "base/text.h"
#include "migrate/repeat.h"
#include "rows/key.h"
#include "json/check.h"
#include "json/decode.h"

/* Plugin of a row from before Tesser kept the plugin's name, as Tesser itself reads it. */
#define LEGACY_PLUGIN "TWAP"
/* Bytes of a "#" with any number and a NUL. */
#define KEY_NUMBER_SIZE 24

void tj__gathering_dispose(tj__gathering *all)
{
    for (size_t i = 0; i < TJ__COUNT(tj__found_state, all->states); i++) {
        tj_live_state_free(TJ__ITEMS(tj__found_state, all->states)[i].state);
    }
    tj__rowmap_free(all->taken);
    tj__buffer_dispose(&all->sources);
    tj__buffer_dispose(&all->raw_states);
    tj__buffer_dispose(&all->states);
    tj__buffer_dispose(&all->algos);
    tj__buffer_dispose(&all->entries);
    tj__buffer_dispose(&all->candidates);
    tj__buffer_dispose(&all->quarantined);
    tj__buffer_dispose(&all->remarks);
    tj__buffer_dispose(&all->lost);
    tj__buffer_dispose(&all->repeated);
}

static tj_status no_memory(tj_error *error)
{
    return tj__fail(error, TJ_NOMEM, "no memory for what the sources hold");
}

tj_status tj__keep(tj__gathering *all, tj_str text, tj_str *copy, tj_error *error)
{
    *copy = tj__arena_str(all->arena, text);
    return copy->data || !text.data ? TJ_OK : no_memory(error);
}

tj_status tj__gather(tj__buffer *array, const void *item, size_t size, tj_error *error)
{
    tj__put_bytes(array, item, size);
    return array->failed ? no_memory(error) : TJ_OK;
}

tj_status tj__note(tj__gathering *all, tj__buffer *notes, size_t source, tj_str what,
                   tj_error *error, const char *reason, ...)
{
    char text[TJ_ERROR_MESSAGE_SIZE];
    va_list arguments;
    va_start(arguments, reason);
    (void)vsnprintf(text, sizeof text, reason, arguments);
    va_end(arguments);
    tj_report_note note = {0};
    TJ_TRY(tj__keep(all, what, &note.what, error));
    TJ_TRY(tj__keep(all, tj_str_of(text), &note.reason, error));
    if (source != SIZE_MAX) {
        note.source = tj__source(all, source)->path;
    }
    return tj__gather(notes, &note, sizeof note, error);
}

void tj__progress(const tj__gathering *all, const char *what, uint64_t more_bytes)
{
    const tj_import_options *options = all->options;
    uint64_t done = all->bytes_done + more_bytes;
    if (options->progress && all->bytes_total > 0) {
        options->progress(options->progress_context, what,
                          done < all->bytes_total ? done : all->bytes_total, all->bytes_total);
    }
}

/* ---- quarantine ---------------------------------------------------------------------------- */

/* How many rows in quarantine have this key; one more is noted. */
static tj_status count_key(tj__gathering *all, const tj__key *key, uint64_t *count, tj_error *error)
{
    if (!all->taken) {
        all->taken = tj__rowmap_new();
    }
    const tj__rowmap_entry *entry =
        all->taken ? tj__rowmap_find(all->taken, tj__key_bytes(key)) : NULL;
    *count = entry ? entry->sequence : 0;
    bool noted = all->taken &&
                 tj__rowmap_put(all->taken, tj__key_bytes(key), (tj__bytes){NULL, 0}, *count + 1);
    return noted ? TJ_OK : no_memory(error);
}

/* The key behind its table, cut to what quarantine can hold, and with a number behind it if it is there
 * already. The numbers go on from the last one, so that many equal keys cost no search. */
static tj_status unique_key(tj__gathering *all, const tj__quarantined *row, tj__key *key,
                            char number[KEY_NUMBER_SIZE], tj_error *error)
{
    size_t most = TJ__QUARANTINE_KEY_SIZE_MAX - KEY_NUMBER_SIZE;
    size_t size = row->key.size < most ? row->key.size : most;
    uint64_t count = 0;
    key->bytes[0] = (uint8_t)row->table;
    if (size > 0) {
        memcpy(key->bytes + 1, row->key.data, size);
    }
    key->size = 1 + size;
    number[0] = '\0';
    tj__key plain = *key;
    TJ_TRY(count_key(all, &plain, &count, error));
    while (count > 0) {
        int more = snprintf(number, KEY_NUMBER_SIZE, "#%" PRIu64, count + 1);
        memcpy(key->bytes + plain.size, number, (size_t)more);
        key->size = plain.size + (size_t)more;
        uint64_t same = 0;
        TJ_TRY(count_key(all, key, &same, error));
        if (same == 0) {
            break;
        }
        TJ_TRY(count_key(all, &plain, &count, error));
    }
    return TJ_OK;
}

static tj_status join(tj__gathering *all, tj_str a, tj_str b, tj_str *out, tj_error *error)
{
    tj__buffer both = {0};
    tj__put_str(&both, a);
    tj__put_str(&both, b);
    tj_status status =
        both.failed ? no_memory(error)
                    : tj__keep(all, (tj_str){(const char *)both.data, both.size}, out, error);
    tj__buffer_dispose(&both);
    return status;
}

tj_status tj__gather_quarantined(tj__gathering *all, size_t source, const tj__quarantined *row,
                                 tj_str name, tj_error *error)
{
    tj__kept_raw kept = {.row = {.table = row->table}, .source = source};
    tj__key key;
    char number[KEY_NUMBER_SIZE];
    tj_str kept_key = {NULL, 0};
    tj_str raw = {row->raw.size > 0 ? (const char *)row->raw.data : "", row->raw.size};
    TJ_TRY(unique_key(all, row, &key, number, error));
    TJ_TRY(tj__keep(all, (tj_str){(const char *)key.bytes + 1, key.size - 1}, &kept_key, error));
    TJ_TRY(join(all, name, tj_str_of(number), &kept.shown.name, error));
    TJ_TRY(tj__keep(all, row->reason, &kept.shown.reason, error));
    TJ_TRY(tj__keep(all, raw, &kept.shown.raw, error));
    kept.shown.source = tj__source(all, source)->path;
    kept.row.key = tj__bytes_of(kept_key.data, kept_key.size);
    kept.row.reason = kept.shown.reason;
    kept.row.raw = tj__bytes_of(kept.shown.raw.data, raw.size);
    tj__source(all, source)->quarantined_count++;
    return tj__gather(&all->quarantined, &kept, sizeof kept, error);
}

/* ---- states -------------------------------------------------------------------------------- */

static tj_status at_source(const tj__gathering *all, size_t source, tj_status status,
                           const tj_error *cause, tj_error *error)
{
    tj_str path = tj__source(all, source)->path;
    (void)tj__fail(error, status, "%s: %s", path.data, cause->message);
    tj__error_place(error, "%s", path.data);
    return status;
}

tj_status tj__gather_candidate(tj__gathering *all, tj_str json, tj_str path, tj_error *error)
{
    tj__candidate candidate = {.path = path};
    if (json.size == 0 || tj_str_equal(json, TJ_STR("null"))) {
        return TJ_OK;
    }
    TJ_TRY(tj__keep(all, json, &candidate.json, error));
    return tj__gather(&all->candidates, &candidate, sizeof candidate, error);
}

static tj_status take_state(tj__gathering *all, size_t source, tj_live_state *state,
                            tj_error *error)
{
    tj__found_state found = {source, state};
    tj_status status = tj__gather(&all->states, &found, sizeof found, error);
    if (status != TJ_OK) {
        tj_live_state_free(state);
        return status;
    }
    tj__source(all, source)->has_state = true;
    return tj__gather_candidate(all, state->strategy_state, tj__source(all, source)->path, error);
}

tj_status tj__gather_state(tj__gathering *all, size_t source, tj_str json, bool in_store,
                           tj_error *error)
{
    tj__buffer resolved = {0};
    tj_live_state *state = NULL;
    tj_error cause = TJ_ERROR_INIT;
    tj_status status = tj__repeats_resolve(all, source, json, &resolved, error);
    if (status != TJ_OK) {
        goto done;
    }
    tj_str text = resolved.size > 0 ? (tj_str){(const char *)resolved.data, resolved.size} : json;
    status = tj__json_read_live_state(text, tj__name_ccxt, all, &state, &cause);
    if (status == TJ_OK) {
        status = take_state(all, source, state, error);
    } else if (in_store && tj__is_undecodable(status)) {
        tj__quarantined row = {.table = TJ__TABLE_STATE,
                               .reason = tj_str_of(cause.message),
                               .raw = tj__bytes_of(json.data, json.size)};
        status = tj__gather_quarantined(all, source, &row, TJ_STR("state"), error);
    } else {
        status = at_source(all, source, status, &cause, error);
    }
done:
    tj__buffer_dispose(&resolved);
    return status;
}

/* ---- algorithms ---------------------------------------------------------------------------- */

tj_status tj__gather_algo(tj__gathering *all, size_t source, const tj_algo_record *record,
                          tj_error *error)
{
    tj__found_algo found = {.source = source, .record.id = record->id};
    TJ_TRY(tj__keep(all, record->state.plugin, &found.record.state.plugin, error));
    TJ_TRY(tj__keep(all, record->state.payload, &found.record.state.payload, error));
    tj__source(all, source)->algo_count++;
    return tj__gather(&all->algos, &found, sizeof found, error);
}

/* Whether a text is an object that claims to be a record of either spelling. */
static bool is_record(const tj__json_node *root)
{
    return tj__json_find(root, TJ_STR("algo_type")) || tj__json_find(root, TJ_STR("plugin"));
}

static tj_status decode_algo(tj__gathering *all, size_t source, const tj_uuid *id, tj_str json,
                             tj_error *undecodable, tj_error *error)
{
    tj__json_doc *doc = NULL;
    tj_algo_record *record = NULL;
    tj_algo_record legacy = {.id = *id, .state = {TJ_STR(LEGACY_PLUGIN), json}};
    char name[TJ_UUID_TEXT_SIZE + 16];
    tj_status status = tj__json_parse(json, NULL, TJ__JSON_SHAPE_LEVELS(1), &doc, undecodable);
    if (status == TJ_OK && doc->root->type != TJ__JSON_OBJECT) {
        status = tj__fail(undecodable, TJ_INVALID, "it is no JSON object");
    } else if (status == TJ_OK && is_record(doc->root)) {
        status = tj_algo_record_from_json(json, &record, undecodable);
        if (status == TJ_OK) {
            record->id = *id;
            status = tj__gather_algo(all, source, record, error);
        }
    } else if (status == TJ_OK) {
        (void)snprintf(name, sizeof name, "algorithm ");
        tj_uuid_format(*id, name + strlen(name));
        status = tj__gather_algo(all, source, &legacy, error);
        if (status == TJ_OK) {
            status = tj__note(all, &all->remarks, source, tj_str_of(name), error,
                              "a legacy row without algo_type: taken as plugin %s, as Tesser "
                              "reads it",
                              LEGACY_PLUGIN);
        }
    }
    tj_algo_record_free(record);
    tj__json_doc_free(doc);
    return status;
}

tj_status tj__gather_algo_row(tj__gathering *all, size_t source, tj_str key, tj_str json,
                              tj_error *error)
{
    tj_uuid id;
    tj_error undecodable = TJ_ERROR_INIT;
    char name[TJ__QUOTE_SIZE + 16];
    tj__quarantined row = {.table = TJ__TABLE_ALGOS,
                           .key = tj__bytes_of(key.data, key.size),
                           .raw = tj__bytes_of(json.data, json.size)};
    tj_status status = tj_uuid_parse(key, &id, &undecodable);
    if (status == TJ_OK) {
        row.key = tj__bytes_of(id.bytes, sizeof id.bytes);
        (void)snprintf(name, sizeof name, "algo:");
        tj_uuid_format(id, name + strlen(name));
        status = decode_algo(all, source, &id, json, &undecodable, error);
    } else {
        char quoted[TJ__QUOTE_SIZE];
        (void)snprintf(name, sizeof name, "algo:%s", tj__text_quote(key, quoted));
    }
    if (undecodable.status == TJ_OK) {
        return status;
    }
    if (!tj__is_undecodable(undecodable.status)) {
        return tj__error_pass(error, &undecodable);
    }
    row.reason = tj_str_of(undecodable.message);
    return tj__gather_quarantined(all, source, &row, tj_str_of(name), error);
}

/* ---- ledger -------------------------------------------------------------------------------- */

tj_status tj__gather_entry(tj__gathering *all, size_t source, const tj_ledger_entry *entry,
                           tj_error *error)
{
    tj__found_entry found = {
        .source = source, .order = TJ__COUNT(tj__found_entry, all->entries), .entry = *entry};
    TJ_TRY(tj__keep(all, entry->exchange, &found.entry.exchange, error));
    TJ_TRY(tj__keep(all, entry->asset.exchange, &found.entry.asset.exchange, error));
    TJ_TRY(tj__keep(all, entry->asset.code, &found.entry.asset.code, error));
    TJ_TRY(tj__keep(all, entry->reference, &found.entry.reference, error));
    TJ_TRY(tj__keep(all, entry->meta, &found.entry.meta, error));
    tj__source(all, source)->ledger_count++;
    return tj__gather(&all->entries, &found, sizeof found, error);
}
