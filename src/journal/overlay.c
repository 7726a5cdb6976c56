/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* The newest overlay, shared by the views that read from it. */
#include "journal/overlay.h"

#include <stdlib.h>

#include "base/error.h"
#include "journal/internal.h"

/* A larger one is rare, and too much to hold for a view that may never come. */
#define KEPT_BYTES_MAX ((size_t)16 << 20)

static tj_status new_overlay(const tj__journal *journal, const tj__position *from,
                             tj__overlay **out, tj_error *error)
{
    tj__overlay *overlay = calloc(1, sizeof *overlay);
    tj__rowmap *rows = tj__rowmap_new();
    if (!overlay || !rows) {
        free(overlay);
        tj__rowmap_free(rows);
        return tj__fail(error, TJ_NOMEM, "no memory for a view");
    }
    *overlay = (tj__overlay){.from = *from, .rows = rows};
    tj_status status = tj__log_reader_open(journal->log_path, &journal->superblock.journal_id, from,
                                           &overlay->reader, error);
    if (status != TJ_OK) {
        tj__overlay_free(overlay);
        return status;
    }
    *out = overlay;
    return TJ_OK;
}

tj_status tj__overlay_begin(tj__journal *journal, const tj__position *from, tj__overlay **out,
                            tj_error *error)
{
    tj__overlay *kept = atomic_exchange(&journal->kept_overlay, NULL);
    if (kept && tj__position_same(&kept->from, from)) {
        tj__log_reader_forget(kept->reader);
        *out = kept;
        return TJ_OK;
    }
    tj__overlay_free(kept);
    return new_overlay(journal, from, out, error);
}

void tj__overlay_free(tj__overlay *overlay)
{
    if (overlay) {
        tj__log_reader_close(overlay->reader);
        tj__rowmap_free(overlay->rows);
        free(overlay);
    }
}

void tj__overlay_keep(tj__journal *journal, tj__overlay *overlay)
{
    if (tj__rowmap_bytes(overlay->rows) > KEPT_BYTES_MAX) {
        tj__overlay_free(overlay);
    } else {
        tj__overlay_free(atomic_exchange(&journal->kept_overlay, overlay));
    }
}

void tj__overlay_forget(tj__journal *journal)
{
    tj__overlay_free(atomic_exchange(&journal->kept_overlay, NULL));
}
