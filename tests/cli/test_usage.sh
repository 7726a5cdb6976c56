# SPDX-License-Identifier: MIT OR Apache-2.0
# Arguments: help, suggestions, exit code 2, and output that cannot be delivered.
source "$(dirname "$0")/lib.sh"

usage() { # usage MESSAGE HELP ARGUMENTS...
    local message=$1 help=$2
    shift 2
    run 2 "$@"
    out_is ""
    err_is "tesser-journal: $message
See 'tesser-journal$help --help'."
}

# The README's table has every command there is.
run 0 help commands
while read -r command; do
    grep -qF "\`$command\`" "$(dirname "$script")/../../README.md" || fail "README.md does not list $command"
done <"$out"

usage 'no command is given' ''
usage 'unknown command "stauts"; did you mean "status"?' '' stauts
usage 'unknown command "frobnicate"' '' frobnicate
for word in restroe reocrd recrod inti imort exprot; do # never a guess that would write
    usage "unknown command \"$word\"" '' $word
done
usage 'unknown command "state shw"; it can be "show", "export" or "import"' '' state shw
usage 'state what? It can be "show", "export" or "import"' '' state
usage 'ledger what? It can be "list" or "append"' '' ledger
usage 'book what? It can be "list"' '' book
usage 'unknown option --jurnal; did you mean --journal?' '' --jurnal j status
usage 'unknown option --frobnicate' ' status' status --frobnicate
usage 'unknown option --siz' ' history' history --siz 3 # an option of another command is no help
usage 'unknown option -x' '' -x status
usage 'unknown option -x' '' -vx status
usage 'unknown option -x' ' status' status -x
usage 'unknown command "STATUS"; did you mean "status"?' '' STATUS
usage 'unknown option --lim; did you mean --limit?' ' ledger list' ledger list --lim 3 # only whole names
usage "--keep-going belongs to 'record', not to 'status'" ' status' status -k
run 13 -vbalpha -jnowhere status # letters together, and their values
err_has 'there is no journal at'
run 13 -v -b alpha -j nowhere status
err_has 'there is no journal at'
usage '--journal needs a value, PATH' ' status' status --journal
usage '--journal needs a value, PATH' ' status' status --journal=
usage "--asset belongs to 'ledger list', not to 'status'" ' status' status --asset USDT
usage 'unexpected argument "more" after status' ' status' status more
usage 'state import needs FILE|-' ' state import' state import
usage 'unknown command "frob"' '' frob
usage 'argument 1 of state import is empty' ' state import' state import ''
usage 'argument 2 of import is empty' ' import' import j '' --into k
usage 'algo show needs ID' ' algo show' algo show
usage 'which journal? Give --journal PATH or --config FILE, or set TESSER_JOURNAL_PATH; there is no ./tesser.toml here' ' status' status
usage '--limit is "0"; expected a number from 1 on' ' ledger list' ledger list --limit 0
usage '--limit is "-1"; expected a number from 1 on' ' ledger list' ledger list --limit -1
usage '--from-sequence is "99999999999999999999"; expected a number from 1 to 18446744073709551615' ' ledger list' \
    ledger list --from-sequence 99999999999999999999
usage '--type is "tax"; expected trade_realized_pnl, fee, funding, transfer_in, transfer_out or adjustment' \
    ' ledger list' ledger list --type tax
usage '--from-sequence is above --to-sequence' ' ledger list' \
    ledger list --from-sequence 5 --to-sequence 2
usage '--from-time is later than --to-time' ' ledger list' \
    ledger list --from-time 2025-01-01T00:00:00Z --to-time 2024-01-01T00:00:00Z
run 2 ledger list --from-time yesterday
err_has '--from-time: "yesterday" is not an RFC 3339 time'
run 2 ledger list --asset ''
err_has '--asset needs a value, ASSET'
run 2 algo show 1234
err_has 'the algorithm'"'"'s id is not valid: "1234" is not a UUID'
run 2 help frobnicate
err_has 'unknown command "frobnicate"'
usage 'unexpected argument "x" after help status' ' help' help status x
usage 'unexpected argument "x" after help exit-codes' ' help' help exit-codes x
usage 'unexpected argument "x" after help state show' ' help' help state show x
usage 'help completion needs a shell: bash, zsh or fish' ' help' help completion csh

# With --json an error is one JSON object, wherever the option stands, and in whatever form.
run 2 --json=yes status
json "$err" 'd["error"] == "--json takes no value" and d["status"] == "USAGE"'
for arguments in '--json stauts' 'stauts --json'; do
    run 2 $arguments
    out_is ""
    [ "$(wc -l <"$err")" -eq 1 ] || fail "more than one line"
    json "$err" 'd == {"error": "unknown command \"stauts\"; did you mean \"status\"?",
        "status": "USAGE", "exit_code": "2", "place": "",
        "advice": "See '"'tesser-journal --help'"'."}'
done

# Every command has its help and an example; -- ends the options.
run 0 --version --json
python3 -c 'import json, sys; assert json.load(open(sys.argv[1]))["version"]' "$out" || fail "--version --json"
run 0 --version
grep -qE '^tesser-journal [0-9]+\.[0-9]+\.[0-9]+$' "$out" || fail "version"
run 0 --help
cp "$out" overview
run 0 help commands
commands=$(cat "$out")
[ "$(wc -l <<<"$commands")" -ge 14 ] || fail "commands: $commands"
while read -r command; do
    grep -qE "^  $command  " overview || fail "the overview lacks $command"
    run 0 $command --help
    out_has "Usage: tesser-journal [OPTIONS] $command"
    out_has "Example"
    cp "$out" help
    run 0 help $command
    cmp -s "$out" help || fail "help $command and $command --help differ"
done <<<"$commands"
run 0 help
cmp -s "$out" overview || fail "help and --help differ"
run 0 state --help
out_has "state export"
usage 'unknown command "--help"; did you mean "help"?' '' -- --help

# What the program advises exists: each command that its sentences name.
python3 - "$TESSER_JOURNAL" <<'PY' >advised
import re, sys
text = open(sys.argv[1], "rb").read()
for words in sorted(set(re.findall(rb"[`']tesser-journal ([a-z]+(?: [a-z]+)?)", text))):
    print(words.decode())
PY
[ "$(wc -l <advised)" -ge 2 ] || fail "no advice was found"
while read -r first second; do
    "$TESSER_JOURNAL" help $first $second >"$out" 2>"$err" ||
        "$TESSER_JOURNAL" help $first >"$out" 2>"$err" || fail "advice names '$first $second'"
done <advised

# One table of exit codes.
run 0 help exit-codes
cp "$out" codes
grep -qF "$(sed -n 4p codes)" overview || fail "--help lacks the exit codes"
grep -qE '^ +13 NOT_FOUND ' codes || fail "exit codes"
grep -qE '^ +26 INVALID ' codes || fail "exit codes"

# The man pages are made of the same tables, and roff finds nothing to complain about.
page() { # page FILE WORDS... of help man
    run 0 help man "${@:2}"
    cp "$out" "$1"
    if command -v groff >/dev/null; then
        [ -z "$(groff -man -Tascii -ww "$1" 2>&1 >/dev/null)" ] || fail "groff complains of $1"
    fi
}
page page.1
for word in 'tesser\-journal\-state\-import' NOT_FOUND TESSER_JOURNAL_PATH; do
    grep -qF -- "$word" page.1 || fail "man page lacks $word"
done
while read -r command; do
    page "$command.1" $command
    grep -qF "$(sed 's/-/\\-/g' <<<"tesser-journal-${command/ /-}")" "$command.1" || fail "$command.1"
done <<<"$commands"
grep -qF 'keep\-going' record.1 || fail "record.1 lacks its option"
run 2 help man frobnicate
err_has 'unknown command "frobnicate"'

# Completion knows the words and the options of each command.
run 0 help completion bash
cp "$out" completion.bash
complete() { # complete WANTED WORDS..., the last of them unfinished
    local wanted=$1
    shift
    bash -c 'source ./completion.bash; COMP_WORDS=(tesser-journal "$@"); COMP_CWORD=$#
        _tesser_journal; printf "%s " "${COMPREPLY[@]}"' - "$@" >reply
    [ "$(cat reply)" = "$wanted " ] || fail "completion of '$*' is '$(cat reply)'"
}
complete 'status state' sta
complete 'show export import' state ''
complete '--keep-going' record --ke
complete '--from-sequence --from-time' -j journal ledger list --fr
complete 'append' --book alpha ledger ap
touch snapshot.json
complete 'snapshot.json' state import snap
for shell in zsh fish; do
    run 0 help completion $shell
    out_has keep-going
    ! command -v $shell >/dev/null || $shell -n "$out" || fail "$shell refuses its completion"
done
run 2 help completion csh

# Every letter that a command's help shows is one of the command line.
run 0 help commands
cp "$out" names
while read -r name; do
    run 0 help $name
    sed '/^Options of every command/,$d' "$out" | grep -oE '^ +-[a-zA-Z], --[a-z-]+( [A-Z|]+)?' >letters || true
    while read -r letter long value; do
        run 0 $name ${letter%,} ${value:+x} --help
    done <letters
done <names
run 0 -j letters init
echo '{"open_orders":[],"portfolio_equity":"1"}' >state.json
run 0 -j letters state import -n state.json
run 0 -j letters state export
grep -q '"portfolio_equity"' "$out" && fail "-n is no dry run"
run 0 import state.json --into imported -n
[ ! -e imported ] || fail "import -n imports"
run 2 status -n
err_has "--dry-run belongs to"

# Output that does not arrive is a failure; a reader who has enough is none.
code=0
"$TESSER_JOURNAL" --help >/dev/full 2>"$err" || code=$?
[ $code -eq 16 ] || fail "exit code $code for a full disk"
err_has "No space left on device: writing standard output"
code=0
set +o pipefail
{ "$TESSER_JOURNAL" help man 2>"$err" || echo $? >code; } | true
set -o pipefail
[ ! -e code ] || [ "$(cat code)" = 141 ] || fail "exit code $(cat code) for a closed pipe"
err_is ""

# Colour only on a terminal, and not with NO_COLOR.
on_terminal() {
    TERM=xterm python3 -c 'import pty, sys
sys.exit(pty.spawn(sys.argv[1:]) >> 8)' "$TESSER_JOURNAL" help exit-codes </dev/null >"$out"
}
bold=$'\033[1mExit codes'
run 0 help exit-codes
out_has "Exit codes"
! grep -qF "$bold" "$out" || fail "colour without a terminal"
on_terminal
out_has "$bold"
NO_COLOR=1 on_terminal
! grep -qF "$bold" "$out" || fail "colour in spite of NO_COLOR"
