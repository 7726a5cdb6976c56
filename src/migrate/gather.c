/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Takes what a source hands over: states, algorithms, ledger entries, or their bytes to quarantine.
 * */
#include "migrate/gather.h"

#include <stdio.h>

#include "base/error.h"
#include "base/text.h"
#include "migrate/repeat.h"
#include "json/check.h"
#include "json/decode.h"

/* Plugin of a row from before Tesser kept the plugin's name, as Tesser itself reads it. */
#define LEGACY_PLUGIN "TWAP"

/* ---- states -------------------------------------------------------------------------------- */

static tj_status at_source(const tj__gathering *all, size_t source, tj_status status,
                           const tj_error *cause, tj_error *error)
{
    tj_str path = tj__gathering_source(all, source)->path;
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
    TJ_TRY(tj__gathering_keep(all, json, &candidate.json, error));
    return tj__gathering_add(&all->candidates, &candidate, sizeof candidate, error);
}

static tj_status take_state(tj__gathering *all, size_t source, tj_live_state *state,
                            tj_error *error)
{
    tj__found_state found = {source, state};
    tj_status status = tj__gathering_add(&all->states, &found, sizeof found, error);
    if (status != TJ_OK) {
        tj_live_state_free(state);
        return status;
    }
    tj__gathering_source(all, source)->has_state = true;
    return tj__gather_candidate(all, state->strategy_state, tj__gathering_source(all, source)->path,
                                error);
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
    status = tj__json_read_live_state(text, tj__rules_name_ccxt, all, &state, &cause);
    if (status == TJ_OK) {
        status = take_state(all, source, state, error);
    } else if (in_store && tj__gathering_is_undecodable(status)) {
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
    TJ_TRY(tj__gathering_keep(all, record->state.plugin, &found.record.state.plugin, error));
    TJ_TRY(tj__gathering_keep(all, record->state.payload, &found.record.state.payload, error));
    tj__gathering_source(all, source)->algo_count++;
    return tj__gathering_add(&all->algos, &found, sizeof found, error);
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
            status =
                tj__gathering_note(all, &all->remarks, source, tj_str_of(name), error,
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
    if (!tj__gathering_is_undecodable(undecodable.status)) {
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
    TJ_TRY(tj__gathering_keep(all, entry->exchange, &found.entry.exchange, error));
    TJ_TRY(tj__gathering_keep(all, entry->asset.exchange, &found.entry.asset.exchange, error));
    TJ_TRY(tj__gathering_keep(all, entry->asset.code, &found.entry.asset.code, error));
    TJ_TRY(tj__gathering_keep(all, entry->reference, &found.entry.reference, error));
    TJ_TRY(tj__gathering_keep(all, entry->meta, &found.entry.meta, error));
    tj__gathering_source(all, source)->ledger_count++;
    return tj__gathering_add(&all->entries, &found, sizeof found, error);
}
