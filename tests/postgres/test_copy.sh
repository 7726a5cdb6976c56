#!/usr/bin/env bash
# SPDX-License-Identifier: MIT OR Apache-2.0
# A journal copied to a server and back: the same history, the same state, and only what is missing is
# copied again. And one that is followed while it is written.
source "$(dirname "$0")/../cli/lib.sh"
source "$(dirname "$script")/history.sh"

config() { # FILE NAME
    cat >"$1" <<END
[journal]
type = "postgres"
url = "$TJ_POSTGRES_URL"
schema = "copy_$$"
name = "$2"
END
}
config server.toml one

run 0 -j original init
run 0 -j original import "$TJ_TESTDATA_COPY/tesser/0.9.3/typical/state.db"
for i in 1 2 3; do
    printf '{"portfolio_equity": "%d.50"}\n' "$i"
done >lines
run 0 -j original record <lines

run 0 copy original server.toml
out_has 'with the digest '
digest=$(grep -o '[0-9a-f]\{16\} as in the source' "$out")
run 0 copy server.toml back
out_has "$digest"
history -j original >history.original
history --config server.toml >history.server
history -j back >history.back
[ -s history.original ] || fail "there is no history"
cmp history.original history.server || fail "the history on the server is another"
cmp history.original history.back || fail "the history that came back is another"
run 0 -j original state export
cp "$out" state.original
run 0 -j back state export
cmp state.original "$out" || fail "the state that came back is another"
run 0 --config server.toml verify --deep
run 0 -j back verify --deep

run 26 copy server.toml server.toml
err_has "is the source and the target: a copy goes into another journal"

# Only what is missing.
run 0 -j original record <lines
run 0 copy original server.toml
run 0 -j original state export
cp "$out" state.original
run 0 --config server.toml state export
cmp state.original "$out" || fail "the newer commits are not in the copy"

# Something else.
run 0 -j other init
run 0 -j other record <lines
run 22 copy other server.toml
err_has 'of the target is not one of the source'
run 0 -j back record <lines
run 22 copy original back

# Behind a writer.
config followed.toml two
mkfifo ask
"$TESSER_JOURNAL" -j original record <ask >answers &
writer=$!
exec 7>ask
"$TESSER_JOURNAL" follow original followed.toml >followed 2>&1 7>&- &
follower=$!
for i in $(seq 20); do
    printf '{"portfolio_equity": "%d.25"}\n' "$i" >&7
done
exec 7>&-
wait $writer
newest=$("$TESSER_JOURNAL" -j original status --json | grep -o '"sequence":[0-9]*')
for _ in $(seq 400); do
    told=$("$TESSER_JOURNAL" --config followed.toml status --json 2>/dev/null | grep -o '"sequence":[0-9]*') || true
    [ "$told" != "$newest" ] || break
    sleep 0.05
done
[ "$told" = "$newest" ] || fail "the copy is at $told, and the journal at $newest"
kill -TERM $follower
wait $follower || fail "the follower failed: $(cat followed)"
grep -q 'followed up to commit' followed || fail "it says: $(cat followed)"
run 0 copy original followed.toml
