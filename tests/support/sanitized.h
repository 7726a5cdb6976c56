/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Whether a sanitizer is in the program: it brings its own allocator, and takes more memory. */
#ifndef TJ_TESTS_SUPPORT_SANITIZED_H
#define TJ_TESTS_SUPPORT_SANITIZED_H

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define SANITIZED 1
#endif
#endif
#ifndef SANITIZED
#define SANITIZED 0
#endif

#endif
