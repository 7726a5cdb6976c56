/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Shared by the files that look for what Tesser cannot hold. */
#ifndef TJ_MIGRATE_CHECKING_H
#define TJ_MIGRATE_CHECKING_H

#include "migrate/limits.h"

typedef struct tj__checking {
    tj__arena *arena;
    tj_export_report *report;
    tj__buffer notes; /* tj_report_note */
    tj_error *error;
    tj_status status; /* of the first failure */
} tj__checking;

/* Notes something in the report; refused: it needs force. */
void tj__checking_note(tj__checking *c, bool refused, const char *what, const char *reason, ...)
    TJ_PRINTF(4, 5);
/* Gives the report its notes; returns the first failure. */
tj_status tj__checking_finish(tj__checking *c);

/* JSON that is deeper, or has numbers or names, as Tesser does not read them (limits_texts.c). */
void tj__limits_check_texts(tj__checking *c, const tj__exported *book);
/* Which entries of the ledger are left out because their id stands before (limits_texts.c). */
void tj__limits_check_ids(tj__checking *c, tj__exported *book);

#endif
