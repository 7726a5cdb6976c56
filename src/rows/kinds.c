/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* The list of the kinds of STATE rows. Encoders know their own; all else goes by this list. */
#include "rows/kinds.h"

#include "rows/value.h"

const tj__kind_info *const tj__kinds[TJ__KIND_LAST + 1] = {
    [TJ__KIND_HEAD] = &tj__kind_head,
    [TJ__KIND_EQUITY] = &tj__kind_equity,
    [TJ__KIND_CANDLE] = &tj__kind_candle,
    [TJ__KIND_STRATEGY] = &tj__kind_strategy,
    [TJ__KIND_CHECKPOINT] = &tj__kind_checkpoint,
    [TJ__KIND_EXTRA] = &tj__kind_extra,
    [TJ__KIND_BALANCE] = &tj__kind_balance,
    [TJ__KIND_POSITION] = &tj__kind_position,
    [TJ__KIND_SUB_ACCOUNT] = &tj__kind_sub_account,
    [TJ__KIND_PRICE] = &tj__kind_price,
    [TJ__KIND_ORDER] = &tj__kind_order,
    [TJ__KIND_EXEC_ID] = &tj__kind_exec_id,
};

tj_status tj__kind_get(unsigned kind, tj_str identity, tj__bytes value, void *entity,
                       tj_error *error)
{
    const tj__kind_info *info = tj__kinds[kind];
    tj__reader in;
    TJ_TRY(tj__value_open(&in, value, info->version, error));
    info->get(&in, identity, entity);
    return tj__value_close(&in, value, error);
}
