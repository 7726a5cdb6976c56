# SPDX-License-Identifier: MIT OR Apache-2.0
# Every command in docs/TESSER.md works as the page says, one after another.
source "$(dirname "$0")/lib.sh"
data=${TJ_TESTDATA:-}
[ -d "$data" ] || data=${TJ_TESTDATA_COPY:+$TJ_TESTDATA_COPY/tesser}
[ -d "$data" ] || skip "no Tesser data: TJ_TESTDATA names no directory"
page=$(dirname "$script")/../../docs/TESSER.md

cp -r "$data/0.9.3/typical" tesser
mv tesser/algos.db tesser/state.algos.db
cp "$data/snapshots/two-venues-as-written.json" tesser/two-venues.json
cp "$data/damaged/algos-one-legacy-one-broken.db" tesser/algos-damaged.db
find tesser -type f -print0 | sort -z | xargs -0 sha256sum >before

mkdir bin config
printf '[live]\nstate_path = "./journal"\n[live.persistence]\nengine = "lmdb"\n' >config/default.toml
ln -s "$(realpath "$TESSER_JOURNAL")" bin/tesser-journal
PATH=$PWD/bin:$PATH

# The commands of all blocks, with continued lines joined.
awk '/^```sh$/ { inside = 1; next } /^```$/ { inside = 0 } inside' "$page" |
    sed -e ':again' -e '/\\$/{N;s/\\\n//;bagain' -e '}' >commands
count=0
while IFS= read -r command; do
    expected=0
    case $command in *'# exits with '*) expected=${command##*# exits with } ;; esac
    code=0
    bash -c "$command" >"$out" 2>"$err" </dev/null || code=$?
    [ "$code" -eq "$expected" ] || fail "exit code $code, expected $expected: $command"
    count=$((count + 1))
done <commands
[ $count -ge 20 ] || fail "only $count commands in $page"
find tesser -type f -print0 | sort -z | xargs -0 sha256sum | cmp -s - before || fail "a source has changed"

# What came of them: the same state by every way.
for journal in journal from-lmdb from-lmdb-alone again; do
    run 0 -j $journal state export --output state.json
    same_json tesser/snapshot.json state.json
done
[ -s strategy.bin ] || fail "no bytes from quarantine"
json report.json 'd["algorithms"] == "5" and len(d["quarantined"]) == 1'
run 0 -j with-exchange -b two-venues state export
out_has '"bybit_linear:COIN0001USDT"'
out_has '"binance_perp:COIN0002USDT"'
