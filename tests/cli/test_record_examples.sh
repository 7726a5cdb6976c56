# SPDX-License-Identifier: MIT OR Apache-2.0
# The examples of programs that record through a socket, run as they stand.
source "$(dirname "$0")/lib.sh"
examples=$(realpath "$(dirname "$script")/../../examples/socket")

run 0 -j j init
"$TESSER_JOURNAL" -j j record --socket s >said 2>"$err" &
recorder=$!
until grep -q recording said; do
    kill -0 $recorder || fail "it does not listen"
    sleep 0.02
done

not_run=
try() { # try NAME COMMAND...
    local name=$1
    shift
    if ! command -v "$1" >/dev/null; then
        not_run="$not_run $name ($1 is not installed)"
        return
    fi
    "$@" s >"$out" 2>&1 || fail "$name"
    grep -Eq "^$name: commit [0-9]+, then 100 up to [0-9]+\$" "$out" || fail "$name"
    grep -Eq "^$name: refused: .*last_price" "$out" || fail "$name: what was refused"
    cat "$out"
    ! "$@" >"$out" 2>&1 || fail "$name without a socket"
    grep -qi socket "$out" || fail "$name does not say that it needs a socket"
}
try python python3 "$examples/client.py"
try node node "$examples/client.mjs"
export GO111MODULE=off
try go go run "$examples/client.go"
kill -TERM $recorder
wait $recorder || fail "exit code $?"
run 0 -j j status --json
if [ -n "$not_run" ]; then
    skip "these examples:$not_run"
fi
