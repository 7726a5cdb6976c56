/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Tesser's SQLite stores: state, algo_states, ledger_entries, any of them in one file. */
#include "migrate/stores.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/error.h"
#include "base/text.h"
#include "migrate/gather.h"
#include "migrate/image.h"
#include "migrate/sqlite.h"
#include "json/check.h"

#define ROWS_PER_PROGRESS 1000

typedef struct store {
    tj__gathering *all;
    size_t source;
    const char *path;
    bool only_candidate;
    bool has_state;
    bool has_algos;
    bool has_ledger;
    uint64_t rows;
    uint64_t row_count; /* of the table under the scan */
    uint64_t bytes;     /* of the file */
} store;

static void count_row(store *s)
{
    if (++s->rows % ROWS_PER_PROGRESS == 0 && s->row_count > 0) {
        char what[512];
        (void)snprintf(what, sizeof what, "reading %s", s->path);
        double part = (double)s->rows / (double)s->row_count;
        tj__gathering_progress(s->all, what, (uint64_t)((double)s->bytes * (part < 1 ? part : 1)));
    }
}

/* ---- which tables there are ---------------------------------------------------------------- */

static bool is_plain_table(const tj__sqlite_value *values)
{
    const char create[] = "CREATE TABLE";
    return tj_str_equal(values[0].text, TJ_STR("table")) &&
           values[2].text.size >= sizeof create - 1 &&
           memcmp(values[2].text.data, create, sizeof create - 1) == 0;
}

static tj_status see_object(void *context, const tj__sqlite_value *values, tj_error *error)
{
    store *s = context;
    bool table = is_plain_table(values);
    tj_str name = values[1].text;
    bool *known = tj_str_equal(name, TJ_STR("state"))            ? &s->has_state
                  : tj_str_equal(name, TJ_STR("algo_states"))    ? &s->has_algos
                  : tj_str_equal(name, TJ_STR("ledger_entries")) ? &s->has_ledger
                                                                 : NULL;
    if (table && known) {
        *known = true;
    }
    bool own = name.size > 7 && memcmp(name.data, "sqlite_", 7) == 0;
    if ((table && known) || own || tj_str_equal(values[0].text, TJ_STR("index")) ||
        s->only_candidate) {
        return TJ_OK;
    }
    char quoted[TJ__QUOTE_SIZE];
    char what[TJ__QUOTE_SIZE + 64];
    (void)snprintf(what, sizeof what, "%.*s %s",
                   (int)(values[0].text.size < 32 ? values[0].text.size : 32), values[0].text.data,
                   tj__text_quote(name, quoted));
    return tj__gathering_note(s->all, &s->all->lost, s->source, tj_str_of(what), error,
                              "Tesser's stores have no such thing: it was not read");
}

/* ---- state --------------------------------------------------------------------------------- */

static tj_status take_state(void *context, const tj__sqlite_value *values, tj_error *error)
{
    const store *s = context;
    tj__quarantined row = {.table = TJ__TABLE_STATE,
                           .reason = TJ_STR("its payload is no text"),
                           .raw = tj__bytes_of(values[1].text.data, values[1].text.size)};
    tj_live_state *state = NULL;
    if (s->only_candidate) {
        tj_status status = TJ_OK;
        if (tj_live_state_from_json(values[1].text, &state, NULL) == TJ_OK) {
            status = tj__gather_candidate(s->all, state->strategy_state, tj_str_of(s->path), error);
        }
        tj_live_state_free(state);
        return status;
    }
    if (values[0].type != TJ__SQLITE_INTEGER || values[0].integer != 1) {
        row.reason = TJ_STR("Tesser's state has the one row with id 1, and this is another");
    } else if (values[1].type == TJ__SQLITE_TEXT) {
        return tj__gather_state(s->all, s->source, values[1].text, true, error);
    }
    return tj__gather_quarantined(s->all, s->source, &row, TJ_STR("state"), error);
}

/* ---- algorithms ---------------------------------------------------------------------------- */

static tj_status take_algo(void *context, const tj__sqlite_value *values, tj_error *error)
{
    store *s = context;
    count_row(s);
    return tj__gather_algo_row(s->all, s->source, values[0].text, values[1].text, error);
}

/* ---- ledger -------------------------------------------------------------------------------- */

enum { SEQUENCE, ENTRY_ID, TIMESTAMP, EXCHANGE, ASSET, AMOUNT, ENTRY_TYPE, REFERENCE_ID, META };

static void put_text_member(tj__buffer *json, const char *name, tj_str text)
{
    tj__put_format(json, ",\"%s\":", name);
    tj__json_put_string(json, text);
}

/* The row in the spelling of an entry; with meta as text it is the raw form for quarantine. */
static void put_entry(tj__buffer *json, const tj__sqlite_value *values, bool meta_as_text)
{
    static const char *const names[] = {[ENTRY_ID] = "id",
                                        [TIMESTAMP] = "timestamp",
                                        [EXCHANGE] = "exchange",
                                        [ASSET] = "asset",
                                        [AMOUNT] = "amount",
                                        [ENTRY_TYPE] = "entry_type",
                                        [REFERENCE_ID] = "reference_id"};
    tj__put_format(json, "{\"sequence\":%" PRId64, values[SEQUENCE].integer);
    for (int i = ENTRY_ID; i <= REFERENCE_ID; i++) {
        tj_str text = values[i].text;
        const char unspecified[] = TJ__UNSPECIFIED_EXCHANGE ":";
        size_t size = sizeof unspecified - 1;
        if (i == ASSET && text.size > size && memcmp(text.data, unspecified, size) == 0) {
            text = (tj_str){text.data + size, text.size - size};
        }
        put_text_member(json, names[i], text);
    }
    if (values[META].type != TJ__SQLITE_NULL && meta_as_text) {
        put_text_member(json, "meta", values[META].text);
    } else if (values[META].type != TJ__SQLITE_NULL) {
        tj__put_cstr(json, ",\"meta\":");
        tj__put_str(json, values[META].text);
    }
    tj__put_u8(json, '}');
}

/* Says in *undecodable what is wrong with the row. */
static tj_status decode_entry(const tj__sqlite_value *values, tj_ledger_list **list,
                              tj_error *undecodable)
{
    tj__buffer json = {0};
    if (values[META].type != TJ__SQLITE_NULL) {
        TJ_TRY(tj__json_check(values[META].text, "meta", undecodable));
    }
    put_entry(&json, values, false);
    tj_status status = json.failed
                           ? tj__fail(undecodable, TJ_NOMEM, "no memory for a ledger entry")
                           : tj_ledger_entry_from_json((tj_str){(const char *)json.data, json.size},
                                                       list, undecodable);
    tj__buffer_dispose(&json);
    if (status == TJ_OK && (*list)->entries[0].sequence == 0) {
        status = tj__fail(undecodable, TJ_INVALID, "its sequence is 0");
    }
    return status;
}

static tj_status quarantine_entry(const store *s, const tj__sqlite_value *values,
                                  const tj_error *cause, tj_error *error)
{
    tj__buffer raw = {0};
    char name[64];
    uint8_t key[8];
    put_entry(&raw, values, true);
    if (raw.failed) {
        tj__buffer_dispose(&raw);
        return tj__fail(error, TJ_NOMEM, "no memory for a ledger entry");
    }
    tj__store_u64_be(key, (uint64_t)values[SEQUENCE].integer);
    (void)snprintf(name, sizeof name, "ledger:%" PRId64, values[SEQUENCE].integer);
    tj__quarantined row = {.table = TJ__TABLE_LEDGER,
                           .key = tj__bytes_of(key, sizeof key),
                           .reason = tj_str_of(cause->message),
                           .raw = tj__buffer_bytes(&raw)};
    tj_status status = tj__gather_quarantined(s->all, s->source, &row, tj_str_of(name), error);
    tj__buffer_dispose(&raw);
    return status;
}

static tj_status take_entry(void *context, const tj__sqlite_value *values, tj_error *error)
{
    store *s = context;
    tj_ledger_list *list = NULL;
    tj_error cause = TJ_ERROR_INIT;
    count_row(s);
    tj_status status = decode_entry(values, &list, &cause);
    if (status == TJ_OK) {
        status = tj__gather_entry(s->all, s->source, &list->entries[0], error);
    } else if (tj__gathering_is_undecodable(status)) {
        status = quarantine_entry(s, values, &cause, error);
    } else {
        status = tj__error_pass(error, &cause);
    }
    tj_ledger_list_free(list);
    return status;
}

/* ---- together ------------------------------------------------------------------------------ */

static tj_status take_count(void *context, const tj__sqlite_value *values, tj_error *error)
{
    (void)error;
    store *s = context;
    s->rows = 0;
    s->row_count = values[0].integer > 0 ? (uint64_t)values[0].integer : 0;
    return TJ_OK;
}

static tj_status read_tables(store *s, tj__sqlite *database, tj_error *error)
{
    if (s->has_state) {
        TJ_TRY(tj__sqlite_scan(database, "SELECT id, payload FROM state ORDER BY id", take_state, s,
                               error));
    }
    if (s->has_algos && !s->only_candidate) {
        TJ_TRY(tj__sqlite_scan(database, "SELECT count(*) FROM algo_states", take_count, s, error));
        TJ_TRY(
            tj__sqlite_scan(database, "SELECT id, payload FROM algo_states", take_algo, s, error));
    }
    if (s->has_ledger && !s->only_candidate) {
        TJ_TRY(
            tj__sqlite_scan(database, "SELECT count(*) FROM ledger_entries", take_count, s, error));
        TJ_TRY(tj__sqlite_scan(database,
                               "SELECT sequence, entry_id, timestamp, exchange, asset, amount, "
                               "entry_type, reference_id, meta FROM ledger_entries "
                               "ORDER BY sequence",
                               take_entry, s, error));
    }
    return TJ_OK;
}

static tj_str layout_of(const store *s)
{
    int tables = s->has_state + s->has_algos + s->has_ledger;
    return tables > 1     ? TJ_STR("several of Tesser's SQLite stores in one file")
           : s->has_state ? TJ_STR("Tesser's SQLite state store")
           : s->has_algos ? TJ_STR("Tesser's SQLite algorithm store")
                          : TJ_STR("Tesser's SQLite ledger store");
}

static tj_status read_store(store *s, tj__sqlite *database, tj_error *error)
{
    TJ_TRY(tj__sqlite_scan(database, "SELECT type, name, sql FROM sqlite_schema", see_object, s,
                           error));
    if (!s->has_state && !s->has_algos && !s->has_ledger) {
        return tj__fail(error, TJ_UNSUPPORTED,
                        "%s is a SQLite database, but none of Tesser's stores: it has no table "
                        "state, algo_states or ledger_entries",
                        s->path);
    }
    if (!s->only_candidate) {
        tj__gathering_source(s->all, s->source)->layout = layout_of(s);
    }
    return read_tables(s, database, error);
}

/* What a -wal may have held and does not. One that was cut behind its header or a commit is
 * sound. */
static tj_status note_log(const store *s, const tj__image *image, tj_error *error)
{
    tj_str name = TJ_STR("its -wal");
    if (image->uncommitted > 0) {
        return tj__gathering_note(
            s->all, &s->all->remarks, s->source, name, error,
            "%zu %s of a transaction that was never committed %s left out, as "
            "SQLite does",
            image->uncommitted, tj__plural(image->uncommitted, "page", "pages"),
            tj__plural(image->uncommitted, "is", "are"));
    }
    if (image->idle_log) {
        return tj__gathering_note(
            s->all, &s->all->remarks, s->source, name, error,
            "it has a header and no transaction; unless it was cut there, nothing "
            "was committed after the last checkpoint");
    }
    return TJ_OK;
}

tj_status tj__gather_store(tj__gathering *all, size_t source, const char *path, bool only_candidate,
                           tj_error *error)
{
    store s = {.all = all, .source = source, .path = path, .only_candidate = only_candidate};
    tj__image image = {0};
    tj__sqlite *database = NULL;
    TJ_TRY(tj__image_read(path, &image, error));
    s.bytes = image.bytes.size;
    tj_status status = tj__sqlite_open_image(path, &image.bytes, &database, error);
    if (status == TJ_OK && !only_candidate) {
        status = note_log(&s, &image, error);
    }
    if (status == TJ_OK) {
        status = read_store(&s, database, error);
    }
    (void)tj__sqlite_close(database, NULL);
    tj__image_dispose(&image);
    return status;
}
