/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* A bit for each key of a base. */
#include "history/base_filter.h"

#include <stdlib.h>

#include "base/hash.h"

#define BITS_PER_KEY 16
#define KEYS_MAX 100000

static uint64_t bit_of(const tj__base_filter *filter, tj__bytes key)
{
    return tj__hash(key.data, key.size) % filter->count;
}

static tj_status add(void *context, const tj__row *row, tj_error *error)
{
    tj__base_filter *filter = context;
    uint64_t bit = bit_of(filter, row->key);
    (void)error;
    filter->bits[bit / 8] |= (uint8_t)(1u << bit % 8);
    return TJ_OK;
}

/* One that cannot be read through tells nothing. */
static void fill(tj__base_filter *filter)
{
    static const uint8_t lowest[] = {0};
    static const uint8_t highest[] = {0xff};
    tj__row_source *rows = &filter->base->rows;
    if (filter->base->header.rows > KEYS_MAX) {
        return;
    }
    filter->count = BITS_PER_KEY * (filter->base->header.rows + 1);
    filter->bits = calloc(1, filter->count / 8);
    if (filter->bits && rows->scan(rows, tj__bytes_of(lowest, 1), tj__bytes_of(highest, 1), false,
                                   add, filter, NULL) != TJ_OK) {
        tj__base_filter_dispose(filter);
    }
}

bool tj__base_filter_may_have(void *context, tj__bytes key)
{
    tj__base_filter *filter = context;
    if (!filter->base) {
        return false;
    }
    if (!filter->asked) {
        filter->asked = true;
        fill(filter);
    }
    if (!filter->bits) {
        return true;
    }
    uint64_t bit = bit_of(filter, key);
    return filter->bits[bit / 8] >> bit % 8 & 1;
}

void tj__base_filter_dispose(tj__base_filter *filter)
{
    free(filter->bits);
    filter->bits = NULL;
}
