/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Adding changes to the sums in memory, and their rows in the meta table. */
#include "table/sums.h"

#include <inttypes.h>

#include "base/error.h"
#include "base/hash.h"
#include "model/change.h"

static const uint8_t key_head[3] = {'s', 'u', 'm'};

void tj__sums_dispose(tj__sums *sums)
{
    tj__buffer_dispose(&sums->items);
    sums->newest = 0;
}

size_t tj__sums_count(const tj__sums *sums)
{
    return sums->items.size / sizeof(tj__sum);
}

tj__sum *tj__sums_item(const tj__sums *sums, size_t index)
{
    return (tj__sum *)(void *)sums->items.data + index;
}

/* Rows come sorted, so that it is nearly always the newest. */
tj__sum *tj__sums_find(tj__sums *sums, uint8_t table, uint32_t book)
{
    size_t count = tj__sums_count(sums);
    for (size_t i = 0, at = sums->newest; i < count; i++) {
        tj__sum *sum = tj__sums_item(sums, at);
        if (sum->table == table && sum->book == book) {
            sums->newest = at;
            return sum;
        }
        at = at + 1 < count ? at + 1 : 0;
    }
    return NULL;
}

uint32_t tj__sum_short_book(tj__bytes key)
{
    uint8_t book[4] = {0};
    memcpy(book, key.data, key.size);
    return tj__load_u32_be(book);
}

static tj__sum *find_or_add(tj__sums *sums, uint8_t table, uint32_t book)
{
    tj__sum sum = {.table = table, .book = book};
    tj__sum *found = tj__sums_find(sums, table, book);
    if (found) {
        return found;
    }
    tj__put_bytes(&sums->items, &sum, sizeof sum);
    if (sums->items.failed) {
        return NULL;
    }
    sums->newest = tj__sums_count(sums) - 1;
    return tj__sums_item(sums, sums->newest);
}

tj__sum *tj__sums_in(tj__sums *sums, uint8_t table, tj__bytes key)
{
    return find_or_add(sums, table, tj__sum_book(key));
}

tj__sum *tj__sums_of(tj__sums *sums, tj__bytes row_key)
{
    TJ_ASSERT(row_key.size > 1);
    return tj__sums_in(sums, row_key.data[0], tj__bytes_of(row_key.data + 1, row_key.size - 1));
}

bool tj__sums_add(tj__sums *sums, const tj__sums *more)
{
    for (size_t i = 0; i < tj__sums_count(more); i++) {
        const tj__sum *other = tj__sums_item(more, i);
        tj__sum *sum = find_or_add(sums, other->table, other->book);
        if (!sum) {
            return false;
        }
        sum->rows += other->rows;
        sum->checksums += other->checksums;
        for (size_t class = 0; class < TJ__ROW_CLASSES; class ++) {
            sum->classes.rows[class] += other->classes.rows[class];
        }
    }
    return true;
}

static tj_status agree(const tj__sum *stored, const tj__sum *counted, bool damaged_row,
                       const char *path, tj_error *error)
{
    if (counted->rows != stored->rows) {
        return tj__fail(error, TJ_CORRUPT,
                        "%s is damaged: table \"%s\" shows %" PRIu64 " rows of book number %" PRIu32
                        ", %" PRIu64 " were stored: repair the journal",
                        path, tj__table_name(stored->table), counted->rows, counted->book,
                        stored->rows);
    }
    if (counted->checksums != stored->checksums && !damaged_row) {
        return tj__fail(error, TJ_CORRUPT,
                        "%s is damaged: the rows that table \"%s\" shows of book number %" PRIu32
                        " are not those that were stored: repair the journal",
                        path, tj__table_name(stored->table), counted->book);
    }
    return TJ_OK;
}

/* The one of the same table and book; of no rows when there is none. */
static tj__sum other_of(const tj__sums *sums, const tj__sum *sum)
{
    for (size_t i = 0; i < tj__sums_count(sums); i++) {
        const tj__sum *candidate = tj__sums_item(sums, i);
        if (candidate->table == sum->table && candidate->book == sum->book) {
            return *candidate;
        }
    }
    return (tj__sum){.table = sum->table, .book = sum->book};
}

tj_status tj__sums_agree(const tj__sums *stored, const tj__sums *counted, uint8_t table,
                         bool damaged_row, const char *path, tj_error *error)
{
    for (size_t i = 0; i < tj__sums_count(stored); i++) {
        const tj__sum *sum = tj__sums_item(stored, i);
        tj__sum other = other_of(counted, sum);
        if (sum->table == table) {
            TJ_TRY(agree(sum, &other, damaged_row, path, error));
        }
    }
    for (size_t i = 0; i < tj__sums_count(counted); i++) {
        const tj__sum *sum = tj__sums_item(counted, i);
        tj__sum other = other_of(stored, sum);
        if (sum->table == table) {
            TJ_TRY(agree(&other, sum, damaged_row, path, error));
        }
    }
    return TJ_OK;
}

void tj__sum_key(uint8_t key[TJ__SUM_KEY_SIZE], const tj__sum *sum)
{
    memcpy(key, key_head, sizeof key_head);
    key[3] = sum->table;
    tj__store_u32_be(key + 4, sum->book);
}

bool tj__sum_is_key(tj__bytes key)
{
    return key.size == TJ__SUM_KEY_SIZE && memcmp(key.data, key_head, sizeof key_head) == 0;
}

static uint64_t seal_of(const uint8_t *key, const uint8_t *value)
{
    uint8_t piece[TJ__SUM_KEY_SIZE + TJ__SUM_VALUE_SIZE - 8];
    memcpy(piece, key, TJ__SUM_KEY_SIZE);
    memcpy(piece + TJ__SUM_KEY_SIZE, value, TJ__SUM_VALUE_SIZE - 8);
    return tj__hash(piece, sizeof piece);
}

void tj__sum_encode(uint8_t value[TJ__SUM_VALUE_SIZE], const tj__sum *sum)
{
    uint8_t key[TJ__SUM_KEY_SIZE];
    tj__sum_key(key, sum);
    tj__store_u64(value, sum->rows);
    tj__store_u64(value + 8, sum->checksums);
    tj__store_u64(value + 16, seal_of(key, value));
}

tj_status tj__sum_decode(tj__bytes key, tj__bytes value, tj__sum *out, tj_error *error)
{
    if (value.size != TJ__SUM_VALUE_SIZE ||
        tj__load_u64(value.data + 16) != seal_of(key.data, value.data)) {
        return tj__fail(error, TJ_CORRUPT, "the checksum of a sum of rows does not match");
    }
    *out = (tj__sum){.table = key.data[3],
                     .book = tj__load_u32_be(key.data + 4),
                     .rows = tj__load_u64(value.data),
                     .checksums = tj__load_u64(value.data + 8)};
    return TJ_OK;
}
