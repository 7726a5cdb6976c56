/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "base/rows.h"

#include "base/error.h"

#define PREFIX_SIZE_MAX 512

bool tj__prefix_end(tj__bytes prefix, uint8_t *end, size_t *end_size)
{
    size_t size = prefix.size;
    while (size > 0 && prefix.data[size - 1] == 0xff) {
        size--;
    }
    if (size == 0) {
        return false;
    }
    memcpy(end, prefix.data, size);
    end[size - 1]++;
    *end_size = size;
    return true;
}

tj_status tj__scan_prefix(tj__row_source *source, tj__bytes prefix, bool descending,
                          tj__row_visitor *visitor, void *context, tj_error *error)
{
    uint8_t end[PREFIX_SIZE_MAX];
    size_t end_size = 0;
    TJ_ASSERT(prefix.size <= sizeof end);
    /* A prefix starts with a table's number, which is never 0xff. */
    TJ_ASSERT(tj__prefix_end(prefix, end, &end_size));
    return source->scan(source, prefix, tj__bytes_of(end, end_size), descending, visitor, context,
                        error);
}
