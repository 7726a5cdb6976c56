/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * A segment of a backup that is compressed. Any zstd unpacks it to the segment; what tells one
 * segment from another can be read without.
 *
 *    0    4  0x184D2A54: what begins so, zstd passes over
 *    4    4  4272: size of that
 *    8    8  magic "TJPACKED"
 *   16    4  format version, 1
 *   20    4  0
 *   24    8  size of the segment, from its header to its seal
 *   32    8  hash of the segment
 *   40    8  hash of the bytes from 4280 on
 *   48 4096  its header
 * 4144  128  its seal
 * 4272    8  hash of bytes 8 to 4271
 * 4280   ..  one zstd frame: the segment
 *
 * The only file that includes zstd.h is packed.c.
 */
#ifndef TJ_BACKUP_PACKED_H
#define TJ_BACKUP_PACKED_H

#include "backup/pace.h"
#include "log/frame.h"

#define TJ__PACKED_VERSION 1
#define TJ__PACKED_HEAD_SIZE (4152 + TJ__SEAL_SIZE)

typedef struct tj__packed_head {
    uint64_t size;
    uint64_t hash;
    uint64_t frame_hash; /* of what follows the head */
    uint8_t header[TJ__SEGMENT_HEADER_SIZE];
    uint8_t seal[TJ__SEAL_SIZE];
} tj__packed_head;

void tj__packed_head_encode(const tj__packed_head *head, uint8_t out[TJ__PACKED_HEAD_SIZE]);
/* Reads it from the beginning of a file. Checks magic, version, hash, then sizes. TJ_CORRUPT,
 * TJ_FORMAT_NEWER. */
tj_status tj__packed_head_read(int fd, const char *path, tj__packed_head *out, tj_error *error);

/* Writes the packed form of a segment that is sealed, and nothing behind its seal. Nothing is
 * flushed. */
tj_status tj__pack(int from, const char *from_path, int level, int to, const char *to_path,
                   tj__pace *pace, tj_error *error);
/* Writes what it was, and not a byte more: TJ_CORRUPT when it is not what its head says. */
tj_status tj__unpack(int from, const char *from_path, int to, const char *to_path, tj_error *error);

#endif
