/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Counters, and the commit ids that a journal remembers.
 *
 * counter (COUNTERS):        version, 8 bytes: the first number that is not reserved
 */
#include "base/error.h"
#include "rows/load.h"
#include "rows/row.h"
#include "rows/value.h"

tj_status tj__counter_get(tj__bytes value, uint64_t *next, tj_error *error)
{
    tj__reader in;
    TJ_TRY(tj__value_open(&in, value, TJ__COUNTER_VERSION, error));
    *next = tj__get_u64(&in);
    in.failed = in.failed || *next == 0 || *next > TJ__COUNTER_MAX;
    return tj__value_close(&in, value, error);
}

tj_status tj__counter_name_check(tj_str name, tj_error *error)
{
    TJ_TRY(tj__value_check_text(name, TJ_COUNTER_NAME_SIZE_MAX, false, "the name of a counter",
                                error));
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

tj_status tj__counter_row_check(const tj__row *row, tj_error *error)
{
    uint64_t next = 0;
    TJ_TRY(tj__row_intact(row, error));
    return tj__row_explain(row, tj__counter_get(row->value, &next, error), error);
}

tj_status tj__counter_next(tj__row_source *rows, uint32_t book, tj_str name, uint64_t *next,
                           tj_error *error)
{
    TJ_TRY(tj__counter_name_check(name, error));
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
    return tj__row_explain(&row, tj__counter_get(row.value, next, error), error);
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
