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
# One commit is all that an import into it may take; nothing is renamed there.
python3 -c 'import json; print(json.dumps({"00000000-0000-4000-8000-%012d" % i: {"algo_type": "T", "state": "x" * (15 << 20)}
                                           for i in range(4)}))' >large.json
for dry in --dry-run ""; do
    run 21 import large.json $dry
    err_has 'import into a new journal on a disk, and `tesser-journal copy` that to the server'
done
rm large.json
run 13 book list
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

# What is told of it.
run 0 status
out_has 'Engine               postgres'
out_has 'Server               PostgreSQL 1'
out_has 'Writer               none'
run 0 status --json
json "$out" 'd["engine"] == "postgres" and d["applied_sequence"] == d["sequence"] and d["unreplicated"] == "0"'
json "$out" 'd["books"][0]["name"] == "default" and d["writer"]["alive"] is False'
run 0 check
out_has 'well: '
run 41 check --writer
run 2 check --min-free 1GiB
err_has 'for journals in directories'
run 0 metrics
out_has 'tesser_journal_up{journal="default in schema program_'
out_has 'tesser_journal_unreplicated_commits{'
out_has 'tesser_journal_commit_seconds_count{'
grep -q '^tesser_journal_log_written_bytes_total{.*} [1-9]' "$out" || fail "the writer told no bytes"
run 0 verify --deep
out_has 'Verdict              sound'
out_has 'Compared             the rows with the log replayed'
run 0 doctor
out_has 'ok       server: PostgreSQL 1'
out_has 'ok       flush: fsync and full_page_writes are on'
out_has 'ok       standby: synchronous_standby_names is empty'
out_has 'ok       permissions: the role may write'
run 0 quarantine list

for command in compact 'repair --into new' 'backup elsewhere'; do
    run 25 $command
    err_has 'works on journals in directories only, and the configured one is on PostgreSQL'
done
TESSER_JOURNAL_URL="postgres://u:secret@h/d" run 26 book list
err_has 'holds a password'
! grep -q secret "$err" || fail "the password is told"

# What an administrator runs, and roles with the least that they need.
cat >owned.toml <<END
[journal]
type = "postgres"
url = "$TJ_POSTGRES_URL"
schema = "Owned by $$"
END
run 0 --config owned.toml init --print-sql
out_has "create schema if not exists \"Owned by $$\";"
cp "$out" schema.sql
sed -n '/^commit;/,$s/^-- //p' schema.sql >roles.sql
psql=$(ls -d /usr/lib/postgresql/*/bin/psql | sort -V | tail -1)
for file in schema.sql roles.sql; do
    "$psql" -q -X -v ON_ERROR_STOP=1 "$TJ_POSTGRES_URL" -f $file || fail "the server refuses $file"
done
as() {
    sed "s/user=postgres/user=$1/" owned.toml >owned.$1.toml
}
as tj_writer
as tj_reader
run 0 --config owned.tj_writer.toml init
printf '{"portfolio_equity": "1"}\n' >line
run 0 --config owned.tj_writer.toml record <line
run 0 --config owned.tj_reader.toml verify --deep
run 0 --config owned.tj_reader.toml doctor
out_has 'permissions: the role may read only'
run 17 --config owned.tj_reader.toml record <line
err_has 'permission denied'
"$psql" -q -X "$TJ_POSTGRES_URL" -c 'drop owned by tj_writer, tj_reader' -c 'drop role tj_writer, tj_reader'
run 2 -j ./journal init --print-sql

# Retention: a role that may delete lets the log before go, beside a writer.
for i in 1 2 3 4 5; do
    printf '{"portfolio_equity": "%d"}\n' "$i"
done >lines
run 0 --config owned.toml record <lines
run 0 --config owned.toml prune
out_has 'nothing to prune'
cat >>owned.toml <<END
history_size = "1"
END
run 0 --config owned.toml prune --dry-run
out_has 'commits would go'
run 0 --config owned.toml prune
out_has 'commits went'
out_has 'states are kept from commit '
run 0 --config owned.toml verify --deep
run 0 --config owned.toml history
run 44 --config owned.toml check --min-history 1d
out_has 'HISTORY_SHORT: states are kept from '
run 13 --config owned.toml state show --at 1
err_has 'is not kept any more'

# A schema of an earlier version is brought to this one, by init or by what it prints.
for way in init print; do
    "$psql" -q -X -v ON_ERROR_STOP=1 "$TJ_POSTGRES_URL" <<END
set search_path to "Owned by $$";
drop table base, base_rows, metrics;
alter table journal drop column pruned;
delete from log where seq < (select max(seq) from log);
update format set version = 1;
END
    run 25 --config owned.toml book list
    err_has 'run tesser-journal init'
    if [ $way = init ]; then
        run 0 --config owned.toml init
        out_has 'to format version 2'
    else
        sed -n '/^\/\* A schema of format version 1/,/^\*\/$/p' schema.sql | sed '1d;$d' >migrate.sql
        "$psql" -q -X -v ON_ERROR_STOP=1 "$TJ_POSTGRES_URL" -f migrate.sql || fail "the server refuses migrate.sql"
    fi
    run 0 --config owned.toml book list
done
