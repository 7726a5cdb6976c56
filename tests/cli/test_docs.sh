# SPDX-License-Identifier: MIT OR Apache-2.0
# The commands in docs/HISTORY.md and docs/SERVE.md do as they stand there. Those of docs/TESSER.md, docs/RECOVERY.md
# and the README have tests of their own.
source "$(dirname "$0")/lib.sh"
docs=$(dirname "$script")/../../docs
mkdir bin
ln -s "$(realpath "$TESSER_JOURNAL")" bin/tesser-journal
PATH=$PWD/bin:$PATH

# 4720 commits, as the pages have numbers; the last ones with an order and what it does to the equity.
run 0 -j journal init
python3 -c 'import json
for i in range(4720):
    line = {"last_prices": {"binance_perp:BTCUSDT": str(64000 + i)}}
    if i % 10 == 9:
        line["portfolio_equity"] = str(200000 + i % 70)
    print(json.dumps(line))' | "$TESSER_JOURNAL" -j journal record >"$out"
now=$(date -u +%Y-%m-%dT%H:%M:%S.%NZ)

# typed PAGE: its indented commands, one a line
typed() { grep -E '^    (tesser-journal|curl|export) ' "$docs/$1"; }

typed HISTORY.md | sed "s/2026-03-01T09:30:00Z/$now/" >commands
[ "$(wc -l <commands)" -ge 10 ] || fail "only $(wc -l <commands) commands in HISTORY.md"
while read -r command; do
    code=0
    case $command in
    export*) eval "$command" && continue ;;
    *--follow*) command="timeout -s INT 0.5 $command" ;;
    esac
    bash -c "$command" >"$out" 2>"$err" </dev/null || code=$?
    [ $code = 0 ] || [[ $code = 124 && $command = *--follow* ]] || fail "exit code $code: $command"
done <commands
[ -s equity.svg ] || fail "no equity.svg"
run 0 state show
out_has "Commit               4721"
unset TESSER_JOURNAL_PATH

command -v curl >/dev/null || skip "the commands of SERVE.md (curl is not installed)"
grep -qx '    tesser-journal serve --journal ./journal' "$docs/SERVE.md" || fail "SERVE.md does not start the page"
"$TESSER_JOURNAL" serve -j ./journal --listen 127.0.0.1:0 >served 2>"$err" &
page=$!
until grep -q http served; do kill -0 $page || fail "serve ends"; sleep 0.05; done
address=$(grep -o 'http://[0-9.:]*' served)
typed SERVE.md | grep curl | sed "s|http://127.0.0.1:7788|$address|" >commands
while read -r command; do
    bash -c "$command" >"$out" 2>"$err" || fail "exit code $?: $command"
    python3 -m json.tool "$out" >/dev/null || fail "no JSON: $command"
    ! grep -q '"error"' "$out" || fail "an error: $command"
done <commands
kill -TERM $page
wait $page || fail "serve: exit code $?"
