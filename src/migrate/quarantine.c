/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* The public list of what is in quarantine, with a name for each row. */
#include "migrate/quarantine.h"

#include <inttypes.h>
#include <stdio.h>

#include <tesser/migrate.h>

#include "base/arena.h"
#include "base/error.h"
#include "base/text.h"
#include "rows/key.h"
#include "store/store.h"

typedef struct listing {
    tj__arena *arena;
    tj__buffer items; /* tj_quarantined */
} listing;

static tj_status no_memory(tj_error *error)
{
    return tj__fail(error, TJ_NOMEM, "no memory to list what is in quarantine");
}

/* What follows the first `size` bytes of a key: the "#2" that tells it from another one. */
static tj_str behind(tj__bytes key, size_t size)
{
    return (tj_str){(const char *)key.data + size, key.size - size};
}

static void name_state(tj__bytes key, char *name, size_t size)
{
    bool whole = key.size == 0 || key.data[0] == '#';
    bool strategy = key.size > 0 && key.data[0] == TJ__KIND_STRATEGY;
    tj_str rest = behind(key, whole ? 0 : 1);
    char quoted[TJ__QUOTE_SIZE];
    if (whole || strategy) {
        (void)snprintf(name, size, "%s%.*s", whole ? "state" : "strategy_state", (int)rest.size,
                       rest.size ? rest.data : "");
    } else {
        tj_str text = behind(key, 0);
        (void)snprintf(name, size, "state:%s", tj__text_quote(text, quoted));
    }
}

static void name_algo(tj__bytes key, char *name, size_t size)
{
    tj_uuid id;
    char text[TJ_UUID_TEXT_SIZE];
    char quoted[TJ__QUOTE_SIZE];
    bool uuid = key.size == sizeof id.bytes ||
                (key.size > sizeof id.bytes + 1 && key.data[sizeof id.bytes] == '#');
    if (!uuid) {
        (void)snprintf(name, size, "algo:%s", tj__text_quote(behind(key, 0), quoted));
        return;
    }
    memcpy(id.bytes, key.data, sizeof id.bytes);
    tj_uuid_format(id, text);
    tj_str rest = behind(key, sizeof id.bytes);
    (void)snprintf(name, size, "algo:%s%.*s", text, (int)rest.size, rest.data);
}

void tj__quarantine_name(const tj__quarantined *row, char *name, size_t size)
{
    char quoted[TJ__QUOTE_SIZE];
    if (row->table == TJ__TABLE_STATE) {
        name_state(row->key, name, size);
    } else if (row->table == TJ__TABLE_ALGOS) {
        name_algo(row->key, name, size);
    } else if (row->table == TJ__TABLE_LEDGER && row->key.size >= 8) {
        tj_str rest = behind(row->key, 8);
        (void)snprintf(name, size, "ledger:%" PRId64 "%.*s",
                       (int64_t)tj__load_u64_be(row->key.data), (int)rest.size, rest.data);
    } else {
        (void)snprintf(name, size, "table %u:%s", (unsigned)row->table,
                       tj__text_quote(behind(row->key, 0), quoted));
    }
}

static tj_status add_row(void *context, const tj__quarantined *row, tj_error *error)
{
    listing *all = context;
    char name[TJ__QUARANTINE_NAME_SIZE];
    tj__quarantine_name(row, name, sizeof name);
    tj_str raw = {row->raw.size ? (const char *)row->raw.data : "", row->raw.size};
    tj_quarantined item = {.name = tj__arena_str(all->arena, tj_str_of(name)),
                           .reason = tj__arena_str(all->arena, row->reason),
                           .raw = tj__arena_str(all->arena, raw)};
    tj__put_bytes(&all->items, &item, sizeof item);
    bool complete = item.name.data && (item.reason.data || !row->reason.data) && item.raw.data;
    return complete && !all->items.failed ? TJ_OK : no_memory(error);
}

static tj_status load(listing *all, tj_store *store, const char *book, tj_quarantine_list *list,
                      tj_error *error)
{
    tj__reading reading;
    tj_status status = tj__reading_begin(&reading, store, book, error);
    if (status == TJ_OK) {
        status = tj__quarantine_scan(reading.rows, reading.book, 0, add_row, all, error);
    }
    tj__reading_end(&reading);
    TJ_TRY(status);
    list->count = all->items.size / sizeof *list->items;
    list->items = tj__arena_alloc(all->arena, all->items.size);
    if (!list->items) {
        return no_memory(error);
    }
    if (all->items.size > 0) {
        memcpy(list->items, all->items.data, all->items.size);
    }
    return TJ_OK;
}

tj_status tj_quarantine_load(tj_store *store, const char *book, tj_quarantine_list **out,
                             tj_error *error)
{
    if (!store || !out) {
        return tj__fail(error, TJ_MISUSE, "no store, or no place to return the list in");
    }
    *out = NULL;
    void *object = NULL;
    listing all = {.arena = tj__arena_new(sizeof(tj_quarantine_list), &object)};
    if (!all.arena) {
        return no_memory(error);
    }
    tj_status status = load(&all, store, book ? book : tj__store_book(store), object, error);
    tj__buffer_dispose(&all.items);
    if (status != TJ_OK) {
        tj__arena_free_object(object);
        return status;
    }
    *out = object;
    return TJ_OK;
}

void tj_quarantine_list_free(tj_quarantine_list *list)
{
    tj__arena_free_object(list);
}
