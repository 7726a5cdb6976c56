# SPDX-License-Identifier: MIT OR Apache-2.0
# Every command in docs/RECOVERY.md does what the page says: each section's damage is made, and its commands run.
source "$(dirname "$0")/lib.sh"
page=$(dirname "$script")/../../docs/RECOVERY.md

mkdir bin
ln -s "$(realpath "$TESSER_JOURNAL")" bin/tesser-journal
PATH=$PWD/bin:$PATH

printf '[journal]\npath = "whole"\nsegment_size = "64 KiB"\n' >c.toml
python3 -c 'import json
for i in range(60):
    print(json.dumps({"portfolio_equity": str(i + 1), "strategy_state": {"i": i, "x": "y" * 6000}}))' >lines
run 0 --config c.toml init
run 0 --config c.toml record <lines
run 0 -j whole backup kept
rm c.toml

newest() { for f in journal/log/*.log; do head -c 8 "$f" | grep -q TJLOGSEG && echo "$f"; done | tail -1; }
overwrite() { python3 -c 'import sys
with open(sys.argv[1], "r+b") as f:
    f.seek(int(sys.argv[2])); f.write(b"#")' "$1" "$2"; }

# damage TITLE: makes what the section is about
damage() {
    case $1 in
    "At three in the morning" | "The disk is full" | "Two copies of one journal" | "While nothing is wrong") ;;
    "A command ends with 19, or a row is damaged")
        overwrite journal/data.mdb "$(python3 -c 'print(open("journal/data.mdb", "rb").read().find(b"\"i\": 59,"))')" ;;
    "data.mdb is gone") rm journal/data.mdb ;;
    "Old segments of the log are gone") rm journal/log/000000000[123].log ;;
    "The newest segment of the log is cut, damaged or gone")
        rm journal/data.mdb && overwrite "$(newest)" 9000 ;;
    "Nothing of it can be used") rm -r journal/data.mdb journal/log ;;
    *) fail "no damage is known for the section: $1" ;;
    esac
}
# red TITLE: the exit code of check, which is that of status too but where only history is hurt
red() {
    case $1 in
    "At three in the morning" | "The disk is full" | "Two copies of one journal") echo 0 ;;
    "Old segments of the log are gone") echo 44 ;;
    "Nothing of it can be used") echo 14 ;; # what is left is no journal
    *) echo 19 ;;
    esac
}
# holds: the newest state is at the place, with this equity
holds() {
    run 0 -j "$1" state export
    json "$out" 'd["portfolio_equity"] == "'"$2"'"'
}
healed() {
    case $1 in
    "A command ends with 19, or a row is damaged" | "data.mdb is gone" | "Old segments of the log are gone")
        holds journal 60
        [ -d damaged ] || fail "the damaged journal is gone" ;;
    "The newest segment of the log is cut, damaged or gone") holds repaired 54 ;;
    "Nothing of it can be used") holds restored 60 ;;
    "Two copies of one journal") holds own 60 ;;
    "While nothing is wrong") grep -q "^  Proven .* commit 60" "$out" || fail "the proof is not known" ;;
    esac
}

# One line for each command, with the title of its section before it.
awk -F'\t' '/^#+ / { title = $0; sub(/^#+ /, "", title) }
    /^```sh$/ { inside = 1; next } /^```$/ { inside = 0 } inside { print title "\t" $0 }' "$page" >commands
count=0 section=
while IFS=$'\t' read -r title command; do
    if [ "$title" != "$section" ]; then
        [ -z "$section" ] || healed "$section"
        section=$title
        rm -rf journal backup damaged repaired restored own
        cp -a whole journal && cp -a kept backup
        damage "$title"
        run "$(red "$title")" -j journal check
        [ "$(red "$title")" -eq 44 ] || run "$(red "$title")" -j journal status
    fi
    expected=0
    case $command in *'# exits with '*) expected=${command##*# exits with } ;; esac
    code=0
    bash -c "$command" >"$out" 2>"$err" </dev/null || code=$?
    [ "$code" -eq "$expected" ] || fail "exit code $code, expected $expected, in \"$title\": $command"
    count=$((count + 1))
done <commands
healed "$section"
[ $count -ge 20 ] || fail "only $count commands in $page"
