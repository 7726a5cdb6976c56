/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* A plan's rows for what a LiveState holds once, and for unknown top-level members. */
#include "base/error.h"
#include "base/text.h"
#include "commit/plan.h"
#include "json/check.h"

static tj_status open_kind(tj__plan *plan, tj__plan_op op, tj__kind kind, tj_str identity,
                           tj_error *error)
{
    tj__pen pen = {NULL};
    TJ_TRY(tj__plan_row_open(plan, op, TJ__TABLE_STATE, 1 + identity.size, &pen, error));
    tj__pen_u8(&pen, (uint8_t)kind);
    tj__pen_str(&pen, identity);
    tj__plan_key_close(plan, &pen);
    return TJ_OK;
}

static tj_status delete_kind(tj__plan *plan, tj__kind kind, tj_str identity, tj_error *error)
{
    TJ_TRY(open_kind(plan, TJ__PLAN_DELETE, kind, identity, error));
    return tj__plan_row_close(plan, 0, error);
}

/* ---- equity, candle, strategy state ------------------------------------------------------- */

tj_status tj__plan_add_equity(tj__plan *plan, tj_decimal equity, tj_error *error)
{
    TJ_TRY(open_kind(plan, TJ__PLAN_PUT, TJ__KIND_EQUITY, (tj_str){0}, error));
    TJ_TRY(tj__equity_put(&plan->rows, equity, error));
    return tj__plan_row_close(plan, 0, error);
}

tj_status tj__plan_set_equity(tj__plan *plan, const tj_decimal *equity, tj_error *error)
{
    size_t mark = 0;
    TJ_TRY(tj__plan_begin(plan, &mark, error));
    tj_status status = equity ? tj__plan_add_equity(plan, *equity, error)
                              : delete_kind(plan, TJ__KIND_EQUITY, (tj_str){0}, error);
    return tj__plan_end(plan, mark, true, status);
}

tj_status tj__plan_add_candle(tj__plan *plan, tj_time time, tj_error *error)
{
    TJ_TRY(open_kind(plan, TJ__PLAN_PUT, TJ__KIND_CANDLE, (tj_str){0}, error));
    TJ_TRY(tj__candle_put(&plan->rows, time, error));
    return tj__plan_row_close(plan, 0, error);
}

tj_status tj__plan_set_candle(tj__plan *plan, const tj_time *time, tj_error *error)
{
    size_t mark = 0;
    TJ_TRY(tj__plan_begin(plan, &mark, error));
    tj_status status = time ? tj__plan_add_candle(plan, *time, error)
                            : delete_kind(plan, TJ__KIND_CANDLE, (tj_str){0}, error);
    return tj__plan_end(plan, mark, true, status);
}

/* Whether checked JSON text is null, with or without white space around. */
static bool is_null(tj_str json)
{
    size_t at = 0;
    while (at < json.size && strchr(" \t\r\n", json.data[at])) {
        at++;
    }
    return json.size - at >= 4 && memcmp(json.data + at, "null", 4) == 0;
}

tj_status tj__plan_add_strategy(tj__plan *plan, tj_str json, bool *none, tj_error *error)
{
    *none = !json.data;
    if (*none) {
        return TJ_OK;
    }
    TJ_TRY(tj__plan_check_json(plan, json, "strategy_state", error));
    *none = is_null(json);
    if (*none) {
        return TJ_OK;
    }
    TJ_TRY(open_kind(plan, TJ__PLAN_PUT, TJ__KIND_STRATEGY, (tj_str){0}, error));
    TJ_TRY(tj__json_put(&plan->rows, json, error));
    return tj__plan_row_close(plan, 0, error);
}

tj_status tj__plan_set_strategy(tj__plan *plan, tj_str json, tj_error *error)
{
    size_t mark = 0;
    bool none = false;
    TJ_TRY(tj__plan_begin(plan, &mark, error));
    tj_status status = tj__plan_add_strategy(plan, json, &none, error);
    if (status == TJ_OK && none) {
        status = delete_kind(plan, TJ__KIND_STRATEGY, (tj_str){0}, error);
    }
    return tj__plan_end(plan, mark, true, status);
}

/* ---- execution checkpoint ------------------------------------------------------------------ */

static tj_status add_exec_id(tj__plan *plan, tj_str id, tj_error *error)
{
    TJ_TRY(tj__value_check_text(id, TJ_ID_SIZE_MAX, false, "exec id", error));
    TJ_TRY(open_kind(plan, TJ__PLAN_PUT, TJ__KIND_EXEC_ID, id, error));
    TJ_TRY(tj__exec_id_put(&plan->rows, error));
    return tj__plan_row_close(plan, 0, error);
}

static tj_status add_checkpoint(tj__plan *plan, const tj_execution_checkpoint *checkpoint,
                                tj_error *error)
{
    if (!checkpoint->exec_ids && checkpoint->exec_id_count > 0) {
        return tj__fail(error, TJ_MISUSE, "exec_ids is NULL, and should hold %zu",
                        checkpoint->exec_id_count);
    }
    TJ_TRY(open_kind(plan, TJ__PLAN_PUT, TJ__KIND_CHECKPOINT, (tj_str){0}, error));
    TJ_TRY(tj__checkpoint_put(&plan->rows, checkpoint, error));
    unsigned keep = checkpoint->extra.data ? 0 : TJ__KEEP_EXTRA;
    TJ_TRY(tj__plan_row_close(plan, keep, error));
    for (size_t i = 0; i < checkpoint->exec_id_count; i++) {
        TJ_TRY(add_exec_id(plan, checkpoint->exec_ids[i], error));
    }
    return TJ_OK;
}

tj_status tj__plan_add_checkpoint(tj__plan *plan, const tj_execution_checkpoint *checkpoint,
                                  tj_error *error)
{
    tj_status status = add_checkpoint(plan, checkpoint, error);
    if (status != TJ_OK) {
        tj__error_context(error, "execution_checkpoint");
    }
    return status;
}

static tj_status set_checkpoint(tj__plan *plan, const tj_execution_checkpoint *checkpoint,
                                size_t mark, tj_error *error)
{
    TJ_TRY(tj__plan_scope_begin(plan, TJ__KINDS_CHECKPOINT, error));
    if (checkpoint) {
        TJ_TRY(tj__plan_add_checkpoint(plan, checkpoint, error));
        TJ_TRY(tj__plan_check_unique(plan, mark, error));
    }
    return tj__plan_scope_end(plan, error);
}

tj_status tj__plan_set_checkpoint(tj__plan *plan, const tj_execution_checkpoint *checkpoint,
                                  tj_error *error)
{
    size_t mark = 0;
    TJ_TRY(tj__plan_begin(plan, &mark, error));
    return tj__plan_end(plan, mark, true, set_checkpoint(plan, checkpoint, mark, error));
}

/* ---- unknown top-level members ------------------------------------------------------------- */

static tj_status add_extra(tj__plan *plan, tj_str name, tj_str json, tj_error *error)
{
    TJ_TRY(tj__value_check_text(name, TJ_MEMBER_SIZE_MAX, true, "its name", error));
    TJ_TRY(tj__value_check_unknown(name, &tj__json_live_state, error));
    TJ_TRY(open_kind(plan, TJ__PLAN_PUT, TJ__KIND_EXTRA, name, error));
    TJ_TRY(tj__json_put(&plan->rows, json, error));
    return tj__plan_row_close(plan, 0, error);
}

tj_status tj__plan_add_extra(tj__plan *plan, tj_str name, tj_str json, tj_error *error)
{
    char quoted[TJ__QUOTE_SIZE];
    tj_status status = add_extra(plan, name, json, error);
    if (status != TJ_OK) {
        tj__error_context(error, "unknown member %s", tj__text_quote(name, quoted));
    }
    return status;
}

static tj_status put_extra(tj__plan *plan, tj_str name, tj_str json, tj_error *error)
{
    if (!json.data) {
        TJ_TRY(tj__value_check_text(name, TJ_MEMBER_SIZE_MAX, true, "the name of a member", error));
        return delete_kind(plan, TJ__KIND_EXTRA, name, error);
    }
    TJ_TRY(tj__json_check(json, "extra", error));
    return tj__plan_add_extra(plan, name, json, error);
}

tj_status tj__plan_put_extra(tj__plan *plan, tj_str name, tj_str json, tj_error *error)
{
    size_t mark = 0;
    TJ_TRY(tj__plan_begin(plan, &mark, error));
    return tj__plan_end(plan, mark, true, put_extra(plan, name, json, error));
}

static tj_status clear_extra(tj__plan *plan, tj_error *error)
{
    TJ_TRY(tj__plan_scope_begin(plan, TJ__KIND_BIT(TJ__KIND_EXTRA), error));
    return tj__plan_scope_end(plan, error);
}

tj_status tj__plan_clear_extra(tj__plan *plan, tj_error *error)
{
    size_t mark = 0;
    TJ_TRY(tj__plan_begin(plan, &mark, error));
    return tj__plan_end(plan, mark, true, clear_extra(plan, error));
}
