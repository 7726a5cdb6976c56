/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/**
 * @file journal.h
 * tesser-journal: durable memory for a trading runtime. This header includes all others.
 *
 * A tour
 *
 *     tj_error err = TJ_ERROR_INIT;               one per thread; filled in by what fails
 *     tj_config config = TJ_CONFIG_INIT;          or tj_config_load("tesser.toml", &config, &err)
 *     config.path = "./journal";
 *     tj_store *store = NULL;
 *     tj_store_open(&config, &store, &err);       creates, locks, recovers
 *
 *     tj_state_repository *states = tj_store_state_repository(store, NULL);
 *     tj_live_state *state = NULL;
 *     tj_state_load(states, &state, &err);        one arena; defaults only if nothing was stored
 *     ... change it ...
 *     tj_state_save(states, state, &err);         logs what changed; durable on return
 *     tj_live_state_free(state);
 *
 *     tj_txn *txn = NULL;                         several changes, one commit
 *     tj_txn_begin(store, &txn, &err);
 *     tj_txn_put_order(txn, &order, &err);        the intent
 *     tj_txn_put_algo(txn, &id, &twap, &err);     and the algorithm that caused it
 *     tj_txn_commit(txn, NULL, NULL, &err);       both or none; releases txn
 *
 *     tj_store_close(store, &err);
 *
 * Every call that can fail returns a tj_status, marked so that ignoring it is a warning, and fills
 * a tj_error when given one: a sentence with the cause, the place and the next step. After any
 * status but TJ_OK an output is as it was, and an output handle is NULL.
 *
 * Guarantees (docs/ARCHITECTURE.md has them with their numbers)
 * - TJ_OK from a save means: on the disk (TJ_DURABILITY_SYNC), or in the kernel (TJ_DURABILITY_OS).
 * - One commit is all or nothing, over everything in it.
 * - A load shows exactly the state after some acknowledged commit.
 * - What cannot be read is an error, never an empty portfolio.
 * - Decimals keep digits and scale, identities their exchange, payloads every byte.
 *
 * Ownership: what ends in _free was allocated by this library for you; _close releases a handle;
 * _dispose empties a struct that you declared. All take NULL. Views (tj_str) passed in are read
 * during the call only; views in a loaded value live as long as the value.
 *
 * Threads, by the word each function gives: `any`: any thread, any number at once. `handle`: one
 * call at a time on this object. `init`: before other threads use the library. `callback`: called
 * by the library.
 *
 * Versions: structs that begin with struct_size may be shorter than the library's own, when a
 * program was built for an older version; see docs/ARCHITECTURE.md, "What may grow".
 *
 * Caveats
 * - One process writes. Others open with read_only.
 * - Do not use a store after fork in the child; it says so (TJ_CLOSED).
 * - An opened store has one helper thread; the first submitted commit and the first with a deadline
 *   start one more each. A reader checks a large table with a second one, which ends before the
 *   call does. All signals are blocked in them. no_threads: none.
 * - After TJ_CLOSED from a save, its outcome may be unknown: stop, open again, look.
 * - The path must be on a local file system; see tj_store_open, TJ_UNSUPPORTED.
 * - Never open data.mdb of a journal with LMDB yourself in a process that has the journal open.
 */
#ifndef TESSER_JOURNAL_H
#define TESSER_JOURNAL_H

#include <tesser/algo.h>
#include <tesser/async.h>
#include <tesser/base.h>
#include <tesser/config.h>
#include <tesser/copy.h>
#include <tesser/counter.h>
#include <tesser/decimal.h>
#include <tesser/error.h>
#include <tesser/history.h>
#include <tesser/identity.h>
#include <tesser/json.h>
#include <tesser/ledger.h>
#include <tesser/maintain.h>
#include <tesser/metrics.h>
#include <tesser/migrate.h>
#include <tesser/repository.h>
#include <tesser/state.h>
#include <tesser/store.h>
#include <tesser/time.h>
#include <tesser/uuid.h>
#include <tesser/verify.h>
#include <tesser/version.h>

#endif
