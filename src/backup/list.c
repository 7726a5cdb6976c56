/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Points of a backup, told. */
#include <stdlib.h>

#include <tesser/maintain.h>

#include "backup/directory.h"
#include "backup/report.h"
#include "base/arena.h"
#include "base/error.h"
#include "history/base_reader.h"

tj_backup_point tj__backup_point_tell(const tj__point *point)
{
    tj_backup_point told = {.sequence = point->position.sequence,
                            .time = point->position.sequence == 0 ? 0 : point->position.time,
                            .made_at = point->made_at,
                            .verified_at = point->verified_at,
                            .digest = tj__digest_value(&point->digest)};
    for (size_t i = 0; i < point->file_count; i++) {
        told.segment_count += point->files[i].kind == TJ__POINT_FILE_SEGMENT;
        told.bytes += point->files[i].size;
    }
    for (uint8_t table = TJ__TABLE_FIRST; table <= TJ__TABLE_LAST; table++) {
        told.row_count += point->digest.rows[table];
    }
    return told;
}

tj_status tj__backup_report_new(const char *directory, const tj__point *point,
                                uint64_t copied_bytes, bool noted, tj_backup_report **out,
                                tj_error *error)
{
    void *object = NULL;
    tj__arena *arena = tj__arena_new(sizeof(tj_backup_report), &object);
    tj_backup_report *report = object;
    if (!arena || !(report->directory = tj__arena_str(arena, tj_str_of(directory))).data) {
        tj_backup_report_free(report);
        return tj__fail(error, TJ_NOMEM, "it is done, but there is no memory to tell of it");
    }
    report->journal_id = point->journal_id;
    report->point = tj__backup_point_tell(point);
    report->copied_bytes = copied_bytes;
    report->noted = noted;
    *out = report;
    return TJ_OK;
}

void tj_backup_report_free(tj_backup_report *report)
{
    tj__arena_free_object(report);
}

/* The log of a backup begins with segment 1, or behind a base. */
static tj_status find_oldest(const tj__backup_directory *directory, const tj__point *point,
                             uint64_t *sequence, tj_error *error)
{
    tj__base_header header;
    uint64_t first = tj__point_first_segment(point);
    *sequence = 0;
    if (first > 1) {
        TJ_TRY(tj__base_look(directory->history_path, &point->journal_id, TJ__BASE_STATE, first - 1,
                             &header, error));
        *sequence = header.position.sequence;
    }
    return TJ_OK;
}

static tj_status read_points(const tj__backup_directory *directory, const uint64_t *sequences,
                             tj_backup_list *list, tj_error *error)
{
    for (size_t i = 0; i < list->count; i++) {
        tj__point point;
        TJ_TRY(tj__point_read(directory->points_path, sequences[i], &point, error));
        list->journal_id = point.journal_id;
        list->points[i] = tj__backup_point_tell(&point);
        tj_status status = find_oldest(directory, &point, &list->oldest_sequence, error);
        tj__point_dispose(&point);
        TJ_TRY(status);
    }
    return TJ_OK;
}

static tj_status make_list(const tj__backup_directory *directory, const uint64_t *sequences,
                           size_t count, tj_backup_list **out, tj_error *error)
{
    void *object = NULL;
    tj__arena *arena = tj__arena_new(sizeof(tj_backup_list), &object);
    tj_backup_list *list = object;
    if (!arena) {
        return tj__fail(error, TJ_NOMEM, "no memory for a list of %zu points", count);
    }
    list->count = count;
    list->directory = tj__arena_str(arena, tj_str_of(directory->path));
    list->points = tj__arena_array(arena, count, sizeof *list->points);
    tj_status status = !list->directory.data || !list->points
                           ? tj__fail(error, TJ_NOMEM, "no memory for a list of %zu points", count)
                           : read_points(directory, sequences, list, error);
    if (status != TJ_OK) {
        tj_backup_list_free(list);
        return status;
    }
    *out = list;
    return TJ_OK;
}

tj_status tj_backup_list_read(const char *path, tj_backup_list **out, tj_error *error)
{
    tj__backup_directory directory;
    uint64_t *sequences = NULL;
    size_t count = 0;
    if (!path || !out) {
        return tj__fail(error, TJ_MISUSE, "an argument that must not be NULL is NULL");
    }
    *out = NULL;
    TJ_TRY(tj__backup_directory_open(&directory, path, error));
    TJ_TRY(tj__point_list(directory.points_path, &sequences, &count, error));
    tj_status status = make_list(&directory, sequences, count, out, error);
    free(sequences);
    return status;
}

void tj_backup_list_free(tj_backup_list *list)
{
    tj__arena_free_object(list);
}
