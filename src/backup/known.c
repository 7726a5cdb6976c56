/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* The backups that a journal knows of, told. */
#include <stdlib.h>

#include <tesser/maintain.h>

#include "backup/note.h"
#include "base/arena.h"
#include "base/error.h"
#include "base/file.h"
#include "journal/journal.h"

static bool tell(tj__arena *arena, const tj__noted_backup *noted, tj_known_backup *out)
{
    if (noted->at == 0) {
        return true;
    }
    *out = (tj_known_backup){noted->sequence, noted->at,
                             tj__arena_str(arena, tj_str_of(noted->directory))};
    return out->directory.data;
}

tj_status tj_known_backups_read(const char *journal, tj_known_backups **out, tj_error *error)
{
    char path[PATH_MAX];
    tj__backup_note note;
    void *object = NULL;
    if (!journal || !out) {
        return tj__fail(error, TJ_MISUSE, "an argument that must not be NULL is NULL");
    }
    *out = NULL;
    TJ_TRY(tj__journal_path(journal, path, sizeof path, error));
    tj__backup_note_read(path, &note);
    tj__arena *arena = tj__arena_new(sizeof(tj_known_backups), &object);
    tj_known_backups *backups = object;
    if (!arena || !tell(arena, &note.made, &backups->newest) ||
        !tell(arena, &note.proven, &backups->verified)) {
        tj_known_backups_free(backups);
        return tj__fail(error, TJ_NOMEM, "no memory to tell of backups");
    }
    *out = backups;
    return TJ_OK;
}

void tj_known_backups_free(tj_known_backups *backups)
{
    tj__arena_free_object(backups);
}
