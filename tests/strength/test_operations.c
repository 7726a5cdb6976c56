/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Random operations through the public interface, over every engine, against a plain model: books,
 * saves, transactions, commit ids, expected sequences, counters, the ledger, views of another
 * process, closing, killing. After each the answer is the model's; now and then everything is
 * compared.
 *
 * An operation draws from a seed of its own, so that a part of a list means the same: a list that
 * fails is shortened until none of its operations can be left out, and printed. TJ_SEED repeats a
 * run; TJ_LONG=1 runs many more.
 */
#include "strength/changes.h"

#include <inttypes.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>

#include "support/orphan.h"

#define LISTS 150
#define LISTS_LONG 3000
#define LENGTH_MAX 120
#define SHRINKING_RUNS_MAX 400
#define LIST_SECONDS_MAX 60

typedef enum op_kind {
    OP_SAVE,
    OP_SAVE_AGAIN, /* the state that is there */
    OP_TRANSACTION,
    OP_WITH_ID,
    OP_EXPECTING,
    OP_STALE,
    OP_ALGO,
    OP_LEDGER,
    OP_COUNTER,
    OP_BOOK,
    OP_COMPARE,
    OP_LOOK_ON,
    OP_WORK,
    OP_REOPEN,
    OP_KILL,
    OP_KINDS
} op_kind;

static const char *const op_names[OP_KINDS] = {
    "save",    "save again", "transaction", "with id", "expecting", "stale",  "algorithm", "ledger",
    "counter", "book",       "compare",     "look on", "work",      "reopen", "kill"};

typedef struct op {
    op_kind kind;
    unsigned book;
    uint64_t seed;
} op;

typedef struct list {
    op ops[LENGTH_MAX];
    unsigned count;
    uint64_t seed; /* of the configuration */
    tj_engine_type engine;
} list;

/* The state of a run; it is shared between its processes. */
static struct run {
    model m;
    unsigned done; /* operations, when a process ends */
    fixture f;
    bool quiet;
} * run;

/* NULL: only the model goes along. */
static tj_store *store;

/* ---- commits --------------------------------------------------------------------------------- */

/* What a commit leaves, when it is taken; nothing changes when it is not. */
static void model_take(const model *after, bool always)
{
    model *m = &run->m;
    uint64_t sequence = m->sequence;
    bool changed = always;
    static model next;
    next = *after;
    for (unsigned i = 0; i < BOOKS; i++) {
        changed = changed || memcmp(&next.books[i], &m->books[i], sizeof next.books[i]) != 0;
        if (memcmp(&next.books[i].state, &m->books[i].state, sizeof next.books[i].state) != 0) {
            next.books[i].changed_at = sequence + 1;
        }
    }
    next.sequence = sequence + changed;
    *m = next;
}

/* The status that a change of this book gives: beside others it must be there. */
static tj_status in_book(const model *m, unsigned book)
{
    return m->books[book].exists || !model_has_books(m) ? TJ_OK : TJ_NOT_FOUND;
}

static void expect_status(tj_status found, tj_status expected)
{
    if (found != expected) {
        fail_msg("%s instead of %s: %s", tj_status_name(found), tj_status_name(expected),
                 found != TJ_OK ? err.message : "");
    }
}

static void do_save(const op *o, bool again)
{
    static built_state built;
    static model after;
    model *m = &run->m;
    after = *m;
    model_book *b = &after.books[o->book];
    tj_status expected = in_book(m, o->book);
    if (!again) {
        draw_state(&b->state);
        b->state.equity += b->state.equity == 0; /* the first one creates the book: not empty */
    } else if (!b->exists) {
        return;
    }
    b->exists = true;
    if (store) {
        err = (tj_error)TJ_ERROR_INIT;
        expect_status(tj_state_save(tj_store_state_repository(store, book_names[o->book]),
                                    build_state(&b->state, &built), &err),
                      expected);
    }
    if (expected == TJ_OK) {
        model_take(&after, false);
    }
}

static void do_transaction(const op *o, uint64_t expecting, tj_status expected, int id)
{
    static model after;
    model *m = &run->m;
    tj_txn *txn = NULL;
    tj_commit_options options = TJ_COMMIT_OPTIONS_INIT;
    after = *m;
    model_book *b = &after.books[o->book];
    expected = in_book(m, o->book) != TJ_OK ? TJ_NOT_FOUND : expected;
    if (store) {
        assert_ok(tj_txn_begin(store, &txn, &err));
        assert_ok(tj_txn_use_book(txn, book_names[o->book], &err));
    }
    options.expected_sequence = expecting;
    note_order(txn, &b->state); /* touches the state */
    for (unsigned i = random_below(6); i > 0; i--) {
        note_something(txn, b, o->book);
    }
    note_entry(txn, b, o->book); /* so that it is never empty */
    b->exists = true;
    bool repeated = id >= 0 && m->ids[id] != 0;
    if (id >= 0) {
        options.commit_id = commit_id_of((unsigned)id);
    }
    if (expected == TJ_OK && !repeated) {
        if (id >= 0) {
            after.ids[id] = m->sequence + 1;
        }
        model_take(&after, id >= 0);
    }
    if (txn) {
        uint64_t sequence = 0;
        err = (tj_error)TJ_ERROR_INIT;
        expect_status(tj_txn_commit(txn, &options, &sequence, &err), repeated ? TJ_OK : expected);
        if (repeated || expected == TJ_OK) {
            assert_int_equal(sequence, repeated ? m->ids[id] : m->sequence);
        }
    }
}

/* Of a state that has changed since, or will only change later. */
static void do_stale(const op *o)
{
    const model_book *b = &run->m.books[o->book];
    if (b->exists && b->changed_at > 1) {
        do_transaction(o, 1 + random_below((unsigned)b->changed_at - 1), TJ_CONFLICT, -1);
    }
}

static void do_expecting(const op *o)
{
    const model_book *b = &run->m.books[o->book];
    if (b->exists && b->changed_at > 0) {
        unsigned since = (unsigned)(run->m.sequence - b->changed_at);
        do_transaction(o, b->changed_at + random_below(since + 1), TJ_OK, -1);
    }
}

static void do_algo(const op *o)
{
    static model after;
    model *m = &run->m;
    tj_status expected = in_book(m, o->book);
    unsigned place = random_below(ALGOS);
    uint32_t value = draw_value();
    bool deletes = m->books[o->book].exists && random_below(4) == 0;
    char text[32];
    tj_uuid id = uuid(place);
    tj_algo_state state = {.plugin = TJ_STR("twap"), .payload = json_of(value, text)};
    after = *m;
    after.books[o->book].exists = true;
    after.books[o->book].algos[place] = deletes ? 0 : value;
    if (store) {
        tj_algo_repository *algos = tj_store_algo_repository(store, book_names[o->book]);
        err = (tj_error)TJ_ERROR_INIT;
        expect_status(deletes ? tj_algo_delete(algos, &id, &err)
                              : tj_algo_save(algos, &id, &state, &err),
                      expected);
    }
    if (expected == TJ_OK) {
        model_take(&after, true); /* the same again is logged too: algorithms are not compared */
    }
}

static void do_ledger(const op *o)
{
    static model after;
    model *m = &run->m;
    tj_status expected = in_book(m, o->book);
    tj_ledger_entry entries[3];
    after = *m;
    model_book *b = &after.books[o->book];
    unsigned count = 1 + random_below(3);
    if (b->entry_count + count > ENTRIES_MAX) {
        return;
    }
    for (unsigned i = 0; i < count; i++) {
        uint32_t value = draw_value();
        entries[i] = entry_of(o->book, b->entry_count, value);
        b->entries[b->entry_count++] = value;
    }
    b->exists = true;
    if (store) {
        uint64_t last = 0;
        err = (tj_error)TJ_ERROR_INIT;
        expect_status(tj_ledger_append(tj_store_ledger_repository(store, book_names[o->book]),
                                       entries, count, &last, &err),
                      expected);
        assert_int_equal(last, expected == TJ_OK ? b->entry_count : 0);
    }
    if (expected == TJ_OK) {
        model_take(&after, false);
    }
}

static void do_counter(const op *o)
{
    static model after;
    tj_status expected = in_book(&run->m, o->book);
    uint64_t count = 1 + random_below(50);
    after = run->m;
    model_book *b = &after.books[o->book];
    uint64_t first = b->reserved + 1;
    b->exists = true;
    b->reserved += count;
    if (store) {
        uint64_t given = 0;
        err = (tj_error)TJ_ERROR_INIT;
        expect_status(tj_counter_reserve(store, book_names[o->book], COUNTER, count, &given, &err),
                      expected);
        assert_int_equal(given, expected == TJ_OK ? first : 0);
    }
    if (expected == TJ_OK) {
        model_take(&after, false);
    }
}

static void do_book(const op *o)
{
    static model after;
    bool exists = run->m.books[o->book].exists;
    after = run->m;
    after.books[o->book].exists = true;
    if (store) {
        err = (tj_error)TJ_ERROR_INIT;
        expect_status(tj_store_book_create(store, book_names[o->book], &err),
                      exists ? TJ_EXISTS : TJ_OK);
    }
    model_take(&after, false);
}

/* ---- processes ------------------------------------------------------------------------------- */

static int look_to = -1;   /* to the process that looks on */
static int look_from = -1; /* and back */

static tj_config config_of(const list *l)
{
    tj_config config = run->f.config;
    config.type = l->engine;
    config.lmdb.segment_size_bytes = TJ_SEGMENT_SIZE_MIN;
    config.no_threads = l->seed % 2 == 0;
    config.durability = l->seed % 3 == 0 ? TJ_DURABILITY_OS : TJ_DURABILITY_SYNC;
    config.lmdb.lag_bytes = l->seed % 5 == 0 ? 4096 : 0;
    config.lmdb.lag_ms = l->seed % 7 == 0 ? 2 : 0;
    return config;
}

/* Looks whenever it is asked to, through one view or a new one. */
static _Noreturn void look_on(const list *l, int from, int to)
{
    tj_config config = config_of(l);
    tj_store *view = NULL;
    char byte;
    config.read_only = true;
    for (unsigned times = 0; read(from, &byte, 1) == 1; times++) {
        if (!view) {
            assert_ok(tj_store_open(&config, &view, &err));
        }
        expect_model(view, &run->m);
        if (times % 3 == 2) {
            assert_ok(tj_store_close(view, &err));
            view = NULL;
        }
        if (write(to, &byte, 1) != 1) {
            break;
        }
    }
    _exit(0);
}

static void start_looking_on(const list *l)
{
    int there[2];
    int back[2];
    assert_int_equal(pipe(there), 0);
    assert_int_equal(pipe(back), 0);
    if (fork_dependent() == 0) {
        close(there[1]);
        close(back[0]);
        look_on(l, there[0], back[1]);
    }
    close(there[0]);
    close(back[1]);
    look_to = there[1];
    look_from = back[0];
}

static void ask_to_look(void)
{
    char byte = 0;
    if (write(look_to, &byte, 1) != 1 || read(look_from, &byte, 1) != 1) {
        fail_msg("one who looks on sees something else");
    }
}

/* False: the process must end here. */
static bool perform(const op *o, const list *l)
{
    bool durable = store && l->engine == TJ_ENGINE_LMDB;
    random_state = o->seed;
    switch (o->kind) {
    case OP_SAVE:
        do_save(o, false);
        break;
    case OP_SAVE_AGAIN:
        do_save(o, true);
        break;
    case OP_TRANSACTION:
        do_transaction(o, 0, TJ_OK, -1);
        break;
    case OP_WITH_ID:
        do_transaction(o, 0, TJ_OK, (int)random_below(IDS));
        break;
    case OP_EXPECTING:
        do_expecting(o);
        break;
    case OP_STALE:
        do_stale(o);
        break;
    case OP_ALGO:
        do_algo(o);
        break;
    case OP_LEDGER:
        do_ledger(o);
        break;
    case OP_COUNTER:
        do_counter(o);
        break;
    case OP_BOOK:
        do_book(o);
        break;
    case OP_COMPARE:
        if (store) {
            expect_model(store, &run->m);
        }
        break;
    case OP_LOOK_ON:
        if (durable) {
            ask_to_look();
        }
        break;
    case OP_WORK:
        if (store) {
            assert_ok(tj_store_work(store, &err));
        }
        break;
    case OP_REOPEN:
        if (durable) {
            tj_config config = config_of(l);
            assert_ok(tj_store_close(store, &err));
            assert_ok(tj_store_open(&config, &store, &err));
        }
        break;
    default:
        return !durable;
    }
    return true;
}

/* One process: from where the last one was killed to the next kill, or to the end. */
static _Noreturn void go_on(const list *l)
{
    tj_config config = config_of(l);
    unsigned from = run->done;
    alarm(LIST_SECONDS_MAX);
    run->m = (model){0};
    for (unsigned i = 0; i < from; i++) {
        (void)perform(&l->ops[i], l);
    }
    if (l->engine == TJ_ENGINE_LMDB) {
        start_looking_on(l);
    }
    assert_ok(tj_store_open(&config, &store, &err));
    expect_model(store, &run->m);
    for (unsigned i = from; i < l->count; i++) {
        if (!perform(&l->ops[i], l)) {
            run->done = i + 1;
            _exit(0);
        }
    }
    expect_model(store, &run->m);
    assert_ok(tj_store_close(store, &err));
    run->done = l->count;
    _exit(0);
}

/* True when all was as the model has it. */
static bool run_list(const list *l, bool quiet)
{
    int code = 0;
    bool more = true;
    *run = (struct run){0};
    fixture_make(&run->f);
    while (code == 0 && more) {
        fflush(stdout);
        pid_t child = fork_dependent();
        if (child == 0) {
            if (quiet && !freopen("/dev/null", "w", stderr)) {
                _exit(2);
            }
            go_on(l);
        }
        waitpid(child, &code, 0);
        more = run->done < l->count;
    }
    directory_remove(run->f.directory);
    if (code != 0 && !quiet) {
        printf("ended with %s %d\n", WIFSIGNALED(code) ? "signal" : "exit code",
               WIFSIGNALED(code) ? WTERMSIG(code) : WEXITSTATUS(code));
    }
    return code == 0;
}

/* ---- lists ----------------------------------------------------------------------------------- */

static op_kind draw_kind(void)
{
    static const op_kind often[] = {OP_SAVE, OP_TRANSACTION, OP_TRANSACTION, OP_WITH_ID, OP_ALGO};
    unsigned at = random_below(OP_KINDS + sizeof often / sizeof often[0]);
    return at < OP_KINDS ? (op_kind)at : often[at - OP_KINDS];
}

static void draw_list(list *l)
{
    *l = (list){.seed = random_u64()};
    l->engine = random_below(4) == 0 ? TJ_ENGINE_MEMORY : TJ_ENGINE_LMDB;
    l->count = 10 + random_below(LENGTH_MAX - 10);
    for (unsigned i = 0; i < l->count; i++) {
        l->ops[i] = (op){draw_kind(), random_below(10) % 4 % BOOKS, random_u64()};
    }
}

/* Leaves out every part, down to single operations, without which it still fails. */
static void shorten(list *l)
{
    unsigned runs = 0;
    for (unsigned part = l->count / 2; part > 0; part /= 2) {
        for (unsigned at = 0; at < l->count && runs < SHRINKING_RUNS_MAX;) {
            list shorter = *l;
            unsigned end = at + part < l->count ? at + part : l->count;
            memmove(&shorter.ops[at], &shorter.ops[end], (l->count - end) * sizeof(op));
            shorter.count -= end - at;
            runs++;
            if (run_list(&shorter, true)) {
                at = end;
            } else {
                *l = shorter;
            }
        }
    }
}

static void tell(const list *l)
{
    printf("on %s, configuration %" PRIu64 ":\n", l->engine == TJ_ENGINE_LMDB ? "lmdb" : "memory",
           l->seed);
    for (unsigned i = 0; i < l->count; i++) {
        printf("  %-12s book %u  seed %" PRIu64 "\n", op_names[l->ops[i].kind], l->ops[i].book,
               l->ops[i].seed);
    }
}

int main(void)
{
    static list l;
    unsigned lists = getenv("TJ_LONG") ? LISTS_LONG : LISTS;
    unsigned operations = 0;
    directory_in_memory();
    random_start();
    run = mmap(NULL, sizeof *run, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    uint64_t seed = random_u64();
    for (unsigned i = 0; i < lists; i++) {
        random_state = seed + i;
        draw_list(&l);
        operations += l.count;
        if (!run_list(&l, false)) {
            printf("VIOLATION in list %u of %u operations; shortened:\n", i, l.count);
            shorten(&l);
            tell(&l);
            (void)run_list(&l, false);
            return 1;
        }
    }
    printf("%u lists, %u operations, 0 violations\n", lists, operations);
    return 0;
}
