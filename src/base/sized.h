/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Structs of the public interface that begin with their size, and so may grow from one version to
 * the next: what a program was built with may be shorter than what the library knows
 * (docs/ARCHITECTURE.md, "What may grow"). */
#ifndef TJ_BASE_SIZED_H
#define TJ_BASE_SIZED_H

#include <tesser/error.h>

/* Whether the caller's struct can be read by a library whose own has `size` bytes. what and
 * initializer name it in errors: "the configuration", "TJ_CONFIG_INIT". given may be NULL.
 * TJ_MISUSE. */
tj_status tj__sized_check(const void *given, size_t size, const char *what, const char *initializer,
                          tj_error *error);

/* Copies a struct that the caller made over *own, which holds the defaults: they stay where the
 * caller's ends. */
tj_status tj__sized_read(const void *given, void *own, const char *what, const char *initializer,
                         tj_error *error);

/* Whether what a struct inside of it keeps for members to come is still zero: what is set there is
 * a member of a newer library. TJ_MISUSE. */
tj_status tj__sized_check_reserved(const void *reserved, size_t size, const char *what,
                                   const char *initializer, tj_error *error);

/* Copies *own into a caller's struct that was checked, as far as that one goes. */
void tj__sized_fill(void *given, const void *own);

#endif
