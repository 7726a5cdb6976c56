/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Keys that stand twice in a snapshot: Tesser writes the bare code of a symbol, so that two venues
 * with one code meet under one key.
 */
#ifndef TJ_MIGRATE_REPEAT_H
#define TJ_MIGRATE_REPEAT_H

#include "migrate/gather.h"

/* Gives each member under a repeated key the identity that a rule says, or leaves it out. *out
 * stays empty when no key is repeated, or the text is no JSON. TJ_INVALID when no rule resolves
 * one: then all->repeated has all values of each such key, and the option that does. */
tj_status tj__repeats_resolve(tj__gathering *all, size_t source, tj_str json, tj__buffer *out,
                              tj_error *error);

#endif
