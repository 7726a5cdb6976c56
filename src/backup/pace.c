/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Sleeping between pieces. */
#include "backup/pace.h"

#include <time.h>

#include "base/error.h"
#include "base/file.h"

#define NS_PER_S UINT64_C(1000000000)
#define PACED_PIECE_SIZE ((size_t)32 << 10)

static uint64_t now_ns(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * NS_PER_S + (uint64_t)now.tv_nsec;
}

/* What a slow disk lost is not caught up with. */
static void keep_pace(tj__pace *pace, size_t size)
{
    if (pace->bytes_per_s == 0) {
        return;
    }
    uint64_t now = now_ns();
    if (pace->due_ns > now) {
        struct timespec until = {(time_t)(pace->due_ns / NS_PER_S),
                                 (long)(pace->due_ns % NS_PER_S)};
        (void)clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL);
    } else {
        pace->due_ns = now;
    }
    pace->due_ns += (uint64_t)size * NS_PER_S / pace->bytes_per_s;
}

size_t tj__pace_piece(const tj__pace *pace)
{
    return pace->bytes_per_s > 0 ? PACED_PIECE_SIZE : TJ__PACE_PIECE_SIZE;
}

tj_status tj__pace_write(tj__pace *pace, int fd, const char *path, tj__bytes bytes, uint64_t offset,
                         tj_error *error)
{
    size_t step = tj__pace_piece(pace);
    for (size_t done = 0; done < bytes.size;) {
        size_t rest = bytes.size - done;
        size_t size = rest < step ? rest : step;
        keep_pace(pace, size);
        TJ_TRY(tj__file_write_at(fd, path, bytes.data + done, size, offset + done, error));
        TJ_TRY(tj__file_write_back(fd, path, offset + done, size, error));
        done += size;
        pace->bytes += size;
    }
    return TJ_OK;
}
