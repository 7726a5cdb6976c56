/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* A quick look whether a text is JSON, for payloads that are saved over and over. */
#ifndef TJ_JSON_SCAN_H
#define TJ_JSON_SCAN_H

#include <tesser/base.h>

/* Whether tj__json_validate takes the text; that one says why when it does not. Several times
 * faster than the parser, because nothing is built, decoded or reported. */
bool tj__json_is_valid(tj_str text);

#endif
