/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* For a test's own definition of a function of the C library, which LMDB and other shared libraries
 * in the process shall call, too. */
#ifndef TJ_TESTS_SUPPORT_STAND_IN_H
#define TJ_TESTS_SUPPORT_STAND_IN_H

#define STAND_IN __attribute__((visibility("default")))

#endif
