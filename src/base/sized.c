/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Reading and filling in structs that begin with their size. */
#include "base/sized.h"

#include <string.h>

#include <tesser/version.h>

#include "base/error.h"

static size_t size_of(const void *sized)
{
    size_t size;
    memcpy(&size, sized, sizeof size);
    return size;
}

/* Members begin on pointers' boundaries where a struct grows, so every size that ever was is a
 * multiple of one. */
tj_status tj__sized_check(const void *given, size_t size, const char *what, const char *initializer,
                          tj_error *error)
{
    size_t found = !given ? 0 : size_of(given);
    if (found < 2 * sizeof(size_t) || found % sizeof(size_t) != 0) {
        return tj__fail(error, TJ_MISUSE, "%s is not initialized; start from %s", what,
                        initializer);
    }
    if (found > size) {
        return tj__fail(error, TJ_MISUSE,
                        "%s was made for a newer library than this one, which is %s: it has %zu "
                        "bytes, and %zu are known; update the library, or initialize it with %s",
                        what, tj_version(), found, size, initializer);
    }
    return TJ_OK;
}

tj_status tj__sized_read(const void *given, void *own, const char *what, const char *initializer,
                         tj_error *error)
{
    TJ_TRY(tj__sized_check(given, size_of(own), what, initializer, error));
    size_t end = size_of(given);
    memcpy((char *)own + sizeof(size_t), (const char *)given + sizeof(size_t),
           end - sizeof(size_t));
    return TJ_OK;
}

tj_status tj__sized_check_reserved(const void *reserved, size_t size, const char *what,
                                   const char *initializer, tj_error *error)
{
    for (size_t i = 0; i < size; i++) {
        if (((const char *)reserved)[i] != 0) {
            return tj__fail(error, TJ_MISUSE,
                            "%s has members set that this library, which is %s, does not know: it "
                            "was made for a newer one; update the library, or initialize it with "
                            "%s",
                            what, tj_version(), initializer);
        }
    }
    return TJ_OK;
}

void tj__sized_fill(void *given, const void *own)
{
    memcpy((char *)given + sizeof(size_t), (const char *)own + sizeof(size_t),
           size_of(given) - sizeof(size_t));
}
