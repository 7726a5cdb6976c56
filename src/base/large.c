/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Asking for large pages. */
#include "base/large.h"

#include <stdlib.h>
#include <sys/mman.h>

void *tj__large_new(size_t size)
{
    if (size < TJ__LARGE_PAGE_SIZE / 2) {
        return malloc(size);
    }
    size_t whole = (size + TJ__LARGE_PAGE_SIZE - 1) / TJ__LARGE_PAGE_SIZE * TJ__LARGE_PAGE_SIZE;
    void *fresh = aligned_alloc(TJ__LARGE_PAGE_SIZE, whole);
    if (fresh) {
        (void)madvise(fresh, whole, MADV_HUGEPAGE);
    }
    return fresh;
}
