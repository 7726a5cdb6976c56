#!/usr/bin/env bash
# SPDX-License-Identifier: MIT OR Apache-2.0
# The Debian packages and the systemd units: built, looked at by lintian, installed into a fresh Debian, used as the
# quick start has it, and removed again; booted in another. What cannot be done here is skipped, and said.
# Usage: test_packages.sh   (TJ_PACKAGES: the directory of packages that are built already)
set -euo pipefail
here=$(cd "$(dirname "$0")/../.." && pwd)
packages=${TJ_PACKAGES:-$here/build/packages}
passed=0 skipped=0
ok() {
    echo "$*"
    passed=$((passed + 1))
}
skip() {
    echo "skipped: $*"
    skipped=$((skipped + 1))
}
sum() { # .ci/run reads this line
    echo "$passed passed, $skipped skipped in $SECONDS.0s"
}
fail() {
    echo "FAILED: $*" >&2
    exit 1
}
cd "$here"
scratch=$(mktemp -d "${TMPDIR:-/tmp}/tj-packages-XXXXXX")
trap 'rm -rf "$scratch"' EXIT

# ---- units -------------------------------------------------------------------------------------------
# As they are installed, but with the program and the user that are here.
if command -v systemd-analyze >/dev/null; then
    mkdir "$scratch/units"
    for unit in contrib/systemd/*; do
        name=$(basename "$unit")
        sed -e "s|/usr/bin/tesser-journal|$(command -v true)|" -e 's/=tesser-journal$/=daemon/' "$unit" \
            >"$scratch/units/${name/@/@demo}"
    done
    # The manual is looked for on this machine, where it may not be installed.
    systemd-analyze verify --man=no "$scratch"/units/*@demo.* >"$scratch/verify" 2>&1 || true
    said=$(grep -v -e 'Failed to open /dev/tty0' "$scratch/verify" || true)
    [ -z "$said" ] || fail "systemd-analyze verify: $said"
    for unit in "$scratch"/units/*.service; do
        systemd-analyze security --offline=true --threshold=25 --no-pager "$unit" >"$scratch/security" ||
            fail "$(tail -1 "$scratch/security")"
        tail -1 "$scratch/security" | sed 's/.*level for \(.*\): \([0-9.]*\) .*/\1: exposed by \2 of 10/'
    done
    ok "the units are well-formed and confined"
else
    skip "the units (no systemd-analyze)"
fi

# What the unit lets the recorder ask of the kernel is all that it asks.
program=${TESSER_JOURNAL:-$here/build/release/cli/tesser-journal}
if command -v strace >/dev/null && command -v systemd-analyze >/dev/null && [ -x "$program" ]; then
    cd "$scratch"
    "$program" -j j init >/dev/null
    : >said
    strace -f -qq -o calls "$program" -j j record --socket s >said &
    tracer=$!
    until grep -q recording said; do kill -0 $tracer || fail "the recorder ends"; sleep 0.02; done
    python3 "$here/examples/socket/client.py" s
    kill -TERM "$(pgrep -P $tracer)"
    wait $tracer || fail "the recorder: $?"
    strace -f -qq -o more "$program" -j j backup b --compress >/dev/null
    systemd-analyze syscall-filter @system-service | grep -v '^ *#' >groups
    sed -En 's/^[0-9]+ +([a-z0-9_]+)\(.*/\1/p' calls more | sort -u >used
    flat() { # flat GROUP: the calls in it and in the groups that it includes
        systemd-analyze syscall-filter "$1" | sed 1d | grep -v '^ *#' | while read -r name; do
            case $name in @*) flat "$name" ;; ?*) echo "$name" ;; esac
        done
    }
    flat @system-service | sort -u >service
    flat @privileged | sort -u >privileged
    flat @chown | sort -u >chown
    comm -23 service privileged | sort -u - chown >allowed
    # execve is what systemd does, and these it allows in any case.
    refused=$(comm -23 used allowed | grep -vx -e execve -e exit -e exit_group -e rt_sigreturn || true)
    [ -z "$refused" ] || fail "the units refuse what is needed: $refused"
    ok "the recorder and the backup use $(wc -l <used) system calls, all of them allowed"
    cd "$here"
else
    skip "the units' system calls (no strace)"
fi

# ---- packages ----------------------------------------------------------------------------------------
if ! command -v dpkg-buildpackage >/dev/null || ! command -v dh >/dev/null; then
    skip "the packages (no debhelper)"
    sum
    exit 0
fi
[ -n "${TJ_PACKAGES:-}" ] || scripts/packages.sh "$packages" >/dev/null
if command -v lintian >/dev/null; then
    lintian --allow-root --fail-on error "$packages"/*.changes >"$scratch/lintian" 2>&1 ||
        fail "lintian: $(cat "$scratch/lintian")"
    cat "$scratch/lintian"
    ok "lintian finds no error"
else
    skip "lintian (not installed)"
fi
if grep -q 'dpkg-gensymbols: warning' "$packages/build.log"; then
    fail "$(grep -A20 'dpkg-gensymbols: warning' "$packages/build.log")"
fi

# ---- a fresh Debian ----------------------------------------------------------------------------------
debian=$(tests/packages/fresh_debian.sh) || {
    skip "a fresh Debian ($debian)"
    sum
    exit 0
}
root=$scratch/debian
mkdir -p "$root/packages"
tar -C "$root" -xf "$debian"
cp "$packages"/*.deb "$root/packages"
inside() {
    chroot "$root" env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin DEBIAN_FRONTEND=noninteractive HOME=/root "$@"
}
list() { # all that bears the name
    (cd "$root" && find etc lib usr var/lib/tesser-journal var/backups/tesser-journal 2>/dev/null | grep -i tesser)
}
cp /etc/resolv.conf "$root/etc/resolv.conf"
inside apt-get -qq update
inside sh -c 'apt-get -qq install -y --no-install-recommends g++ pkg-config bash-completion man-db /packages/*.deb' \
    >"$scratch/apt" 2>&1 || fail "apt install: $(tail -5 "$scratch/apt")"
# The quick start, as a new user: the README's programs by its own lines, and the command line.
sh tests/readme/block.sh c >"$root/root/quickstart.c"
sh tests/readme/block.sh cpp >"$root/root/prices.cpp"
grep -E '^    (cc|c\+\+) ' README.md >"$root/root/compile"
inside sh -euc 'cd /root; sh -e compile; ./quickstart; ./quickstart; ./prices
    tesser-journal -j journal status; tesser-journal -j journal check
    getent passwd tesser-journal; ls /usr/lib/tmpfiles.d/tesser-journal.conf /lib/systemd/system/tesser-journal-*
    tesser-journal help | sed -nE "/^Commands/,/^Options/s/^  ([a-z]+)( [a-z]+)?  .*/\1\2/p" | tr " " - |
        while read -r command; do man -w "tesser-journal-$command"; done
    for header in /usr/include/tesser/*.h; do man -w tesser_${header##*/}; done
    man tj_store_open | grep store.h; rm -rf journal quickstart* prices* compile' >"$scratch/used" 2>&1 ||
    fail "the quick start: $(tail -8 "$scratch/used")"
grep -qx 'equity 2000' "$scratch/used" && grep -qx 'commit 5 is durable' "$scratch/used" ||
    fail "the quick start: $(cat "$scratch/used")"
python3 tests/packages/complete.py chroot "$root" || fail "bash does not complete"
inside sh -c "apt-get -qq purge -y '?installed?name(tesser-journal)'" >"$scratch/apt" 2>&1 ||
    fail "apt purge: $(tail -5 "$scratch/apt")"
left=$(list | grep -v -e '^etc/\(passwd\|group\|shadow\)' || true)
[ -z "$left" ] || fail "removing left: $left"
ok "installed, used and removed in a fresh Debian"

# ---- a Debian that boots -----------------------------------------------------------------------------
code=0
tests/packages/test_booted.sh "$root" "$packages" >"$scratch/booted" 2>&1 || code=$?
case $code in
0) ok "under systemd the recorder starts, records, comes back after a kill, ends; a backup is made" ;;
77) skip "the units under systemd ($(tail -1 "$scratch/booted"))" ;;
*) fail "the units under systemd: $(cat "$scratch/booted")" ;;
esac
sum
