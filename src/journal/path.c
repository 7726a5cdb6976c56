/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* From the configured path to the journal's directory. */
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "base/file.h"
#include "journal/journal.h"

static bool ends_with(const char *text, size_t size, const char *ending)
{
    size_t ending_size = strlen(ending);
    return size >= ending_size && memcmp(text + size - ending_size, ending, ending_size) == 0;
}

static tj_status is_plain_file(const char *path, bool *is, tj_error *error)
{
    bool there = false;
    struct stat found;
    TJ_TRY(tj__path_look(path, &there, &found, error));
    *is = S_ISREG(found.st_mode);
    return TJ_OK;
}

/* Length of the path without the extension of its last component. */
static size_t stem_size(const char *path, size_t size)
{
    for (size_t i = size; i > 0 && path[i - 1] != '/'; i--) {
        bool hidden_file = i == 1 || path[i - 2] == '/';
        if (path[i - 1] == '.' && !hidden_file) {
            return i - 1;
        }
    }
    return size;
}

tj_status tj__journal_path(const char *configured, char *out, size_t size, tj_error *error)
{
    size_t length = !configured ? 0 : strlen(configured);
    if (length == 0) {
        return tj__fail(error, TJ_MISUSE,
                        "no path is configured for the journal: set journal.path, "
                        "TESSER_JOURNAL_PATH or --journal");
    }
    TJ_TRY(tj_path_check(configured, error));
    while (length > 1 && configured[length - 1] == '/') {
        length--;
    }
    if (length + sizeof ".lmdb" > TJ_PATH_SIZE) {
        return tj__fail(error, TJ_LIMIT, "the journal's path is longer than %zu bytes",
                        TJ_PATH_SIZE - sizeof ".lmdb");
    }
    const char *added = "";
    if (length == 8 && memcmp(configured, "data.mdb", 8) == 0) {
        configured = ".";
        length = 1;
    } else if (ends_with(configured, length, "/data.mdb")) {
        length -= length == 9 ? 8 : 9;
    } else {
        bool of_a_file = ends_with(configured, length, ".db");
        if (!of_a_file) {
            TJ_TRY(is_plain_file(configured, &of_a_file, error));
        }
        if (of_a_file) {
            length = stem_size(configured, length);
            added = ".lmdb";
        }
    }
    char named[TJ_PATH_SIZE];
    snprintf(named, sizeof named, "%.*s%s", (int)length, configured, added);
    return tj__path_absolute(named, out, size, error);
}
