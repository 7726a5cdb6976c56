/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Dimensions (1), whether there are NULLs, type, length, lowest index; then each element's size and
 * bytes. All big-endian. */
#include "postgres/arrays.h"

#include "base/error.h"

void tj__pg_arrays_dispose(tj__pg_arrays *arrays)
{
    tj__buffer_dispose(&arrays->bytes);
    arrays->count = 0;
}

void tj__pg_arrays_clear(tj__pg_arrays *arrays)
{
    tj__buffer_clear(&arrays->bytes);
    arrays->count = 0;
}

void tj__pg_array(tj__pg_arrays *arrays, uint32_t type, size_t count)
{
    TJ_ASSERT(arrays->count < TJ__PG_ARRAYS_MAX);
    arrays->starts[arrays->count++] = arrays->bytes.size;
    tj__put_u32_be(&arrays->bytes, 1);
    tj__put_u32_be(&arrays->bytes, type == TJ__PG_UUID ? 1 : 0);
    tj__put_u32_be(&arrays->bytes, type);
    tj__put_u32_be(&arrays->bytes, (uint32_t)count);
    tj__put_u32_be(&arrays->bytes, 1);
}

void tj__pg_element_int8(tj__pg_arrays *arrays, uint64_t value)
{
    tj__put_u32_be(&arrays->bytes, 8);
    tj__put_u64_be(&arrays->bytes, value);
}

void tj__pg_element_int4(tj__pg_arrays *arrays, uint32_t value)
{
    tj__put_u32_be(&arrays->bytes, 4);
    tj__put_u32_be(&arrays->bytes, value);
}

void tj__pg_element_bytes(tj__pg_arrays *arrays, tj__bytes value)
{
    tj__put_u32_be(&arrays->bytes, (uint32_t)value.size);
    tj__put_bytes(&arrays->bytes, value.data, value.size);
}

void tj__pg_element_null(tj__pg_arrays *arrays)
{
    tj__put_u32_be(&arrays->bytes, UINT32_MAX);
}

void tj__pg_array_give(const tj__pg_arrays *arrays, size_t number, tj__pg_query *query)
{
    TJ_ASSERT(number < arrays->count);
    size_t start = arrays->starts[number];
    size_t end = number + 1 < arrays->count ? arrays->starts[number + 1] : arrays->bytes.size;
    tj__pg_bytes(query, tj__bytes_of(arrays->bytes.data + start, end - start));
}
