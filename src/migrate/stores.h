/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* The schemas of Tesser's SQLite stores, exactly as Tesser creates them. State and ledger are in
 * WAL mode, the algorithms are not. */
#ifndef TJ_MIGRATE_STORES_H
#define TJ_MIGRATE_STORES_H

#define TJ__STATE_SCHEMA                                       \
    "CREATE TABLE state (\n"                                   \
    "    id INTEGER PRIMARY KEY CHECK (id = 1),\n"             \
    "    payload TEXT NOT NULL,\n"                             \
    "    updated_at TEXT NOT NULL DEFAULT (datetime('now'))\n" \
    ")"

#define TJ__ALGO_SCHEMA                                                    \
    "CREATE TABLE algo_states (\n"                                         \
    "                id TEXT PRIMARY KEY,\n"                               \
    "                payload TEXT NOT NULL,\n"                             \
    "                updated_at TEXT NOT NULL DEFAULT (datetime('now'))\n" \
    "            );\n"                                                     \
    "CREATE INDEX idx_algo_states_updated_at ON algo_states(updated_at)"

#define TJ__LEDGER_SCHEMA                                  \
    "CREATE TABLE ledger_entries (\n"                      \
    "    sequence INTEGER PRIMARY KEY,\n"                  \
    "    entry_id TEXT NOT NULL UNIQUE,\n"                 \
    "    timestamp TEXT NOT NULL,\n"                       \
    "    exchange TEXT NOT NULL,\n"                        \
    "    asset TEXT NOT NULL,\n"                           \
    "    amount TEXT NOT NULL,\n"                          \
    "    entry_type TEXT NOT NULL,\n"                      \
    "    reference_id TEXT NOT NULL,\n"                    \
    "    meta TEXT\n"                                      \
    ");\n"                                                 \
    "CREATE INDEX ledger_idx_timestamp_exchange_asset\n"   \
    "    ON ledger_entries(timestamp, exchange, asset);\n" \
    "CREATE INDEX ledger_idx_reference\n"                  \
    "    ON ledger_entries(reference_id)"

/* How Tesser names the exchange of an asset that has none, in the ledger's table. */
#define TJ__UNSPECIFIED_EXCHANGE "unspecified"

#endif
