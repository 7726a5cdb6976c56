/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* The limits of the process that writes, and the versions of what it is made of. */
#include <inttypes.h>
#include <stdio.h>
#include <sys/resource.h>

#include <tesser/version.h>

#include "base/error.h"
#include "maintain/checkup.h"
#include "migrate/sqlite.h"
#include "table/table.h"

#define FILES_MIN 64
/* A map smaller than this many times data.mdb has to be made larger soon. */
#define MAP_FACTOR 4

typedef struct limits {
    char whose[64];
    uint64_t files; /* UINT64_MAX: no limit */
    uint64_t file_size;
    uint64_t space;
} limits;

static uint64_t own_limit(int which)
{
    struct rlimit limit;
    return getrlimit((__rlimit_resource_t)which, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY
               ? UINT64_MAX
               : (uint64_t)limit.rlim_cur;
}

/* "Max file size             unlimited            unlimited            bytes" */
static void read_line(const char *line, const char *name, uint64_t *out)
{
    size_t size = strlen(name);
    if (strncmp(line, name, size) == 0 && sscanf(line + size, " %" SCNu64, out) != 1) {
        *out = UINT64_MAX;
    }
}

/* Of the writer where there is one that may be asked, else of this process. */
static limits find_limits(int64_t writer)
{
    limits found = {.files = own_limit(RLIMIT_NOFILE),
                    .file_size = own_limit(RLIMIT_FSIZE),
                    .space = own_limit(RLIMIT_AS)};
    char line[256];
    char path[64];
    snprintf(path, sizeof path, "/proc/%" PRId64 "/limits", writer);
    FILE *file = writer > 0 ? fopen(path, "re") : NULL;
    if (file) {
        snprintf(found.whose, sizeof found.whose, "the writer, process %" PRId64 ",", writer);
    } else {
        snprintf(found.whose, sizeof found.whose, "this process");
    }
    while (file && fgets(line, sizeof line, file)) {
        read_line(line, "Max open files", &found.files);
        read_line(line, "Max file size", &found.file_size);
        read_line(line, "Max address space", &found.space);
    }
    if (file) {
        fclose(file);
    }
    return found;
}

static void look_at_limits(tj__examinee *x)
{
    char size[TJ__AMOUNT_SIZE];
    char needed[TJ__AMOUNT_SIZE];
    limits found = find_limits(x->writer_pid);
    uint64_t segment = x->config->lmdb.segment_size_bytes;
    uint64_t data = x->has_info ? x->info.state_bytes : 0;
    uint64_t file = data > segment ? data : segment;
    if (found.file_size < file) {
        tj__checkup_add(x, "limits", TJ_HEALTH_WRONG, "ulimit -f unlimited",
                        "%s may not make a file larger than %s, and the journal needs %s",
                        found.whose, tj__amount(found.file_size, size), tj__amount(file, needed));
    } else if (found.files < FILES_MIN) {
        tj__checkup_add(x, "limits", TJ_HEALTH_WARNING, "ulimit -n 1024",
                        "%s may have %" PRIu64 " files open: a journal needs about 20 beside the "
                        "program's own",
                        found.whose, found.files);
    } else if (found.space < UINT64_MAX && found.space / MAP_FACTOR < data) {
        tj__checkup_add(x, "limits", TJ_HEALTH_WARNING, "ulimit -v unlimited",
                        "%s has %s of address space, into which data.mdb, of %s now, is mapped "
                        "whole with room to grow",
                        found.whose, tj__amount(found.space, size), tj__amount(data, needed));
    } else {
        tj__checkup_add(x, "limits", TJ_HEALTH_OK, NULL,
                        "%s may open enough files, of any size that is needed", found.whose);
    }
}

static void look_at_versions(tj__examinee *x)
{
    uint32_t format = x->has_info ? x->info.format_version : TJ__TABLE_FORMAT_VERSION;
    tj__checkup_add(
        x, "versions", TJ_HEALTH_OK, NULL,
        "tesser-journal %s, %s, SQLite %s; the journal has format %" PRIu32 ", the newest is %d%s",
        tj_version(), tj__lmdb_version(), tj__sqlite_version(), format, TJ__TABLE_FORMAT_VERSION,
        format < TJ__TABLE_FORMAT_VERSION ? ", to which the next writer brings it" : "");
}

void tj__checkup_process(tj__examinee *x)
{
    look_at_limits(x);
    look_at_versions(x);
}
