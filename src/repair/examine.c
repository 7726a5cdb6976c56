/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* The beginning and the end of an examination. */
#include "repair/examine.h"

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
    tj__buffer_dispose(&x->joints);
    tj__buffer_dispose(&x->bases);
    tj__buffer_dispose(&x->rests);
}

/* Not where the log has its commit elsewhere: then one of them is of another journal. */
bool tj__examination_data_belongs(const tj__examination *x)
{
    return x->data.has_superblock && x->data.has_position &&
           (x->data_on_chain || !tj__examination_run(x, x->data.position.sequence));
}

bool tj__examination_data_usable(const tj__examination *x)
{
    return tj__examination_data_belongs(x) && x->data.damaged == 0;
}

bool tj__examination_data_sound(const tj__examination *x)
{
    return tj__examination_data_usable(x) && x->damaged_rows == 0;
}

bool tj__examination_told(tj_status status)
{
    return status == TJ_NOT_FOUND || status == TJ_CORRUPT || status == TJ_IO ||
           status == TJ_FORMAT_NEWER;
}

const tj__run *tj__examination_run(const tj__examination *x, uint64_t sequence)
{
    const tj__run *runs = (const tj__run *)(const void *)x->runs.data;
    for (size_t i = 0; i < x->runs.size / sizeof *runs; i++) {
        if (runs[i].first <= sequence && sequence <= runs[i].last) {
            return &runs[i];
        }
    }
    return NULL;
}

const tj__joint *tj__examination_joint(const tj__examination *x, uint64_t ordinal)
{
    const tj__joint *joints = (const tj__joint *)(const void *)x->joints.data;
    for (size_t i = 0; i < x->joints.size / sizeof *joints; i++) {
        if (joints[i].ordinal == ordinal) {
            return &joints[i];
        }
    }
    return NULL;
}
