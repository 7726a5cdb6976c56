#!/usr/bin/env bash
# SPDX-License-Identifier: MIT OR Apache-2.0
# What is told of a server with a standby: to a role that is shown how it does and to one that is not, by
# the standby itself, when the standby is gone, and when the server is.
source "$(dirname "$0")/../cli/lib.sh"
psql=$(ls -d /usr/lib/postgresql/*/bin/psql | sort -V | tail -1)
sql() {
    (cd / && "$psql" -q -X -v ON_ERROR_STOP=1 "$TJ_POSTGRES_URL" "$@") || fail "the server refuses: $*"
}
server() {
    bash "$TJ_POSTGRES_SERVER" "$@"
}
config() { # FILE ROLE [PORT]
    cat >"$1" <<END
[journal]
type = "postgres"
url = "host=$TJ_POSTGRES_DIRECTORY port=${3:-5432} user=$2 dbname=postgres"
END
}
until_told() { # EXPRESSION COMMAND...: repeats it until the JSON that it prints is so
    local wanted=$1
    shift
    for _ in $(seq 200); do
        "$TESSER_JOURNAL" "$@" >"$out" 2>"$err" || true
        python3 -c 'import json, sys
sys.exit(not eval(sys.argv[2], {"d": json.load(open(sys.argv[1]))}))' "$out" "$wanted" 2>"$err" && return
        sleep 0.1
    done
    fail "waited in vain for: $wanted"
}

config owner.toml postgres
config reader.toml reader
config standby.toml reader 5433
run 0 --config owner.toml init
printf '{"portfolio_equity": "1"}\n' >line
run 0 --config owner.toml record <line
sql -c 'create role reader login' -c 'grant usage on schema tesser to reader' \
    -c 'grant select on all tables in schema tesser to reader'

run 0 --config reader.toml status
out_has 'Standby              none: what is acknowledged is on one machine'
run 0 --config reader.toml check
config strict.toml reader
echo 'durability = "replicated"' >>strict.toml
run 45 --config strict.toml check
out_has 'durability is "replicated", and synchronous_standby_names is empty'

# One that commits do not wait for, and one that they do.
server standby "$TJ_POSTGRES_DIRECTORY"
until_told 'd["standbys"] and d["standbys"][0]["state"] == "streaming"' --config owner.toml status --json
json "$out" '[(s["name"], s["sync"], s["address"]) for s in d["standbys"]] == [("walreceiver", "async", None)]'
json "$out" 'd["away_since"] is None and not d["server_is_standby"] and d["synchronous_standby_names"] == ""'
sql -c "alter system set synchronous_standby_names = 'walreceiver'" -c 'select pg_reload_conf()' >/dev/null
until_told 'd["standbys"][0]["sync"] == "sync"' --config owner.toml status --json
printf '{"portfolio_equity": "2"}\n' >line
run 0 --config owner.toml record <line
until_told 'd["standbys"][0]["behind_bytes"] == 0' --config owner.toml status --json
run 0 --config owner.toml status
out_has 'Standby              walreceiver, sync, streaming, 0 B behind'
grep -q 'Last sign of it' "$out" && fail "of a writer that closed it"
run 0 --config owner.toml metrics
grep -q '^tesser_journal_standbys{.*} 1$' "$out" || fail "the standby is not counted"
grep -q '^tesser_journal_standbys_synchronous{.*} 1$' "$out" || fail "it is not one that commits wait for"
grep -q '^tesser_journal_unreplicated_bytes{.*} 0$' "$out" || fail "it is behind"
grep -q '^tesser_journal_standby_missing{.*} 0$' "$out" || fail "the standby is missing"
grep -q '^tesser_journal_unreplicated_commits{.*} 0$' "$out" || fail "commits that no standby has"
grep -q '^tesser_journal_writer_seen_timestamp_seconds{.*} 1' "$out" || fail "no sign of the writer"

# A role that is not shown how it does.
run 0 --config reader.toml status
out_has 'Standby              walreceiver; how it does is not shown to this role: grant pg_read_all_stats to it'
run 0 --config reader.toml status --json
json "$out" 'd["standbys"][0]["state"] is None and d["standbys"][0]["behind_bytes"] is None'
run 0 --config reader.toml metrics
grep -q '^tesser_journal_standbys_synchronous' "$out" && fail "what is not shown is counted"
sql -c 'revoke select on pg_stat_replication from public'
run 0 --config reader.toml status
out_has 'Standby              not shown to this role'
run 0 --config reader.toml status --json
json "$out" 'd["synchronous_standby_names"] == "walreceiver" and d["standbys"] == []'
run 0 --config strict.toml check
run 5 --config reader.toml doctor
out_has "warning  standby: synchronous_standby_names is 'walreceiver', and no standby takes commits, or this role is not shown it"
out_has 'ok       permissions: the role may read only'
sql -c 'grant select on pg_stat_replication to public' -c 'grant pg_read_all_stats to reader'
run 0 --config reader.toml status
out_has 'Standby              walreceiver, sync, streaming, '

# The standby itself tells what it has.
until_told 'd["sequence"] == 2' --config standby.toml status --json
json "$out" 'd["server_is_standby"] is True'
run 0 --config standby.toml status
out_has ', a standby: it takes no commits, and may be behind'

# A writer that is killed leaves its last sign.
mkfifo ask
"$TESSER_JOURNAL" --config owner.toml record <ask >answers &
writer=$!
exec 7>ask
echo '{"portfolio_equity": "3"}' >&7
until_told 'd["writer"]["alive"]' --config reader.toml status --json
json "$out" "d['writer']['pid'] == '$writer' and d['writer_seen'] is not None"
run 0 --config reader.toml status
out_has 'Last sign of it      0 h 0 min '
kill -9 $writer
wait $writer 2>/dev/null || true
exec 7>&-

# Without the standby commits wait: check says so. And without the server nothing can be told.
server end "$TJ_POSTGRES_DIRECTORY"
until_told 'd["standbys"] == []' --config reader.toml status --json
run 0 --config reader.toml metrics
grep -q '^tesser_journal_standby_missing{.*} 1$' "$out" || fail "the standby is not missing"
run 45 --config reader.toml check
out_has 'no standby takes commits that synchronous_standby_names asks for, and they wait'
run 0 --config reader.toml status
out_has "none that commits wait for, and synchronous_standby_names is 'walreceiver'"
run 5 --config reader.toml doctor
server halt "$TJ_POSTGRES_DIRECTORY"
for command in status check metrics; do
    run 24 --config reader.toml $command
    err_has "$TJ_POSTGRES_DIRECTORY/.s.PGSQL.5432"
    err_has 'Try again later.'
done
out_has 'tesser_journal_up{journal="default in schema tesser on PostgreSQL"} 0'
