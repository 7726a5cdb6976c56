/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * A journal in memory: rows, the tip beside them, and commits as a store makes them. After every
 * commit the tip is compared with one that is built anew from the rows.
 */
#ifndef TJ_TESTS_COMMIT_FIXTURE_H
#define TJ_TESTS_COMMIT_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include <tesser/json.h>

#include "commit/commit.h"
#include "commit/tip.h"
#include "rows/body.h"
#include "rows/load.h"
#include "rows/rowmap_source.h"
#include "rows/value.h"
#include "support/check.h"
#include "support/values.h"

typedef struct journal {
    tj__rowmap *rows;
    tj__tip *tip;
    tj__plan *plan;
    tj__resolved resolved;
    uint64_t sequence;
    tj_error error;
} journal;

static inline rowmap_source journal_source(const journal *j)
{
    return rowmap_source_of(j->rows, j->sequence);
}

static inline tj__tip *journal_rebuild(const journal *j)
{
    rowmap_source source = journal_source(j);
    tj__tip *tip = NULL;
    assert_ok(tj__tip_build(&source.source, &tip, &err));
    return tip;
}

static inline void journal_open(journal *j)
{
    *j = (journal){.rows = tj__rowmap_new(), .plan = tj__plan_new()};
    assert_non_null(j->rows);
    assert_non_null(j->plan);
    j->tip = journal_rebuild(j);
    assert_ok(tj__plan_use_book(j->plan, TJ_STR("default"), &err));
}

static inline void journal_close(journal *j)
{
    tj__resolved_dispose(&j->resolved);
    tj__plan_free(j->plan);
    tj__tip_free(j->tip);
    tj__rowmap_free(j->rows);
}

/* ---- comparing ------------------------------------------------------------------------------ */

static inline void assert_same_rows(tj__tip *a, tj__tip *b)
{
    assert_int_equal(a->rows.count, b->rows.count);
    for (size_t i = 0; i < a->rows.slot_count; i++) {
        const tj__held *row = a->rows.slots[i].entry;
        if (!row) {
            continue;
        }
        const tj__held *other = tj__held_find(&b->rows, tj__held_key(row));
        assert_non_null(other);
        assert_true(tj__bytes_equal(tj__held_value(row), tj__held_value(other)));
        assert_int_equal(row->sequence, other->sequence);
    }
}

static inline void assert_same_tip(tj__tip *a, tj__tip *b)
{
    assert_int_equal(a->sequence, b->sequence);
    assert_int_equal(a->book_count, b->book_count);
    assert_same_rows(a, b);
    for (size_t i = 0; i < a->book_count; i++) {
        const tj__tip_book *book = &a->books[i];
        const tj__tip_book *other = tj__tip_book_by_number(b, book->number);
        assert_non_null(other);
        assert_true(tj_str_equal(book->name, other->name));
        assert_memory_equal(book->kind_counts, other->kind_counts, sizeof book->kind_counts);
        assert_int_equal(book->rows.count, other->rows.count);
        assert_int_equal(book->state_sequence, other->state_sequence);
        assert_int_equal(book->ledger_last, other->ledger_last);
        assert_true(book->rank_last >= other->rank_last);
        for (size_t slot = 0; slot < book->rows.size; slot++) {
            assert_true(!book->rows.rows[slot] || book->rows.rows[slot]->slot == slot);
        }
    }
    assert_int_equal(a->commit_ids.count, b->commit_ids.count);
    for (size_t i = 0; i < a->commit_ids.count; i++) {
        assert_true(tj__bytes_equal(tj__held_key(a->commit_ids.rows[a->commit_ids.first + i]),
                                    tj__held_key(b->commit_ids.rows[b->commit_ids.first + i])));
    }
}

/* Compares everything that Tesser's JSON shows, which is all but `sequence`. */
static inline void assert_same_state(const tj_live_state *a, const tj_live_state *b)
{
    tj_text left = {0};
    tj_text right = {0};
    assert_ok(tj_live_state_to_json(a, &left, &err));
    assert_ok(tj_live_state_to_json(b, &right, &err));
    assert_string_equal(left.data, right.data);
    tj_text_dispose(&left);
    tj_text_dispose(&right);
}

/* ---- committing ----------------------------------------------------------------------------- */

static inline void journal_take(journal *j, const tj_commit_options *options)
{
    j->sequence++;
    tj__tip_advance(j->tip, j->sequence);
    assert_ok(tj__body_apply(j->rows, TJ__TABLES_ALL, tj__buffer_bytes(&j->resolved.body),
                             j->resolved.change_count, j->sequence,
                             options ? &options->commit_id : NULL, &err));
    tj__tip *rebuilt = journal_rebuild(j);
    assert_same_tip(j->tip, rebuilt);
    tj__tip_free(rebuilt);
}

/* Resolves the plan, with the state that it left open, appends what there is, and clears it; it
 * goes on with book "default". */
static inline tj_status journal_try_state(journal *j, const tj_live_state *state,
                                          const tj_commit_options *options)
{
    j->error = (tj_error)TJ_ERROR_INIT;
    tj_status status =
        tj__plan_resolve_state(j->plan, state, j->tip, options, &j->resolved, &j->error);
    bool with_id = options && !tj_uuid_is_nil(options->commit_id);
    if (status == TJ_OK && (j->resolved.change_count > 0 || with_id)) {
        journal_take(j, options);
    }
    tj__plan_clear(j->plan);
    assert_ok(tj__plan_use_book(j->plan, TJ_STR("default"), &err));
    return status;
}

static inline tj_status journal_try(journal *j, const tj_commit_options *options)
{
    return journal_try_state(j, NULL, options);
}

/* Commits and returns the number of changes. */
static inline uint32_t journal_commit(journal *j)
{
    if (journal_try(j, NULL) != TJ_OK) {
        fail_msg("%s", j->error.message);
    }
    return j->resolved.change_count;
}

static inline tj_status journal_try_save(journal *j, const tj_live_state *state)
{
    assert_ok(tj__plan_open_state(j->plan, state, &err));
    return journal_try_state(j, state, NULL);
}

static inline void assert_same_body(const tj__resolved *a, const tj__resolved *b)
{
    assert_int_equal(a->change_count, b->change_count);
    assert_int_equal(a->body.size, b->body.size);
    assert_true(tj__bytes_equal(tj__buffer_bytes(&a->body), tj__buffer_bytes(&b->body)));
}

/* Saves a state as a store does, and looks that a transaction with it would come to the same. */
static inline uint32_t journal_save(journal *j, const tj_live_state *state)
{
    tj__resolved in_transaction = {0};
    assert_ok(tj__plan_put_state(j->plan, state, &err));
    assert_ok(tj__plan_resolve(j->plan, j->tip, NULL, &in_transaction, &err));
    tj__plan_clear(j->plan);
    assert_ok(tj__plan_use_book(j->plan, TJ_STR("default"), &err));
    if (journal_try_save(j, state) != TJ_OK) {
        fail_msg("%s", j->error.message);
    }
    assert_same_body(&j->resolved, &in_transaction);
    tj__resolved_dispose(&in_transaction);
    return j->resolved.change_count;
}

/* Commits a plan that must fail and checks the message. */
static inline void journal_refuse(journal *j, const tj_commit_options *options, tj_status status,
                                  const char *message)
{
    assert_int_equal(journal_try(j, options), status);
    assert_int_equal(j->error.status, status);
    assert_string_equal(j->error.message, message);
}

static inline tj_live_state *journal_load(const journal *j, const char *book)
{
    rowmap_source source = journal_source(j);
    uint32_t number = 0;
    tj_live_state *state = NULL;
    assert_ok(tj__book_find(&source.source, tj_str_of(book), &number, &err));
    assert_ok(tj__state_load(&source.source, number, &state, &err));
    assert_int_equal(state->sequence, j->sequence);
    return state;
}

/* The stored state is `state`. */
static inline void journal_check(const journal *j, const tj_live_state *state)
{
    tj_live_state *loaded = journal_load(j, "default");
    assert_same_state(loaded, state);
    tj_live_state_free(loaded);
}

/* The change at `index` of the newest commit. */
static inline tj__change journal_change(const journal *j, size_t index)
{
    tj__bytes rest = tj__buffer_bytes(&j->resolved.body);
    tj__change change = {0};
    for (size_t i = 0; i <= index; i++) {
        assert_ok(tj__body_next(&rest, &change, &err));
    }
    return change;
}

#endif
