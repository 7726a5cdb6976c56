/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* data.mdb: pages, sums, and every row decoded. */
#include <inttypes.h>
#include <string.h>

#include "base/error.h"
#include "model/change.h"
#include "repair/examine.h"
#include "rows/row.h"

typedef struct looking {
    tj__examination *x;
    tj__findings before; /* where the findings stood: a look that was overtaken is forgotten */
} looking;

static tj_status see_row(void *context, const tj__row *row, tj_error *error)
{
    looking *l = context;
    tj__examination *x = l->x;
    tj_error fault = TJ_ERROR_INIT;
    tj_status status = tj__row_decodes(row, &fault);
    if (!row->damaged && TJ__DIGEST_TABLES & TJ__TABLE_BIT(row->key.data[0])) {
        tj__digest_add(&x->digest, row);
    }
    if (!row->damaged && row->key.data[0] == TJ__TABLE_LEDGER) {
        TJ_TRY(tj__examine_rests_count(x, row->sequence, error));
    }
    if (status == TJ_OK) {
        return TJ_OK;
    }
    if (status != TJ_CORRUPT) {
        return tj__error_pass(error, &fault);
    }
    x->damaged_rows++;
    x->damaged_row_tables |= TJ__TABLE_BIT(row->key.data[0]);
    tj_finding *finding = tj__findings_add_error(&x->findings, TJ_FINDING_DAMAGE, &fault);
    tj__finding_at(&x->findings, finding, row->file, row->offset);
    tj__finding_about(&x->findings, finding, row->key, row->sequence);
    return TJ_OK;
}

static tj_status see_fault(void *context, uint8_t table, const tj_error *fault, tj_error *error)
{
    (void)table;
    (void)error;
    looking *l = context;
    bool unread = fault->status == TJ_IO;
    l->x->data_unread = l->x->data_unread || unread;
    (void)tj__findings_add_error(&l->x->findings, unread ? TJ_FINDING_UNCHECKED : TJ_FINDING_DAMAGE,
                                 fault);
    return TJ_OK;
}

static tj_status begin_again(void *context, tj_error *error)
{
    (void)error;
    looking *l = context;
    tj__findings *findings = &l->x->findings;
    findings->items.size = l->before.items.size;
    findings->left_out = l->before.left_out;
    findings->damaged = l->before.damaged;
    findings->unchecked = l->before.unchecked;
    l->x->digest = (tj__digest){0};
    l->x->damaged_rows = 0;
    l->x->damaged_row_tables = 0;
    l->x->data_unread = false;
    l->x->rests_listed = false;
    return TJ_OK;
}

tj_status tj__examine_data(tj__examination *x, tj_error *error)
{
    if (!x->has_data) {
        return TJ_OK;
    }
    looking l = {.x = x, .before = x->findings};
    tj__inspector inspector = {
        .row = see_row, .fault = see_fault, .begin = begin_again, .context = &l};
    TJ_TRY(tj__data_inspect(x->path, &inspector, &x->data, error));
    if (x->data.has_superblock) {
        x->journal_id = x->data.superblock.journal_id;
    }
    if (!x->data_unread && (!x->data.has_position || !x->data.has_superblock)) {
        (void)tj__findings_add(
            &x->findings, TJ_FINDING_DAMAGE,
            "%s/data.mdb does not tell %s, so nothing of it can be used", x->path,
            x->data.has_superblock ? "where in the log it stands" : "to which journal it belongs");
    }
    return TJ_OK;
}
