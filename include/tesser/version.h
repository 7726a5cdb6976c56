/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/**
 * @file version.h
 * Which version a program was built for, and which it runs with.
 *
 * Within one SONAME a program that was built for an older version runs with a newer one:
 * docs/ARCHITECTURE.md, "What may grow".
 */
#ifndef TESSER_VERSION_H
#define TESSER_VERSION_H

#include <tesser/base.h>

#ifdef __cplusplus
extern "C" {
#endif

/** The version of these headers. */
#define TJ_VERSION_MAJOR 0
#define TJ_VERSION_MINOR 1
#define TJ_VERSION_PATCH 0

/**
 * The version of the library that the program runs with, e.g. "0.1.0".
 *
 * @return a constant text
 * Threads: any.
 */
TJ_API const char *tj_version(void);

#ifdef __cplusplus
}
#endif
#endif
