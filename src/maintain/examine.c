/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* The beginning and the end of an examination. */
#include "maintain/examine.h"

#include <string.h>

#include "base/error.h"
#include "base/file.h"

tj_status tj__examination_init(tj__examination *x, const char *path, tj__arena *arena,
                               tj_error *error)
{
    memset(x, 0, sizeof *x);
    x->findings.arena = arena;
    TJ_TRY(tj__path_absolute(path, x->path, sizeof x->path, error));
    TJ_TRY(tj__path_join(x->history_path, sizeof x->history_path, x->path, "history", error));
    return tj__path_join(x->log_path, sizeof x->log_path, x->path, "log", error);
}

void tj__examination_dispose(tj__examination *x)
{
    tj__findings_dispose(&x->findings);
    tj__buffer_dispose(&x->faults);
    tj__buffer_dispose(&x->runs);
}

bool tj__examination_data_sound(const tj__examination *x)
{
    return x->data.has_superblock && x->data.has_position && x->data.damaged == 0 &&
           x->damaged_rows == 0;
}
