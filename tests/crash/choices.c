/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Lists the choices, one after another, for whoever builds the images. */
#include "crash/choices.h"

#include "crash/support.h"

#define SUBSETS_UNITS_MAX 8
#define EACH_UNIT_MAX 96 /* units that are left out, or taken, one by one; the newest of many */
#define TORN_UNITS_MAX 12

static choice take_range(size_t from, size_t to)
{
    choice c = {0};
    for (size_t i = from; i < to; i++) {
        choice_take(&c, i);
    }
    return c;
}

static void tear(const choices_at *s, size_t unit, choice how, torn_kind kind, size_t sector)
{
    choice_take(&how, unit);
    how.torn = unit;
    how.torn_kind = kind;
    how.torn_sector = sector;
    s->visit(s->context, &how, false);
}

/* One write in parts: at every sector when they are few, else at random ones. */
static void tear_unit(const choices_at *s, size_t unit, const choice *others)
{
    size_t sectors = disk_unit_sectors(s->disk, unit);
    if (disk_unit_grows(s->disk, unit)) {
        tear(s, unit, *others, TORN_LENGTH, 0);
    }
    if (sectors < 2) {
        return;
    }
    bool all = sectors <= s->torn_samples;
    size_t count = all ? sectors : s->torn_samples;
    for (size_t i = 0; i < count; i++) {
        size_t at = all ? i : (size_t)random_below(s->random, sectors);
        tear(s, unit, *others, TORN_HOLE, at);
        if (at > 0) {
            tear(s, unit, *others, TORN_PREFIX, at);
        }
    }
}

static void each_torn(const choices_at *s, size_t count, size_t first)
{
    choice all = take_range(0, count);
    for (size_t i = first > count - 1 ? count - 1 : first; i < count; i++) {
        choice before = take_range(0, i);
        tear_unit(s, i, &all);
        tear_unit(s, i, &before);
    }
}

static void each_unit(const choices_at *s, size_t count)
{
    choice all = take_range(0, count);
    for (size_t i = count > EACH_UNIT_MAX ? count - EACH_UNIT_MAX : 0; i < count; i++) {
        choice prefix = take_range(0, i);
        choice one = take_range(i, i + 1);
        choice others = all;
        choice_drop(&others, i);
        s->visit(s->context, &prefix, false);
        s->visit(s->context, &others, false);
        s->visit(s->context, &one, false);
    }
}

/* With `must_take` a unit: only subsets that hold it; count: any. */
static void each_subset(const choices_at *s, size_t count, size_t must_take)
{
    if (count <= SUBSETS_UNITS_MAX) {
        for (uint64_t set = 0; set < (uint64_t)1 << count; set++) {
            choice c = {.taken = {set}};
            if (must_take == count || choice_has(&c, must_take)) {
                s->visit(s->context, &c, false);
            }
        }
        return;
    }
    for (unsigned i = 0; i < s->random_images; i++) {
        choice c = {0};
        for (size_t word = 0; word * 64 < count; word++) {
            size_t rest = count - word * 64;
            uint64_t mask = rest >= 64 ? UINT64_MAX : ((uint64_t)1 << rest) - 1;
            c.taken[word] = random_next(s->random) & mask;
        }
        if (must_take < count) {
            choice_take(&c, must_take);
        }
        s->visit(s->context, &c, false);
    }
}

void each_choice(const choices_at *s)
{
    bool added = s->added;
    size_t count = disk_pending(s->disk);
    choice none = {0};
    choice all = take_range(0, count);
    s->visit(s->context, &all, true);
    if (!added) {
        s->visit(s->context, &none, true);
    }
    if (count == 0 || s->few) {
        return;
    }
    each_subset(s, count, added ? count - 1 : count);
    if (added) {
        choice newest = take_range(count - 1, count);
        s->visit(s->context, &newest, false);
        each_torn(s, count, count - 1);
        return;
    }
    each_unit(s, count);
    each_torn(s, count, count > TORN_UNITS_MAX ? count - TORN_UNITS_MAX : 0);
}
