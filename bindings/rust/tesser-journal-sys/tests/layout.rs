// SPDX-License-Identifier: MIT OR Apache-2.0
//! The declarations are written by hand, so a C compiler is asked what the headers say: size of every
//! struct, place of every member, value of every constant. And every function is there.

use std::collections::BTreeSet;
use std::fmt::Write;
use std::hint::black_box;
use std::mem::{offset_of, size_of};
use std::path::Path;
use std::process::Command;

use tesser_journal_sys::*;

/// Each fact as C prints it, with the value that Rust has for it.
macro_rules! structs {
    ($($name:ident { $($member:ident),* })*) => {
        vec![$(
            (format!("sizeof({})", stringify!($name)), size_of::<$name>() as u64),
            $((
                format!("offsetof({}, {})", stringify!($name), bare(stringify!($member))),
                offset_of!($name, $member) as u64,
            ),)*
        )*]
    };
}

macro_rules! constants {
    ($($name:ident),* $(,)?) => {
        vec![$((stringify!($name).to_string(), $name as u64),)*]
    };
}

/// Their names; a function that the library lacks does not link.
macro_rules! functions {
    ($($name:ident),* $(,)?) => {
        BTreeSet::from([$({
            black_box($name as *const ());
            stringify!($name)
        },)*])
    };
}

fn bare(member: &str) -> &str {
    member.trim_start_matches("r#")
}

fn facts() -> Vec<(String, u64)> {
    let mut facts = structs! {
    tj_algo_list { records, count, quarantined, quarantined_count }
    tj_algo_quarantined { id, raw, reason }
    tj_algo_record { id, state }
    tj_algo_state { plugin, payload }
    tj_backup_list { directory, journal_id, points, count, oldest_sequence }
    tj_backup_options { struct_size, bytes_per_s, thin, compression, moved }
    tj_backup_point {
        sequence, time, made_at, verified_at, digest, row_count, segment_count, bytes
    }
    tj_backup_report { directory, journal_id, point, copied_bytes, noted, stored_bytes }
    tj_backup_verify_options { struct_size, sequence, trial_directory, journal }
    tj_balance { currency, quantity, conversion_rate, extra }
    tj_book_info {
        name, state_row_count, open_order_count, position_count, algo_count, ledger_sequence
    }
    tj_book_list { books, count }
    tj_change { kind, book, owner, key, moved, old_value, new_value }
    tj_checkup { path, health, items, count }
    tj_checkup_item { name, health, sentence, command }
    tj_commit_item { txn, options, status, sequence, error }
    tj_commit_options {
        struct_size, commit_id, expected_sequence, deadline_ms, sync, critical, note
    }
    tj_compact_options { struct_size, dry_run }
    tj_compact_report { struct_size, bytes_before, bytes_after, written }
    tj_config {
        struct_size, r#type, path, book, durability, read_only, must_exist, shared, no_threads,
        trace, trace_context, owned, lmdb, postgres
    }
    tj_copy_report { source_id, target_id, sequence, row_count, digest }
    tj_decimal { bits }
    tj_equity_curve { points, count, drawdown_max, thinned }
    tj_equity_point { sequence, time, equity, peak, drawdown }
    tj_equity_query { struct_size, from, to, detail }
    tj_error { status, os_errno, engine_code, place, message }
    tj_doctor_options { struct_size, skip_flush }
    tj_execution_checkpoint { has_last_timestamp, last_timestamp, exec_ids, exec_id_count, extra }
    tj_export_options { struct_size, book, dry_run, force }
    tj_export_report {
        dry_run, book, directory, sequence, open_order_count, position_count, algo_count,
        ledger_count, qualified_count, lost, lost_count, refused_count
    }
    tj_finding { kind, sentence, file, offset, sequence_first, sequence_last, key }
    tj_histogram { count, sum, buckets }
    tj_history_commit { sequence, time, epoch, commit_id, note, changes, change_count }
    tj_history_diff { sequence_from, sequence_to, changes, count }
    tj_history_query {
        struct_size, sequence_first, sequence_last, has_time_first, time_first, has_time_last,
        time_last, book, kinds, key, limit, descending, old_values
    }
    tj_history_range { sequence_first, time_first, sequence_last, time_last }
    tj_identity { exchange, code }
    tj_import_options {
        struct_size, sources, source_count, exchange, maps, map_count, strategy_state, dry_run,
        replace, newest, progress, progress_context
    }
    tj_import_report {
        dry_run, book, sequence, sources, source_count, has_state, open_order_count,
        position_count, balance_count, last_price_count, has_strategy_state, algo_count,
        ledger_count, ledger_kept_count, unqualified_count, quarantined, quarantined_count,
        remarks, remark_count, lost, lost_count, repeated, repeated_count
    }
    tj_import_source {
        path, kind, layout, has_state, algo_count, ledger_count, quarantined_count
    }
    tj_known_backup { sequence, at, directory }
    tj_known_backups { newest, verified }
    tj_ledger_entry { id, sequence, time, exchange, asset, amount, r#type, reference, meta }
    tj_ledger_list { entries, count }
    tj_ledger_query {
        struct_size, exchange, asset, r#type, sequence_first, sequence_last, has_time_first,
        time_first, has_time_last, time_last, limit, descending, by_time
    }
    tj_ledger_sum { asset, count, amount }
    tj_live_state {
        has_portfolio_equity, portfolio_equity, has_portfolio, portfolio, open_orders,
        open_order_count, last_prices, last_price_count, has_last_candle_ts, last_candle_ts,
        strategy_state, has_execution_checkpoint, execution_checkpoint, extra, sequence
    }
    tj_lmdb_config {
        map_size_bytes, map_size_max_bytes, segment_size_bytes, lag_bytes, lag_ms,
        history_size_bytes, history_age_s, no_history, reserved
    }
    tj_lmdb_info {
        applied_sequence, lag_bytes, log_bytes, map_size_bytes, free_bytes, reserve_bytes,
        oldest_reader_lag, oldest_reader_pid, recovered_at, recovered_bytes_cut, segment_count,
        reader_count, acknowledged_known, space_low, oldest_sequence, oldest_time, history_bytes,
        segments_missing, reserved
    }
    tj_metrics {
        struct_size, since, waiting, log_bytes, applies, apply_failures, apply_us, commit_us,
        flush_us, flush_commits, refused, submitted, completed
    }
    tj_moment { sequence, has_time, time }
    tj_order {
        id, request, status, filled_quantity, has_avg_fill_price, avg_fill_price, created_at,
        updated_at, extra
    }
    tj_order_request {
        symbol, side, order_type, quantity, has_price, price, has_trigger_price, trigger_price,
        time_in_force, client_order_id, has_take_profit, take_profit, has_stop_loss, stop_loss,
        has_display_quantity, display_quantity, extra
    }
    tj_portfolio {
        positions, position_count, balances, balance_count, reporting_currency, initial_equity,
        has_drawdown_limit, drawdown_limit, peak_equity, liquidate_only, sub_accounts,
        sub_account_count, extra
    }
    tj_position {
        symbol, side, quantity, has_entry_price, entry_price, unrealized_pnl, updated_at, extra
    }
    tj_postgres_config {
        url, schema, name, lag_bytes, lag_ms, lease_ms, timeout_ms, answer_ms, takeover,
        standby_lost, reserved
    }
    tj_postgres_info {
        epoch, applied_sequence, lag_bytes, away_since, server_version,
        unreplicated, writer_seen, oldest_sequence, reserved
    }
    tj_price { symbol, price }
    tj_prune_options { struct_size, history_size_bytes, dry_run }
    tj_prune_report {
        struct_size, segment_count, bytes, first_segment, oldest_sequence, oldest_time
    }
    tj_quarantine_item { name, settled, what }
    tj_quarantine_list { items, count }
    tj_quarantine_options {
        struct_size, book, names, name_count, strategy_state, exchange, all, dry_run, maps,
        map_count
    }
    tj_quarantine_report { dry_run, book, sequence, items, count, settled_count }
    tj_quarantined { name, source, reason, raw }
    tj_repair_options { struct_size, accept_loss, swap, dry_run, skip_counters }
    tj_repair_part { lost, sentence, sequence_first, sequence_last, key }
    tj_repair_report {
        path, directory, needed, written, swapped, loses, source_id, journal_id, sequence,
        log_first, row_count, parts, part_count, part_left_out
    }
    tj_report_note { source, what, reason }
    tj_restore_options { struct_size, at, skip_counters, dry_run }
    tj_restore_report {
        dry_run, from_backup, source, directory, source_id, journal_id, sequence, time,
        newest_sequence, cut_short, commit, digest, row_count, proven, counters, counter_count
    }
    tj_restored_counter { book, name, next }
    tj_rollback_options { struct_size, dry_run, keep_checkpoint, note }
    tj_rollback_report {
        dry_run, book, sequence_to, sequence, changes, change_count, ledger, ledger_count,
        checkpoint_back, checkpoint_kept
    }
    tj_standby { name, address, state, sync, behind_bytes }
    tj_standby_list { standbys, count, wanted, is_shown, is_behind }
    tj_store_info {
        struct_size, r#type, durability, path, journal_id, format_version, sequence,
        sequence_time, state_bytes, writer_alive, writer_pid, writer, clock_behind_ns, lmdb, postgres
    }
    tj_str { data, size }
    tj_sub_account { exchange, positions, position_count, balances, balance_count, extra }
    tj_text { data, size }
    tj_uuid { bytes }
    tj_verify_options { struct_size, deep }
    tj_verify_report {
        path, journal_id, verdict, deep, writer_alive, newest_whole, sequence, applied_sequence,
        first_sequence, commit_count, segment_count, log_bytes, state_bytes, page_count, row_count,
        compared, digest, findings, finding_count, finding_left_out, base_count, base_bytes,
        other_bytes
    }
    };
    facts.extend(constants![
        TJ_ADVICE_FIX_CALL,
        TJ_ADVICE_FIX_CONFIG,
        TJ_ADVICE_NONE,
        TJ_ADVICE_OPERATOR,
        TJ_ADVICE_RETRY,
        TJ_ADVICE_STOP,
        TJ_BACKUP_COMPRESSION_DEFAULT,
        TJ_BACKUP_COMPRESSION_MAX,
        TJ_BACKUP_RATE_DEFAULT,
        TJ_BACKUP_RATE_UNBOUNDED,
        TJ_BOOK_SIZE_MAX,
        TJ_BUSY,
        TJ_CLOSED,
        TJ_CODE_SIZE_MAX,
        TJ_COMMIT_ID_KEPT,
        TJ_CONFLICT,
        TJ_CORRUPT,
        TJ_COUNTER_COPY_SKIP,
        TJ_COUNTER_NAME_SIZE_MAX,
        TJ_DECIMAL_DIGITS_MAX,
        TJ_DECIMAL_SCALE_MAX,
        TJ_DECIMAL_TEXT_SIZE,
        TJ_DURABILITY_OS,
        TJ_DURABILITY_REPLICATED,
        TJ_DURABILITY_SYNC,
        TJ_ENGINE_LMDB,
        TJ_ENGINE_MEMORY,
        TJ_ENTITY_ALGO,
        TJ_ENTITY_BALANCE,
        TJ_ENTITY_BOOK,
        TJ_ENTITY_CHECKPOINT,
        TJ_ENTITY_COUNTER,
        TJ_ENTITY_EQUITY,
        TJ_ENTITY_EXEC_ID,
        TJ_ENTITY_LAST_CANDLE,
        TJ_ENTITY_LEDGER,
        TJ_ENTITY_MEMBER,
        TJ_ENTITY_ORDER,
        TJ_ENTITY_PORTFOLIO,
        TJ_ENTITY_POSITION,
        TJ_ENTITY_PRICE,
        TJ_ENTITY_QUARANTINED,
        TJ_ENTITY_STRATEGY_STATE,
        TJ_ENTITY_SUB_ACCOUNT,
        TJ_ERROR_MESSAGE_SIZE,
        TJ_ERROR_PLACE_SIZE,
        TJ_EXCHANGE_SIZE_MAX,
        TJ_EXISTS,
        TJ_FINDING_DAMAGE,
        TJ_FINDING_NOTE,
        TJ_FINDING_UNCHECKED,
        TJ_FORMAT_NEWER,
        TJ_FULL,
        TJ_HEALTH_OK,
        TJ_HEALTH_UNKNOWN,
        TJ_HEALTH_WARNING,
        TJ_HEALTH_WRONG,
        TJ_IDENTITY_TEXT_SIZE,
        TJ_ID_SIZE_MAX,
        TJ_IMPORT_FILE_SIZE_MAX,
        TJ_INEXACT,
        TJ_INVALID,
        TJ_IO,
        TJ_JSON_DEPTH_MAX,
        TJ_JSON_SIZE_MAX,
        TJ_LAG_BYTES_DEFAULT,
        TJ_LAG_MS_DEFAULT,
        TJ_LEDGER_ADJUSTMENT,
        TJ_LEDGER_FEE,
        TJ_LEDGER_FUNDING,
        TJ_LEDGER_TRADE_REALIZED_PNL,
        TJ_LEDGER_TRANSFER_IN,
        TJ_LEDGER_TRANSFER_OUT,
        TJ_LIMIT,
        TJ_MAP_SIZE_DEFAULT,
        TJ_MEMBER_SIZE_MAX,
        TJ_MISUSE,
        TJ_NOMEM,
        TJ_NOT_FOUND,
        TJ_OK,
        TJ_ORDER_ACCEPTED,
        TJ_ORDER_CANCELED,
        TJ_ORDER_FILLED,
        TJ_ORDER_LIMIT,
        TJ_ORDER_MARKET,
        TJ_ORDER_PARTIALLY_FILLED,
        TJ_ORDER_PENDING_NEW,
        TJ_ORDER_REJECTED,
        TJ_ORDER_STOP_MARKET,
        TJ_PATH_SIZE,
        TJ_PLUGIN_SIZE_MAX,
        TJ_READONLY,
        TJ_REFERENCE_SIZE_MAX,
        TJ_ROUND_CEILING,
        TJ_ROUND_DOWN,
        TJ_ROUND_EXACT,
        TJ_ROUND_FLOOR,
        TJ_ROUND_HALF_EVEN,
        TJ_ROUND_HALF_UP,
        TJ_ROUND_UP,
        TJ_SEGMENT_SIZE_DEFAULT,
        TJ_SEGMENT_SIZE_MIN,
        TJ_SIDE_BUY,
        TJ_SIDE_NONE,
        TJ_SIDE_SELL,
        TJ_SOURCE_ALGOS,
        TJ_SOURCE_LEDGER,
        TJ_SOURCE_LMDB,
        TJ_SOURCE_SNAPSHOT,
        TJ_SOURCE_SQLITE,
        TJ_SUBMITTED_MAX,
        TJ_TIF_FILL_OR_KILL,
        TJ_TIF_GOOD_TIL_CANCELED,
        TJ_TIF_IMMEDIATE_OR_CANCEL,
        TJ_TIF_NONE,
        TJ_TIME_TEXT_SIZE,
        TJ_STANDBY_LOST_GO_ON,
        TJ_STANDBY_LOST_WAIT,
        TJ_TRACE_ERROR,
        TJ_TRACE_INFO,
        TJ_TRACE_WARNING,
        TJ_UNAVAILABLE,
        TJ_UNKNOWN,
        TJ_UNSUPPORTED,
        TJ_UUID_TEXT_SIZE,
        TJ_VERDICT_DAMAGED,
        TJ_VERDICT_SOUND,
        TJ_VERDICT_UNCHECKED,
        TJ_VERSION_MAJOR,
        TJ_VERSION_MINOR,
        TJ_VERSION_PATCH,
    ]);
    facts
}

/// What a C compiler makes of the same expressions.
fn told_by_c(expressions: &[String]) -> Vec<u64> {
    let directory = Path::new(env!("CARGO_TARGET_TMPDIR"));
    let (source, program) = (directory.join("layout.c"), directory.join("layout"));
    let mut text = String::from(
        "#include <stddef.h>\n#include <stdio.h>\n#include <tesser/journal.h>\nint main(void)\n{\n",
    );
    for expression in expressions {
        writeln!(text, "printf(\"%llu\\n\", (unsigned long long)({expression}));").unwrap();
    }
    text.push_str("}\n");
    std::fs::write(&source, text).unwrap();
    let compiler = std::env::var("CC").unwrap_or_else(|_| "cc".into());
    let status = Command::new(compiler)
        .arg("-I")
        .arg(env!("TJ_INCLUDE_DIR"))
        .arg("-o")
        .args([&program, &source])
        .status()
        .unwrap();
    assert!(status.success(), "{} does not compile", source.display());
    let output = Command::new(&program).output().unwrap().stdout;
    String::from_utf8(output).unwrap().lines().map(|line| line.parse().unwrap()).collect()
}

#[test]
fn structs_and_constants_are_as_the_headers_say() {
    let (expressions, here): (Vec<_>, Vec<_>) = facts().into_iter().unzip();
    let there = told_by_c(&expressions);
    assert_eq!(here.len(), there.len());
    for ((expression, here), there) in expressions.iter().zip(here).zip(there) {
        assert_eq!(here, there, "{expression}");
    }
}

/// Names that the headers mark as exported.
fn exported() -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    for entry in std::fs::read_dir(Path::new(env!("TJ_INCLUDE_DIR")).join("tesser")).unwrap() {
        let text = std::fs::read_to_string(entry.unwrap().path()).unwrap();
        let declarations = text.split("\nTJ_API").skip(1);
        names.extend(declarations.map(|declaration| {
            let before = declaration.split('(').next().unwrap();
            before.rsplit([' ', '*']).next().unwrap().to_owned()
        }));
    }
    names
}

#[test]
fn every_function_is_declared() {
    let declared = functions![
        tj_advice_text,
        tj_algo_delete,
        tj_algo_list_free,
        tj_algo_list_from_json,
        tj_algo_list_to_json,
        tj_algo_load,
        tj_algo_load_all,
        tj_algo_load_all_at,
        tj_algo_load_at,
        tj_algo_record_free,
        tj_algo_record_from_json,
        tj_algo_save,
        tj_algo_state_to_json,
        tj_backup,
        tj_backup_list_free,
        tj_backup_list_read,
        tj_backup_report_free,
        tj_backup_verify,
        tj_book_list_free,
        tj_checkup_free,
        tj_compact,
        tj_config_dispose,
        tj_config_from_environment,
        tj_config_load,
        tj_copier_close,
        tj_copier_open,
        tj_copier_run,
        tj_copier_verify,
        tj_counter_next,
        tj_counter_reserve,
        tj_counter_submit,
        tj_decimal_add,
        tj_decimal_compare,
        tj_decimal_div,
        tj_decimal_format,
        tj_decimal_from_parts,
        tj_decimal_identical,
        tj_decimal_int,
        tj_decimal_mul,
        tj_decimal_negate,
        tj_decimal_parse,
        tj_decimal_rescale,
        tj_decimal_sign,
        tj_decimal_sub,
        tj_decimal_to_parts,
        tj_doctor,
        tj_engine_type_name,
        tj_entity_kind_name,
        tj_entity_kind_parse,
        tj_equity_curve_find,
        tj_equity_curve_free,
        tj_equity_curve_load,
        tj_export_report_free,
        tj_export_report_to_json,
        tj_export_tesser,
        tj_histogram_bound,
        tj_histogram_quantile,
        tj_history_close,
        tj_history_diff_free,
        tj_history_diff_load,
        tj_history_next,
        tj_history_open,
        tj_history_range_get,
        tj_identity_compare,
        tj_identity_format,
        tj_identity_parse,
        tj_import,
        tj_import_report_free,
        tj_import_report_to_json,
        tj_known_backups_free,
        tj_known_backups_read,
        tj_ledger_append,
        tj_ledger_entry_from_json,
        tj_ledger_entry_to_json,
        tj_ledger_find,
        tj_ledger_find_at,
        tj_ledger_latest,
        tj_ledger_list_free,
        tj_live_state_free,
        tj_live_state_from_json,
        tj_live_state_to_json,
        tj_moment_find,
        tj_moment_parse,
        tj_path_apart,
        tj_path_check,
        tj_postgres_sql,
        tj_prune,
        tj_quarantine_drop,
        tj_quarantine_list_free,
        tj_quarantine_load,
        tj_quarantine_report_free,
        tj_quarantine_retry,
        tj_repair,
        tj_repair_report_free,
        tj_restore,
        tj_restore_report_free,
        tj_rollback_report_free,
        tj_standby_list_free,
        tj_state_load,
        tj_state_load_at,
        tj_state_rollback,
        tj_state_save,
        tj_status_advice,
        tj_status_name,
        tj_store_algo_repository,
        tj_store_book_create,
        tj_store_books,
        tj_store_close,
        tj_store_commit_find,
        tj_store_complete,
        tj_store_completion_fd,
        tj_store_drain,
        tj_store_info_get,
        tj_store_ledger_repository,
        tj_store_metrics,
        tj_store_open,
        tj_store_standbys,
        tj_store_state_repository,
        tj_store_work,
        tj_text_dispose,
        tj_text_visible,
        tj_text_word,
        tj_time_format,
        tj_time_now,
        tj_time_parse,
        tj_txn_abort,
        tj_txn_append_ledger,
        tj_txn_apply_json,
        tj_txn_begin,
        tj_txn_commit,
        tj_txn_commit_all,
        tj_txn_delete_algo,
        tj_txn_delete_balance,
        tj_txn_delete_order,
        tj_txn_delete_portfolio,
        tj_txn_delete_position,
        tj_txn_delete_price,
        tj_txn_delete_sub_account,
        tj_txn_put_algo,
        tj_txn_put_balance,
        tj_txn_put_order,
        tj_txn_put_portfolio,
        tj_txn_put_position,
        tj_txn_put_price,
        tj_txn_put_state,
        tj_txn_put_sub_account,
        tj_txn_set_execution_checkpoint,
        tj_txn_set_extra,
        tj_txn_set_last_candle_ts,
        tj_txn_set_portfolio_equity,
        tj_txn_set_strategy_state,
        tj_txn_submit,
        tj_txn_use_book,
        tj_uuid_compare,
        tj_uuid_format,
        tj_uuid_generate,
        tj_uuid_is_nil,
        tj_uuid_parse,
        tj_verify,
        tj_verify_config,
        tj_verify_report_free,
        tj_verify_rows,
        tj_version,
    ];
    let exported = exported();
    assert_eq!(declared, exported.iter().map(String::as_str).collect());
}

#[test]
fn constants_that_are_text_are_equal() {
    assert_eq!(TJ_BOOK_DEFAULT, c"default");
    let config = tj_config::default();
    assert_eq!(config.struct_size, size_of::<tj_config>());
    assert!(config.path.is_null() && config.trace.is_none() && !config.shared);
}
