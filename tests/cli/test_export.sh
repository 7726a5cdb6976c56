# SPDX-License-Identifier: MIT OR Apache-2.0
# An export is Tesser's own stores: the same schemas and payloads, as another program reads them.
source "$(dirname "$0")/lib.sh"
data=${TJ_TESTDATA:-}
[ -d "$data" ] || data=${TJ_TESTDATA_COPY:+$TJ_TESTDATA_COPY/tesser}
[ -d "$data" ] || skip "no Tesser data: TJ_TESTDATA names no directory"

cat >compare.py <<'PY'
"""compare.py TESSERS OURS: schemas, settings and rows of both stores are the same."""
import json, sqlite3, sys
def open_as_it_is(path):
    return sqlite3.connect(f"file:{path}?immutable=1", uri=True)
def text(value):
    try:
        return json.dumps(json.loads(value, parse_int=lambda n: "n:" + n,
                                     parse_float=lambda n: "n:" + n), sort_keys=True)
    except (TypeError, ValueError):
        return value
def shape(path):
    db = open_as_it_is(path)
    schema = sorted(db.execute("select type, name, tbl_name, sql from sqlite_schema"))
    settings = [db.execute(f"pragma {name}").fetchone()[0]
                for name in ("page_size", "encoding", "user_version", "auto_vacuum", "integrity_check")]
    with open(path, "rb") as file:
        mode = file.read(20)[18:]
    return schema, settings, mode
def rows(path, table, columns, order):
    return [tuple(map(text, row))
            for row in open_as_it_is(path).execute(f"select {columns} from {table} order by {order}")]
tessers, ours = sys.argv[1:]
# Tesser's live runtime has state and ledger in one file; Tesser's data here has them in two.
two = [shape(f"{tessers}/{file}") for file in ("state.db", "ledger.db")]
both = shape(f"{ours}/state.db")
assert both == (sorted(two[0][0] + two[1][0]), two[0][1], two[0][2]), (two, both)
assert shape(f"{tessers}/algos.db") == shape(f"{ours}/state.algos.db")
for file, own, table, columns, order in (
        ("state.db", "state.db", "state", "id, payload", "id"),
        ("algos.db", "state.algos.db", "algo_states", "id, payload", "id"),
        ("ledger.db", "state.db", "ledger_entries", "*", "sequence")):
    a, b = f"{tessers}/{file}", f"{ours}/{own}"
    left, right = rows(a, table, columns, order), rows(b, table, columns, order)
    assert left and left == right, (file, next(p for p in zip(left, right) if p[0] != p[1]))
db = open_as_it_is(f"{ours}/state.db")
assert len(db.execute("select updated_at from state").fetchone()[0]) == len("2026-01-01 00:00:00")
PY

for folder in "$data"/0.9.*/*/; do
    name=$(basename "$(dirname "$folder")")-$(basename "$folder")
    run 0 import "$folder"/{state,algos,ledger}.db --into j --book "$name"
    run 0 -j j -b "$name" export --format tesser "out-$name"
    out_has "exported book $name to out-$name"
    [ "$(ls "out-$name" | tr '\n' ' ')" = "snapshot.json state.algos.db state.db " ] ||
        fail "out-$name holds $(ls "out-$name")"
    python3 compare.py "$folder" "out-$name" || fail "the stores of $name differ from Tesser's"
    same_json "$folder/snapshot.json" "out-$name/snapshot.json"
    # Back again, all four together: they must say the same.
    run 0 import "out-$name"/{state,state.algos}.db "out-$name/snapshot.json" --into j --book "$name again"
    run 0 -j j -b "$name again" state export --output again.json
    same_json "$folder/snapshot.json" again.json
    for list in algo ledger; do
        run 0 -j j -b "$name" $list list --json
        cp "$out" first.txt
        run 0 -j j -b "$name again" $list list --json
        sed "s/$name again/$name/" "$out" | cmp -s first.txt - ||
            fail "what $list list tells of $name differs after an export and its import"
    done
done

# What Tesser cannot hold is told first; where it would lose a value, it needs --force.
echo '{"book":"default","last_prices":{"a:X":"1","b:X":"2"}}' >line
run 0 -j k init
run 0 -j k record <line
run 22 -j k export out
out_has "last_prices of X: exchanges a, b have this code"
out_has "not exported: book default for out: 0 open orders"
err_has "Tesser would lose or refuse 1 thing, of which the report tells; nothing was written."
[ ! -e out ] || fail "the refused export wrote something"
run 0 -j k export out --dry-run --json
json "$out" 'd["need_force"] == "1" and d["qualified_codes"] == "2" and d["dry_run"]'
[ ! -e out ] || fail "the dry run wrote something"
run 0 -j k export out --force
run 14 -j k export out --force
err_has "out is there already"
# The venues are in it all the same, for whoever reads it once.
run 0 import out/state.db --into l
run 0 -j l state export
out_has '"last_prices":{"a:X":"1","b:X":"2"}'
run 2 -j k export out2 --format csv
err_has '--format is "csv"; expected tesser'
[ -z "$(find . -name '*.new-*')" ] || fail "a directory was left over"
