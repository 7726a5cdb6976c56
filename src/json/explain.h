/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Says in one sentence why a text is no JSON. */
#ifndef TJ_JSON_EXPLAIN_H
#define TJ_JSON_EXPLAIN_H

#include "json/text.h"

/* at: the token that could not be taken, or the end; complete: the whole value stands before it. */
tj_status tj__json_explain(const tj__json_source *source, const char *at, bool complete,
                           tj_error *error);

#endif
