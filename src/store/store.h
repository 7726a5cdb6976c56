/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* What a store gives to the rooms above it, beside its public interface. */
#ifndef TJ_STORE_STORE_H
#define TJ_STORE_STORE_H

#include <tesser/repository.h>

#include "commit/commit.h"
#include "rows/load.h"

/* What a store is open on. */
struct tj__engine *tj__store_engine(const tj_store *store);

/* The book that a call without one means. */
const char *tj__store_book(const tj_store *store);

/* A caller's configuration with every default filled in. */
tj_status tj__config_complete(const tj_config *given, tj_config *config, tj_error *error);

/* A view with the number of a book in it; end it with tj__reading_end whatever begin returned. */
typedef struct tj__reading {
    struct tj__core *core;
    tj__row_source *rows;
    uint32_t book;
} tj__reading;
tj_status tj__reading_begin(tj__reading *reading, tj_store *store, const char *book,
                            tj_error *error);
/* The same of all books: `book` is 0. */
tj_status tj__reading_begin_all(tj__reading *reading, tj_store *store, tj_error *error);
void tj__reading_end(tj__reading *reading);

/* What a commit came to. */
typedef struct tj__outcome {
    uint64_t sequence;
    uint64_t ledger_last;   /* 0 when no ledger entry was appended */
    uint64_t counter_first; /* 0 when no counter was reserved */
} tj__outcome;

/* commit.c: resolve, append, advance, wait. outcome may be NULL. */
tj_status tj__store_commit(tj_store *store, tj__plan *plan, const tj_commit_options *options,
                           tj__outcome *outcome, tj_error *error);
/* As tj__store_commit, of a plan that is filled in under the append lock, when a view shows
 * everything that was appended: nothing comes between what it sees and its commit. */
typedef tj_status tj__plan_filler(void *context, tj__plan *plan, tj_error *error);
tj_status tj__store_commit_late(tj_store *store, tj__plan *plan, tj__plan_filler *filler,
                                void *context, const tj_commit_options *options,
                                tj__outcome *outcome, tj_error *error);

#endif
