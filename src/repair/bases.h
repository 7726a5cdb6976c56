/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* The bases of a repaired journal whose log does not begin with the first commit. */
#ifndef TJ_REPAIR_BASES_H
#define TJ_REPAIR_BASES_H

#include "repair/build.h"

/* Writes those with which the log begins, or, where the state there is not known, those of the
 * newest commit, so that a state of the past can be had from there on. After the target is settled;
 * a log from the first commit on needs none. */
tj_status tj__repair_bases_write(const tj__repair_build *build, tj_error *error);

#endif
