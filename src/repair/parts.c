/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* What a repair tells of each part: commits first, then rows. */
#include "repair/parts.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "rows/key.h"

#define PARTS_MAX 1000

bool tj__parts_init(tj__parts *parts, const tj__examination *x, const tj__repair_plan *plan,
                    tj__arena *arena)
{
    *parts = (tj__parts){.x = x, .plan = plan, .arena = arena, .behind = tj__rowmap_new()};
    return parts->behind;
}

void tj__parts_dispose(tj__parts *parts)
{
    tj__buffer_dispose(&parts->items);
    tj__rowmap_free(parts->behind);
}

static tj_repair_part *tell(tj__parts *p, bool lost, uint64_t first, uint64_t last,
                            const char *format, ...) TJ_PRINTF(5, 6);
static tj_repair_part *tell(tj__parts *p, bool lost, uint64_t first, uint64_t last,
                            const char *format, ...)
{
    char sentence[TJ_ERROR_MESSAGE_SIZE];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(sentence, sizeof sentence, format, arguments);
    va_end(arguments);
    if (p->items.size >= PARTS_MAX * sizeof(tj_repair_part)) {
        p->left_out++;
        return NULL;
    }
    tj_repair_part part = {.lost = lost, .sequence_first = first, .sequence_last = last};
    part.sentence = tj__arena_str(p->arena, tj_str_of(sentence));
    tj__put_bytes(&p->items, &part, sizeof part);
    p->items.failed = p->items.failed || !part.sentence.data;
    return p->items.failed ? NULL : (tj_repair_part *)(void *)(p->items.data + p->items.size) - 1;
}

/* ---- commits ------------------------------------------------------------------------------- */

static void tell_lost_commits(tj__parts *p)
{
    const tj__repair_plan *plan = p->plan;
    if (!tj__repair_plan_loses(plan)) {
        return;
    }
    if (plan->lost_last == UINT64_MAX && plan->lost_known > plan->end) {
        (void)tell(p, true, plan->end + 1, UINT64_MAX,
                   "commits after %" PRIu64 " are lost, up to %" PRIu64
                   " at least: nothing tells how many there were",
                   plan->end, plan->lost_known);
    } else if (plan->lost_last == UINT64_MAX) {
        (void)tell(p, true, plan->end + 1, UINT64_MAX,
                   "commits after %" PRIu64 ", if there were any, are lost: nothing tells",
                   plan->end);
    } else {
        (void)tell(p, true, plan->end + 1, plan->lost_last,
                   "commits %" PRIu64 " to %" PRIu64 " are lost", plan->end + 1, plan->lost_last);
    }
}

/* False: there are none. */
static bool tell_untold(tj__parts *p)
{
    uint64_t end = p->plan->end;
    uint64_t first = 1;
    uint64_t last = 0;
    bool any = false;
    while (p->plan->route == TJ__REPAIR_BASES &&
           tj__examination_untold(p->x, last + 1, end, &first, &last)) {
        (void)tell(p, true, first, last,
                   "what commits %" PRIu64 " to %" PRIu64
                   " added to the ledger is lost, and so are their ids: nothing tells them",
                   first, last);
        any = true;
    }
    return any;
}

static void tell_based(tj__parts *p)
{
    const tj__repair_plan *plan = p->plan;
    const tj__seen_base *base = tj__examination_base_for(p->x, TJ__BASE_STATE, plan->end);
    (void)tell(p, false, plan->end, plan->end,
               "the state after commit %" PRIu64 " comes from the bases at the end of segment "
               "%" PRIu64 ", and the commits after %" PRIu64 " in the log",
               plan->end, base ? base->ordinal : 0, base ? base->position.sequence : 0);
}

/* Else a disk that answered badly once would look like commits that nobody has any more. */
static void tell_unread(tj__parts *p)
{
    const tj__buffer *items = &p->x->findings.items;
    const tj_finding *findings = (const tj_finding *)(const void *)items->data;
    for (size_t i = 0; i < items->size / sizeof *findings; i++) {
        if (findings[i].kind == TJ_FINDING_UNCHECKED) {
            (void)tell(p, false, 0, 0,
                       "%s: not read, and left out; where a second try or a copy of the disk still "
                       "gives it, repair that instead",
                       findings[i].sentence.data);
        }
    }
}

static void tell_kept_commits(tj__parts *p)
{
    const tj__repair_plan *plan = p->plan;
    tell_unread(p);
    if (plan->route == TJ__REPAIR_LOG) {
        (void)tell(p, false, plan->end > 0, plan->end,
                   "commits 1 to %" PRIu64 " come from the log, and the state from them",
                   plan->end);
        return;
    }
    if (plan->route == TJ__REPAIR_BASES) {
        tell_based(p);
    } else {
        (void)tell(p, false, plan->applied, plan->applied,
                   "the state after commit %" PRIu64 " comes from data.mdb", plan->applied);
    }
    if (plan->route == TJ__REPAIR_DATA && plan->end > plan->applied) {
        (void)tell(p, false, plan->applied + 1, plan->end,
                   "commits %" PRIu64 " to %" PRIu64 " come from the log", plan->applied + 1,
                   plan->end);
    }
    if (plan->log_first > plan->end) {
        (void)tell(p, false, plan->end > 0, plan->end,
                   "of the past before commit %" PRIu64 " nothing can be read in the new journal: "
                   "what the log tells of it is not unbroken up to there, and stays in the "
                   "damaged journal",
                   plan->end);
    } else if (plan->log_first > 1) {
        (void)tell(p, false, plan->end > 0, plan->log_first - 1,
                   "history begins with commit %" PRIu64
                   ": what the log has before is not unbroken up to there, and stays in the "
                   "damaged journal",
                   plan->log_first);
    }
}

bool tj__parts_commits(tj__parts *p)
{
    p->items.size = 0;
    p->left_out = 0;
    tj__rowmap_clear(p->behind);
    tell_kept_commits(p);
    tell_lost_commits(p);
    return tell_untold(p) || tj__repair_plan_loses(p->plan);
}

/* ---- rows ---------------------------------------------------------------------------------- */

static void name_row(tj__parts *p, tj_repair_part *part, const char *text)
{
    if (part) {
        part->key = tj__arena_str(p->arena, tj_str_of(text));
    }
}

void tj__parts_row(tj__parts *p, tj__bytes key, uint64_t sequence, tj__row_fate fate)
{
    static const char *const from[] = {"", "the log", "a base",
                                       "the ledger, of which it is an index"};
    char text[TJ__KEY_TEXT_SIZE];
    tj__key_describe(key, text);
    tj_repair_part *part =
        fate == TJ__ROW_LOST
            ? tell(p, true, sequence, sequence,
                   "%s is lost: its bytes in data.mdb are damaged, and no commit that is whole "
                   "tells them",
                   text)
            : tell(p, false, sequence, sequence, "%s comes from commit %" PRIu64 " in %s", text,
                   sequence, from[fate]);
    name_row(p, part, text);
}

void tj__parts_behind(tj__parts *p, tj__bytes key, uint64_t sequence)
{
    char text[TJ__KEY_TEXT_SIZE];
    if (tj__rowmap_find(p->behind, key) ||
        !tj__rowmap_put(p->behind, key, tj__bytes_of(NULL, 0), sequence)) {
        return; /* told already */
    }
    tj__key_describe(key, text);
    tj_repair_part *part = tell(p, true, sequence, sequence,
                                "what commit %" PRIu64 " made of %s is lost, because a commit "
                                "before it is",
                                sequence, text);
    name_row(p, part, text);
}

/* ---- the report ---------------------------------------------------------------------------- */

bool tj__parts_settle(const tj__parts *p, tj_repair_report *report)
{
    report->part_count = p->items.size / sizeof(tj_repair_part);
    report->part_left_out = p->left_out;
    report->parts = tj__arena_array(p->arena, report->part_count, sizeof(tj_repair_part));
    if (p->items.failed || !report->parts) {
        return false;
    }
    if (report->part_count > 0) {
        memcpy(report->parts, p->items.data, p->items.size);
    }
    return true;
}
