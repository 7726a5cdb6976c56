/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Digests: counting rows and adding up their checksums. */
#include "history/digest.h"

#include "base/error.h"
#include "base/hash.h"
#include "rows/key.h"

void tj__digest_add(tj__digest *digest, const tj__row *row)
{
    uint8_t table = row->key.data[0];
    digest->rows[table]++;
    digest->checksums[table] += tj__row_hash(row->key, row->sequence, row->value);
}

static tj_status visit(void *context, const tj__row *row, tj_error *error)
{
    if (row->damaged) {
        char text[TJ__KEY_TEXT_SIZE];
        tj__key_describe(row->key, text);
        return tj__fail(error, TJ_CORRUPT, "%s is damaged: its checksum does not match", text);
    }
    tj__digest_add(context, row);
    return TJ_OK;
}

tj_status tj__digest_rows(tj__row_source *rows, tj__digest *out, tj_error *error)
{
    *out = (tj__digest){0};
    for (uint8_t table = TJ__TABLE_FIRST; table <= TJ__TABLE_LAST; table++) {
        if (TJ__DIGEST_TABLES & TJ__TABLE_BIT(table)) {
            TJ_TRY(tj__rows_scan_prefix(rows, tj__bytes_of(&table, 1), false, visit, out, error));
        }
    }
    return TJ_OK;
}

uint8_t tj__digest_differs(const tj__digest *a, const tj__digest *b)
{
    for (uint8_t table = TJ__TABLE_FIRST; table <= TJ__TABLE_LAST; table++) {
        if (a->rows[table] != b->rows[table] || a->checksums[table] != b->checksums[table]) {
            return table;
        }
    }
    return 0;
}

uint64_t tj__digest_value(const tj__digest *digest)
{
    uint8_t bytes[2 * sizeof(uint64_t) * (TJ__TABLE_LAST + 1)];
    size_t size = 0;
    for (uint8_t table = TJ__TABLE_FIRST; table <= TJ__TABLE_LAST; table++) {
        if (TJ__DIGEST_TABLES & TJ__TABLE_BIT(table)) {
            tj__store_u64(bytes + size, digest->rows[table]);
            tj__store_u64(bytes + size + sizeof(uint64_t), digest->checksums[table]);
            size += 2 * sizeof(uint64_t);
        }
    }
    return tj__hash(bytes, size);
}
