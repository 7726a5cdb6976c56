/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * What the log adds to LMDB's state: the rows of the records behind a position of LMDB's.
 *
 * Reading them takes as long as the log has run ahead, so the newest overlay is kept from one view
 * to the next. While LMDB stays where it is, a view then reads only the records that came since.
 */
#ifndef TJ_JOURNAL_OVERLAY_H
#define TJ_JOURNAL_OVERLAY_H

#include "base/rowmap.h"
#include "journal/journal.h"
#include "log/reader.h"

typedef struct tj__overlay {
    tj__position from;      /* LMDB's */
    tj__log_reader *reader; /* behind the last record that is in rows */
    tj__rowmap *rows;
} tj__overlay;

/* The kept overlay, when it begins at this position; else a new one, which is empty. */
tj_status tj__overlay_begin(tj__journal *journal, const tj__position *from, tj__overlay **out,
                            tj_error *error);
void tj__overlay_free(tj__overlay *overlay); /* NULL is allowed */
/* Instead of tj__overlay_free: keeps it for the next view. All its records must be acknowledged, so
 * that they stay what they are. */
void tj__overlay_keep(tj__journal *journal, tj__overlay *overlay);
/* Frees the one that is kept: LMDB has moved on. */
void tj__overlay_forget(tj__journal *journal);

#endif
