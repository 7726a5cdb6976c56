/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Memory for much at once. */
#ifndef TJ_BASE_LARGE_H
#define TJ_BASE_LARGE_H

#include <stddef.h>

#define TJ__LARGE_PAGE_SIZE ((size_t)2 << 20)

/* As malloc. Where the system has large pages for those who ask, what fills half of one asks:
 * hundreds of fresh small ones cost more than what is put into them. Such a block begins with one.
 * Give it to free. */
void *tj__large_new(size_t size);

#endif
