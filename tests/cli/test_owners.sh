# SPDX-License-Identifier: MIT OR Apache-2.0
# One command by root leaves everything to the user whose journal or backup it is; what that user may not read is
# neither damaged nor lost.
source "$(dirname "$0")/lib.sh"
[ "$(id -u)" -eq 0 ] || skip "only root can leave files that another user cannot open"
command -v setpriv >/dev/null || skip "there is no setpriv"

chmod 755 "$work"
install -m 755 "$TESSER_JOURNAL" "$work/program"
root=$work/program
cat >as_user <<E2
#!/bin/sh
exec setpriv --reuid=1234 --regid=1234 --clear-groups $work/program "\$@"
E2
chmod 755 as_user
user=$work/as_user
TESSER_JOURNAL=$user

lines() {
    python3 -c 'import json, sys
for i in range(int(sys.argv[1])):
    print(json.dumps({"strategy_state": {"i": i, "x": "y" * 3000}}))' "$1"
}
by_root() {
    TESSER_JOURNAL=$root run "$@"
}
all_are_users() {
    [ -z "$(find "$1" ! -user 1234)" ] || fail "root's: $(find "$1" ! -user 1234 | tr '\n' ' ')"
}
mode_is() {
    [ "$(stat -c %a "$2")" = "$1" ] || fail "$2 has the mode $(stat -c %a "$2"), not $1"
}

mkdir home
chown 1234:1234 home
cd home
printf '[journal]\npath = "j"\nsegment_size = "64 KiB"\n' >t.toml
export TESSER_JOURNAL_CONFIG=t.toml
run 0 -c t.toml init
lines 5 | run 0 -c t.toml record

# A backup between two of the user's, which ends segments, packs them, and brings bases along.
run 0 -c t.toml backup b
lines 60 | run 0 -c t.toml record
by_root 0 -c t.toml backup b --compress
all_are_users b
lines 5 | run 0 -c t.toml record
run 0 -c t.toml backup b
by_root 0 -c t.toml backup verify b
run 0 -c t.toml backup b
mkdir empty
chown 1234:1234 empty
by_root 0 -c t.toml backup empty
all_are_users empty

# A restored journal is for whom the place is, and as open as that; with /tmp's mode it is not everybody's.
by_root 0 restore b --into r
all_are_users r
run 0 -j r status
mkdir private
chown 1234:1234 private
chmod 2700 private
by_root 0 restore b --into private
all_are_users private
mode_is 2700 private
mkdir -m 1777 shared
chown 1234:1234 shared
by_root 0 restore b --into shared/r
[ $((0$(stat -c %a shared/r) & 2)) -eq 0 ] || fail "everybody may write to shared/r"

# What may not be read is unchecked, and no repair leaves it out. As root it is there.
newest=$(ls j/log/*.log | tail -1)
printf '\377' | dd of=j/data.mdb bs=1 seek=$((2 * 4096 + 100)) conv=notrunc status=none
cp -a j whole
newest=${newest/#j/whole}
chown root:root "$newest"
chmod 600 "$newest"
run 18 -j whole repair --into n --accept-loss
err_has "permission denied: opening $work/home/$newest"
err_has "repair it as its owner, or as root"
run 18 -j whole status
err_has "Run it as the user that the files belong to, or as root"
[ ! -e n ] || fail "it built a journal"

# Repaired by root in a directory that is root's, the journal is the user's.
mkdir ../system
chown 1234:1234 j
mv j ../system/j
chmod 2750 ../system/j
cd ../system
dd if=/dev/zero of=j/data.mdb bs=4096 count=2 conv=notrunc status=none
by_root 0 -j j repair --into n --swap
all_are_users j
mode_is 2750 j
run 0 -j j status
run 0 -j j record <<<'{"portfolio_equity":"1"}'

# Who may make names in a directory, and not list it.
mkdir -m 1733 drop
run 0 -j "$PWD/drop/j" init
run 0 -j "$PWD/drop/j" backup "$PWD/drop/b"
run 0 restore "$PWD/drop/b" --into "$PWD/drop/r"
