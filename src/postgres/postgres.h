/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * The journal on PostgreSQL: the commit log is a table, and so are the rows.
 *
 * A batch of commits is one statement and one round trip: an insert into `log` that only finds what
 * it hangs on to while the newest row carries this writer's epoch as its fence. Who takes the
 * journal over writes its own epoch there, and from then on the statement of the one before inserts
 * nothing, however late it comes. The rows follow a little later, out of the log (apply.c), and a
 * view is both (view.c).
 */
#ifndef TJ_POSTGRES_POSTGRES_H
#define TJ_POSTGRES_POSTGRES_H

#include <tesser/maintain.h>
#include <tesser/store.h>

#include "base/metrics.h"
#include "base/rows.h"
#include "model/commit_record.h"

typedef struct tj__postgres tj__postgres;
typedef struct tj__commits tj__postgres_commits; /* see engine.h */

/* Whether what is configured can be meant, in words without a secret: TJ_INVALID, TJ_MISUSE. */
tj_status tj__postgres_check(const tj_config *config, tj_error *error);

/* Opens for writing: creates what is not there unless it must be, claims the journal (TJ_BUSY) and
 * brings the rows up to the log. Or looks on. A writer counts in `metrics`. */
tj_status tj__postgres_open(const tj_config *config, tj__metrics *metrics, tj__postgres **out,
                            tj_error *error);
tj_status tj__postgres_close(tj__postgres *postgres, tj_error *error);
void tj__postgres_quiesce(tj__postgres *postgres, uint64_t since_ns);
void tj__postgres_abandon(tj__postgres *postgres);

/* As in engine.h. */
tj_status tj__postgres_view_begin(tj__postgres *postgres, tj__row_source **rows, tj_error *error);
void tj__postgres_view_end(tj__postgres *postgres, tj__row_source *rows);
tj_status tj__postgres_append(tj__postgres *postgres, const tj__commit_record *commit,
                              uint64_t *sequence, tj_error *error);
tj_status tj__postgres_wait(tj__postgres *postgres, uint64_t sequence, bool sync, tj_error *error);
uint64_t tj__postgres_settled(tj__postgres *postgres, bool sync);
tj_status tj__postgres_find(tj__postgres *postgres, tj__bytes key, bool *found, tj_error *error);
uint64_t tj__postgres_included(tj__postgres *postgres);
uint64_t tj__postgres_appended(tj__postgres *postgres);
tj_status tj__postgres_info(tj__postgres *postgres, tj_store_info *info, tj_error *error);
tj_status tj__postgres_standbys(tj__postgres *postgres, tj_standby_list *out, tj_error *error);
typedef void tj__postgres_tell(void *context, const char *name, tj_health health,
                               const char *sentence);
tj_status tj__postgres_examine(tj__postgres *postgres, tj__postgres_tell *tell, void *context,
                               tj_error *error);
tj_status tj__postgres_work(tj__postgres *postgres, tj_error *error);

/* By the writer, as it last told; zeros when it has told nothing. */
void tj__postgres_metrics(tj__postgres *postgres, tj_metrics *out);
tj_status tj__postgres_prune(tj__postgres *postgres, uint64_t size_bytes, bool dry,
                             tj_prune_report *report, tj_error *error);

tj_status tj__postgres_newest(tj__postgres *postgres, uint64_t *sequence, tj_error *error);
tj_status tj__postgres_view_at(tj__postgres *postgres, uint64_t sequence, uint64_t tables,
                               tj__row_source **rows, tj_error *error);
void tj__postgres_view_at_end(tj__row_source *rows);
tj_status tj__postgres_sequence_at(tj__postgres *postgres, tj_time time, uint64_t newest,
                                   uint64_t *sequence, tj_error *error);
tj_status tj__postgres_block(tj__postgres *postgres, uint64_t sequence, uint64_t *first,
                             tj_error *error);
tj_status tj__postgres_commits_open(tj__postgres *postgres, uint64_t first,
                                    tj__postgres_commits **out, tj_error *error);
tj_status tj__postgres_commits_next(tj__postgres_commits *commits, uint64_t last, bool *found,
                                    tj__commit_record *record, tj_error *error);
void tj__postgres_commits_close(tj__postgres_commits *commits);

#endif
