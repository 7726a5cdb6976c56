/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* What a writer has counted, in the page of writer.lock, where those who look on find it. */
#include "journal/internal.h"

void tj__journal_metrics_tell(tj__journal *journal)
{
    tj_metrics metrics = TJ_METRICS_INIT;
    if (tj__lock_same_file(journal->lock, NULL) == TJ_OK &&
        tj__journal_mark_ready(journal, NULL) == TJ_OK) {
        tj__metrics_read(journal->metrics, &metrics);
        tj__lock_tell_metrics(journal->lock, &metrics);
    }
}
