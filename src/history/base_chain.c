/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Walking the chain of bases, and building what it lacks. */
#include "history/base_chain.h"

#include "base/error.h"
#include "base/file.h"
#include "history/seek.h"

#define LOG_TO_BASE 4
/* No base is built at its end. */
#define SHORT_SEGMENT 1
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
    } while (at == SHORT_SEGMENT || since < LOG_TO_BASE * chain->size);
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

/* ---- the chains of all kinds, side by side ------------------------------------------------ */

/* The chain of one kind. */
typedef struct chain_link {
    tj__base_kind kind;
    tj__base_chain *chain;
    uint64_t due; /* at the end of this segment the next base is missing; 0: none is */
    bool ended;   /* nothing more can be done for it */
    int restarts;
} chain_link;

typedef struct extending {
    const tj__base_place *place;
    uint64_t first_segment;
    chain_link links[TJ__BASE_KINDS];
    tj_error damage; /* of the log, that was met first */
    uint32_t *built;
} extending;

static bool begin(const extending *e, const chain_link *l)
{
    if (l->chain->begun) {
        return true;
    }
    if (e->first_segment > 1) {
        return find_from(e->place, l->kind, e->first_segment - 1, l->chain);
    }
    tj__base_header header;
    bool had = tj__base_look(e->place->directory, &e->place->journal_id, l->kind, SHORT_SEGMENT,
                             &header, NULL) == TJ_OK;
    stand_at(l->chain, had ? SHORT_SEGMENT : 0, had ? &header : NULL);
    return true;
}

/* What another attempt would meet again, until somebody puts back what is missing. */
static bool of_the_log(tj_status status)
{
    return status == TJ_NOT_FOUND || status == TJ_CORRUPT || status == TJ_FORMAT_NEWER;
}

/* What cannot be built is left out: the chain goes on with the next base that is there. */
static tj_status leave_out(extending *e, chain_link *l, const tj_error *failure, tj_error *error)
{
    if (!of_the_log(failure->status)) {
        return tj__error_pass(error, failure);
    }
    if (failure->status != TJ_NOT_FOUND && e->damage.status == TJ_OK) {
        e->damage = *failure;
    }
    l->ended = !find_from(e->place, l->kind, l->chain->ordinal + 1, l->chain);
    return TJ_OK;
}

/* Walks over the bases that are there. */
static tj_status find_due(extending *e, chain_link *l, tj_error *error)
{
    l->due = 0;
    l->ended = l->ended || !begin(e, l);
    while (!l->ended) {
        tj_error failure = TJ_ERROR_INIT;
        tj__base_header header;
        uint64_t ordinal = 0;
        if (next_due(e->place, l->chain, &ordinal, &failure) != TJ_OK) {
            TJ_TRY(leave_out(e, l, &failure, error));
        } else if (tj__base_look(e->place->directory, &e->place->journal_id, l->kind, ordinal,
                                 &header, NULL) == TJ_OK) {
            stand_at(l->chain, ordinal, &header);
        } else {
            l->due = ordinal;
            return TJ_OK;
        }
    }
    return TJ_OK;
}

/* Bases that are due at one place, and go on from one place. */
typedef struct group {
    chain_link *links[TJ__BASE_KINDS];
    tj__base_order orders[TJ__BASE_KINDS];
    bool broken[TJ__BASE_KINDS]; /* the base before cannot be used */
    size_t count;
} group;

/* Those that are due first; none: nothing is. */
static group choose(extending *e)
{
    group g = {.count = 0};
    const chain_link *first = NULL;
    for (int i = 0; i < TJ__BASE_KINDS; i++) {
        const chain_link *l = &e->links[i];
        first = l->due > 0 && (!first || l->due < first->due) ? l : first;
    }
    for (int i = 0; first && i < TJ__BASE_KINDS; i++) {
        chain_link *l = &e->links[i];
        if (l->due == first->due && l->chain->ordinal == first->chain->ordinal) {
            g.orders[g.count].kind = l->kind;
            g.links[g.count++] = l;
        }
    }
    return g;
}

static tj_status open_before(const extending *e, group *g, tj_error *error)
{
    for (size_t i = 0; i < g->count; i++) {
        uint64_t ordinal = g->links[i]->chain->ordinal;
        if (ordinal > 0) {
            tj_status status =
                tj__base_open(e->place->directory, &e->place->journal_id, g->links[i]->kind,
                              ordinal, &g->orders[i].before, error);
            g->broken[i] = status == TJ_CORRUPT || status == TJ_NOT_FOUND;
            TJ_TRY(status);
        }
    }
    return TJ_OK;
}

static void close_before(group *g)
{
    for (size_t i = 0; i < g->count; i++) {
        tj__base *before = g->orders[i].before;
        g->broken[i] = g->broken[i] || (before && before->damaged);
        tj__base_close(before);
    }
}

/* A base that cannot be read through is none: the chain begins anew, finds it missing, and builds
 * it. False: the log for that is gone, or it was done often enough. */
static bool drop(const extending *e, chain_link *l)
{
    char path[TJ__BASE_PATH_SIZE];
    if (l->chain->ordinal < e->first_segment || ++l->restarts > RESTARTS_MAX ||
        tj__base_path(path, e->place->directory, l->kind, l->chain->ordinal, false, NULL) !=
            TJ_OK) {
        return false;
    }
    (void)tj__file_remove(path, NULL);
    l->chain->begun = false;
    return true;
}

/* When a base is to blame, those of other kinds are tried again without it. */
static tj_status go_on_without(extending *e, const group *g, const tj_error *failure,
                               tj_error *error)
{
    bool any_broken = false;
    for (size_t i = 0; i < g->count; i++) {
        any_broken = any_broken || g->broken[i];
    }
    for (size_t i = 0; i < g->count; i++) {
        bool concerned = g->broken[i] || !any_broken;
        if (concerned && !(g->broken[i] && drop(e, g->links[i]))) {
            TJ_TRY(leave_out(e, g->links[i], failure, error));
        }
    }
    return TJ_OK;
}

static tj_status build(extending *e, group *g, tj_error *error)
{
    tj_error failure = TJ_ERROR_INIT;
    tj_status status = open_before(e, g, &failure);
    if (status == TJ_OK) {
        status = tj__base_build(e->place, g->links[0]->due, g->orders, g->count, &failure);
    }
    close_before(g);
    if (status != TJ_OK) {
        return go_on_without(e, g, &failure, error);
    }
    for (size_t i = 0; i < g->count; i++) {
        stand_at(g->links[i]->chain, g->links[i]->due, &g->orders[i].header);
        ++*e->built;
    }
    return TJ_OK;
}

tj_status tj__base_chains_extend(const tj__base_place *place, uint64_t first_segment,
                                 uint32_t limit, tj__base_chain chains[TJ__BASE_KINDS],
                                 uint32_t *built, tj_error *error)
{
    extending e = {
        .place = place, .first_segment = first_segment, .damage = TJ_ERROR_INIT, .built = built};
    *built = 0;
    for (int i = 0; i < TJ__BASE_KINDS; i++) {
        e.links[i] = (chain_link){.kind = (tj__base_kind)i, .chain = &chains[i]};
    }
    while (limit == 0 || *built < limit) {
        for (int i = 0; i < TJ__BASE_KINDS; i++) {
            TJ_TRY(find_due(&e, &e.links[i], error));
        }
        group g = choose(&e);
        if (g.count == 0) {
            break;
        }
        TJ_TRY(build(&e, &g, error));
    }
    return tj__error_pass(error, &e.damage);
}
