/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Which keys a base may have. What comes and goes between a base and a commit need not be
 * remembered as deleted, where nothing below would show it: so a replay holds what is there, and
 * not all that ever was.
 */
#ifndef TJ_HISTORY_BASE_FILTER_H
#define TJ_HISTORY_BASE_FILTER_H

#include "history/base_reader.h"

typedef struct tj__base_filter {
    tj__base *base; /* NULL: no key is below */
    bool asked;
    uint8_t *bits; /* one for each hash of a key, modulo their number; NULL: any key may be */
    uint64_t count;
} tj__base_filter;

/* False: the base does not have the key. Its keys are read for the first question; one with very
 * many is not worth it. A tj__below of `context`, a filter of which only `base` is set. */
bool tj__base_filter_may_have(void *context, tj__bytes key);
void tj__base_filter_dispose(tj__base_filter *filter);

#endif
