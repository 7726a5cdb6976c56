#!/usr/bin/env bash
# SPDX-License-Identifier: MIT OR Apache-2.0
# The program on a journal on a server: what works there does what it does in a directory, and what works
# on files only says so.
source "$(dirname "$0")/../cli/lib.sh"

cat >tesser.toml <<END
[journal]
type = "postgres"
url = "$TJ_POSTGRES_URL"
schema = "program_$$"
END
cat >directory.toml <<END
[journal]
path = "./journal"
END

run 13 book list
err_has 'there is no journal "default" in schema "program_'
run 0 init
out_has 'created journal '
run 14 init

cat >state.json <<END
{"portfolio":{"positions":{},"balances":{},"reporting_currency":"USDT","initial_equity":"10000.00",
"peak_equity":"10000.00","liquidate_only":false},"open_orders":[],"last_prices":{"BTCUSDT":"64000.10"}}
END
for config in tesser.toml directory.toml; do
    [ $config = tesser.toml ] || run 0 --config $config init
    run 0 --config $config import "$TJ_TESTDATA_COPY/tesser/0.9.3/typical/state.db"
    run 0 --config $config state export
    cp "$out" imported.$config
    run 0 --config $config export out.$config
    run 0 --config $config state import state.json
    run 0 --config $config state export
    cp "$out" exported.$config
    run 0 --config $config history
    run 0 --config $config book list
    run 0 --config $config state show
done
cmp imported.tesser.toml imported.directory.toml || fail "the imported states differ"
cmp exported.tesser.toml exported.directory.toml || fail "the states differ"

for command in status check verify prune 'backup elsewhere'; do
    run 25 $command
    err_has 'works on journals in directories only, and the configured one is on PostgreSQL'
done
TESSER_JOURNAL_URL="postgres://u:secret@h/d" run 26 book list
err_has 'holds a password'
! grep -q secret "$err" || fail "the password is told"
