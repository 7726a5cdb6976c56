/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * data.mdb against what it was made from: the log, replayed in memory up to data.mdb's position,
 * and the ledger, of which two tables are indexes. Where digests differ, the rows are compared one
 * by one, to name them.
 */
#include <inttypes.h>
#include <string.h>

#include "base/error.h"
#include "base/hash.h"
#include "base/layers.h"
#include "history/past.h"
#include "history/replay.h"
#include "repair/examine.h"
#include "rows/row.h"
#include "rows/value.h"

static tj_status no_memory(tj_error *error)
{
    return tj__fail(error, TJ_NOMEM, "no memory to compare data.mdb with the log");
}

/* ---- the indexes of the ledger ------------------------------------------------------------- */

/* Rows that should be in the indexes, and are not known to be there yet. */
typedef struct indexing {
    tj__examination *x;
    tj__rowmap *expected;
} indexing;

static tj_status expect(indexing *in, tj__bytes key, tj__bytes value, uint64_t sequence,
                        tj_error *error)
{
    if (tj__rowmap_find(in->expected, key)) {
        return TJ_OK; /* the first entry with an id is the one that its index names */
    }
    return tj__rowmap_put(in->expected, key, value, sequence) ? TJ_OK : no_memory(error);
}

static tj_status expect_of_entry(indexing *in, const tj__row *row, tj_error *error)
{
    tj__key_parts parts;
    tj_ledger_entry entry;
    tj__derived_row time;
    tj__derived_row id;
    if (!tj__key_split(row->key, &parts) || parts.rest.size != 8 ||
        tj__ledger_get(tj__load_u64_be(parts.rest.data), row->value, &entry, NULL) != TJ_OK ||
        !tj__ledger_time_row(row->key, row->value, &time)) {
        return TJ_OK; /* told of already */
    }
    TJ_TRY(expect(in, tj__bytes_of(time.key, time.key_size),
                  tj__bytes_of(time.value, time.value_size), row->sequence, error));
    if ((in->x->data.superblock.tables & TJ__TABLE_BIT(TJ__TABLE_LEDGER_IDS)) == 0 ||
        !tj__ledger_id_row(row->key, row->value, &id)) {
        return TJ_OK;
    }
    return expect(in, tj__bytes_of(id.key, id.key_size), tj__bytes_of(id.value, id.value_size),
                  row->sequence, error);
}

static void tell_row(tj__examination *x, const char *what, tj__bytes key, uint64_t sequence)
{
    char text[TJ__KEY_TEXT_SIZE];
    tj__key_describe(key, text);
    tj_finding *finding =
        tj__findings_add(&x->findings, TJ_FINDING_DAMAGE, "%s/data.mdb: %s (commit %" PRIu64 ") %s",
                         x->path, text, sequence, what);
    tj__finding_about(&x->findings, finding, key, sequence);
}

static tj_status check_index(indexing *in, const tj__row *row, tj_error *error)
{
    (void)error;
    const tj__rowmap_entry *entry = tj__rowmap_find(in->expected, row->key);
    if (!entry) {
        tell_row(in->x, "is in an index, and no entry of the ledger leads to it", row->key,
                 row->sequence);
        return TJ_OK;
    }
    if (!tj__bytes_equal(tj__rowmap_value(entry), row->value)) {
        tell_row(in->x, "leads to another entry of the ledger than the first with its id", row->key,
                 row->sequence);
    }
    tj__rowmap_remove(in->expected, row->key);
    return TJ_OK;
}

static tj_status see_ledger(void *context, const tj__row *row, tj_error *error)
{
    indexing *in = context;
    uint8_t table = row->key.data[0];
    if (row->damaged) {
        return TJ_OK;
    }
    if (table == TJ__TABLE_LEDGER) {
        return expect_of_entry(in, row, error);
    }
    return table == TJ__TABLE_LEDGER_TIME || table == TJ__TABLE_LEDGER_IDS
               ? check_index(in, row, error)
               : TJ_OK;
}

static tj_status begin_index(void *context, tj_error *error)
{
    (void)error;
    indexing *in = context;
    tj__rowmap_clear(in->expected);
    return TJ_OK;
}

static tj_status tell_missing_index(indexing *in, tj_error *error)
{
    tj__rowmap_entry **entries = NULL;
    size_t count = 0;
    if (!tj__rowmap_sorted(in->expected, &entries, &count)) {
        return no_memory(error);
    }
    for (size_t i = 0; i < count; i++) {
        tell_row(in->x, "is missing from an index of the ledger", tj__rowmap_key(entries[i]),
                 entries[i]->sequence);
    }
    return TJ_OK;
}

static tj_status check_indexes(tj__examination *x, tj_error *error)
{
    indexing in = {.x = x, .expected = tj__rowmap_new()};
    tj__inspection seen;
    tj__inspector inspector = {.row = see_ledger, .begin = begin_index, .context = &in};
    if (!in.expected) {
        return no_memory(error);
    }
    tj_status status = tj__data_inspect(x->path, &inspector, &seen, error);
    if (status == TJ_OK) {
        status = tell_missing_index(&in, error);
    }
    tj__rowmap_free(in.expected);
    return status;
}

/* ---- the log ------------------------------------------------------------------------------- */

/* What data.mdb shows, by key: the hash of each row in place of its value. */
typedef struct comparing {
    tj__examination *x;
    tj__rowmap *shown;
} comparing;

static tj_status keep_row(void *context, const tj__row *row, tj_error *error)
{
    comparing *c = context;
    uint8_t hash[8];
    if (row->damaged || (TJ__DIGEST_TABLES & TJ__TABLE_BIT(row->key.data[0])) == 0) {
        return TJ_OK;
    }
    tj__store_u64(hash, tj__row_hash(row->key, row->sequence, row->value));
    return tj__rowmap_put(c->shown, row->key, tj__bytes_of(hash, sizeof hash), row->sequence)
               ? TJ_OK
               : no_memory(error);
}

static tj_status begin_rows(void *context, tj_error *error)
{
    (void)error;
    comparing *c = context;
    tj__rowmap_clear(c->shown);
    return TJ_OK;
}

static tj_status compare_row(void *context, const tj__row *row, tj_error *error)
{
    (void)error;
    comparing *c = context;
    const tj__rowmap_entry *shown = tj__rowmap_find(c->shown, row->key);
    if (!shown) {
        tell_row(c->x, "is in the log, and missing from it or damaged", row->key, row->sequence);
        return TJ_OK;
    }
    uint64_t hash = tj__row_hash(row->key, row->sequence, row->value);
    if (hash != tj__load_u64(tj__rowmap_value(shown).data)) {
        tell_row(c->x, "is another than in the log", row->key, row->sequence);
    }
    tj__rowmap_remove(c->shown, row->key);
    return TJ_OK;
}

static tj_status tell_surplus(comparing *c, tj_error *error)
{
    tj__rowmap_entry **entries = NULL;
    size_t count = 0;
    if (!tj__rowmap_sorted(c->shown, &entries, &count)) {
        return no_memory(error);
    }
    for (size_t i = 0; i < count; i++) {
        tell_row(c->x, "is not in the log", tj__rowmap_key(entries[i]), entries[i]->sequence);
    }
    return TJ_OK;
}

static tj_status compare_rows(comparing *c, tj__row_source *past, tj_error *error)
{
    for (uint8_t table = TJ__TABLE_FIRST; table <= TJ__TABLE_LAST; table++) {
        if (TJ__DIGEST_TABLES & TJ__TABLE_BIT(table)) {
            TJ_TRY(
                tj__rows_scan_prefix(past, tj__bytes_of(&table, 1), false, compare_row, c, error));
        }
    }
    return tell_surplus(c, error);
}

/* A writer may have gone on since; then the difference cannot be told row by row, and is told. */
static tj_status name_rows(tj__examination *x, tj__row_source *past, tj_error *error)
{
    comparing c = {.x = x, .shown = tj__rowmap_new()};
    tj__inspection seen;
    tj__inspector inspector = {.row = keep_row, .begin = begin_rows, .context = &c};
    if (!c.shown) {
        return no_memory(error);
    }
    tj_status status = tj__data_inspect(x->path, &inspector, &seen, error);
    if (status == TJ_OK && seen.has_position &&
        seen.position.sequence == x->data.position.sequence) {
        status = compare_rows(&c, past, error);
    }
    tj__rowmap_free(c.shown);
    return status;
}

static void take_ledger(tj__digest *to, const tj__digest *from)
{
    static const uint8_t tables[] = {TJ__TABLE_LEDGER, TJ__TABLE_LEDGER_TIME};
    for (size_t i = 0; i < sizeof tables; i++) {
        to->rows[tables[i]] = from->rows[tables[i]];
        to->checksums[tables[i]] = from->checksums[tables[i]];
    }
}

static tj_status compare(tj__examination *x, tj__row_source *past, tj_error *error)
{
    tj__digest digest;
    TJ_TRY(tj__digest_rows(past, &digest, error));
    if (x->rest_missing) { /* what it had is in data.mdb alone, and told of */
        take_ledger(&digest, &x->digest);
    }
    uint8_t table = tj__digest_differs(&digest, &x->digest);
    if (table == 0) {
        return TJ_OK;
    }
    x->data_differs = true;
    (void)tj__findings_add(&x->findings, TJ_FINDING_DAMAGE,
                           "%s/data.mdb shows another state than the log gives at commit %" PRIu64
                           ": table \"%s\" has %" PRIu64 " rows of %" PRIu64,
                           x->path, x->data.position.sequence, tj__table_name(table),
                           x->digest.rows[table], digest.rows[table]);
    return name_rows(x, past, error);
}

/* All of the log, read once. */
static tj_status compare_with_whole_log(tj__examination *x, bool *compared, tj_error *error)
{
    tj__layers layers;
    tj__position start = {.ordinal = 1, .offset = TJ__SEGMENT_HEADER_SIZE};
    tj__log_reader *reader = NULL;
    tj__rowmap *rows = tj__rowmap_new();
    tj_status status =
        rows ? tj__log_reader_open(x->log_path, &x->journal_id, &start, &reader, error)
             : no_memory(error);
    if (status == TJ_OK) {
        status = tj__replay(reader, x->data.position.sequence, TJ__DIGEST_TABLES, rows, error);
    }
    *compared = status == TJ_OK;
    if (status == TJ_OK) {
        tj__layers_init(&layers, NULL, rows, x->data.position.sequence);
        status = compare(x, &layers.rows, error);
    }
    tj__log_reader_close(reader);
    tj__rowmap_free(rows);
    return status;
}

/* What retention let go is in bases only. */
static tj_status compare_with_bases(tj__examination *x, bool *compared, tj_error *error)
{
    tj__row_source *past = NULL;
    tj__past_source source = {.log_path = x->log_path,
                              .journal_id = x->journal_id,
                              .first_segment = x->first_segment,
                              .history_path = x->history_path};
    TJ_TRY(tj__past_begin(&source, x->data.position.sequence, TJ__DIGEST_TABLES, &past, error));
    tj_status status = compare(x, past, error);
    *compared = status == TJ_OK; /* else a base is damaged, which is told of itself */
    tj__past_end(past);
    return status;
}

static tj_status compare_with_log(tj__examination *x, bool *compared, tj_error *error)
{
    tj_error why = TJ_ERROR_INIT;
    tj_status status = x->first_segment == 1 ? compare_with_whole_log(x, compared, &why)
                                             : compare_with_bases(x, compared, &why);
    if (!*compared && tj__examination_told(status)) {
        (void)tj__findings_add(&x->findings, TJ_FINDING_NOTE,
                               "data.mdb could not be compared with the log: %s", why.message);
        return TJ_OK;
    }
    return tj__error_pass(error, &why);
}

tj_status tj__examine_deep(tj__examination *x, bool *compared, tj_error *error)
{
    *compared = false;
    if (!x->data.has_position || x->data_unread) { /* the latter is told of */
        return TJ_OK;
    }
    TJ_TRY(compare_with_log(x, compared, error));
    return tj__examination_data_sound(x) ? check_indexes(x, error) : TJ_OK;
}
