/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Sorting by keys of bytes. */
#ifndef TJ_BASE_KEYSORT_H
#define TJ_BASE_KEYSORT_H

#include "base/buffer.h"

typedef tj__bytes tj__keysort_key(const void *entry);

/* Puts entries, of which no two have the same key, into the order of their keys. False when memory
 * is short. */
bool tj__keysort(void **entries, size_t count, tj__keysort_key *key_of);

#endif
