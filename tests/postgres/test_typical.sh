#!/usr/bin/env bash
# SPDX-License-Identifier: MIT OR Apache-2.0
# All of Tesser's own data that there is, each in a book of its own: imported into a directory and into a
# server it comes to the same rows, and copied from one to the other and back it has the same history.
source "$(dirname "$0")/../cli/lib.sh"
source "$(dirname "$script")/history.sh"
data=${TJ_TESTDATA:-}
[ -d "$data" ] || data=${TJ_TESTDATA_COPY:+$TJ_TESTDATA_COPY/tesser}
[ -d "$data" ] || skip "no Tesser data: TJ_TESTDATA names no directory"

for name in direct copied; do
    cat >$name.toml <<END
[journal]
type = "postgres"
url = "$TJ_POSTGRES_URL"
schema = "typical_$$"
name = "$name"
END
done
cp -a "$data" sources
chmod -R u+w sources

imported=0
import() { # BOOK SOURCE...: what cannot be decoded goes into quarantine, code 3
    local book=$1
    shift
    for to in "-j original" "--config direct.toml"; do
        run 0 $to init --book "$book"
        "$TESSER_JOURNAL" $to -b "$book" import "$@" >"$out" 2>"$err" || [ $? -eq 3 ] || fail "importing $* to $to"
    done
    imported=$((imported + $#))
}
for folder in sources/*/*/; do
    [ -e "$folder/state.db" ] || continue
    book=$(basename "$(dirname "$folder")")-$(basename "$folder")
    import "$book" "$folder/state.db" "$folder/algos.db" "$folder/ledger.db"
    import "$book-lmdb" "$folder/journal.lmdb"
done
import damaged sources/damaged/algos-one-legacy-one-broken.db
import wal sources/live-wal/state.db
for snapshot in sources/snapshots/*.json; do
    case $snapshot in *two-venues-as-written.json) continue ;; esac
    import "$(basename "$snapshot" .json)" "$snapshot"
done
[ $imported -ge 29 ] || fail "only $imported sources in $data"

digest() { # of all rows, which the log replayed comes to
    run 0 "$@" verify --deep --json
    json "$out" 'd["verdict"] == "sound" and d["compared"]'
    python3 -c 'import json, sys; print(json.load(open(sys.argv[1]))["digest"])' "$out"
}
digest -j original >digest.original
own="time time_ns" history -j original >made.original
own="time time_ns" history --config direct.toml >made.direct
digest --config direct.toml | cmp - digest.original || fail "imported into the server it is something else"
cmp made.original made.direct || fail "imported into the server it has another history"

run 0 copy original copied.toml
run 0 copy copied.toml back
history -j original >history.original
for side in "--config copied.toml" "-j back"; do
    digest $side | cmp - digest.original || fail "$side has other rows"
    history $side | cmp - history.original || fail "$side has another history"
done
[ "$(wc -l <history.original)" -ge 20 ] || fail "there is no history"
echo "$imported sources in $(wc -l <history.original) commits: the same in a directory, on a server, and back"
