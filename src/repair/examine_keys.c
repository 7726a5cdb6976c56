/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* The keys of segments: each file by itself, its place in the log, and on request its entries
 * against those of the segment. One that is damaged costs time, and nothing else. */
#include <inttypes.h>

#include "base/error.h"
#include "history/keys.h"
#include "repair/examine.h"

typedef struct reading {
    const tj__base *keys;
    tj__buffer entries; /* uint64_t each */
    uint64_t last;
    uint64_t rows;
} reading;

static tj_status damaged(const tj__base *keys, const char *what, tj_error *error)
{
    tj__fail(error, TJ_CORRUPT, "the keys %s are damaged: %s", keys->path, what);
    tj__error_place(error, "%s", keys->path);
    return TJ_CORRUPT;
}

static tj_status see_row(void *context, const tj__row *row, tj_error *error)
{
    reading *r = context;
    if (row->key.size != 1 || row->value.size == 0 || row->value.size % sizeof r->last != 0 ||
        row->sequence != r->keys->header.position.sequence) {
        return damaged(r->keys, "a row cannot be in them", error);
    }
    r->rows++;
    for (size_t at = 0; at < row->value.size; at += sizeof r->last) {
        uint64_t entry = tj__load_u64(row->value.data + at);
        if (entry < r->last || entry >> 56 != row->key.data[0]) {
            return damaged(r->keys, "an entry is out of order", error);
        }
        r->last = entry;
        tj__put_bytes(&r->entries, &entry, sizeof entry);
    }
    return !r->entries.failed ? TJ_OK : tj__fail(error, TJ_NOMEM, "no memory to verify a journal");
}

static tj_status read_entries(reading *r, tj__base *keys, tj_error *error)
{
    static const uint8_t lowest[] = {0};
    static const uint8_t above[] = {0xff, 0xff};
    r->keys = keys;
    TJ_TRY(keys->rows.scan(&keys->rows, tj__bytes_of(lowest, 1), tj__bytes_of(above, 2), false,
                           see_row, r, error));
    return r->rows == keys->header.rows ? TJ_OK : damaged(keys, "rows are missing", error);
}

/* The segment behind says where it goes on. */
static tj_status check_place(const tj__examination *x, const tj__base *keys, tj_error *error)
{
    const tj__position *position = &keys->header.position;
    const tj__joint *joint = tj__examination_joint(x, position->ordinal);
    return !joint || (joint->sequence == position->sequence && joint->hash == position->hash)
               ? TJ_OK
               : damaged(keys, "they are of another history", error);
}

/* Where the segment cannot be read there is nothing to compare with, and the log's own examination
 * has told. */
static tj_status compare(const tj__examination *x, const reading *r, tj_error *error)
{
    tj__base_place place = {.log_path = x->log_path, .journal_id = x->journal_id};
    tj__buffer entries = {0};
    tj__position end;
    tj_status status =
        tj__keys_collect(&place, r->keys->header.position.ordinal - 1, &entries, &end, NULL);
    bool same = tj__bytes_equal(tj__buffer_bytes(&entries), tj__buffer_bytes(&r->entries));
    tj__buffer_dispose(&entries);
    if (status == TJ_NOMEM) {
        return tj__fail(error, TJ_NOMEM, "no memory to verify a journal");
    }
    return status != TJ_OK || same
               ? TJ_OK
               : damaged(r->keys, "they are not those that the segment changes", error);
}

static tj_status read_file(tj__examination *x, tj__base *keys, bool deep, tj_error *error)
{
    reading r = {0};
    x->base_bytes += tj__base_size(&keys->header);
    tj_status status = check_place(x, keys, error);
    if (status == TJ_OK) {
        status = read_entries(&r, keys, error);
    }
    if (status == TJ_OK && deep) {
        status = compare(x, &r, error);
    }
    tj__buffer_dispose(&r.entries);
    return status;
}

/* A writer may have removed it since it was listed. */
static tj_status examine_file(tj__examination *x, uint64_t ordinal, bool deep, tj_error *error)
{
    tj__base *keys = NULL;
    tj_error fault = TJ_ERROR_INIT;
    tj_status status =
        tj__base_open(x->history_path, &x->journal_id, TJ__BASE_KEYS, ordinal, &keys, &fault);
    if (status == TJ_OK) {
        status = read_file(x, keys, deep, &fault);
    }
    tj__base_close(keys);
    x->keys_count += status == TJ_OK;
    if (status == TJ_NOMEM) {
        return tj__error_pass(error, &fault);
    }
    if (status != TJ_OK && status != TJ_NOT_FOUND) {
        tj__error_context(&fault, "delete it, which costs time only, as the next writer builds it "
                                  "again");
        (void)tj__findings_add_error(
            &x->findings, status == TJ_CORRUPT ? TJ_FINDING_DAMAGE : TJ_FINDING_UNCHECKED, &fault);
    }
    return TJ_OK;
}

tj_status tj__examine_keys(tj__examination *x, bool deep, tj_error *error)
{
    tj__base_list list = {0};
    tj_status status = TJ_OK;
    if (x->has_history) {
        TJ_TRY(tj__base_list_read(x->history_path, TJ__BASE_KEYS, &list, error));
    }
    for (size_t i = 0; i < list.count && status == TJ_OK; i++) {
        status = examine_file(x, list.ordinals[i], deep && x->has_log, error);
    }
    tj__base_list_dispose(&list);
    return status;
}
