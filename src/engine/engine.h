/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * What an engine provides. Everything above it (repositories, transactions, the tip that saves are
 * compared with) is the same code for every engine: engines move rows and never see a model value.
 *
 * A new engine is one file that fills in these tables, one line in engines.c, and its number in
 * <tesser/config.h>.
 */
#ifndef TJ_ENGINE_ENGINE_H
#define TJ_ENGINE_ENGINE_H

#include <tesser/maintain.h>
#include <tesser/store.h>
#include <tesser/uuid.h>

#include "base/metrics.h"
#include "base/rows.h"
#include "model/commit_record.h"

typedef struct tj__engine tj__engine;

/* Commits of the past, being read. */
typedef struct tj__commits tj__commits;

/* What was: for engines that keep it. Any thread, any number at once; nothing that is not
 * acknowledged is ever shown. A sequence is one from 1 to the newest. TJ_NOT_FOUND, with the
 * sequence: it is not kept any more. */
typedef struct tj__engine_past {
    /* The newest commit that is acknowledged, 0 before the first. */
    tj_status (*newest)(tj__engine *engine, uint64_t *sequence, tj_error *error);
    /* The rows of these tables (bits) after a commit, 0 being before the first; ended with
     * view_at_end. What is not kept may also be told by a row that is asked for. */
    tj_status (*view_at)(tj__engine *engine, uint64_t sequence, uint64_t tables,
                         tj__row_source **rows, tj_error *error);
    void (*view_at_end)(tj__row_source *rows);
    /* The points up to a commit, oldest first: tj__past_point each. Some may be of before the
     * oldest commit that is kept, and have nothing but the LiveState. */
    tj_status (*points)(tj__engine *engine, uint64_t last, tj__buffer *out, tj_error *error);
    /* The newest commit that was not made after `time`, of those up to `newest`; 0 before the
     * first that is kept. */
    tj_status (*sequence_at)(tj__engine *engine, tj_time time, uint64_t newest, uint64_t *sequence,
                             tj_error *error);
    /* A commit at or before this one from which reading on is no more work: commits are read
     * backwards block by block. 0: the oldest that is kept. */
    tj_status (*block)(tj__engine *engine, uint64_t sequence, uint64_t *first, tj_error *error);
    /* Reads commits in their order, from `first` on. `before` may be a view_at of the commit before
     * it, so that what was read for that is not read again; else NULL. */
    tj_status (*commits_open)(tj__engine *engine, uint64_t first, const tj__row_source *before,
                              tj__commits **out, tj_error *error);
    /* The next one, if it is not above `last`, which must be acknowledged; its bytes are valid
     * until the next call. Goes on later where it found none. */
    tj_status (*commits_next)(tj__commits *commits, uint64_t last, bool *found,
                              tj__commit_record *record, tj_error *error);
    void (*commits_close)(tj__commits *commits); /* NULL is allowed */
} tj__engine_past;

/* Tells one thing of the place that an engine keeps its journal in: see tj_checkup_item. */
typedef void tj__engine_tell(void *context, const char *name, tj_health health,
                             const char *sentence);

typedef struct tj__engine_ops {
    /* Must provide. A consistent view after some commit: never one that was not acknowledged, never
     * older than the last acknowledged before the call. view_end is always called; views are short.
     */
    tj_status (*view_begin)(tj__engine *engine, tj__row_source **rows, tj_error *error);
    void (*view_end)(tj__engine *engine, tj__row_source *rows);

    /* Must provide, unless read-only. Takes one commit as the next in order: its sequence and epoch
     * are the engine's to give, and so is a time of 0, which is now; one that is copied has its
     * own. A note may be dropped. Urgent: it may use what is kept in reserve for when the disk is
     * full. Calls are serialized by the store. After TJ_OK the store's tip includes it, and `wait`
     * says when it may be acknowledged; after any other status nothing changed. */
    tj_status (*append)(tj__engine *engine, const tj__commit_record *commit, bool urgent,
                        uint64_t *sequence, tj_error *error);
    /* Must provide, unless read-only. Any thread, any number at once: waits until everything up to
     * sequence is as durable as the store promises, or, with sync, on the disk. TJ_CLOSED with the
     * outcome in the message; TJ_UNKNOWN: not yet, and maybe later. */
    tj_status (*wait)(tj__engine *engine, uint64_t sequence, bool sync, tj_error *error);
    /* Must provide where `wait` returns TJ_UNKNOWN. How far it would return at once, with TJ_OK. */
    uint64_t (*settled)(tj__engine *engine, bool sync);
    /* Must provide, unless read-only; under the same lock as append. Whether a row is stored, by
     * commits up to `included` at least. */
    tj_status (*find)(tj__engine *engine, tj__bytes key, bool *found, tj_error *error);
    uint64_t (*included)(tj__engine *engine);
    /* Must provide. The highest sequence appended so far. */
    uint64_t (*appended)(tj__engine *engine);
    /* Must provide. Fills in what the engine knows; the store has initialized it. */
    tj_status (*info)(tj__engine *engine, tj_store_info *info, tj_error *error);
    /* May provide. The standbys of the server that it is on, in a list that was made in an arena;
     * NULL: there are none. */
    tj_status (*standbys)(tj__engine *engine, tj_standby_list *out, tj_error *error);
    /* May provide. When it was made as it is: what is built anew has another time. */
    tj_time (*made_at)(const tj__engine *engine);
    /* May provide. What was counted, by the writer where this one only looks on; NULL: what stands
     * in the engine. */
    void (*metrics)(tj__engine *engine, tj_metrics *metrics);
    /* May provide; NULL: what was is not kept. */
    const tj__engine_past *past;
    /* May provide. Lets old parts of what was go, so that at most `size_bytes` stay (0: as
     * configured), once it is proven that the rest is enough; dry: tells what would. */
    tj_status (*prune)(tj__engine *engine, uint64_t size_bytes, bool dry, tj_prune_report *report,
                       tj_error *error);
    /* May provide. Tells what there is to say of the place that the journal is kept in. */
    tj_status (*examine)(tj__engine *engine, tj__engine_tell *tell, void *context, tj_error *error);
    /* May provide. Does the work of the engine's own threads once, on the caller's. */
    tj_status (*work)(tj__engine *engine, tj_error *error);
    /* May provide. Ends the engine's own threads, before it is closed; the caller has waited for
     * that since then (monotonic ns). */
    void (*quiesce)(tj__engine *engine, uint64_t since_ns);
    /* Must provide. Finishes what is due and releases everything, whatever it returns. */
    tj_status (*close)(tj__engine *engine, tj_error *error);
    /* May provide. In the child of a fork: forgets everything without touching files; the handle is
     * never used again. */
    void (*abandon)(tj__engine *engine);
} tj__engine_ops;

/* An engine embeds this as its first member. */
struct tj__engine {
    const tj__engine_ops *ops;
    tj__metrics metrics; /* what was counted, by the engine and by the store */
};

/* What two opens must not both have unless they share it: of a journal, its directory, or what
 * leads to it on a server. */
typedef struct tj__engine_identity {
    uint64_t device;
    uint64_t inode;
} tj__engine_identity;

/* What is known of an engine before one is open. */
typedef struct tj__engine_kind {
    tj_engine_type type;
    const char *name; /* as `type` in the configuration has it */
    bool replicates;  /* another machine may have its commits, too */
    bool private;     /* gone with its process, so that nobody else can look on or find it again */
    /* Must provide, unless private. Where the configuration leads, which is its path from then on,
     * and the identity of what is there. */
    tj_status (*locate)(const tj_config *config, char out[TJ_PATH_SIZE], tj_error *error);
    tj_status (*identify)(const tj_config *config, bool *there, tj__engine_identity *out,
                          tj_error *error);
    /* Must provide, unless private. Whether what this engine alone is configured with agrees. */
    bool (*same_options)(const tj_config *a, const tj_config *b);
    /* Must provide. config has every default filled in and a located path. */
    tj_status (*open)(const tj_config *config, tj__engine **out, tj_error *error);
} tj__engine_kind;

extern const tj__engine_kind tj__memory_engine;
extern const tj__engine_kind tj__journal_engine;
extern const tj__engine_kind tj__postgres_engine;

/* NULL when there is none. */
const tj__engine_kind *tj__engine_kind_of(tj_engine_type type);
const tj__engine_kind *tj__engine_kind_named(const char *name);

#endif
