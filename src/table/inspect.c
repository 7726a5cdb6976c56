/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* One look at a data.mdb, a table after the other, that goes on behind damage. */
#include "table/inspect.h"

#include <inttypes.h>
#include <unistd.h>

#include "base/error.h"
#include "base/file.h"
#include "table/internal.h"
#include "table/pages.h"

#define LOOKS_MAX 100

typedef struct inspecting {
    const tj__inspector *inspector;
    tj__inspection *out;
    tj__pages pages;
    tj__walk *walk;
    tj__sums stored;
    tj__sums counted;
    uint8_t table; /* under the walk */
    bool damaged_row;
} inspecting;

/* What a walk returns may be a fault of the file, or of its disk, or the end of the work. */
static bool is_fault(tj_status status)
{
    return status == TJ_CORRUPT || status == TJ_UNSUPPORTED || status == TJ_IO;
}

static tj_status tell(inspecting *in, uint8_t table, const tj_error *fault, tj_error *error)
{
    in->out->damaged |= TJ__TABLE_BIT(table);
    return in->inspector->fault ? in->inspector->fault(in->inspector->context, table, fault, error)
                                : TJ_OK;
}

/* ---- META ---------------------------------------------------------------------------------- */

static bool is_name(tj__bytes key, const char *name)
{
    return tj__bytes_equal(key, tj__bytes_of(name, strlen(name)));
}

static tj_status take_meta(inspecting *in, tj__bytes key, tj__bytes value, tj_error *error)
{
    tj__sum sum;
    if (is_name(key, TJ__SUPERBLOCK_NAME)) {
        TJ_TRY(tj__superblock_decode(value, &in->out->superblock, error));
        in->out->has_superblock = true;
        return TJ_OK;
    }
    if (is_name(key, TJ__POSITION_NAME)) {
        TJ_TRY(tj__position_decode(value, &in->out->position, error));
        in->out->has_position = true;
        return TJ_OK;
    }
    if (!tj__sum_is_key(key)) {
        return tj__fail(error, TJ_CORRUPT, "a row has a name that no row of that table has");
    }
    TJ_TRY(tj__sum_decode(key, value, &sum, error));
    tj__put_bytes(&in->stored.items, &sum, sizeof sum);
    return in->stored.items.failed ? tj__fail(error, TJ_NOMEM, "no memory for sums of rows")
                                   : TJ_OK;
}

/* One row that cannot be read takes nothing from the others. */
static tj_status see_meta(inspecting *in, const tj__walked_row *row, tj_error *error)
{
    tj_error fault = TJ_ERROR_INIT;
    tj_status status = take_meta(in, row->key, row->value, &fault);
    if (!is_fault(status)) {
        return status == TJ_OK ? TJ_OK : tj__error_pass(error, &fault);
    }
    tj__error_context(&fault, "at offset %" PRIu64 " of %s", row->offset, in->pages.path);
    tj__error_place(&fault, "%s:%" PRIu64, in->pages.path, row->offset);
    return tell(in, TJ__TABLE_META, &fault, error);
}

/* ---- rows ---------------------------------------------------------------------------------- */

static tj_status see_row(inspecting *in, const tj__walked_row *walked, tj_error *error)
{
    uint8_t row_key[TJ__ROW_KEY_SIZE_MAX] = {in->table};
    memcpy(row_key + 1, walked->key.data, walked->key.size);
    tj__bytes whole = tj__bytes_of(row_key, walked->key.size + 1);
    if (walked->key.size == 0) {
        return tj__fail(error, TJ_CORRUPT, "a row has no key");
    }
    tj__sum *sum = tj__sums_of(&in->counted, whole);
    if (!sum) {
        return tj__fail(error, TJ_NOMEM, "no memory for sums of rows");
    }
    sum->rows++;
    sum->checksums += tj__row_checksum(walked->value);
    tj__row row = tj__row_unwrap(whole, walked->value);
    row.file = in->pages.path;
    row.offset = walked->offset;
    in->damaged_row = in->damaged_row || row.damaged;
    in->out->rows++;
    return in->inspector->row ? in->inspector->row(in->inspector->context, &row, error) : TJ_OK;
}

static tj_status see_rows(void *context, const tj__walked_row *rows, size_t count, tj_error *error)
{
    inspecting *in = context;
    for (size_t i = 0; i < count; i++) {
        TJ_TRY(in->table == TJ__TABLE_META ? see_meta(in, &rows[i], error)
                                           : see_row(in, &rows[i], error));
    }
    return TJ_OK;
}

static bool has_sums(const inspecting *in)
{
    return in->out->has_superblock && in->out->superblock.format_version >= 2 &&
           (in->out->damaged & TJ__TABLE_BIT(TJ__TABLE_META)) == 0;
}

static tj_status walk_table(inspecting *in, uint8_t table, tj_error *error)
{
    in->table = table;
    in->damaged_row = false;
    TJ_TRY(tj__walk_database(in->walk, tj__table_name(table), see_rows, in, error));
    return has_sums(in) ? tj__sums_agree(&in->stored, &in->counted, table, in->damaged_row,
                                         in->pages.path, error)
                        : TJ_OK;
}

/* ---- the file ------------------------------------------------------------------------------ */

/* A walk of one part; its faults are told. */
static tj_status walked(inspecting *in, uint8_t table, tj_status status, const tj_error *fault,
                        tj_error *error)
{
    if (status == TJ_OK) {
        return TJ_OK;
    }
    return is_fault(status) ? tell(in, table, fault, error) : tj__error_pass(error, fault);
}

static bool has_table(const inspecting *in, uint8_t table)
{
    tj__bytes names = tj__walk_names(in->walk);
    const char *sought = tj__table_name(table);
    for (size_t at = 0; at < names.size; at += strlen((const char *)names.data + at) + 1) {
        if (strcmp((const char *)names.data + at, sought) == 0) {
            return true;
        }
    }
    return false;
}

static tj_status missing_table(const inspecting *in, uint8_t table, tj_error *fault)
{
    return tj__fail(fault, TJ_CORRUPT, "%s has no table \"%s\"", in->pages.path,
                    tj__table_name(table));
}

static tj_status walk_tables(inspecting *in, tj_error *error)
{
    tj_error fault = TJ_ERROR_INIT;
    in->table = TJ__TABLE_META;
    tj_status status =
        has_table(in, TJ__TABLE_META)
            ? tj__walk_database(in->walk, tj__table_name(TJ__TABLE_META), see_rows, in, &fault)
            : missing_table(in, TJ__TABLE_META, &fault);
    TJ_TRY(walked(in, TJ__TABLE_META, status, &fault, error));
    uint64_t tables = in->out->has_superblock ? in->out->superblock.tables : TJ__TABLES_V1;
    for (uint8_t table = TJ__TABLE_META + 1; table <= TJ__TABLE_LAST; table++) {
        fault = (tj_error)TJ_ERROR_INIT;
        status = TJ_OK;
        if (has_table(in, table)) {
            status = walk_table(in, table, &fault);
        } else if (tables & TJ__TABLE_BIT(table)) {
            status = missing_table(in, table, &fault);
        }
        TJ_TRY(walked(in, table, status, &fault, error));
    }
    return TJ_OK;
}

/* Each transaction writes the other meta page, so the two are of transactions that follow each
 * other; else one of them shows an older state for the newest. */
static tj_status check_metas(const inspecting *in, tj_error *fault)
{
    uint64_t first = tj__load_u64(in->pages.metas[0] + 128);
    uint64_t second = tj__load_u64(in->pages.metas[1] + 128);
    if ((first == 0 && second == 0) || first == second + 1 || second == first + 1) {
        return TJ_OK;
    }
    return tj__fail(fault, TJ_CORRUPT,
                    "%s is damaged: its two meta pages are of transactions %" PRIu64 " and %" PRIu64
                    ", which do not follow each other",
                    in->pages.path, first, second);
}

static tj_status check_free(inspecting *in, tj_error *fault)
{
    uint64_t first = 0;
    TJ_TRY(tj__walk_free_list(in->walk, fault));
    uint64_t lost = in->out->damaged == 0 ? tj__walk_lost(in->walk, &first) : 0;
    return lost == 0
               ? TJ_OK
               : tj__pages_bad(&in->pages, first, fault,
                               "it is the first of %" PRIu64 " that are neither in use nor free",
                               lost);
}

static tj_status walk_file(inspecting *in, tj_error *error)
{
    tj_error fault = TJ_ERROR_INIT;
    TJ_TRY(walked(in, 0, check_metas(in, &fault), &fault, error));
    fault = (tj_error)TJ_ERROR_INIT;
    tj_status status = tj__walk_begin(&in->pages, &in->walk, &fault);
    if (status != TJ_OK) {
        return walked(in, 0, status, &fault, error);
    }
    TJ_TRY(walk_tables(in, error));
    fault = (tj_error)TJ_ERROR_INIT;
    return walked(in, 0, check_free(in, &fault), &fault, error);
}

/* Another version of LMDB, another page size, another machine's: whole, for all that is known. */
static tj_status open_pages(inspecting *in, const char *path, bool *held, tj_error *error)
{
    *held = true;
    tj_status status = tj__pages_open(path, (uint32_t)sysconf(_SC_PAGESIZE), &in->pages, error);
    return status == TJ_OK ? tj__pages_hold(&in->pages, held, error) : status;
}

static tj_status look_once(inspecting *in, const char *path, bool *moved, tj_error *error)
{
    bool held = true;
    tj_error fault = TJ_ERROR_INIT;
    if (in->inspector->begin) {
        TJ_TRY(in->inspector->begin(in->inspector->context, error));
    }
    tj_status status = open_pages(in, path, &held, &fault);
    if (status != TJ_OK) {
        *moved = tj__pages_moved(&in->pages);
        return walked(in, 0, status, &fault, error);
    }
    *moved = !held;
    in->out->bytes = in->pages.size;
    in->out->pages = in->pages.last_page + 1;
    return held ? walk_file(in, error) : TJ_OK;
}

tj_status tj__data_inspect(const char *directory, const tj__inspector *inspector,
                           tj__inspection *out, tj_error *error)
{
    char path[TJ__PATH_SIZE];
    bool moved = true;
    tj_status status = TJ_OK;
    TJ_TRY(tj__path_join(path, sizeof path, directory, TJ__DATA_NAME, error));
    for (unsigned looks = 0; status == TJ_OK && moved && looks < LOOKS_MAX; looks++) {
        inspecting in = {.inspector = inspector, .out = out, .pages = {.fd = -1}};
        *out = (tj__inspection){0};
        status = look_once(&in, path, &moved, error);
        tj__walk_end(in.walk);
        tj__sums_dispose(&in.stored);
        tj__sums_dispose(&in.counted);
        tj__pages_close(&in.pages);
    }
    return status != TJ_OK || !moved
               ? status
               : tj__fail(error, TJ_UNAVAILABLE,
                          "the writer of %s changed it each time it was looked at: try again",
                          path);
}
