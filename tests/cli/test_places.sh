# SPDX-License-Identifier: MIT OR Apache-2.0
# What stands in the place of a journal's file may be anything. status, check and verify say what the next writer will:
# none is green where that one is refused, and none that asks for the newest state is red where it goes on.
source "$(dirname "$0")/lib.sh"

printf '[journal]\npath = "whole"\nsegment_size = "64 KiB"\n' >c.toml
run 0 --config c.toml init
saves 0 30 6000 >lines
run 0 --config c.toml record <lines
newest=$(for f in whole/log/*.log; do head -c 8 "$f" | grep -q TJLOGSEG && echo "${f##*/}"; done | tail -1)

put() { # put KIND FILE
    case $1 in
    directory) rm -rf "$2" && mkdir "$2" ;;
    pipe) rm -rf "$2" && mkfifo "$2" ;;
    socket) rm -rf "$2" && python3 -c 'import socket, sys; socket.socket(socket.AF_UNIX).bind(sys.argv[1])' "$2" ;;
    link) mv "$2" outside && ln -s "$PWD/outside" "$2" ;;
    nowhere) rm -rf "$2" && ln -s nothing "$2" ;;
    text) rm -rf "$2" && echo 'this is text' >"$2" ;;
    esac
}

# agree CODE KIND FILE [CHECK [VERIFY]]: all commands end with this code; check and verify where they know more
agree() {
    local code=$1 kind=$2 file=$3
    rm -rf j outside
    cp -a whole j
    put "$kind" "j/$file"
    echo "$kind $file" >case
    run "$code" -j j status
    [ "$code" -eq 0 ] || err_has "$PWD/j/$file"
    run "${4:-$code}" -j j check
    run "${5:-$code}" -j j verify
    digest j >before
    run "$code" -j j record <<<'{"portfolio_equity":"9"}'
    [ "$code" -eq 0 ] && return
    err_has "$PWD/j/$file"
    digest j | cmp -s - before || fail "$kind $file: the writer changed what it refused"
}

for file in writer.lock lock.mdb reserve; do
    for kind in directory pipe socket; do
        agree 19 $kind $file
        err_has "$file is not a regular file: move it away, and a new one is made"
    done
    agree 18 nowhere $file
    agree 18 link $file
    err_has 'no symbolic link is followed: put the file itself there, or remove the link'
done
agree 0 text reserve
agree 0 text writer.lock
agree 19 nowhere "log/$newest"
agree 19 pipe "log/$newest"
agree 0 link "log/$newest"
agree 0 pipe log/spare.tmp
agree 0 nowhere log/spare.tmp

# What only the past needs stops nobody, and is told as the past's.
for kind in directory pipe nowhere text; do
    agree 0 $kind log/0000000001.log 44 19
done
for kind in pipe text; do
    agree 0 $kind history 0 19
done
agree 0 nowhere history

# This user's next writer may not write what it must.
if [ "$(id -u)" = 0 ] && command -v setpriv >/dev/null; then
    chmod 711 . && chown -R nobody:nogroup whole
    program=$TESSER_JOURNAL
    cat >as_nobody <<<"exec setpriv --reuid=nobody --regid=nogroup --clear-groups '$program' \"\$@\""
    for file in writer.lock lock.mdb data.mdb reserve "log/$newest"; do
        rm -rf j && cp -a whole j && chmod a-w "j/$file"
        for command in status check verify record; do
            code=0
            bash as_nobody -j "$PWD/j" $command <<<'{"portfolio_equity":"9"}' >"$out" 2>"$err" || code=$?
            [ "$code" -eq 18 ] || fail "exit code $code, expected 18: $command while $file is read-only"
            cat "$out" >>"$err"
            err_has "permission denied: opening $PWD/j/$file"
        done
        run 0 -j j status # root may
    done
else
    echo "not tried: files that may not be written (no root, or no setpriv)"
fi
