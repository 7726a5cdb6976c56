# SPDX-License-Identifier: MIT OR Apache-2.0
# init, book list, status; where the journal's path comes from.
source "$(dirname "$0")/lib.sh"

run 13 -j j status
err_is "tesser-journal: there is no journal at $PWD/j: \`tesser-journal init -j $PWD/j\` creates one
Correct the call or its input."
[ ! -e j ] || fail "a reading command created something"

run 0 -j j init
out_is "created journal $PWD/j"
run 14 -j j init
err_is "tesser-journal: a journal is already at $PWD/j; give --book NAME to create a further book in it
$(tail -n 1 "$err")"
run 0 -j j book list
out_is "no books yet: nothing was ever saved in j"
run 0 -j j book list --json
json "$out" 'd == []'

run 0 -j j init --book alpha
out_is "created book alpha in $PWD/j"
run 14 -j j init --book alpha
err_has "alpha"
run 0 init --journal j -b beta --json
json "$out" 'd["book"] == "beta" and d["book_created"] and not d["journal_created"]'
run 0 -j j book list
out_is "  book   positions  open orders  algos  ledger  rows
  alpha          0            0      0       0     0
  beta           0            0      0       0     0"

# A new journal with its first book in one go.
run 0 -j k init --book gamma
out_is "created journal $PWD/k
created book gamma in $PWD/k"

# A book name that cannot be one.
run 26 -j j init --book $'a\tb'
run 21 -j j init --book "$(printf 'x%.0s' {1..129})"
run 2 -j j init --book ''

# A misspelt book never trades from empty.
for command in "state show" "state export" "algo list" "ledger list"; do
    run 13 -j j -b gama $command
    err_has "gama"
done
run 13 -j j -b gama record <<<'{"portfolio_equity":"1"}'
run 0 -j j book list --json
json "$out" '[b["name"] for b in d] == ["alpha", "beta"]'

# status
run 0 -j j -b alpha record <<<'{"portfolio_equity":"1.50","last_prices":{"a:B":"1"}}'
run 0 -j j status
out_has "Path                 $PWD/j"
out_has "Engine               lmdb"
out_has "Durability           sync"
grep -qE '^  Commit +[0-9]+, 20[0-9-]+T[0-9:.]+Z$' "$out" || fail "commit"
grep -qE '^  Writer +none' "$out" || fail "writer"
grep -qE '^  Last recovery +20[0-9-]+T[0-9:.]+Z, cut nothing$' "$out" || fail "recovery"
grep -qE '^  Log +[0-9]+ segments?, [0-9.]+ [KM]?i?B$' "$out" || fail "log"
out_has "Books (2)"
run 0 -j j status --json
json "$out" 'd["path"].endswith("/j") and d["path"][0] == "/" and d["engine"] == "lmdb" and d["durability"] == "sync"'
json "$out" 'd["writer"]["alive"] is False and d["writer"]["pid"] is None'
json "$out" 'int(d["sequence"]) >= 3 and d["applied_sequence"] == d["sequence"]'
json "$out" 'd["lag_bytes"] == "0" and d["recovered_bytes_cut"] == "0"'
json "$out" 'int(d["state_bytes"]) > 0 and int(d["free_bytes"]) > 0 and int(d["reserve_bytes"]) > 0'
json "$out" 'd["recovered_at"].endswith("Z") and d["space_low"] in (True, False)'
json "$out" 'len(d["journal_id"]) == 36 and d["sequence_time"].endswith("Z")'
json "$out" '[b["state_rows"] for b in d["books"]] == ["2", "0"]'

# A new book's name looks like no other one.
for name in 'gama ' ' gama' ' ' $'ga\xe2\x80\x8bma' $'\xe2\x80\xaeamag' $'gama\xc2\xa0'; do
    run 26 -j j init --book "$name"
    err_has "of a new book begins or ends with a blank, or holds a character that is not seen"
done

# The path: option, else environment, else configuration file, else ./tesser.toml.
mkdir sub
cat >sub/tesser.toml <<'TOML'
[journal]
path = "../j"
book = "alpha"
durability = "os"
map_size = "1 GiB"
TOML
run 0 --config sub/tesser.toml record <<<'{"portfolio_equity":"2"}'
run 0 --config sub/tesser.toml status --json
json "$out" 'd["path"].endswith("/sub/../j") and d["durability"] == "os"'
run 0 --config sub/tesser.toml state show
out_has "Book                 alpha"
run 0 --config sub/tesser.toml --book beta state show
out_has "Book                 beta"
run 0 --config sub/tesser.toml --journal k status --json
json "$out" 'd["path"].endswith("/k")'
cd sub
run 0 status --json
json "$out" 'd["path"].endswith("/sub/../j")'
TESSER_JOURNAL_PATH=../k run 0 status --json
json "$out" 'd["path"].endswith("/sub/../k")'
cd ..
TESSER_JOURNAL_PATH=k run 0 status --json
json "$out" 'd["path"].endswith("/k")'
TESSER_JOURNAL_PATH=nowhere run 0 -j k status
TESSER_JOURNAL_TYPE=memory TESSER_JOURNAL_PATH=k run 25 status
err_has 'the configured type is "memory"'
TESSER_JOURNAL_TYPE=redis TESSER_JOURNAL_PATH=k run 26 status
err_has 'TESSER_JOURNAL_TYPE is "redis"; expected "lmdb" or "memory"'

# A bad configuration: file, line and what is expected.
run 13 --config missing.toml status
err_has "missing.toml"
printf '[journal]\npth = "j"\n' >bad.toml
run 26 --config bad.toml status
err_has 'bad.toml:2: unknown key "pth" in [journal]; did you mean "path"?'
run 26 --config bad.toml status --json
json "$err" 'd["status"] == "INVALID" and d["exit_code"] == "26" and d["place"] == "bad.toml:2"'
printf '[live.persistence]\nengine = "sqlite"\npath = "x.db"\n' >sqlite.toml
run 25 --config sqlite.toml status
err_has "sqlite.toml:2: live.persistence.engine is \"sqlite\""
printf '[other]\na = 1\n' >none.toml
run 26 --config none.toml status
err_has "none.toml names no journal"
printf '[journal]\nurl = "postgres://u@h/d"\n' >typeless.toml
run 26 --config typeless.toml status
err_has 'typeless.toml: a server is named, and the type is not "postgres": set [journal] type'
# Settings that do not go together are wrong in the file, and nobody's misuse of the library.
printf '[journal]\npath = "k"\ndurability = "replicated"\n' >replicated.toml
run 26 --config replicated.toml status
err_has 'replicated.toml: durability "replicated" is for a journal on PostgreSQL'
printf '[journal]\npath = "k"\nmap_size = "2 GiB"\nmap_size_max = "1 GiB"\n' >map.toml
run 26 --config map.toml status
err_has 'map.toml: map_size is 2147483648 bytes, more than map_size_max, 1073741824'
printf '[journal]\ntype = "postgres"\nurl = "postgres://u@h/d"\ndurability = "replicated"\n' >server.toml
run 0 --config server.toml --journal k status
mkdir linked
ln -s not-mounted/tesser.toml linked/tesser.toml
(cd linked && TESSER_JOURNAL_PATH=../k run 18 status)
err_has "tesser.toml is a symbolic link that leads nowhere"

# Path rules: a name that ends in .db means the sibling with .lmdb; data.mdb its directory.
run 0 -j state.db init
[ -e state.lmdb/data.mdb ] || fail "state.db did not become state.lmdb"
run 0 -j state.lmdb/data.mdb status
run 14 -j state.db init

# A path that only a shell would have replaced, or with what a file of variables leaves in it, is refused: it
# would make an empty journal in a directory of that very name.
refused_path() { # refused_path PATH REASON
    printf '[journal]\npath = %s\n' "$(python3 -c 'import json, sys; print(json.dumps(sys.argv[1]))' "$1")" >path.toml
    run 26 -c path.toml init
    err_has "path.toml:2: journal.path: the path"
    err_has "$2"
    TESSER_JOURNAL_PATH=$1 run 26 init
    err_has "TESSER_JOURNAL_PATH"
    err_has "$2"
    run 26 "--journal=$1" init
    err_has "$2"
    run 26 "--journal=$1" status
    run 26 -j k -b gamma state export -o "$1"
    err_has "$2"
    run 26 -j k -b gamma export "$1"
    err_has "$2"
}
ls -A >before
for path in '~/j' '~' '~me/j'; do
    refused_path "$path" 'begins with ~, which only a shell replaces'
done
for path in '$HOME/j' '${HOME}/j' '/x/$USER/j' './$(pwd)'; do
    refused_path "$path" 'holds a variable, which only a shell replaces'
done
for path in $'j\r' ' j' 'j ' $'j\n' $'\tj'; do
    refused_path "$path" 'begins or ends with a blank or a carriage return'
done
for path in '"j"' "'j'" 'j"'; do
    refused_path "$path" 'has quotes'
done
refused_path $'a\tb' 'holds a control character'
refused_path 'file:///j' 'is a URL'
rm path.toml
ls -A | diff before - || fail "something was made"
for path in ./~ 'a b' 'a$' 'a~b' "it's"; do
    run 0 -j "$path" init
done

# What others put into log/ stops nothing, and is named.
touch j/log/.DS_Store j/log/.0000000001.log.AbCdEf
run 0 -j j -b alpha record <<<'{"portfolio_equity":"3"}'
err_has 'log holds 2 other files, like "'
run 0 -j j status
err_has "which the journal leaves alone"
[ -e j/log/.DS_Store ] || fail "it was removed"
