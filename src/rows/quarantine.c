/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Reading the rows of the quarantine, and refusing a load that would pass over one. */
#include "rows/quarantine.h"

#include "base/error.h"
#include "rows/row.h"
#include "rows/value.h"

static tj_status get(tj__bytes value, tj__quarantined *out, tj_error *error)
{
    tj__reader in;
    TJ_TRY(tj__value_open(&in, value, TJ__QUARANTINE_VERSION, error));
    out->reason = tj__value_get_short_str(&in, TJ__QUARANTINE_REASON_SIZE_MAX);
    tj_str raw = tj__value_get_rest(&in);
    out->raw = tj__bytes_of(raw.data, raw.size);
    return tj__value_close(&in, value, error);
}

tj_status tj__quarantine_value_check(tj__bytes value, tj_error *error)
{
    tj__quarantined ignored = {0};
    return get(value, &ignored, error);
}

typedef struct scan {
    tj__quarantine_visitor *visitor;
    void *context;
} scan;

static tj_status visit_row(void *context, const tj__row *row, tj_error *error)
{
    const scan *s = context;
    tj__key_parts parts;
    tj_error reason = TJ_ERROR_INIT;
    tj__quarantined found = {0};
    tj_status status = tj__row_intact(row, &reason);
    if (tj__key_split(row->key, &parts) && parts.rest.size > 0) {
        found.table = (tj__table)parts.rest.data[0];
        found.key = tj__bytes_of(parts.rest.data + 1, parts.rest.size - 1);
    }
    if (status == TJ_OK) {
        status = get(row->value, &found, &reason);
    }
    if (status != TJ_OK) {
        found.reason = tj_str_of(reason.message);
        found.raw = row->value;
        found.damaged = true;
    }
    return s->visitor(s->context, &found, error);
}

tj_status tj__quarantine_scan(tj__row_source *rows, uint32_t book, unsigned table,
                              tj__quarantine_visitor *visitor, void *context, tj_error *error)
{
    scan s = {visitor, context};
    tj__key prefix = tj__key_book(TJ__TABLE_QUARANTINE, book);
    if (table != 0) {
        prefix.bytes[prefix.size++] = (uint8_t)table;
    }
    return tj__rows_scan_prefix(rows, tj__key_bytes(&prefix), false, visit_row, &s, error);
}

tj_status tj__quarantine_refuse(tj__row_source *rows, uint32_t book, tj__table table, tj__bytes key,
                                const char *what, tj_error *error)
{
    tj__row row;
    tj__quarantined found = {.reason = TJ_STR("its row is damaged")};
    tj__key at = tj__key_book(TJ__TABLE_QUARANTINE, book);
    TJ_ASSERT(key.size <= TJ__QUARANTINE_KEY_SIZE_MAX);
    at.bytes[at.size++] = (uint8_t)table;
    if (key.size > 0) {
        memcpy(at.bytes + at.size, key.data, key.size);
        at.size += key.size;
    }
    tj_status status = rows->get(rows, tj__key_bytes(&at), &row, error);
    if (status != TJ_OK) {
        return status == TJ_NOT_FOUND ? TJ_OK : status;
    }
    if (!row.damaged) {
        (void)get(row.value, &found, NULL);
    }
    return tj__fail(error, TJ_CORRUPT,
                    "%s was imported undecoded and is in quarantine: %.*s; "
                    "`tesser-journal quarantine list` tells more",
                    what, (int)found.reason.size, found.reason.data);
}
