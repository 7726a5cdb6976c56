# SPDX-License-Identifier: MIT OR Apache-2.0
# record with lines that wait: they share flushes, the answers stay in order, and each is true whenever the
# program is killed. TJ_LONG=1 kills 200 times.
source "$(dirname "$0")/lib.sh"

lines() { # lines COUNT
    python3 -c 'import sys
for i in range(1, int(sys.argv[1]) + 1):
    print("{\"last_prices\":{\"a:X\":\"%d\"}}" % i)' "$1"
}
price() {
    run 0 -j j state export
    python3 -c 'import json, sys; print(json.load(open(sys.argv[1]))["last_prices"].get("a:X", "0"))' "$out"
}
in_order() { # in_order FILE FIRST: as many answers as there are, one sequence after the other
    awk -v expected="$2" '$0 != "{\"seq\":" expected "}" { print "line " NR ": " $0; exit 1 } { expected++ }' "$1"
}

run 0 -j j init
lines 200 >waiting
if command -v strace >/dev/null && strace -f --seccomp-bpf -e trace=fsync -o /dev/null true 2>/dev/null; then
    ASAN_OPTIONS=detect_leaks=0 strace -f --seccomp-bpf -e trace=fdatasync,fsync -o calls "$TESSER_JOURNAL" -j j record <waiting >answers
    flushes=$(grep -cE '(fdatasync|fsync)\(' calls)
    [ "$flushes" -le 60 ] || fail "200 lines that were there already took $flushes flushes"
    echo "200 lines: $flushes flushes, with opening and closing"
else
    echo "not counted: flushes (no strace)"
    "$TESSER_JOURNAL" -j j record <waiting >answers
fi
[ "$(wc -l <answers)" -eq 200 ] || fail "answers"
in_order answers 1 || fail "order"
[ "$(price)" = 200 ] || fail "the last line"

# Failures stand where their lines stood.
lines 300 | sed -e '7s/.*/nonsense/' -e '150s/.*//' -e '290s/.*/{"book":"nowhere","portfolio_equity":"1"}/' >mixed
run 26 -j j record --keep-going <mixed
python3 - "$out" <<'PY' || fail "the place of failures"
import json, sys
answers = [json.loads(line) for line in open(sys.argv[1])]
assert len(answers) == 299
assert [i for i, a in enumerate(answers, 1) if "error" in a] == [7, 289], answers
assert [a["line"] for a in answers if "error" in a] == [7, 290]
assert [a["seq"] for a in answers if "seq" in a] == list(range(201, 498))
PY
run 26 -j j record <mixed
[ "$(wc -l <"$out")" -eq 7 ] || fail "the first failure ends it"
in_order <(head -6 "$out") 498 || fail "order before a failure"

# One line alone is answered while more may come.
mkfifo ask tell
"$TESSER_JOURNAL" -j j record <ask >tell &
recorder=$!
exec 7>ask 8<tell
for i in 504 505 506; do
    echo '{"last_prices":{"a:X":"'$i'"}}' >&7
    read -r -t 20 answer <&8 || fail "no answer to a line alone"
    [ "$answer" = "{\"seq\":$i}" ] || fail "answered: $answer"
done
printf '%s\n' '{"last_prices":{"a:X":"2"}}' '{"last_prices":{"a:X":"3"}}' >&7
printf '{"last_prices":' >&7 # an unfinished line holds no answer up
for i in 507 508; do
    read -r -t 20 answer <&8 || fail "no answer beside an unfinished line"
    [ "$answer" = "{\"seq\":$i}" ] || fail "answered: $answer"
done
exec 7>&-
wait $recorder && fail "the unfinished line was taken"
exec 8<&-

# Killed at any moment: what was answered is there, in order, and nothing is between.
rounds=$([ -n "${TJ_LONG:-}" ] && echo 200 || echo 8)
lines 20000 >stream
for round in $(seq "$rounds"); do
    rm -rf j
    run 0 -j j init
    "$TESSER_JOURNAL" -j j record <stream >answers 2>"$err" &
    recorder=$!
    sleep "0.0$((RANDOM % 90 + 10))"
    kill -KILL $recorder 2>/dev/null || true
    { wait $recorder || true; } 2>/dev/null
    answered=$(grep -c '}$' answers || true)
    in_order <(head -"$answered" answers) 1 || fail "round $round: order"
    [ "$(price)" -ge "$answered" ] || fail "round $round: $answered answered, $(price) stored"
    [ "$(price)" -le 20000 ] || fail "round $round"
done
echo "$rounds kills, the last after $answered answers"
