/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Where the log begins: what is before may be deleted once the superblock says so durably. */
#include "base/error.h"
#include "table/internal.h"

static int write_superblock(const tj__env *env, MDB_txn *txn, void *context)
{
    return tj__superblock_put(txn, env->tables[TJ__TABLE_META], context);
}

tj_status tj__env_move_first_segment(tj__env *env, const tj__superblock *superblock,
                                     uint64_t first_segment, tj_error *error)
{
    tj__superblock moved = *superblock;
    moved.first_segment = first_segment;
    if (env->read_only || first_segment < superblock->first_segment) {
        return tj__fail(error, env->read_only ? TJ_READONLY : TJ_MISUSE,
                        "the log of %s cannot begin there", env->data_path);
    }
    TJ_TRY(tj__env_same_file(env, error));
    return tj__env_write(env, write_superblock, &moved, sizeof moved, error);
}
