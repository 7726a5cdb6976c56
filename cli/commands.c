/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Every command there is, in the order in which help lists them. Each is in a file of its own. */
#include "cli.h"

const command_spec *const commands[] = {
    &command_init,
    &command_status,
    &command_verify,
    &command_state_show,
    &command_state_export,
    &command_state_import,
    &command_history,
    &command_diff,
    &command_equity,
    &command_rollback,
    &command_algo_list,
    &command_algo_show,
    &command_algo_save,
    &command_algo_delete,
    &command_ledger_list,
    &command_ledger_append,
    &command_book_list,
    &command_record,
    &command_import,
    &command_export,
    &command_backup_list,
    &command_backup_verify,
    &command_backup,
    &command_restore,
    &command_quarantine_list,
    &command_quarantine_show,
    &command_help,
    NULL,
};
