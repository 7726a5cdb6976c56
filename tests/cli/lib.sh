# SPDX-License-Identifier: MIT OR Apache-2.0
# What the command line's tests share: each runs in its own directory, which is kept on failure.
set -euo pipefail
: "${TESSER_JOURNAL:?set it to the program under test}"
unset TESSER_JOURNAL_PATH TESSER_JOURNAL_TYPE NO_COLOR
export PYTHONDONTWRITEBYTECODE=1 LC_ALL=C

# A test starts it often: the program itself, not a script that looks for it, and without what sites add.
python=$(python3 -c 'import sys; print(sys.executable)')
python3() { "$python" -S "$@"; }

script=$(realpath "$0")
work=$(mktemp -d "${TMPDIR:-/tmp}/tj-cli-XXXXXX")
out=$work/.stdout err=$work/.stderr
trap 'finish $?' EXIT
cd "$work"

finish() {
    if [ "$1" -eq 0 ]; then
        cd /
        chmod -R u+w "$work"
        rm -rf "$work"
    elif [ "$1" -ne 77 ]; then
        echo "kept: $work; again: TESSER_JOURNAL=$TESSER_JOURNAL bash $script" >&2
    fi
}

skip() {
    echo "Skipped: $*"
    exit 77
}

fail() {
    echo "FAILED at line ${BASH_LINENO[1]}: $*" >&2
    echo "--- standard output:" >&2
    head -c 4000 "$out" >&2 || true
    echo "--- standard error:" >&2
    head -c 4000 "$err" >&2 || true
    exit 1
}

# run CODE ARGUMENTS...: runs the program, which must end with this exit code.
run() {
    local expected=$1 code=0
    shift
    "$TESSER_JOURNAL" "$@" >"$out" 2>"$err" || code=$?
    [ "$code" -eq "$expected" ] || fail "exit code $code, expected $expected: $*"
}

out_is() {
    [ "$(cat "$out")" = "$1" ] || fail "standard output is not: $1"
}

err_is() {
    [ "$(cat "$err")" = "$1" ] || fail "standard error is not: $1"
}

out_has() {
    grep -qF -- "$1" "$out" || fail "standard output lacks: $1"
}

err_has() {
    grep -qF -- "$1" "$err" || fail "standard error lacks: $1"
}

# json FILE EXPRESSION: the expression must hold; d is the document, numbers are kept as text.
json() {
    python3 - "$1" "$2" <<'PY' || fail "in $1 this does not hold: $2"
import json, sys
d = json.load(open(sys.argv[1]), parse_int=str, parse_float=str)
sys.exit(0 if eval(sys.argv[2]) else 1)
PY
}

# same_json A B: equal documents with sorted keys, numbers compared as text.
same_json() {
    python3 - "$1" "$2" <<'PY' || fail "$1 and $2 differ"
import json, sys
def text(path):
    with open(path) as file:
        return json.dumps(json.load(file, parse_int=lambda n: "n:" + n,
                                    parse_float=lambda n: "n:" + n), sort_keys=True)
a, b = (text(path) for path in sys.argv[1:3])
if a != b:
    at = next((i for i, (x, y) in enumerate(zip(a, b)) if x != y), min(len(a), len(b)))
    print("first difference:\n", a[max(0, at - 80):at + 80], "\n", b[max(0, at - 80):at + 80])
sys.exit(a != b)
PY
}

# saves FIRST END SIZE: lines for `record`, each of which changes the state and takes some SIZE bytes of the log.
saves() {
    python3 -c 'import json, sys
first, end, size = map(int, sys.argv[1:])
for i in range(first, end):
    print(json.dumps({"portfolio_equity": str(i + 1), "strategy_state": {"i": i, "x": "y" * size}}))' "$@"
}

# The content and names of a journal, without what readers may touch.
digest() {
    find "$1" -type f ! -name lock.mdb -print0 | sort -z | xargs -0 sha256sum
    find "$1" -printf '%p %y %s\n' | grep -v 'lock.mdb' | sort
}
