/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* A plan's rows for algorithms and ledger entries. */
#include "base/error.h"
#include "commit/plan.h"

static tj_status open_algo(tj__plan *plan, tj__plan_op op, const tj_uuid *id, tj_error *error)
{
    tj__pen pen = {NULL};
    TJ_TRY(tj__plan_row_open(plan, op, TJ__TABLE_ALGOS, sizeof id->bytes, &pen, error));
    tj__pen_bytes(&pen, id->bytes, sizeof id->bytes);
    tj__plan_key_close(plan, &pen);
    return TJ_OK;
}

static tj_status put_algo(tj__plan *plan, const tj_uuid *id, const tj_algo_state *state,
                          tj_error *error)
{
    TJ_TRY(open_algo(plan, TJ__PLAN_PUT, id, error));
    TJ_TRY(tj__plan_check_json(plan, state->payload, "payload", error));
    TJ_TRY(tj__algo_put(&plan->rows, state, error));
    return tj__plan_row_close(plan, 0, error);
}

tj_status tj__plan_put_algo(tj__plan *plan, const tj_uuid *id, const tj_algo_state *state,
                            tj_error *error)
{
    size_t mark = 0;
    TJ_TRY(tj__plan_begin(plan, &mark, error));
    tj_status status = put_algo(plan, id, state, error);
    if (status != TJ_OK) {
        char text[TJ_UUID_TEXT_SIZE];
        tj_uuid_format(*id, text);
        tj__error_context(error, "algorithm %s", text);
    }
    return tj__plan_end(plan, mark, false, status);
}

static tj_status delete_algo(tj__plan *plan, const tj_uuid *id, tj_error *error)
{
    TJ_TRY(open_algo(plan, TJ__PLAN_DELETE, id, error));
    return tj__plan_row_close(plan, 0, error);
}

tj_status tj__plan_delete_algo(tj__plan *plan, const tj_uuid *id, tj_error *error)
{
    size_t mark = 0;
    TJ_TRY(tj__plan_begin(plan, &mark, error));
    return tj__plan_end(plan, mark, false, delete_algo(plan, id, error));
}

static tj_status append_ledger(tj__plan *plan, const tj_ledger_entry *entry, tj_error *error)
{
    tj__pen pen = {NULL};
    TJ_TRY(tj__plan_row_open(plan, TJ__PLAN_LEDGER, TJ__TABLE_LEDGER, sizeof entry->sequence, &pen,
                             error));
    tj__store_u64_be(pen.at, entry->sequence);
    pen.at += sizeof entry->sequence;
    tj__plan_key_close(plan, &pen);
    TJ_TRY(tj__ledger_put(&plan->rows, entry, error));
    return tj__plan_row_close(plan, 0, error);
}

tj_status tj__plan_append_ledger(tj__plan *plan, const tj_ledger_entry *entry, tj_error *error)
{
    size_t mark = 0;
    TJ_TRY(tj__plan_begin(plan, &mark, error));
    tj_status status = append_ledger(plan, entry, error);
    if (status != TJ_OK) {
        char text[TJ_UUID_TEXT_SIZE];
        tj_uuid_format(entry->id, text);
        tj__error_context(error, "ledger entry %s", text);
    }
    return tj__plan_end(plan, mark, false, status);
}
