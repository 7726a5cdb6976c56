# SPDX-License-Identifier: MIT OR Apache-2.0
# equity: as a plot, as numbers, as pictures.
source "$(dirname "$0")/lib.sh"

run 0 -j j init
run 0 -j j equity
out_is "book default has no portfolio_equity in these commits"
run 0 -j j equity --csv
out_is "time,sequence,equity,peak,drawdown"
for equity in 1000 1100.50 990.45 1050 1200; do
    echo '{"portfolio_equity":"'$equity'"}' | run 0 -j j record
done

run 0 -j j equity --csv
[ "$(cut -d, -f2- "$out")" = "sequence,equity,peak,drawdown
1,1000,1000,0
2,1100.50,1100.50,0
3,990.45,1100.50,0.100000
4,1050,1100.50,0.045888
5,1200,1200,0" ] || fail "other numbers"
run 0 -j j equity --json
json "$out" 'd["book"] == "default" and d["drawdown_max"] == "0.100000"'
json "$out" '[p["equity"] for p in d["points"]] == ["1000", "1100.50", "990.45", "1050", "1200"]'
run 0 -j j equity --json --from 3 --to 4
json "$out" '[(p["sequence"], p["peak"]) for p in d["points"]] == [("3", "1100.50"), ("4", "1100.50")]'
time=$("$TESSER_JOURNAL" -j j equity --csv | sed -n 4p | cut -d, -f1)
run 0 -j j equity --csv --to "$time"
[ "$(wc -l <"$out")" -eq 4 ] || fail "three points"

run 0 -j j equity
out_has "Equity (*) and its peak (.)"
out_has "        1200 |"
out_has "     -10.00% |"
out_has "book default: 5 points, equity 1200, peak 1200, deepest drawdown 0.100000"

# Thinned, and it says so: without bases the last moment alone.
run 0 -j j equity --thinned
out_has "book default: 1 point, equity 1200, peak 1200, deepest drawdown 0"
out_has "thinned: a peak or a drawdown between two points is not seen (--exact reads every commit)"
run 0 -j j equity --thinned --json
json "$out" 'd["thinned"] is True and len(d["points"]) == 1'
run 0 -j j equity --exact --json
json "$out" 'd["thinned"] is False and len(d["points"]) == 5'
run 2 -j j equity --exact --thinned
err_has "--exact and --thinned do not go together"

# Files, as their names end.
run 0 -j j equity --output curve.csv
out_is ""
"$TESSER_JOURNAL" -j j equity --csv | cmp - curve.csv
run 0 -j j equity -o curve.JSON
json curve.JSON 'len(d["points"]) == 5'
code=0
"$TESSER_JOURNAL" -j j equity -o curve.svg >"$out" 2>"$err" || code=$?
if [ $code -eq 25 ]; then
    err_has "this program was built without libcairo and draws no pictures"
    echo "no pictures here: the program was built without libcairo"
else
    [ $code -eq 0 ] || fail "no picture"
    python3 -c 'import sys, xml.dom.minidom as x; sys.exit(x.parse("curve.svg").documentElement.tagName != "svg")'
    run 0 -j j equity -o curve.png
    [ "$(head -c 8 curve.png | od -An -tx1 | tr -d ' \n')" = 89504e470d0a1a0a ] || fail "no PNG"
    mkdir broken && echo no library >broken/libcairo.so.2
    LD_LIBRARY_PATH=$PWD/broken run 25 -j j equity -o curve.svg
    err_has "pictures are drawn by libcairo, which cannot be loaded"
    LD_LIBRARY_PATH=$PWD/broken run 0 -j j equity # nothing else needs it
    run 13 -j j equity --to 1 -b nowhere -o none.svg
    [ ! -e none.svg ] || fail "a picture of nothing"
fi

run 2 -j j equity --output curve.pdf
err_has '--output is "curve.pdf"; its name must end with .csv, .json, .svg or .png'
run 2 -j j equity --output curve
run 2 -j j equity --csv --output curve.svg
run 2 -j j equity --from 4 --to 3
err_has "--from is after --to"
run 2 -j j equity --csv --json
err_has "--csv and --json do not go together"
run 2 -j j equity --from never
run 13 -j j equity --to 99
err_has "commit 99 is after the newest: history is kept from commit 1 ("
run 0 -j j equity --csv
cp "$out" plain
run 0 -j j equity --csv --output -
[ ! -e ./- ] || fail "a file named -"
cmp -s "$out" plain || fail "--output - is not standard output"
