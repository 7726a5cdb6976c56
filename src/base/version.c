/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* The library's version. */
#include <tesser/version.h>

#define TEXT_OF(number) #number
#define TEXT(major, minor, patch) TEXT_OF(major) "." TEXT_OF(minor) "." TEXT_OF(patch)

const char *tj_version(void)
{
    return TEXT(TJ_VERSION_MAJOR, TJ_VERSION_MINOR, TJ_VERSION_PATCH);
}
