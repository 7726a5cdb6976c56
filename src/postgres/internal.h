/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* The parts of a journal on PostgreSQL, for the files of this folder only. */
#ifndef TJ_POSTGRES_INTERNAL_H
#define TJ_POSTGRES_INTERNAL_H

#include <pthread.h>
#include <stdatomic.h>

#include "base/group.h"
#include "base/helper.h"
#include "base/rowmap.h"
#include "base/trace.h"
#include "postgres/arrays.h"
#include "postgres/postgres.h"
#include "postgres/session.h"

#define TJ__PG_FORMAT_VERSION 2
#define TJ__PG_HOLDER_SIZE 256
/* Sessions for views, at most. */
#define TJ__PG_POOL_SIZE 8
/* What a statement that waits for nobody may take. */
#define TJ__PG_STATEMENT_MS 30000
/* Commits that wait to be written, in bytes; what is being written beside them is as much at most.
 */
#define TJ__PG_QUEUE_SIZE_MAX ((size_t)16 << 20)

/* A row of the log, and a commit in a batch. */
typedef struct tj__pg_record {
    tj__commit_record commit;
    uint64_t hash;
} tj__pg_record;

/* What stands in front of a commit in a batch: its hash, and what that is of beside note and
 * body. */
#define TJ__PG_FRAME_SIZE 72

typedef struct tj__pg_place {
    uint64_t sequence;
    tj_time time;
    uint64_t hash;
} tj__pg_place;

/* The rows after a commit, kept at the server; sequence 0: there is none. */
typedef struct tj__pg_base {
    uint64_t sequence;
    uint64_t rows;
    uint64_t bytes;
} tj__pg_base;

typedef struct tj__pg_past tj__pg_past;   /* past.c */
void tj__pg_past_free(tj__pg_past *past); /* NULL is allowed */

typedef struct tj__pg_pool {
    pthread_mutex_t lock;
    pthread_cond_t returned;
    tj__pg_session sessions[TJ__PG_POOL_SIZE];
    bool taken[TJ__PG_POOL_SIZE];
} tj__pg_pool;

/*
 * Locks, in the order in which they may be taken together: the store's append lock (outside), then
 * apply_lock, then the pool's or the helper's.
 */
struct tj__postgres {
    tj_config config; /* strings are members below */
    char *url;
    char *schema;
    char *name;
    tj__pg_target target;
    tj__pg_reached reached;
    char place[TJ_PATH_SIZE]; /* host:port/database schema.name, for messages */
    int32_t number;           /* of the journal in its schema */
    tj_uuid id;
    tj__metrics *metrics; /* the engine's */
    tj__pg_pool pool;
    _Atomic(tj__pg_past *) kept_past; /* a state that was replayed; or NULL */

    /* Writer only. */
    uint64_t epoch;
    char holder[TJ__PG_HOLDER_SIZE];
    tj__pg_place end; /* behind the newest commit appended; the appender's */
    tj__group group;  /* the next four are used with its turn */
    tj__pg_session writer;
    tj__pg_place settled; /* the newest row that is known to be there */
    tj__pg_arrays arrays;
    bool doubtful;            /* what is there must be looked at before anything is written */
    _Atomic bool hinted;      /* the writer's session has the advisory lock */
    _Atomic bool stopping;    /* it is being closed: what cannot be written now is given up */
    _Atomic uint64_t closing; /* monotonic ns: closing waits for the server until then; 0: open */
    _Atomic uint64_t acknowledged;
    _Atomic uint64_t unreplicated;  /* acknowledged, and maybe on no standby */
    _Atomic uint64_t away_since_ns; /* monotonic; 0 while the server answers */
    _Atomic int64_t away_since;     /* the same by the clock */
    _Atomic uint64_t appended_bytes;
    _Atomic uint64_t applied_bytes;
    _Atomic uint64_t applied; /* commits up to here are in the row tables */
    tj__helper helper;
    pthread_mutex_t apply_lock; /* guards the next two */
    tj__pg_session applier;
    tj__rowmap *apply_rows;
    tj__pg_base base;             /* the newest one; the next two are used with the lock, too */
    uint64_t base_bytes;          /* of log behind it, as far as this process knows */
    uint64_t base_not_before;     /* the next one is tried behind this commit */
    uint64_t told_ns;             /* when what was counted was last told; with the lock, too */
    _Atomic uint64_t worked_ns;   /* when rows were last brought up to the log */
    _Atomic uint64_t renewed_ns;  /* when the lease was last renewed */
    _Atomic tj_status apply_told; /* how the last work ended, as far as it was said */
};

/* url.c: what libpq makes of a URL that was checked. *verify: see tj__pg_target. */
tj_status tj__pg_check_url(const tj__libpq *pq, const char *url, bool *verify, tj_error *error);

/* So long a caller waits for a server at most, beside a connection being opened. */
static inline uint32_t tj__pg_patience_ms(const tj__postgres *postgres)
{
    const tj_postgres_config *config = &postgres->config.postgres;
    return config->timeout_ms > config->answer_ms ? config->timeout_ms : config->answer_ms;
}
/* When who begins to wait now has waited so long. */
uint64_t tj__pg_patience_end(const tj__postgres *postgres);

/* server.c */
tj_status tj__pg_connect(tj__postgres *postgres, tj__pg_session *session, tj_error *error);
/* Notes which server a session has reached, for messages. */
void tj__pg_note_server(tj__postgres *postgres, const tj__pg_session *session);
/* TJ_UNAVAILABLE once the server has been away for a moment: nobody waits for it then. */
tj_status tj__pg_refuse_away(tj__postgres *postgres, tj_error *error);
/* It has not answered since then. */
void tj__pg_note_away(tj__postgres *postgres, uint64_t since_ns, const tj_error *reason);
void tj__pg_note_back(tj__postgres *postgres);
/* The same unsaid; whether it was away. */
bool tj__pg_end_away(tj__postgres *postgres);
/* patroni.c: tells of it if it answers. */
void tj__pg_tell_patroni(tj__postgres *postgres, tj__postgres_tell *tell, void *context);

/* refusal.c: what became of opening a session for the first time; TJ_INVALID, TJ_NOT_FOUND, where
 * the server is there and does not let in. */
tj_status tj__pg_judge_refusal(tj_status status, tj_error *error);
/* Adds where it happened to a failure. */
tj_status tj__pg_explain(const tj__postgres *postgres, tj_status status, tj_error *error);

/* create.c: the schema and the journal's row, as far as they are not there; a schema of an older
 * version is brought to this one, in one transaction that ends all its writers. */
tj_status tj__pg_create(tj__postgres *postgres, tj__pg_session *session, tj_error *error);

/* claim.c */
/* Finds the journal: its number and id. TJ_NOT_FOUND, TJ_FORMAT_NEWER. */
tj_status tj__pg_look(const tj__postgres *postgres, tj__pg_session *session, int32_t *number,
                      tj_uuid *id, tj_error *error);
/* Makes this process the writer, in the writer's session: from here on whoever was it before writes
 * nothing more. Sets epoch, settled, end and applied. */
tj_status tj__pg_claim(tj__postgres *postgres, tj_error *error);
/* Tells whoever comes next that nobody holds the journal. */
void tj__pg_release(tj__postgres *postgres);
/* The advisory lock says that the holder's session lives: a hint, which makes a takeover quick. */
void tj__pg_hint(tj__postgres *postgres);
tj_status tj__pg_renew(tj__postgres *postgres, tj_error *error);

/* record.c */
/* Appends a commit with its frame to a batch, which has room; sets its hash. */
void tj__pg_record_put(tj__buffer *bytes, uint64_t previous_hash, tj__pg_record *record);
/* Takes the next one off. */
void tj__pg_record_get(tj__bytes *rest, tj__pg_record *record);
/* Columns of a log row in the order in which tj__pg_record_read takes them. */
#define TJ__PG_RECORD_COLUMNS "seq, at, epoch, id, changes, note, body, hash"
void tj__pg_record_read(const tj__pg_session *session, const tj__pg_result *result, int row,
                        tj__pg_record *record);
/* Whether it follows what is before it, unchanged since it was written. TJ_CORRUPT. */
tj_status tj__pg_record_check(const tj__postgres *postgres, const tj__pg_record *record,
                              const tj__pg_place *before, tj_error *error);
/* The hash in front of the first commit. */
uint64_t tj__pg_first_hash(const tj_uuid *id);

/* batch.c */
/* As tj__group_wait and tj__group_sync, and not longer than tj__pg_patience_ms. */
tj_status tj__pg_wait(tj__postgres *postgres, uint64_t sequence, bool sync, tj_error *error);
extern const tj__group_ops tj__pg_group_ops;
static inline bool tj__pg_replicates(const tj__postgres *postgres)
{
    return postgres->config.durability == TJ_DURABILITY_REPLICATED;
}
/* What no standby takes is not acknowledged. */
static inline bool tj__pg_waits_for_standby(const tj__postgres *postgres)
{
    return tj__pg_replicates(postgres) &&
           postgres->config.postgres.standby_lost == TJ_STANDBY_LOST_WAIT;
}
#define TJ__PG_STANDBYS_NAMED "current_setting('synchronous_standby_names') <> ''"
/* Whether a standby has what is in the log when the journal is opened, as far as that is asked
 * for. TJ_UNAVAILABLE. */
tj_status tj__pg_prove_standby(tj__postgres *postgres, tj_error *error);
/* writer.c */
/* What a batch is written by; it is prepared under this name in the writer's session. */
#define TJ__PG_APPEND "append"
/* Makes the writer's session, which is open, one that batches are written in. */
tj_status tj__pg_ready_writer(tj__postgres *postgres, tj_error *error);
/* settle.c: what became of a batch whose answer did not come, by where it ends. TJ_OK: *there
 * says whether it is in the log, and the next one may be written; TJ_CLOSED: it is not, and this
 * writer is none any more. Anything else: ask again. */
tj_status tj__pg_settle(tj__postgres *postgres, const tj__pg_place *end, bool *there,
                        tj_error *error);

/* apply.c */
tj_status tj__pg_apply(tj__postgres *postgres, tj_error *error);
extern const tj__helper_ops tj__pg_helper_ops;
static inline uint64_t tj__pg_lag(const tj__postgres *postgres)
{
    return atomic_load(&postgres->appended_bytes) - atomic_load(&postgres->applied_bytes);
}

/* base.c */
#define TJ__PG_BASE_TABLES 5
#define TJ__PG_BASE_BITS                                                  \
    (TJ__TABLE_BIT(TJ__TABLE_BOOKS) | TJ__TABLE_BIT(TJ__TABLE_STATE) |    \
     TJ__TABLE_BIT(TJ__TABLE_ALGOS) | TJ__TABLE_BIT(TJ__TABLE_COUNTERS) | \
     TJ__TABLE_BIT(TJ__TABLE_QUARANTINE))
/* A base is due behind so many commits. */
#define TJ__PG_BASE_COMMITS_MIN 10000
/* The first row of a result whose first columns are these; a NULL is 0. */
#define TJ__PG_BASE_COLUMNS "seq, row_count, bytes"
tj__pg_base tj__pg_base_of(const tj__pg_session *session, const tj__pg_result *result);
/* Copies the tables as they stand now, in a transaction of its own. A session where it fails is
 * closed. */
tj_status tj__pg_base_make(tj__pg_session *session, int32_t journal, uint32_t ms, tj__pg_base *out,
                           tj_error *error);
/* Whether the log behind the last one, up to a commit, is long enough for the next. */
bool tj__pg_base_due(const tj__pg_base *last, uint64_t sequence, uint64_t bytes);
/* The newest base up to a commit, and from which commit on states are kept, 0: all. */
tj_status tj__pg_base_before(tj__postgres *postgres, uint64_t sequence, uint64_t *pruned,
                             tj__pg_base *out, tj_error *error);
/* Puts its rows of these tables into `rows`, and of the others those that were there and still are,
 * as the ledger's do. Not *sound: some are damaged, and the rest are not to be used. */
tj_status tj__pg_base_read(tj__postgres *postgres, const tj__pg_base *base, uint64_t tables,
                           tj__rowmap *rows, bool *sound, tj_error *error);

/* past.c: what the log comes to at a commit, from the base behind which it begins, or, with 0, from
 * its first commit. */
tj_status tj__pg_replay_between(tj__postgres *postgres, uint64_t pruned, uint64_t sequence,
                                tj__rowmap **out, tj_error *error);

/* metrics.c: tells what was counted, some time after the last, or at once; with the apply lock. */
void tj__pg_tell_metrics(tj__postgres *postgres, bool at_once);

/* pool.c */
void tj__pg_pool_init(tj__pg_pool *pool);
void tj__pg_pool_close(tj__pg_pool *pool);
/* Those that nobody uses: the server that they are on may be none any more. */
void tj__pg_pool_close_idle(tj__pg_pool *pool);
/* Lends an open session, in which no answer is awaited beyond `until` (monotonic ns). */
tj_status tj__pg_pool_take(tj__postgres *postgres, uint64_t until, tj__pg_session **out,
                           tj_error *error);
void tj__pg_pool_give(tj__postgres *postgres, tj__pg_session *session);
/* Whether another session is to be asked: one of the pool may have been lost since it was last
 * used, which says nothing of the server. One that did not answer does. */
static inline bool tj__pg_pool_again(const tj__pg_session *session, int tries)
{
    return session && !session->conn && !session->silent && tries > 0;
}
/* tj__pg_ask in a session of the pool. */
tj_status tj__pg_pool_ask(tj__postgres *postgres, const tj__pg_query *queries, int count,
                          tj__pg_result **results, tj_error *error);

#endif
