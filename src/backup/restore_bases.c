/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* The rows of bases, one after the other, into a journal that is built. */
#include "backup/restore_bases.h"

#include "base/error.h"
#include "base/file.h"
#include "history/base_reader.h"
#include "history/base_writer.h"

typedef struct reading {
    tj__restore_target *target; /* NULL: a dry run */
    tj__base_writer *writer;    /* then, too */
    tj__lift *lift;
    bool newest; /* of its kind: only the newest .rest says which commit ids are remembered */
} reading;

static tj_status take(void *context, const tj__row *row, tj_error *error)
{
    const reading *r = context;
    uint8_t table = row->key.data[0];
    if ((table == TJ__TABLE_COUNTERS || table == TJ__TABLE_BOOKS) &&
        !tj__rowmap_put(r->lift->rows, row->key, row->value, row->sequence)) {
        return tj__fail(error, TJ_NOMEM, "no memory for the counters");
    }
    if (!r->target) {
        return TJ_OK;
    }
    TJ_TRY(tj__base_writer_add(r->writer, row, error));
    if (table == TJ__TABLE_COMMITS && !r->newest) {
        return TJ_OK;
    }
    TJ_TRY(tj__restore_target_put_row(r->target, row, error));
    return tj__restore_target_put_id(r->target, row, error);
}

static tj_status read_tables(const reading *r, tj__base *base, tj_error *error)
{
    for (uint8_t table = TJ__TABLE_FIRST; table <= TJ__TABLE_LAST; table++) {
        if (base->header.tables & TJ__TABLE_BIT(table)) {
            TJ_TRY(tj__rows_scan_prefix(&base->rows, tj__bytes_of(&table, 1), false, take,
                                        (void *)r, error));
        }
    }
    return TJ_OK;
}

static tj_status copy_base(reading *r, tj__base *base, const tj__point_file *file, tj_error *error)
{
    if (!r->target) {
        return read_tables(r, base, error);
    }
    TJ_TRY(tj__base_writer_open(r->target->history_path, tj__point_base_kind(file->kind),
                                file->ordinal, &r->writer, error));
    tj_status status = read_tables(r, base, error);
    if (status == TJ_OK) {
        status = tj__base_writer_finish(r->writer, &r->target->journal_id, &base->header.position,
                                        NULL, error);
    }
    tj__base_writer_close(r->writer);
    return status;
}

static tj_status read_base(const tj__restore_source *source, reading *r, const tj__point_file *file,
                           tj_error *error)
{
    tj__base *base = NULL;
    TJ_TRY(tj__base_open(source->history_path, &source->journal_id, tj__point_base_kind(file->kind),
                         file->ordinal, &base, error));
    r->newest = base->header.position.ordinal == source->start.ordinal;
    tj_status status = copy_base(r, base, file, error);
    tj__base_close(base);
    return status;
}

tj_status tj__restore_bases(const tj__restore_source *source, tj__restore_target *target,
                            tj__lift *lift, tj_error *error)
{
    reading r = {.target = target, .lift = lift};
    if (target && source->base_count > 0) {
        TJ_TRY(tj__directory_make(target->history_path, target->built, error));
    }
    for (size_t i = 0; i < source->base_count; i++) {
        TJ_TRY(read_base(source, &r, &source->bases[i], error));
    }
    return TJ_OK;
}
