/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/**
 * @file identity.h
 * Who is traded where: symbols and assets with their exchange (promise P12).
 *
 * Canonical form, as Tesser has it: the exchange in ASCII lower case, the code in ASCII upper
 * case, joined by a colon: "binance_perp:BTCUSDT". Without an exchange only the code: "BTCUSDT".
 * Values passed in may have any case and surrounding spaces; what is stored and loaded is
 * canonical. "binance:BTCUSDT" and "BTCUSDT" are different identities.
 */
#ifndef TESSER_IDENTITY_H
#define TESSER_IDENTITY_H

#include <tesser/error.h>

#ifdef __cplusplus
extern "C" {
#endif

/** Longest exchange name, in bytes. */
#define TJ_EXCHANGE_SIZE_MAX 64
/** Longest code of a symbol or an asset, in bytes. */
#define TJ_CODE_SIZE_MAX 128
/** Bytes that hold any identity as text, with colon and NUL. */
#define TJ_IDENTITY_TEXT_SIZE (TJ_EXCHANGE_SIZE_MAX + 1 + TJ_CODE_SIZE_MAX + 1)

/** An exchange (empty: unspecified) and a code. Borrowed views. */
typedef struct tj_identity {
    tj_str exchange; /**< e.g. "binance_perp"; size 0 when unspecified */
    tj_str code;     /**< e.g. "BTCUSDT" or "USDT"; never empty in a valid identity */
} tj_identity;

/** A market: what an order or a position names. */
typedef tj_identity tj_symbol;
/** A currency or coin: what a balance or a ledger entry names. */
typedef tj_identity tj_asset;

/**
 * Splits "exchange:CODE" or "CODE" at the first colon into views of the text, without changing
 * their case; spaces around either part are left out.
 *
 * @param out unchanged on failure
 * @return TJ_OK; TJ_INVALID if a part is empty or holds control characters, or the exchange a
 *         slash (ccxt's "BTC/USDT:USDT" is "binance:BTC/USDT:USDT" here); TJ_LIMIT if a part is
 *         too long
 * Threads: any.
 */
TJ_API TJ_CHECKED tj_status tj_identity_parse(tj_str text, tj_identity *out, tj_error *error);

/**
 * Writes the canonical text of an identity.
 *
 * @param buffer receives the NUL-terminated text
 * @return its length; 0 if the identity is not valid
 * Threads: any.
 */
TJ_API size_t tj_identity_format(tj_identity id, char buffer[TJ_IDENTITY_TEXT_SIZE]);

/** Order of the canonical texts: below, equal to or above zero. Threads: any. */
TJ_API int tj_identity_compare(tj_identity a, tj_identity b);

#ifdef __cplusplus
}
#endif
#endif
