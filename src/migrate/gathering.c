/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Adding to the gathering, each key numbered when it comes again. */
#include "migrate/gathering.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

#include "base/error.h"
#include "rows/key.h"

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

tj_status tj__gathering_keep(tj__gathering *all, tj_str text, tj_str *copy, tj_error *error)
{
    *copy = tj__arena_str(all->arena, text);
    return copy->data || !text.data ? TJ_OK : no_memory(error);
}

tj_status tj__gathering_add(tj__buffer *array, const void *item, size_t size, tj_error *error)
{
    tj__put_bytes(array, item, size);
    return array->failed ? no_memory(error) : TJ_OK;
}

tj_status tj__gathering_note(tj__gathering *all, tj__buffer *notes, size_t source, tj_str what,
                             tj_error *error, const char *reason, ...)
{
    char text[TJ_ERROR_MESSAGE_SIZE];
    va_list arguments;
    va_start(arguments, reason);
    (void)vsnprintf(text, sizeof text, reason, arguments);
    va_end(arguments);
    tj_report_note note = {0};
    TJ_TRY(tj__gathering_keep(all, what, &note.what, error));
    TJ_TRY(tj__gathering_keep(all, tj_str_of(text), &note.reason, error));
    if (source != SIZE_MAX) {
        note.source = tj__gathering_source(all, source)->path;
    }
    return tj__gathering_add(notes, &note, sizeof note, error);
}

bool tj__gathering_holds(const tj__gathering *all, tj__table table)
{
    const tj__kept_raw *kept = TJ__ITEMS(tj__kept_raw, all->quarantined);
    bool comes = table == TJ__TABLE_STATE    ? all->states.size > 0
                 : table == TJ__TABLE_ALGOS  ? all->algos.size > 0
                 : table == TJ__TABLE_LEDGER ? all->entries.size > 0
                                             : false;
    for (size_t i = 0; i < TJ__COUNT(tj__kept_raw, all->quarantined) && !comes; i++) {
        comes = kept[i].row.table == table;
    }
    return comes;
}

void tj__gathering_progress(const tj__gathering *all, const char *what, uint64_t more_bytes)
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

/* The key behind its table, cut to what quarantine can hold, and with a number behind it if it is
 * there already. The numbers go on from the last one, so that many equal keys cost no search. */
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
        both.failed
            ? no_memory(error)
            : tj__gathering_keep(all, (tj_str){(const char *)both.data, both.size}, out, error);
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
    TJ_TRY(tj__gathering_keep(all, (tj_str){(const char *)key.bytes + 1, key.size - 1}, &kept_key,
                              error));
    TJ_TRY(join(all, name, tj_str_of(number), &kept.shown.name, error));
    TJ_TRY(tj__gathering_keep(all, row->reason, &kept.shown.reason, error));
    TJ_TRY(tj__gathering_keep(all, raw, &kept.shown.raw, error));
    kept.shown.source = tj__gathering_source(all, source)->path;
    kept.row.key = tj__bytes_of(kept_key.data, kept_key.size);
    kept.row.reason = kept.shown.reason;
    kept.row.raw = tj__bytes_of(kept.shown.raw.data, raw.size);
    tj__gathering_source(all, source)->quarantined_count++;
    return tj__gathering_add(&all->quarantined, &kept, sizeof kept, error);
}
