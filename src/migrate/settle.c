/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* What several sources say of the same thing must be the same. */
#include <inttypes.h>
#include <stdlib.h>

#include <tesser/json.h>

#include "base/error.h"
#include "migrate/gather.h"
#include "migrate/same.h"

/* ---- the state ----------------------------------------------------------------------------- */

static tj_status same_state(const tj_live_state *a, const tj_live_state *b, bool *same,
                            tj_error *error)
{
    tj_text left = {NULL, 0};
    tj_text right = {NULL, 0};
    tj_status status = tj_live_state_to_json(a, &left, error);
    if (status == TJ_OK) {
        status = tj_live_state_to_json(b, &right, error);
    }
    if (status == TJ_OK) {
        status = tj__json_text_same((tj_str){left.data, left.size},
                                    (tj_str){right.data, right.size}, same, error);
    }
    tj_text_dispose(&left);
    tj_text_dispose(&right);
    return status;
}

static tj_status settle_state(const tj__gathering *all, tj_live_state **state, tj_error *error)
{
    const tj__found_state *found = TJ__ITEMS(tj__found_state, all->states);
    size_t count = TJ__COUNT(tj__found_state, all->states);
    *state = count > 0 ? found[0].state : NULL;
    for (size_t i = 1; i < count; i++) {
        bool same = false;
        TJ_TRY(same_state(found[0].state, found[i].state, &same, error));
        if (!same) {
            return tj__fail(error, TJ_CONFLICT,
                            "%s and %s hold different states: import one of them; where the other "
                            "is only to tell the strategy's state, give it with --strategy-state",
                            tj__gathering_source(all, found[0].source)->path.data,
                            tj__gathering_source(all, found[i].source)->path.data);
        }
    }
    return TJ_OK;
}

/* ---- algorithms ---------------------------------------------------------------------------- */

static int by_id(const void *a, const void *b)
{
    const tj__found_algo *left = a;
    const tj__found_algo *right = b;
    int order = tj_uuid_compare(left->record.id, right->record.id);
    return order != 0 ? order : (left->source > right->source) - (left->source < right->source);
}

static tj_status same_algo(const tj__gathering *all, const tj__found_algo *a,
                           const tj__found_algo *b, tj_error *error)
{
    bool same = tj_str_equal(a->record.state.plugin, b->record.state.plugin);
    if (same) {
        TJ_TRY(tj__json_text_same(a->record.state.payload, b->record.state.payload, &same, error));
    }
    if (same) {
        return TJ_OK;
    }
    char id[TJ_UUID_TEXT_SIZE];
    const char *path = tj__gathering_source(all, a->source)->path.data;
    tj_uuid_format(a->record.id, id);
    if (a->source == b->source) {
        return tj__fail(error, TJ_CONFLICT,
                        "%s holds different states of algorithm %s, whose id is spelled in two "
                        "ways: take one of them out",
                        path, id);
    }
    return tj__fail(error, TJ_CONFLICT,
                    "%s and %s hold different states of algorithm %s: import one of them", path,
                    tj__gathering_source(all, b->source)->path.data, id);
}

static tj_status settle_algos(tj__gathering *all, tj_error *error)
{
    tj__found_algo *found = TJ__ITEMS(tj__found_algo, all->algos);
    size_t count = TJ__COUNT(tj__found_algo, all->algos);
    size_t kept = 0;
    if (count > 1) {
        qsort(found, count, sizeof *found, by_id);
    }
    for (size_t i = 0; i < count; i++) {
        if (kept > 0 && tj_uuid_compare(found[kept - 1].record.id, found[i].record.id) == 0) {
            TJ_TRY(same_algo(all, &found[kept - 1], &found[i], error));
        } else {
            found[kept++] = found[i];
        }
    }
    all->algos.size = kept * sizeof *found;
    return TJ_OK;
}

/* ---- ledger -------------------------------------------------------------------------------- */

/* Entries without a sequence come last: they get the next numbers. */
static int by_sequence(const void *a, const void *b)
{
    const tj__found_entry *left = a;
    const tj__found_entry *right = b;
    uint64_t first = left->entry.sequence - 1;
    uint64_t second = right->entry.sequence - 1;
    if (first != second) {
        return first < second ? -1 : 1;
    }
    return (left->order > right->order) - (left->order < right->order);
}

static tj_status same_entry(const tj__gathering *all, const tj__found_entry *a,
                            const tj__found_entry *b, tj_error *error)
{
    bool same = false;
    const char *path = tj__gathering_source(all, a->source)->path.data;
    TJ_TRY(tj__entry_same(&a->entry, &b->entry, &same, error));
    if (!same && a->source == b->source) {
        return tj__fail(error, TJ_CONFLICT,
                        "%s holds different ledger entries with sequence %" PRIu64
                        ": give each a sequence of its own",
                        path, a->entry.sequence);
    }
    return same
               ? TJ_OK
               : tj__fail(error, TJ_CONFLICT,
                          "%s and %s hold different ledger entries with sequence %" PRIu64
                          ": import one of them",
                          path, tj__gathering_source(all, b->source)->path.data, a->entry.sequence);
}

static tj_status settle_entries(tj__gathering *all, tj_error *error)
{
    tj__found_entry *found = TJ__ITEMS(tj__found_entry, all->entries);
    size_t count = TJ__COUNT(tj__found_entry, all->entries);
    size_t kept = 0;
    if (count > 1) {
        qsort(found, count, sizeof *found, by_sequence);
    }
    for (size_t i = 0; i < count; i++) {
        bool again = kept > 0 && found[i].entry.sequence != 0 &&
                     found[kept - 1].entry.sequence == found[i].entry.sequence;
        if (again) {
            TJ_TRY(same_entry(all, &found[kept - 1], &found[i], error));
        } else {
            found[kept++] = found[i];
        }
    }
    all->entries.size = kept * sizeof *found;
    return TJ_OK;
}

static int by_entry_id(const void *a, const void *b)
{
    const tj__found_entry *left = *(const tj__found_entry *const *)a;
    const tj__found_entry *right = *(const tj__found_entry *const *)b;
    return tj_uuid_compare(left->entry.id, right->entry.id);
}

/* The commit would refuse an id that stands twice, when the journal is there already. */
static tj_status check_ids(const tj__gathering *all, tj_error *error)
{
    const tj__found_entry *found = TJ__ITEMS(tj__found_entry, all->entries);
    size_t count = TJ__COUNT(tj__found_entry, all->entries);
    const tj__found_entry **sorted = malloc((count + 1) * sizeof *sorted);
    const tj__found_entry *twice = NULL;
    if (!sorted) {
        return tj__fail(error, TJ_NOMEM, "no memory for the ids of %zu entries", count);
    }
    for (size_t i = 0; i < count; i++) {
        sorted[i] = &found[i];
    }
    qsort(sorted, count, sizeof *sorted, by_entry_id);
    for (size_t i = 1; i < count && !twice; i++) {
        twice = by_entry_id(&sorted[i - 1], &sorted[i]) == 0 ? sorted[i] : NULL;
    }
    free(sorted);
    if (!twice) {
        return TJ_OK;
    }
    char id[TJ_UUID_TEXT_SIZE];
    tj_uuid_format(twice->entry.id, id);
    return tj__fail(error, TJ_EXISTS,
                    "%s holds the id %s again, which another ledger entry has: an entry is booked "
                    "once, and every other one needs an id of its own",
                    tj__gathering_source(all, twice->source)->path.data, id);
}

tj_status tj__gathering_settle(tj__gathering *all, tj_live_state **state, tj_error *error)
{
    TJ_TRY(settle_state(all, state, error));
    TJ_TRY(settle_algos(all, error));
    TJ_TRY(settle_entries(all, error));
    TJ_TRY(check_ids(all, error));
    size_t found = TJ__COUNT(tj__found_algo, all->algos) +
                   TJ__COUNT(tj__found_entry, all->entries) +
                   TJ__COUNT(tj__kept_raw, all->quarantined);
    return *state || found > 0
               ? TJ_OK
               : tj__fail(error, TJ_NOT_FOUND, "the sources hold nothing to import");
}
