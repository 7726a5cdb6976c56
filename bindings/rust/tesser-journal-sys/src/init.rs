// SPDX-License-Identifier: MIT OR Apache-2.0
//! How structs start: all bits zero, and their own size where they have one. The only unsafe code
//! of this crate besides the declarations.

use crate::*;

macro_rules! zeroed {
    ($($name:ident),* $(,)?) => {$(
        impl Default for $name {
            fn default() -> Self {
                // SAFETY: integers, false, NULL, None and arrays of these are valid when all bits
                // are zero, and there is nothing else in these structs.
                unsafe { std::mem::zeroed() }
            }
        }
    )*};
}

macro_rules! sized {
    ($($name:ident),* $(,)?) => {$(
        impl Default for $name {
            fn default() -> Self {
                // SAFETY: as above.
                let mut value: Self = unsafe { std::mem::zeroed() };
                value.struct_size = std::mem::size_of::<Self>();
                value
            }
        }
    )*};
}

zeroed!(
    tj_algo_list,
    tj_algo_quarantined,
    tj_algo_record,
    tj_algo_state,
    tj_backup_list,
    tj_backup_point,
    tj_backup_report,
    tj_balance,
    tj_book_info,
    tj_book_list,
    tj_change,
    tj_checkup,
    tj_checkup_item,
    tj_copy_report,
    tj_decimal,
    tj_equity_curve,
    tj_equity_point,
    tj_error,
    tj_execution_checkpoint,
    tj_export_report,
    tj_finding,
    tj_histogram,
    tj_history_commit,
    tj_history_diff,
    tj_history_range,
    tj_identity,
    tj_import_report,
    tj_import_source,
    tj_known_backup,
    tj_known_backups,
    tj_ledger_entry,
    tj_ledger_list,
    tj_ledger_sum,
    tj_live_state,
    tj_lmdb_config,
    tj_lmdb_info,
    tj_moment,
    tj_order,
    tj_order_request,
    tj_portfolio,
    tj_position,
    tj_postgres_config,
    tj_postgres_info,
    tj_price,
    tj_quarantine_item,
    tj_quarantine_list,
    tj_quarantine_report,
    tj_quarantined,
    tj_repair_part,
    tj_repair_report,
    tj_report_note,
    tj_restore_report,
    tj_restored_counter,
    tj_rollback_report,
    tj_standby,
    tj_standby_list,
    tj_str,
    tj_sub_account,
    tj_text,
    tj_uuid,
    tj_verify_report,
);

sized!(
    tj_backup_options,
    tj_backup_verify_options,
    tj_commit_options,
    tj_compact_options,
    tj_compact_report,
    tj_config,
    tj_doctor_options,
    tj_equity_query,
    tj_export_options,
    tj_history_query,
    tj_import_options,
    tj_ledger_query,
    tj_metrics,
    tj_prune_options,
    tj_prune_report,
    tj_quarantine_options,
    tj_repair_options,
    tj_restore_options,
    tj_rollback_options,
    tj_store_info,
    tj_verify_options,
);
