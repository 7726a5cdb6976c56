/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* What makes a key table larger and what takes an entry out of it. */
#include "base/keytable.h"

#include <stdlib.h>

#define SLOTS_MIN 16

void tj__keytable_dispose(tj__keytable *table)
{
    free(table->slots);
    *table = (tj__keytable){0};
}

static bool resize(tj__keytable *table, size_t slot_count)
{
    tj__keyslot *slots = calloc(slot_count, sizeof *slots);
    if (!slots) {
        return false;
    }
    for (size_t i = 0; i < table->slot_count; i++) {
        if (table->slots[i].entry) {
            size_t to = table->slots[i].hash & (slot_count - 1);
            while (slots[to].entry) {
                to = (to + 1) & (slot_count - 1);
            }
            slots[to] = table->slots[i];
        }
    }
    free(table->slots);
    table->slots = slots;
    table->slot_count = slot_count;
    return true;
}

bool tj__keytable_reserve(tj__keytable *table, size_t more)
{
    if (more > SIZE_MAX / 8 - table->count) {
        return false;
    }
    size_t needed = (table->count + more) * 2;
    size_t slot_count = table->slot_count > 0 ? table->slot_count : SLOTS_MIN;
    while (slot_count < needed) {
        slot_count *= 2;
    }
    return slot_count == table->slot_count || resize(table, slot_count);
}

/* Moves back each later entry of the run that may stand in the hole. */
void tj__keytable_remove(tj__keytable *table, tj__keyslot *slot)
{
    tj__keyslot *slots = table->slots;
    size_t mask = table->slot_count - 1;
    size_t hole = (size_t)(slot - slots);
    for (size_t at = (hole + 1) & mask; slots[at].entry; at = (at + 1) & mask) {
        size_t home = slots[at].hash & mask;
        if (((at - home) & mask) >= ((at - hole) & mask)) {
            slots[hole] = slots[at];
            hole = at;
        }
    }
    slots[hole] = (tj__keyslot){0};
    table->count--;
}
