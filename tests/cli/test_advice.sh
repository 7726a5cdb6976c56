# SPDX-License-Identifier: MIT OR Apache-2.0
# A command that a sentence advises can be copied, whatever the path has in it.
source "$(dirname "$0")/lib.sh"

PATH=$work/bin:$PATH
mkdir bin && ln -s "$TESSER_JOURNAL" bin/tesser-journal
# advised FILE: the first command of the program in it that has a path
advised() { grep -oE '`tesser-journal [^`]*it'"'"'[^`]*`' "$1" | head -1 | tr -d '`'; }
# follow CODE COMMAND: as a shell reads it
follow() {
    local code=0
    [ -n "$2" ] || fail "no command is advised"
    bash -c "$2" >"$out" 2>"$err" || code=$?
    [ "$code" -eq "$1" ] || fail "exit code $code, expected $1: $2"
}

j="$work/a journal/it's (1)"
mkdir -p "$j"
printf '[journal]\npath = "%s"\nsegment_size = "64 KiB"\n' "$j" >tesser.toml
run 0 init
run 0 record <<<'{"portfolio_equity":"1"}'

"$TESSER_JOURNAL" doctor -j "$j" --json >"$out" || true
command=$(python3 -c 'import json, sys
print([c["command"] for c in json.load(open(sys.argv[1]))["checks"] if c["name"] == "backup"][0])' "$out")
follow 0 "${command/DIRECTORY/"'a backup'"}"
out_has "backed up to $work/a backup"
run 26 --journal "a backup" status
command=$(grep -oE '`tesser-journal restore [^`]*`' "$err" | tr -d '`')
follow 0 "${command/NEW/"'made of it'"}"
run 0 --journal "made of it" status

run 13 --journal "not yet/it's (1)" status
follow 0 "$(advised "$err")"
run 0 --journal "not yet/it's (1)" status

truncate -s 20000 "$j/data.mdb"
run 19 status
follow 19 "$(advised "$err")"
run 19 status
command=$(grep -oE '`tesser-journal repair [^`]*`' "$err" | head -1 | tr -d '`')
follow 0 "${command/NEW/"'new journal'"}"
run 0 --journal "new journal" state show
out_has 1
