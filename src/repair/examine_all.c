/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* All parts of a journal, each after those that tell what it should be. */
#include "base/error.h"
#include "repair/examine.h"

tj_status tj__examine(tj__examination *x, bool deep, bool *compared, tj_error *error)
{
    TJ_TRY(tj__examine_files(x, error));
    TJ_TRY(tj__examine_data(x, error));
    TJ_TRY(tj__examine_log(x, error));
    TJ_TRY(tj__examine_history(x, error));
    TJ_TRY(tj__examine_keys(x, deep, error));
    TJ_TRY(tj__examine_other(x, error));
    if (!deep) {
        return TJ_OK;
    }
    TJ_TRY(tj__examine_history_deep(x, error));
    return tj__examine_deep(x, compared, error);
}
