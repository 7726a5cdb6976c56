/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* What a store is made of, for the files of this folder only. */
#ifndef TJ_STORE_INTERNAL_H
#define TJ_STORE_INTERNAL_H

#include <pthread.h>
#include <stdatomic.h>
#include <sys/types.h>

#include <tesser/repository.h>

#include "commit/commit.h"
#include "engine/engine.h"
#include "rows/body.h"
#include "rows/load.h"
#include "store/deadline.h"
#include "store/store.h"
#include "store/submit.h"

/* One opened engine; shared by the stores that asked to share it. */
typedef struct tj__core {
    const tj__engine_kind *kind;
    tj__engine *engine;
    pthread_mutex_t append_lock;    /* guards the next two */
    tj__tip *tip;                   /* NULL when read-only */
    tj__resolved resolved;          /* what the newest commit came to; kept for its memory */
    _Atomic(tj__plan *) spare_plan; /* of a transaction that ended, for the next one; or NULL */
    tj__flights flights;
    tj__errands errands;
    tj_config config; /* every default filled in; strings are not kept */
    pid_t pid;
    _Atomic bool forked; /* this process is a child of the one that opened it */

    /* Guarded by the registry's lock. */
    tj__engine_identity identity;
    unsigned references;
    bool closing; /* nobody uses it any more, and it is not closed yet */
    struct tj__core *next;
} tj__core;

struct tj_txn {
    tj_store *store;
    tj__plan *plan;
};

struct tj_state_repository {
    tj_store *store;
    const char *book;
};
struct tj_algo_repository {
    tj_store *store;
    const char *book;
};
struct tj_ledger_repository {
    tj_store *store;
    const char *book;
};

/* The repositories of one book name. */
typedef struct tj__book_handle {
    struct tj_state_repository state;
    struct tj_algo_repository algo;
    struct tj_ledger_repository ledger;
    struct tj__book_handle *next;
    char name[];
} tj__book_handle;

struct tj_store {
    tj__core *core;
    bool read_only;
    char book[TJ_BOOK_SIZE_MAX + 1];
    pthread_mutex_t handles_lock;
    tj__book_handle *handles; /* guarded by handles_lock */
};

/* registry.c: the engines that are open in this process. */
tj_status tj__core_open(const tj_config *config, tj__core **out, tj_error *error);
tj_status tj__core_release(tj__core *core, tj_error *error);
/* TJ_CLOSED in the child of a fork. */
tj_status tj__core_check(const tj__core *core, tj_error *error);

/* The first two steps: whoever calls it waits, holds what is traced until then, and counts it.
 * One that is refused is counted here. */
tj_status tj__store_decide(tj_store *store, tj__plan *plan, const tj_commit_options *options,
                           tj__outcome *outcome, tj_error *error);
/* The same for a plan that tj__plan_open_state ended. */
tj_status tj__store_save(tj_store *store, tj__plan *plan, const tj_live_state *state,
                         tj_error *error);
/* The first within options->deadline_ms; takes the plan. The store need not outlive it, its core
 * does. */
tj_status tj__store_commit_within(tj_store *store, tj__plan *plan, const tj_commit_options *options,
                                  uint64_t *sequence, tj_error *error);
/* The first two steps now, the rest behind the caller's back. What is received is there before done
 * is called; either may be NULL. */
tj_status tj__store_submit(tj_store *store, tj__plan *plan, const tj_commit_options *options,
                           tj_commit_done *done, void *context, uint64_t *sequence,
                           uint64_t *counter_first, tj_error *error);
tj_status tj__txn_options(const tj_commit_options *given, tj_commit_options *own, tj_error *error);
/* tj__plan_json_read for a transaction. */
void tj__txn_json_read(tj_txn *txn, bool read);
/* An empty plan for a store's book; tj__core_plan_free takes it back. */
tj_status tj__store_plan(tj_store *store, const char *book, tj__plan **out, tj_error *error);
void tj__core_plan_free(tj__core *core, tj__plan *plan); /* NULL is allowed */

#endif
