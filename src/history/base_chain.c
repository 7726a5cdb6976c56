/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Walking the chain of bases, and building what it lacks. */
#include "history/base_chain.h"

#include "base/error.h"
#include "base/file.h"
#include "history/seek.h"

#define LOG_TO_BASE 4
/* How many damaged bases are built again in one go. */
#define RESTARTS_MAX 16

/* The segment at whose end the next base stands. TJ_NOT_FOUND: it is not begun yet, or a segment is
 * missing. */
static tj_status next_due(const tj__base_place *place, const tj__base_chain *chain,
                          uint64_t *ordinal, tj_error *error)
{
    uint64_t since = 0;
    uint64_t at = chain->ordinal;
    tj__segment_header header;
    do {
        at++;
        TJ_TRY(tj__seek_header(place->log_path, &place->journal_id, at, &header, error));
        since += header.segment_size;
    } while (since < LOG_TO_BASE * chain->size);
    *ordinal = at;
    return TJ_OK;
}

static void stand_at(tj__base_chain *chain, uint64_t ordinal, const tj__base_header *header)
{
    *chain = (tj__base_chain){true, ordinal, !header ? 0 : tj__base_size(header)};
}

/* The first base at or behind a segment's end that can be used; false: there is none. */
static bool find_from(const tj__base_place *place, tj__base_kind kind, uint64_t from,
                      tj__base_chain *chain)
{
    tj__base_list list;
    tj__base_header header;
    bool found = false;
    if (tj__base_list_read(place->directory, kind, &list, NULL) != TJ_OK) {
        return false;
    }
    for (size_t i = 0; i < list.count && !found; i++) {
        found =
            list.ordinals[i] >= from && tj__base_look(place->directory, &place->journal_id, kind,
                                                      list.ordinals[i], &header, NULL) == TJ_OK;
        if (found) {
            stand_at(chain, list.ordinals[i], &header);
        }
    }
    tj__base_list_dispose(&list);
    return found;
}

/* A base that cannot be read through is none: the next look finds it missing, and builds it. */
static void drop(const tj__base_place *place, tj__base_kind kind, uint64_t ordinal)
{
    char path[TJ__BASE_PATH_SIZE];
    if (tj__base_path(path, place->directory, kind, ordinal, false, NULL) == TJ_OK) {
        (void)tj__file_remove(path, NULL);
    }
}

/* Builds the base that is due. *again: the one before it was damaged and can be built from the log,
 * so the chain begins anew. */
static tj_status build(const tj__base_place *place, tj__base_kind kind, uint64_t first_segment,
                       tj__base_chain *chain, uint64_t ordinal, bool *again, tj_error *error)
{
    tj__base *before = NULL;
    tj__base_header header;
    tj_status status = TJ_OK;
    *again = false;
    if (chain->ordinal > 0) {
        status = tj__base_open(place->directory, &place->journal_id, kind, chain->ordinal, &before,
                               error);
        *again = status == TJ_CORRUPT || status == TJ_NOT_FOUND;
    }
    if (status == TJ_OK) {
        status = tj__base_build(place, kind, ordinal, before, &header, error);
        *again = before && before->damaged;
    }
    tj__base_close(before);
    *again = *again && chain->ordinal >= first_segment;
    if (*again) {
        drop(place, kind, chain->ordinal);
    }
    if (status == TJ_OK) {
        stand_at(chain, ordinal, &header);
    }
    return status;
}

static bool begin(const tj__base_place *place, tj__base_kind kind, uint64_t first_segment,
                  tj__base_chain *chain)
{
    if (chain->begun) {
        return true;
    }
    if (first_segment > 1) {
        return find_from(place, kind, first_segment - 1, chain);
    }
    stand_at(chain, 0, NULL);
    return true;
}

/* One base further. TJ_NOT_FOUND: no other one is due, or a segment is missing. */
static tj_status step(const tj__base_place *place, tj__base_kind kind, uint64_t first_segment,
                      tj__base_chain *chain, uint32_t *built, bool *again, tj_error *error)
{
    tj__base_header header;
    uint64_t ordinal = 0;
    *again = false;
    TJ_TRY(next_due(place, chain, &ordinal, error));
    if (tj__base_look(place->directory, &place->journal_id, kind, ordinal, &header, NULL) ==
        TJ_OK) {
        stand_at(chain, ordinal, &header);
        return TJ_OK;
    }
    TJ_TRY(build(place, kind, first_segment, chain, ordinal, again, error));
    ++*built;
    return TJ_OK;
}

/* What another attempt would meet again, until somebody puts back what is missing. */
static bool of_the_log(tj_status status)
{
    return status == TJ_NOT_FOUND || status == TJ_CORRUPT || status == TJ_FORMAT_NEWER;
}

tj_status tj__base_chain_extend(const tj__base_place *place, tj__base_kind kind,
                                uint64_t first_segment, uint32_t limit, tj__base_chain *chain,
                                uint32_t *built, tj_error *error)
{
    tj_error first = TJ_ERROR_INIT;
    int restarts = 0;
    *built = 0;
    while ((limit == 0 || *built < limit) && begin(place, kind, first_segment, chain)) {
        tj_error failure = TJ_ERROR_INIT;
        bool again = false;
        tj_status status = step(place, kind, first_segment, chain, built, &again, &failure);
        if (status == TJ_OK) {
            continue;
        }
        if (again && ++restarts <= RESTARTS_MAX) {
            chain->begun = false;
            continue;
        }
        if (!of_the_log(status)) {
            return tj__error_pass(error, &failure);
        }
        if (status != TJ_NOT_FOUND && first.status == TJ_OK) {
            first = failure;
        }
        if (!find_from(place, kind, chain->ordinal + 1, chain)) {
            break;
        }
    }
    return tj__error_pass(error, &first);
}
