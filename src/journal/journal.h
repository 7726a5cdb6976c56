/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * The journal: a directory with a commit log and an LMDB environment that follows it.
 *
 *   append -> log (one write, one flush) -> mark -> acknowledged -> applied to LMDB later
 *
 * One process writes; any number look on. What a view shows is LMDB's state plus the log from
 * LMDB's position up to the acknowledged mark, in the writing process and in others alike (view.c).
 */
#ifndef TJ_JOURNAL_JOURNAL_H
#define TJ_JOURNAL_JOURNAL_H

#include <tesser/maintain.h>
#include <tesser/store.h>

#include "base/metrics.h"
#include "base/rows.h"
#include "model/commit_record.h"

typedef struct tj__journal tj__journal;

/* Applies the path rules: a file, or a name that ends in .db, becomes the sibling with .lmdb; a
 * name that ends in data.mdb becomes its directory. The result is from the root. Touches
 * nothing. */
tj_status tj__journal_path(const char *configured, char *out, size_t size, tj_error *error);
/* Who names a backup where a journal is meant is told what to do with it: TJ_INVALID. */
tj_status tj__journal_refuse_backup(const char *path, tj_error *error);
/* As tj_path_apart, of a directory that may itself be a journal or a backup. */
tj_status tj__path_apart_above(const char *path, tj_error *error);

/* The file system that holds a path, or will. */
typedef struct tj__place {
    char name[64];
    const char *refused; /* why it cannot hold a journal; NULL: it can */
    const char *warning; /* what a writer should know of it; NULL: nothing */
} tj__place;
tj_status tj__journal_place(const char *path, tj__place *out, tj_error *error);
/* TJ_UNSUPPORTED when it cannot hold a journal. */
tj_status tj__journal_place_check(const char *path, tj_error *error);

/* What the next writer will say of the files that it opens for writing, of the log those from
 * segment `first` to `last`; nothing is opened. The state can be shown without them, so only who
 * asks how the journal does is told. Rights are judged where this process owns the directory. */
tj_status tj__journal_foretell_files(const char *path, uint64_t first, uint64_t last,
                                     tj_error *error);

/* Opens for writing: creates (unless must_exist), locks, recovers, starts the helper thread. With
 * read_only: for views only. config has every default filled in and a path from tj__journal_path;
 * metrics outlive the journal. */
tj_status tj__journal_open(const tj_config *config, tj__metrics *metrics, tj__journal **out,
                           tj_error *error);

/* See engine.h for what these promise. */
tj_status tj__journal_append(tj__journal *journal, const tj__commit_record *commit, bool urgent,
                             uint64_t *sequence, tj_error *error);
tj_status tj__journal_wait(tj__journal *journal, uint64_t sequence, bool sync, tj_error *error);
tj_status tj__journal_work(tj__journal *journal, tj_error *error);
uint64_t tj__journal_appended(tj__journal *journal);
tj_status tj__journal_find(tj__journal *journal, tj__bytes key, bool *found, tj_error *error);
uint64_t tj__journal_included(tj__journal *journal);
tj_status tj__journal_view_begin(tj__journal *journal, tj__row_source **rows, tj_error *error);
void tj__journal_view_end(tj__row_source *rows);
tj_status tj__journal_newest(tj__journal *journal, uint64_t *sequence, tj_error *error);
tj_status tj__journal_view_at(tj__journal *journal, uint64_t sequence, uint64_t tables,
                              tj__row_source **rows, tj_error *error);
void tj__journal_view_at_end(tj__row_source *rows);
tj_status tj__journal_points(tj__journal *journal, uint64_t last, tj__buffer *out, tj_error *error);
typedef struct tj__commits tj__commits;
tj_status tj__journal_commits_open(tj__journal *journal, uint64_t first,
                                   const tj__row_source *before, tj__commits **out,
                                   tj_error *error);
tj_status tj__journal_commits_next(tj__commits *commits, uint64_t last, bool *found,
                                   tj__commit_record *record, tj_error *error);
void tj__journal_commits_close(tj__commits *commits);
tj_status tj__journal_block(tj__journal *journal, uint64_t sequence, uint64_t *first,
                            tj_error *error);
tj_status tj__journal_sequence_at(tj__journal *journal, tj_time time, uint64_t newest,
                                  uint64_t *sequence, tj_error *error);
/* Lets old segments go, as retention.h has it; dry: changes nothing. size_bytes 0: as
 * configured. */
tj_status tj__journal_prune(tj__journal *journal, uint64_t size_bytes, bool dry,
                            tj_prune_report *report, tj_error *error);
/* What this journal, or of one that looks on its writer, has counted. */
void tj__journal_metrics(tj__journal *journal, tj_metrics *out);
/* When it was made, also by a repair; a copy has the time of what it was copied from. */
tj_time tj__journal_made_at(const tj__journal *journal);
tj_status tj__journal_info(tj__journal *journal, tj_store_info *info, tj_error *error);
/* Ends the helper thread; tj__journal_close follows. */
void tj__journal_quiesce(tj__journal *journal);
tj_status tj__journal_close(tj__journal *journal, tj_error *error);
/* The same, and replaces data.mdb with one that has no free pages; the log is whole in any case. */
tj_status tj__journal_close_compacted(tj__journal *journal, tj_compact_report *report,
                                      tj_error *error);
/* What that would come to; beside a writer too. */
tj_status tj__journal_compact_look(const char *path, tj_compact_report *report, tj_error *error);
void tj__journal_abandon(tj__journal *journal);

#endif
