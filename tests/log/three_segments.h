/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* A log of three segments, and what the tests of reading it share. */
#ifndef TJ_TESTS_LOG_THREE_SEGMENTS_H
#define TJ_TESTS_LOG_THREE_SEGMENTS_H

#include "built_log.h"

#define SMALL_SEGMENT ((uint64_t)8192)

/* Two reasons that reading ends. */
#define NOTHING "nothing was written here"
#define BAD_HASH "checksum does not match"

/* Three segments: commits 1 to 3, 4 to 6 and 7 to 8. */
static inline void build_three(built_log *log)
{
    built_open(log, SMALL_SEGMENT);
    for (int i = 1; i <= 8; i++) {
        log->durable = log->end.sequence / 3 * 3;
        add_commit(log, (size_t)(i * 37));
        if (i % 3 == 0) {
            rotate(log);
        }
    }
}

static inline void message_of(const built_log *log, uint64_t ordinal, char out[600],
                              const char *before, const char *after)
{
    char path[TJ__SEGMENT_PATH_SIZE];
    path_of(log, ordinal, path);
    snprintf(out, 600, "%s%.200s%s", before, path, after);
}

static inline tj__log_tail tail_of(tj__log_reader *reader)
{
    tj_error error = TJ_ERROR_INIT;
    tj__log_tail tail;
    must(tj__log_reader_tail(reader, &tail, &error), &error);
    return tail;
}

/* Reads to the end from the start and looks behind it. */
static inline tj__log_tail tail_from_start(const built_log *log)
{
    tj_error error = TJ_ERROR_INIT;
    uint64_t last = 0;
    tj__log_reader *reader = reader_from(log, &built_start);
    must(read_all(reader, &last, &error), &error);
    tj__log_tail tail = tail_of(reader);
    tj__log_reader_close(reader);
    return tail;
}

#endif
