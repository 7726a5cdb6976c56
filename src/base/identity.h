/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Identities in canonical form: exchange in lower case, code in upper case, without spaces around.
 */
#ifndef TJ_BASE_IDENTITY_H
#define TJ_BASE_IDENTITY_H

#include <tesser/identity.h>

#include "base/buffer.h"

/* Whether a text is a symbol as ccxt has them, BASE/QUOTE:SETTLE, whose colon ends no exchange.
 * What was stored before such were refused is read all the same: rows do not come through
 * tj_identity_parse. */
bool tj__identity_is_ccxt(tj_str text);

/* TJ_OK when the identity has a canonical text; else TJ_INVALID or TJ_LIMIT with the reason. */
tj_status tj__identity_check(tj_identity id, tj_error *error);

/* Writes an exchange's canonical, NUL-terminated name. An empty one is TJ_INVALID. */
tj_status tj__exchange_canonical(tj_str exchange, char buffer[TJ_EXCHANGE_SIZE_MAX + 1],
                                 size_t *size, tj_error *error);

#endif
