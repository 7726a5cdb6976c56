# SPDX-License-Identifier: MIT OR Apache-2.0
# Reading commands write nothing but reader slots: beside a writer, after a kill, without rights.
source "$(dirname "$0")/lib.sh"
algo=11111111-2222-4333-8444-555555555555

run 0 -j j init
run 0 -j j algo save $algo --plugin TWAP <<<'{}'
run 0 -j j record <<<'{"portfolio_equity":"1.50"}'

read_all() {
    local command
    for command in "status" "status --json" "book list" "state show" "state export" "algo list" \
        "algo show $algo" "ledger list"; do
        run 0 -j "$1" $command
    done
}
digest j >before
read_all j
digest j | cmp -s - before || fail "a reading command changed the journal"

# Beside a running writer, which a second one does not get past.
mkfifo pipe
"$TESSER_JOURNAL" -j j record <pipe >answers 2>"$work/.writer" &
writer=$!
exec 7>pipe
answered() { # waits for so many answers
    local i
    for i in $(seq 200); do
        [ "$(wc -l <answers)" -ge "$1" ] && return
        sleep 0.05
    done
    fail "no answer $1"
}
echo '{"portfolio_equity":"2.50"}' >&7
answered 1
run 0 -j j state export
json "$out" 'd["portfolio_equity"] == "2.50"'
run 0 -j j status --json
json "$out" 'd["writer"]["alive"] is True and d["writer"]["pid"] == "'$writer'"'
run 0 -j j status
out_has "pid $writer"
run 15 -j j record <<<'{"portfolio_equity":"3"}'
err_has "$writer"
run 15 -j j state import /dev/stdin <<<'{}'
run 15 -j j algo delete $algo
run 15 -j j init --book b
read_all j

# After a kill: what was acknowledged is shown, without recovering anything on the disk.
echo '{"portfolio_equity":"4.50"}' >&7
answered 2
kill -KILL $writer
wait $writer 2>/dev/null || true
exec 7>&-
digest j >before
run 0 -j j state export
json "$out" 'd["portfolio_equity"] == "4.50"'
run 0 -j j status --json
json "$out" 'd["writer"]["alive"] is False'
read_all j
digest j | cmp -s - before || fail "a reading command changed the journal after a kill"
run 0 -j j record <<<'{"portfolio_equity":"5.50"}'
run 0 -j j state export
json "$out" 'd["portfolio_equity"] == "5.50"'
