/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Writing a log anew from the records that a reader gives out: with the journal id that they have,
 * for a backup, or with another one, for a restored journal. Only hashes then differ, so every
 * record has the place in its segment that it had.
 */
#ifndef TJ_BACKUP_SCRIBE_H
#define TJ_BACKUP_SCRIBE_H

#include "backup/pace.h"
#include "base/hash.h"
#include "log/frame.h"
#include "log/segment.h"

typedef struct tj__scribe {
    tj_uuid journal_id;
    tj__pace *pace;
    bool for_journal; /* segments have their whole size, and are overwritten in place */
    int fd;           /* -1: no segment is open */
    char path[TJ__SEGMENT_PATH_SIZE];
    uint64_t ordinal;
    uint64_t size;         /* of the segment, once it was begun here */
    uint64_t written;      /* bytes of it in the file */
    uint64_t hash;         /* of the last record */
    tj__buffer rest;       /* what follows them */
    XXH3_state_t *content; /* the hash of what was put into the file; NULL: not asked for */
    bool content_known;    /* all of it was put there by this scribe */
} tj__scribe;

void tj__scribe_init(tj__scribe *scribe, const tj_uuid *journal_id, bool for_journal,
                     tj__pace *pace);
/* Closes the file as it is. */
void tj__scribe_dispose(tj__scribe *scribe);

/* Makes the file of a segment, or empties it, and writes its header, chained to the last record. */
tj_status tj__scribe_begin(tj__scribe *scribe, const char *path, const tj__segment_header *header,
                           tj_error *error);
/* Goes on in a file behind `size` bytes, the last of which are a record with this hash; cuts what
 * follows. */
tj_status tj__scribe_resume(tj__scribe *scribe, const char *path, uint64_t ordinal, uint64_t size,
                            uint64_t hash, tj_error *error);
/* Writes a commit or a seal behind the last one. */
tj_status tj__scribe_put(tj__scribe *scribe, const tj__record *record, tj_error *error);
/* Where the next record goes. */
uint64_t tj__scribe_offset(const tj__scribe *scribe);
/* From now on each file that is begun is hashed while it is written. */
tj_status tj__scribe_hash_content(tj__scribe *scribe, tj_error *error);
/* The hash of the file that was ended last; false: it is not known. */
bool tj__scribe_content_hash(const tj__scribe *scribe, uint64_t *hash);
/* Writes what is left, flushes the file but not its directory, and closes it. Nothing is open: does
 * nothing. */
tj_status tj__scribe_end(tj__scribe *scribe, tj_error *error);

#endif
