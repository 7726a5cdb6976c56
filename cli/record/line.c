/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* One line: the transaction that it asks for, and the answer to it. */
#include "record/record.h"

tj_status record_begin(tj_store *store, tj_str line, tj_txn **txn, tj_commit_options *options,
                       tj_error *error)
{
    tj_status status = tj_txn_begin(store, txn, error);
    if (status == TJ_OK) {
        status = tj_txn_apply_json(*txn, line, options, error);
    }
    if (status != TJ_OK) {
        tj_txn_abort(*txn);
    }
    return status;
}

void record_durable(output *out, uint64_t sequence)
{
    out_format(out, RECORD_DURABLE, sequence);
}

void record_refused(output *out, uint64_t line, const tj_error *cause)
{
    json_writer json = {.out = out};
    json_open(&json, NULL, '{');
    json_text(&json, "error", tj_str_of(cause->message));
    json_unsigned(&json, "line", line);
    json_close(&json, '}');
}
