/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Every engine there is. */
#include <string.h>

#include "engine/engine.h"

static const tj__engine_kind *const engines[] = {&tj__journal_engine, &tj__memory_engine,
                                                 &tj__postgres_engine};
#define ENGINE_COUNT (sizeof engines / sizeof engines[0])

const tj__engine_kind *tj__engine_kind_of(tj_engine_type type)
{
    for (size_t i = 0; i < ENGINE_COUNT; i++) {
        if (engines[i]->type == type) {
            return engines[i];
        }
    }
    return NULL;
}

const tj__engine_kind *tj__engine_kind_named(const char *name)
{
    for (size_t i = 0; i < ENGINE_COUNT; i++) {
        if (strcmp(engines[i]->name, name) == 0) {
            return engines[i];
        }
    }
    return NULL;
}

const char *tj_engine_type_name(tj_engine_type type)
{
    const tj__engine_kind *kind = tj__engine_kind_of(type);
    return kind ? kind->name : "unknown";
}
