/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * The .rest files beside the ledger. Each has the entries since the one before it, and nothing in
 * it says which that was. But data.mdb has every entry, with the commit that added it: where there
 * are more of them between two files than the second one has, one that stood between is missing.
 */
#include <inttypes.h>
#include <stdio.h>

#include "base/error.h"
#include "repair/examine.h"

static tj_status no_memory(tj_error *error)
{
    return tj__fail(error, TJ_NOMEM, "no memory to verify a journal");
}

static tj__rest_span *spans_of(const tj__examination *x)
{
    return (tj__rest_span *)(void *)x->rests.data;
}

static size_t count_of(const tj__examination *x)
{
    return x->rests.size / sizeof(tj__rest_span);
}

/* A file that cannot be read tells nothing, and is told of with the bases. */
static tj_status list_spans(tj__examination *x, tj_error *error)
{
    tj__base_list list = {0};
    const tj_uuid *id = &x->data.superblock.journal_id;
    x->rests_listed = true;
    tj__buffer_clear(&x->rests);
    if (!x->has_history || !x->data.has_superblock) {
        return TJ_OK;
    }
    TJ_TRY(tj__base_list_read(x->history_path, TJ__BASE_REST, &list, error));
    for (size_t i = 0; i < list.count; i++) {
        tj__base_header header;
        if (tj__base_look(x->history_path, id, TJ__BASE_REST, list.ordinals[i], &header, NULL) ==
            TJ_OK) {
            tj__rest_span span = {.ordinal = list.ordinals[i],
                                  .sequence = header.position.sequence};
            tj__put_bytes(&x->rests, &span, sizeof span);
        }
    }
    tj__base_list_dispose(&list);
    return x->rests.failed ? no_memory(error) : TJ_OK;
}

tj_status tj__examine_rests_count(tj__examination *x, uint64_t sequence, tj_error *error)
{
    if (!x->rests_listed) {
        TJ_TRY(list_spans(x, error));
    }
    tj__rest_span *spans = spans_of(x);
    size_t low = 0;
    for (size_t high = count_of(x); low < high;) {
        size_t middle = low + (high - low) / 2;
        if (spans[middle].sequence < sequence) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    if (low < count_of(x)) { /* else the log still has it */
        spans[low].entries++;
    }
    return TJ_OK;
}

static tj__seen_base *base_of(const tj__examination *x, uint64_t ordinal)
{
    tj__seen_base *bases = (tj__seen_base *)(void *)x->bases.data;
    for (size_t i = 0; i < x->bases.size / sizeof *bases; i++) {
        if (bases[i].kind == TJ__BASE_REST && bases[i].ordinal == ordinal) {
            return &bases[i];
        }
    }
    return NULL;
}

static tj_status tell_gap(tj__examination *x, const tj__rest_span *span, uint64_t behind,
                          uint64_t lacking, tj_error *error)
{
    char path[TJ__BASE_PATH_SIZE];
    TJ_TRY(tj__base_path(path, x->history_path, TJ__BASE_REST, span->ordinal, false, error));
    tj_finding *finding = tj__findings_add(
        &x->findings, TJ_FINDING_DAMAGE,
        "a .rest file before %s is missing: of the entries of the ledger that commits %" PRIu64
        " to %" PRIu64 " added %" PRIu64 " stand in data.mdb alone",
        path, behind + 1, span->sequence, lacking);
    tj__finding_at(&x->findings, finding, path, 0);
    if (finding) {
        finding->sequence_first = behind + 1;
        finding->sequence_last = span->sequence;
    }
    return TJ_OK;
}

tj_status tj__examine_rests(tj__examination *x, tj_error *error)
{
    uint64_t needed = TJ__TABLE_BIT(0) | TJ__TABLE_BIT(TJ__TABLE_META) | TJ__ADDED_TABLES;
    uint64_t behind = 0;
    if (((x->data.damaged | x->damaged_row_tables) & needed) != 0) {
        return TJ_OK;
    }
    for (size_t i = 0; i < count_of(x); i++) {
        const tj__rest_span *span = &spans_of(x)[i];
        tj__seen_base *base = base_of(x, span->ordinal);
        uint64_t held = base && base->sound ? base->digest.rows[TJ__TABLE_LEDGER] : span->entries;
        if (held < span->entries) {
            base->gap = true;
            x->rest_missing = true;
            TJ_TRY(tell_gap(x, span, behind, span->entries - held, error));
        }
        behind = span->sequence;
    }
    return TJ_OK;
}
