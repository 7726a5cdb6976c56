/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Counters, and the commit ids that a journal remembers.
 *
 * counter (COUNTERS):        version, 8 bytes: the first number that is not reserved
 *
 * A counter only rises (P13): the row is written by reservations alone, and each writes a higher number.
 */
#include <inttypes.h>

#include "base/error.h"
#include "base/text.h"
#include "codec/load.h"
#include "codec/resolve.h"
#include "codec/value.h"

#define COUNTER_VALUE_SIZE 9
#define COUNTER_MAX ((uint64_t)INT64_MAX)

static tj_status counter_get(tj__bytes value, uint64_t *next, tj_error *error)
{
    tj__reader in;
    TJ_TRY(tj__value_open(&in, value, error));
    *next = tj__get_u64(&in);
    in.failed = in.failed || *next == 0 || *next > COUNTER_MAX;
    return tj__value_close(&in, value, error);
}

static tj_status check_name(tj_str name, tj_error *error)
{
    TJ_TRY(tj__check_text(name, TJ_COUNTER_NAME_SIZE_MAX, false, "the name of a counter", error));
    for (size_t i = 0; i < name.size; i++) {
        if ((unsigned char)name.data[i] < 0x20 || name.data[i] == 0x7f) {
            return tj__fail(error, TJ_INVALID,
                            "the name of a counter must not hold control characters (byte %zu is "
                            "0x%02x)",
                            i + 1, (unsigned)(unsigned char)name.data[i]);
        }
    }
    return TJ_OK;
}

/* ---- reserving ---------------------------------------------------------------------------- */

static tj_status reserve(tj__plan *plan, tj_str name, uint64_t count, tj_error *error)
{
    tj__pen pen = {NULL};
    TJ_TRY(tj__plan_row_open(plan, TJ__PLAN_COUNTER, TJ__TABLE_COUNTERS, name.size, &pen, error));
    tj__pen_str(&pen, name);
    tj__plan_key_close(plan, &pen);
    tj__put_u64(&plan->rows, count);
    return tj__plan_row_close(plan, 0, error);
}

tj_status tj__plan_reserve(tj__plan *plan, tj_str name, uint64_t count, tj_error *error)
{
    size_t mark = 0;
    TJ_TRY(check_name(name, error));
    TJ_TRY(tj__plan_begin(plan, &mark, error));
    return tj__plan_end(plan, mark, false, reserve(plan, name, count, error));
}

tj_status tj__resolve_counter(tj__base *base, tj__bytes key, uint64_t count, tj__resolved *resolved,
                              tj_error *error)
{
    uint8_t value[COUNTER_VALUE_SIZE] = {TJ__VALUE_VERSION};
    tj__held *current = tj__current(base, key);
    tj__held *ignored = NULL;
    uint64_t first = 1;
    if (current) {
        TJ_TRY(counter_get(tj__held_value(current), &first, error));
    }
    if (count > COUNTER_MAX - first) {
        tj_str name = {(const char *)key.data + TJ__KEY_REST_AT, key.size - TJ__KEY_REST_AT};
        char quoted[TJ__QUOTE_SIZE];
        return tj__fail(error, TJ_LIMIT,
                        "counter %s stands at %" PRIu64 " and cannot go %" PRIu64 " further",
                        tj__text_quote(name, quoted), first, count);
    }
    tj__store_u64(value + 1, first + count);
    TJ_TRY(tj__pend_put(base, key, tj__bytes_of(value, sizeof value), &ignored, error));
    resolved->counter_first = first;
    return TJ_OK;
}

/* ---- loading ------------------------------------------------------------------------------ */

tj_status tj__counter_row_check(const tj__row *row, tj_error *error)
{
    uint64_t next = 0;
    TJ_TRY(tj__row_intact(row, error));
    return tj__row_explain(row, counter_get(row->value, &next, error), error);
}

tj_status tj__counter_next(tj__row_source *rows, uint32_t book, tj_str name, uint64_t *next,
                           tj_error *error)
{
    TJ_TRY(check_name(name, error));
    *next = 1;
    tj__key key = tj__key_book(TJ__TABLE_COUNTERS, book);
    memcpy(key.bytes + key.size, name.data, name.size);
    key.size += name.size;
    tj__row row;
    tj_status status = rows->get(rows, tj__key_bytes(&key), &row, error);
    if (status != TJ_OK) {
        return status == TJ_NOT_FOUND ? TJ_OK : status;
    }
    TJ_TRY(tj__row_intact(&row, error));
    return tj__row_explain(&row, counter_get(row.value, next, error), error);
}

tj_status tj__commit_find(tj__row_source *rows, const tj_uuid *commit_id, uint64_t *sequence,
                          tj_error *error)
{
    tj__key key = tj__key_commit(commit_id);
    tj__row row;
    tj_status status = rows->get(rows, tj__key_bytes(&key), &row, error);
    if (status == TJ_NOT_FOUND) {
        char text[TJ_UUID_TEXT_SIZE];
        tj_uuid_format(*commit_id, text);
        return tj__fail(error, TJ_NOT_FOUND,
                        "commit id %s is not among the newest %d: that commit was not applied, or "
                        "long ago",
                        text, TJ_COMMIT_ID_KEPT);
    }
    TJ_TRY(status);
    TJ_TRY(tj__row_intact(&row, error));
    return tj__row_explain(&row, tj__commit_value_get(row.value, sequence, error), error);
}
