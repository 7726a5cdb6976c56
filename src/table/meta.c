/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * The two rows of the meta table, little-endian, each with its own checksum at its end.
 *
 * "superblock", written when the journal is created, and when it is upgraded:
 *    0  u32  format version, 2
 *    4  u32  page size of the system that created it
 *    8  16   journal id
 *   24  i64  creation time, ns since 1970, UTC
 *   32  u32  LMDB's version: major << 24 | minor << 16 | patch
 *   36  4    0x01020304 in that system's own byte order
 *   40  u64  tables that the journal has: bit n for table n
 *   48  u64  first segment of the log
 *   56  u64  XXH3-64 of bytes 0 to 55
 * Format version 1 ended at 40 with the checksum: it has the tables 1 to 9, and a log that begins
 * at segment 1.
 * "position", written with every batch: where in the log the state stands:
 *    0  u32  format version, 1
 *    4  u32  0
 *    8  u64  sequence      16  i64  time       24  u64  hash     32  u64  writer epoch
 *   40  u64  segment       48  u64  offset     56  u64  XXH3-64 of bytes 0 to 55
 * Any version begins with its number and ends with the checksum of all before it, so that a newer
 * one is told from a damaged one.
 */
#include <inttypes.h>
#include <unistd.h>

#include "base/error.h"
#include "base/hash.h"
#include "table/internal.h"

#define SUPERBLOCK_SIZE_V1 48
#define SUPERBLOCK_SIZE 64
#define POSITION_VERSION 1
#define POSITION_SIZE 64
#define CHECKSUM_SIZE 8
#define BYTE_ORDER_MARK 0x01020304u

static void seal(uint8_t *bytes, size_t size)
{
    tj__store_u64(bytes + size - CHECKSUM_SIZE, tj__hash(bytes, size - CHECKSUM_SIZE));
}

/* Checksum, then version, then size, each with its own error. */
static tj_status check_sealed(const char *name, tj__bytes bytes, uint32_t newest, tj_error *error)
{
    if (bytes.size < 4 + CHECKSUM_SIZE) {
        return tj__fail(error, TJ_CORRUPT, "the %s row has only %zu bytes", name, bytes.size);
    }
    size_t covered = bytes.size - CHECKSUM_SIZE;
    if (tj__hash(bytes.data, covered) != tj__load_u64(bytes.data + covered)) {
        return tj__fail(error, TJ_CORRUPT, "the checksum of the %s row does not match", name);
    }
    uint32_t version = tj__load_u32(bytes.data);
    if (version > newest) {
        return tj__fail(error, TJ_FORMAT_NEWER,
                        "written by format version %" PRIu32 "; this library reads up to %" PRIu32
                        ": update tesser-journal",
                        version, newest);
    }
    return TJ_OK;
}

static tj_status wrong_size(const char *name, tj__bytes bytes, tj_error *error)
{
    return tj__fail(error, TJ_CORRUPT, "the %s row has version %" PRIu32 " and %zu bytes", name,
                    tj__load_u32(bytes.data), bytes.size);
}

static void encode_superblock(const tj__superblock *superblock, uint8_t out[SUPERBLOCK_SIZE])
{
    uint32_t mark = BYTE_ORDER_MARK;
    tj__store_u32(out, superblock->format_version);
    tj__store_u32(out + 4, superblock->page_size);
    memcpy(out + 8, superblock->journal_id.bytes, sizeof superblock->journal_id.bytes);
    tj__store_u64(out + 24, (uint64_t)superblock->created_at);
    tj__store_u32(out + 32, MDB_VERSION_FULL);
    memcpy(out + 36, &mark, sizeof mark);
    tj__store_u64(out + 40, superblock->tables);
    tj__store_u64(out + 48, superblock->first_segment);
    seal(out, SUPERBLOCK_SIZE);
}

/* What version 2 adds. */
static tj_status decode_extent(tj__bytes bytes, tj__superblock *out, tj_error *error)
{
    out->tables = TJ__TABLES_V1;
    out->first_segment = 1;
    if (out->format_version >= 2) {
        out->tables = tj__load_u64(bytes.data + 40);
        out->first_segment = tj__load_u64(bytes.data + 48);
    }
    if ((out->tables & TJ__TABLES_V1) != TJ__TABLES_V1) {
        return tj__fail(error, TJ_CORRUPT, "the superblock row names too few tables, set %#" PRIx64,
                        out->tables);
    }
    if ((out->tables & ~TJ__TABLES_ALL) != 0) {
        return tj__fail(error, TJ_FORMAT_NEWER,
                        "it has tables that this library does not know (set %#" PRIx64
                        "): update tesser-journal",
                        out->tables);
    }
    return TJ_OK;
}

tj_status tj__superblock_decode(tj__bytes bytes, tj__superblock *out, tj_error *error)
{
    TJ_TRY(check_sealed(TJ__SUPERBLOCK_NAME, bytes, TJ__TABLE_FORMAT_VERSION, error));
    uint32_t version = tj__load_u32(bytes.data);
    if (version == 0 || bytes.size != (version == 1 ? SUPERBLOCK_SIZE_V1 : SUPERBLOCK_SIZE)) {
        return wrong_size(TJ__SUPERBLOCK_NAME, bytes, error);
    }
    uint32_t mark = BYTE_ORDER_MARK;
    uint32_t page_size = tj__load_u32(bytes.data + 4);
    long system_page_size = sysconf(_SC_PAGESIZE);
    if (memcmp(bytes.data + 36, &mark, sizeof mark) != 0 || page_size != system_page_size) {
        return tj__fail(error, TJ_UNSUPPORTED,
                        "the journal was created on a machine with pages of %" PRIu32
                        " bytes or another byte order, this one has pages of %ld: export the "
                        "journal there, and import it here",
                        page_size, system_page_size);
    }
    *out = (tj__superblock){.format_version = version,
                            .page_size = page_size,
                            .created_at = (tj_time)tj__load_u64(bytes.data + 24)};
    memcpy(out->journal_id.bytes, bytes.data + 8, sizeof out->journal_id.bytes);
    return decode_extent(bytes, out, error);
}

static void encode_position(const tj__position *position, uint8_t out[POSITION_SIZE])
{
    tj__store_u32(out, POSITION_VERSION);
    tj__store_u32(out + 4, 0);
    tj__store_u64(out + 8, position->sequence);
    tj__store_u64(out + 16, (uint64_t)position->time);
    tj__store_u64(out + 24, position->hash);
    tj__store_u64(out + 32, position->epoch);
    tj__store_u64(out + 40, position->ordinal);
    tj__store_u64(out + 48, position->offset);
    seal(out, POSITION_SIZE);
}

tj_status tj__position_decode(tj__bytes bytes, tj__position *out, tj_error *error)
{
    TJ_TRY(check_sealed(TJ__POSITION_NAME, bytes, POSITION_VERSION, error));
    if (tj__load_u32(bytes.data) != POSITION_VERSION || bytes.size != POSITION_SIZE) {
        return wrong_size(TJ__POSITION_NAME, bytes, error);
    }
    *out = (tj__position){.sequence = tj__load_u64(bytes.data + 8),
                          .time = (tj_time)tj__load_u64(bytes.data + 16),
                          .hash = tj__load_u64(bytes.data + 24),
                          .epoch = tj__load_u64(bytes.data + 32),
                          .ordinal = tj__load_u64(bytes.data + 40),
                          .offset = tj__load_u64(bytes.data + 48)};
    return TJ_OK;
}

static int put(MDB_txn *txn, MDB_dbi meta, const char *name, void *bytes, size_t size)
{
    MDB_val key = {strlen(name), (void *)name};
    MDB_val data = {size, bytes};
    return mdb_put(txn, meta, &key, &data, 0);
}

static tj_status get(MDB_txn *txn, MDB_dbi meta, const char *name, tj__bytes *out, tj_error *error)
{
    MDB_val key = {strlen(name), (void *)name};
    MDB_val data = {0, NULL};
    int code = mdb_get(txn, meta, &key, &data);
    if (code == MDB_NOTFOUND) {
        return tj__fail(error, TJ_CORRUPT, "the %s row is missing", name);
    }
    if (code != 0) {
        return tj__fail_lmdb(error, code, "reading the %s row", name);
    }
    *out = tj__bytes_of(data.mv_data, data.mv_size);
    return TJ_OK;
}

int tj__superblock_put(MDB_txn *txn, MDB_dbi meta, const tj__superblock *superblock)
{
    uint8_t bytes[SUPERBLOCK_SIZE];
    encode_superblock(superblock, bytes);
    return put(txn, meta, TJ__SUPERBLOCK_NAME, bytes, sizeof bytes);
}

int tj__meta_put_position(MDB_txn *txn, MDB_dbi meta, const tj__position *position)
{
    uint8_t bytes[POSITION_SIZE];
    encode_position(position, bytes);
    return put(txn, meta, TJ__POSITION_NAME, bytes, sizeof bytes);
}

int tj__meta_add_sum(MDB_txn *txn, MDB_dbi meta, const tj__sum *change)
{
    uint8_t name[TJ__SUM_KEY_SIZE];
    uint8_t bytes[TJ__SUM_VALUE_SIZE];
    tj__sum sum = *change;
    tj__sum_key(name, change);
    MDB_val key = {sizeof name, name};
    MDB_val data = {0, NULL};
    int code = mdb_get(txn, meta, &key, &data);
    if (code == 0) {
        if (tj__sum_decode(tj__bytes_of(name, sizeof name),
                           tj__bytes_of(data.mv_data, data.mv_size), &sum, NULL) != TJ_OK) {
            return MDB_CORRUPTED;
        }
        sum.rows += change->rows;
        sum.checksums = change->unknown ? change->checksums : sum.checksums + change->checksums;
    }
    if (code != 0 && code != MDB_NOTFOUND) {
        return code;
    }
    if (sum.rows == 0) {
        return code == 0 ? mdb_del(txn, meta, &key, NULL) : 0;
    }
    tj__sum_encode(bytes, &sum);
    data = (MDB_val){sizeof bytes, bytes};
    return mdb_put(txn, meta, &key, &data, 0);
}

tj_status tj__superblock_get(MDB_txn *txn, MDB_dbi meta, tj__superblock *out, tj_error *error)
{
    tj__bytes bytes;
    TJ_TRY(get(txn, meta, TJ__SUPERBLOCK_NAME, &bytes, error));
    return tj__superblock_decode(bytes, out, error);
}

tj_status tj__meta_get_position(MDB_txn *txn, MDB_dbi meta, tj__position *out, tj_error *error)
{
    tj__bytes bytes;
    TJ_TRY(get(txn, meta, TJ__POSITION_NAME, &bytes, error));
    return tj__position_decode(bytes, out, error);
}
