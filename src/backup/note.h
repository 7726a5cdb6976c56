/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * What a journal knows of its backups: the newest, and the newest that was proven. A file "backups"
 * in its directory, in words, so that a person finds the backup when nothing else works:
 *
 *   made 4711 2026-03-01T09:30:00.123456789Z /mnt/backup/journal
 *   proven 4600 2026-03-01T08:30:00.123456789Z /mnt/backup/journal
 *   checksum 0123456789abcdef
 *
 * Each line but the last is there when there is something to say: the commit, when it was made or
 * proven, and the directory to the end of the line, with %XX for control characters and "%". The
 * checksum is XXH3 of the bytes before its line. A file that is lost or damaged knows of none:
 * backups are as good as before.
 */
#ifndef TJ_BACKUP_NOTE_H
#define TJ_BACKUP_NOTE_H

#include <limits.h>

#include <tesser/error.h>
#include <tesser/time.h>

#include "base/buffer.h"

#define TJ__BACKUP_NOTE_NAME "backups"

typedef struct tj__noted_backup {
    uint64_t sequence;
    tj_time at; /* 0: none */
    char directory[PATH_MAX];
} tj__noted_backup;

typedef struct tj__backup_note {
    tj__noted_backup made;
    tj__noted_backup proven;
} tj__backup_note;

void tj__backup_note_encode(const tj__backup_note *note, tj__buffer *out);
/* False, and zeros, when it is no whole note. */
bool tj__backup_note_decode(tj__bytes bytes, tj__backup_note *out);

/* Reads that of a journal's directory; zeros when there is none that can be used. */
void tj__backup_note_read(const char *journal, tj__backup_note *out);

/* What is new to a journal; `made` or `proven` may be NULL. One of an earlier commit than what is
 * known is passed over. `renew_ns`: a backup into the same directory is noted again only after so
 * long. The file is replaced and flushed. TJ_BUSY beside another process that does the same. */
tj_status tj__backup_note_add(const char *journal, const tj__noted_backup *made,
                              const tj__noted_backup *proven, int64_t renew_ns, tj_error *error);

#endif
