/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Verification of a journal on a server, of which there are rows and commits, and no files. */
#ifndef TJ_REPAIR_VERIFY_SERVER_H
#define TJ_REPAIR_VERIFY_SERVER_H

#include <tesser/verify.h>

#include "base/arena.h"

/* Fills a report in, whose `deep` says how much is looked at. config is complete. */
tj_status tj__verify_server(const tj_config *config, tj_verify_report *report, tj__arena *arena,
                            tj_error *error);

#endif
