/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* What the reports of this room have in common. */
#ifndef TJ_BACKUP_REPORT_H
#define TJ_BACKUP_REPORT_H

#include <tesser/maintain.h>

#include "backup/point.h"

/* A point as it is told. */
tj_backup_point tj__backup_point_tell(const tj__point *point);
/* A report on one. TJ_NOMEM. */
tj_status tj__backup_report_new(const char *directory, const tj__point *point,
                                uint64_t copied_bytes, bool noted, tj_backup_report **out,
                                tj_error *error);

#endif
