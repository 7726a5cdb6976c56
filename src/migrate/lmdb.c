/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Tesser's LmdbJournal: database live_state, key "snapshot", a LiveState in bincode; database
 * algo_states, key a UUID as u64 16 and 16 bytes, value a record as JSON.
 *
 * The versions differ in what ends a LiveState: with 0.9.2 strategy_state, with 0.9.3
 * execution_checkpoint behind it. Only a reading that ends at the last byte is taken.
 */
#include <stdio.h>
#include <sys/stat.h>

#include "base/error.h"
#include "base/file.h"
#include "base/text.h"
#include "migrate/bincode.h"
#include "migrate/gather.h"
#include "rows/key.h"
#include "table/foreign.h"

#define STATE_DATABASE "live_state"
#define STATE_KEY "snapshot"
#define ALGO_DATABASE "algo_states"
#define LAYOUT_0_9_2 "Tesser's LMDB journal, layout of 0.9.1 and 0.9.2"
#define LAYOUT_0_9_3 "Tesser's LMDB journal, layout of 0.9.3"

typedef struct visit {
    tj__gathering *all;
    size_t source;
} visit;

static tj_status take_state_row(void *context, tj__bytes key, tj__bytes value, tj_error *error)
{
    const visit *v = context;
    tj_str name = {(const char *)key.data, key.size};
    if (!tj_str_equal(name, TJ_STR(STATE_KEY))) {
        char quoted[TJ__QUOTE_SIZE];
        char reason[TJ__QUOTE_SIZE + 64];
        (void)snprintf(reason, sizeof reason, "its key is %s, and Tesser's is \"%s\"",
                       tj__text_quote(name, quoted), STATE_KEY);
        tj__quarantined row = {.table = TJ__TABLE_STATE, .reason = tj_str_of(reason), .raw = value};
        return tj__gather_quarantined(v->all, v->source, &row, TJ_STR("state"), error);
    }
    tj__found_raw found = {.source = v->source};
    tj_str copy = {NULL, 0};
    TJ_TRY(tj__gathering_keep(
        v->all, (tj_str){value.size ? (const char *)value.data : "", value.size}, &copy, error));
    found.bytes = tj__bytes_of(copy.data, copy.size);
    return tj__gathering_add(&v->all->raw_states, &found, sizeof found, error);
}

/* The text of a key that is a UUID, else the key's own bytes. */
static tj_str key_text(tj__bytes key, char text[TJ_UUID_TEXT_SIZE])
{
    tj_uuid id;
    if (key.size != 8 + sizeof id.bytes || tj__load_u64(key.data) != sizeof id.bytes) {
        return (tj_str){(const char *)key.data, key.size};
    }
    memcpy(id.bytes, key.data + 8, sizeof id.bytes);
    tj_uuid_format(id, text);
    return tj_str_of(text);
}

static tj_status take_algo_row(void *context, tj__bytes key, tj__bytes value, tj_error *error)
{
    const visit *v = context;
    char text[TJ_UUID_TEXT_SIZE];
    tj_str json = {value.size ? (const char *)value.data : "", value.size};
    return tj__gather_algo_row(v->all, v->source, key_text(key, text), json, error);
}

/* Databases that Tesser's journal does not have. Where one of its own is missing, another may be
 * that one under a damaged name. */
static tj_status note_databases(tj__gathering *all, size_t source, const tj__foreign *file,
                                tj_error *error)
{
    bool complete = tj__foreign_has(file, STATE_DATABASE) && tj__foreign_has(file, ALGO_DATABASE);
    tj__bytes names = tj__foreign_names(file);
    const char *end = (const char *)names.data + names.size;
    for (const char *name = (const char *)names.data; name < end; name += strlen(name) + 1) {
        char quoted[TJ__QUOTE_SIZE];
        char what[TJ__QUOTE_SIZE + 16];
        if (strcmp(name, STATE_DATABASE) == 0 || strcmp(name, ALGO_DATABASE) == 0) {
            continue;
        }
        tj__text_quote(tj_str_of(name), quoted);
        if (!complete) {
            return tj__fail(error, TJ_CORRUPT,
                            "%s is damaged or not Tesser's: it has a database %s, but not both %s "
                            "and %s",
                            tj__gathering_source(all, source)->path.data, quoted, STATE_DATABASE,
                            ALGO_DATABASE);
        }
        (void)snprintf(what, sizeof what, "database %s", quoted);
        TJ_TRY(tj__gathering_note(all, &all->lost, source, tj_str_of(what), error,
                                  "Tesser's journal has no such database: it was not read"));
    }
    return TJ_OK;
}

/* Whether the directory of this data.mdb has a log. */
static tj_status find_log(const char *path, bool *there, tj_error *error)
{
    char log[4096];
    struct stat found;
    const char *slash = strrchr(path, '/');
    int size = snprintf(log, sizeof log, "%.*slog", slash ? (int)(slash - path) + 1 : 0, path);
    return (size_t)size < sizeof log ? tj__path_look(log, there, &found, error)
                                     : tj__fail(error, TJ_LIMIT, "a source's path is too long");
}

static tj_status refuse(const tj__foreign *file, const char *path, tj_error *error)
{
    bool whole = true;
    if (tj__foreign_has(file, "books") && tj__foreign_has(file, "meta")) {
        TJ_TRY(find_log(path, &whole, error));
        if (!whole) {
            return tj__fail(error, TJ_UNSUPPORTED,
                            "%s is a copy of data.mdb alone, as mdb_copy makes it, of a journal of "
                            "this library: the newest commits are in the journal's log, so copy "
                            "its whole directory and open that, without an import",
                            path);
        }
        return tj__fail(error, TJ_UNSUPPORTED,
                        "%s belongs to a journal of this library and needs no import; `state "
                        "export`, `algo list` and `ledger list` read it",
                        path);
    }
    return tj__fail(error, TJ_UNSUPPORTED,
                    "%s is an LMDB file, but not Tesser's: it has neither a database %s nor %s",
                    path, STATE_DATABASE, ALGO_DATABASE);
}

tj_status tj__lmdb_read(tj__gathering *all, size_t source, const char *path, tj_error *error)
{
    visit v = {all, source};
    tj__foreign *file = NULL;
    TJ_TRY(tj__foreign_open(path, &file, error));
    tj__gathering_source(all, source)->layout = TJ_STR("Tesser's LMDB journal");
    tj_status status = TJ_OK;
    if (!tj__foreign_has(file, STATE_DATABASE) && !tj__foreign_has(file, ALGO_DATABASE)) {
        status = refuse(file, path, error);
    }
    if (status == TJ_OK) {
        status = note_databases(all, source, file, error);
    }
    if (status == TJ_OK) {
        status = tj__foreign_scan(file, STATE_DATABASE, take_state_row, &v, error);
    }
    if (status == TJ_OK) {
        status = tj__foreign_scan(file, ALGO_DATABASE, take_algo_row, &v, error);
    }
    tj__foreign_close(file);
    return status;
}

/* ---- the state, with all candidates for its strategy known ----------------------------------- */

typedef struct decoding {
    tj__gathering *all;
    size_t source;
    tj__buffer json;   /* the object so far, without its closing brace */
    tj__bytes unknown; /* from the strategy's state on, when it cannot be told where that ends */
    bool quarantine;   /* `unknown` is meant */
} decoding;

/* What follows the strategy's state: nothing, or a checkpoint that ends at the end. */
static tj_status read_end(decoding *d, tj__bytes rest, tj_error *error)
{
    if (rest.size == 0) {
        tj__gathering_source(d->all, d->source)->layout = TJ_STR(LAYOUT_0_9_2);
        return TJ_OK;
    }
    size_t before = d->json.size;
    tj__put_u8(&d->json, ',');
    tj_status status = tj__bincode_read(TJ__BINCODE_CHECKPOINT, &rest, &d->json, error);
    if (status == TJ_OK && rest.size > 0) {
        status =
            tj__fail(error, TJ_INVALID, "%zu bytes follow the execution checkpoint", rest.size);
    }
    if (status != TJ_OK) {
        d->json.size = before;
        return status;
    }
    tj__gathering_source(d->all, d->source)->layout = TJ_STR(LAYOUT_0_9_3);
    return TJ_OK;
}

/* Tries one candidate; *taken when it encodes to the bytes and what follows it is sound. */
static tj_status try_candidate(decoding *d, const tj__candidate *candidate, tj__bytes rest,
                               bool *taken, tj_error *error)
{
    bool matches = false;
    size_t size = 0;
    TJ_TRY(tj__bincode_match(candidate->json, rest, &matches, &size, error));
    if (!matches) {
        return TJ_OK;
    }
    size_t before = d->json.size;
    tj_error cause = TJ_ERROR_INIT;
    tj__put_cstr(&d->json, ",\"strategy_state\":");
    tj__put_str(&d->json, candidate->json);
    tj_status status = read_end(d, tj__bytes_of(rest.data + size, rest.size - size), &cause);
    if (status == TJ_OK) {
        *taken = true;
        return tj__gathering_note(
            d->all, &d->all->remarks, d->source, TJ_STR("strategy_state"), error,
            "taken from %s: it encodes to exactly the bytes that are stored", candidate->path.data);
    }
    d->json.size = before;
    return tj__gathering_is_undecodable(status) ? TJ_OK : tj__error_pass(error, &cause);
}

/* The strategy's state is there. Nothing but null takes no bytes. */
static tj_status read_strategy(decoding *d, tj__bytes rest, tj_error *error)
{
    bool taken = false;
    const tj__candidate *candidates = TJ__ITEMS(tj__candidate, d->all->candidates);
    if (rest.size == 0) {
        return read_end(d, rest, error);
    }
    for (size_t i = 0; i < TJ__COUNT(tj__candidate, d->all->candidates) && !taken; i++) {
        TJ_TRY(try_candidate(d, &candidates[i], rest, &taken, error));
    }
    d->quarantine = !taken;
    d->unknown = rest;
    return TJ_OK;
}

/* The object up to its last member. TJ_INVALID when the bytes are no LiveState of either layout. */
static tj_status read_state(decoding *d, tj__bytes rest, tj_error *error)
{
    tj__put_u8(&d->json, '{');
    TJ_TRY(tj__bincode_read(TJ__BINCODE_HEAD, &rest, &d->json, error));
    if (rest.size == 0 || rest.data[0] > 1) {
        return tj__fail(error, TJ_INVALID,
                        "there is no strategy_state, present or absent, %zu "
                        "bytes before the end",
                        rest.size);
    }
    bool some = rest.data[0] == 1;
    rest = tj__bytes_of(rest.data + 1, rest.size - 1);
    return some ? read_strategy(d, rest, error) : read_end(d, rest, error);
}

static tj_status quarantine_strategy(const decoding *d, tj_error *error)
{
    static const uint8_t kind = TJ__KIND_STRATEGY;
    tj__quarantined row = {
        .table = TJ__TABLE_STATE,
        .key = {&kind, 1},
        .reason = TJ_STR("Tesser stores strategy_state without types, so that these bytes, with an "
                         "execution_checkpoint behind them if the version has one, cannot be read "
                         "by themselves; name what holds it in JSON with --strategy-state"),
        .raw = d->unknown};
    TJ_TRY(tj__gather_quarantined(d->all, d->source, &row, TJ_STR("strategy_state"), error));
    return tj__gathering_note(
        d->all, &d->all->lost, d->source, TJ_STR("strategy_state and execution_checkpoint"), error,
        "in quarantine: no source knows a strategy_state that encodes to the stored "
        "bytes");
}

static tj_status decode(tj__gathering *all, const tj__found_raw *raw, tj_error *error)
{
    decoding d = {.all = all, .source = raw->source};
    tj_error cause = TJ_ERROR_INIT;
    tj_status status = read_state(&d, raw->bytes, &cause);
    if (status == TJ_OK && d.json.failed) {
        status = tj__fail(&cause, TJ_NOMEM, "no memory to decode a state");
    }
    if (tj__gathering_is_undecodable(status)) {
        tj__quarantined row = {
            .table = TJ__TABLE_STATE, .reason = tj_str_of(cause.message), .raw = raw->bytes};
        status = tj__gather_quarantined(all, raw->source, &row, TJ_STR("state"), error);
    } else if (status != TJ_OK) {
        status = tj__error_pass(error, &cause);
    } else {
        tj__put_u8(&d.json, '}');
        status = tj__gather_state(all, raw->source,
                                  (tj_str){(const char *)d.json.data, d.json.size}, true, error);
        status = status == TJ_OK && d.quarantine ? quarantine_strategy(&d, error) : status;
    }
    tj__buffer_dispose(&d.json);
    return status;
}

tj_status tj__lmdb_decode_strategy(tj__gathering *all, size_t source, tj__bytes raw,
                                   tj_error *error)
{
    decoding d = {.all = all, .source = source};
    tj__put_cstr(&d.json, "{\"open_orders\":[]");
    tj_status status = read_strategy(&d, raw, error);
    tj__put_u8(&d.json, '}');
    if (status == TJ_OK && d.json.failed) {
        status = tj__fail(error, TJ_NOMEM, "no memory to decode a strategy's state");
    } else if (status == TJ_OK && d.quarantine) {
        status = quarantine_strategy(&d, error);
    } else if (status == TJ_OK) {
        status = tj__gather_state(all, source, (tj_str){(const char *)d.json.data, d.json.size},
                                  true, error);
    }
    tj__buffer_dispose(&d.json);
    return status;
}

tj_status tj__lmdb_decode(tj__gathering *all, tj_error *error)
{
    size_t count = TJ__COUNT(tj__found_raw, all->raw_states);
    for (size_t i = 0; i < count; i++) {
        TJ_TRY(decode(all, &TJ__ITEMS(tj__found_raw, all->raw_states)[i], error));
    }
    return TJ_OK;
}
