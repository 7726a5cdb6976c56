# SPDX-License-Identifier: MIT OR Apache-2.0
# A backup beside a writer, then what was added since; its points; what is refused.
source "$(dirname "$0")/lib.sh"

printf '[journal]\npath = "j"\nsegment_size = "64 KiB"\n' >tesser.toml
run 0 init
run 0 status
out_has "none is known: \`tesser-journal backup DIRECTORY\` makes one"
run 0 backup b
out_has "backed up to $work/b: as of commit 0; 0 B copied"
run 0 backup list b
out_has " 0  -"

saves 0 100 3000 | run 0 record
run 0 backup b --rate 1000 --json
json "$out" "d['sequence'] == '100' and int(d['segments']) > 4 and d['copied_bytes'] == d['bytes']"
json "$out" "d['directory'] == '$work/b' and d['verified_at'] is None and d['rows'] == '3'"
ls b/log >before
saves 100 103 3000 | run 0 record
run 0 backup b
out_has "as of commit 103"
run 0 backup b --json
json "$out" "d['sequence'] == '103' and d['copied_bytes'] == '0'"
run 0 backup list b --json
json "$out" "[p['sequence'] for p in d['points']] == ['0', '100', '103']"
json "$out" "len(set(p['digest'] for p in d['points'])) == 3"
for file in b/log/*; do
    cmp -n "$(stat -c %s "$file")" "$file" "j/log/$(basename "${file%.*}").log" || fail "$file differs"
done
[ -z "$(find b -name '*mdb*')" ] || fail "the backup holds something of LMDB"

# Proven by a restore, of which nothing stays.
mkdir trial
run 0 backup verify b --trial trial --json
json "$out" "d['sequence'] == '103' and d['verified_at'] is not None"
run 0 status --json
json "$out" "d['backup']['sequence'] == '103' and d['backup']['directory'] == '$work/b' and int(d['backup']['age_s']) < 600"
json "$out" "d['verified_backup']['sequence'] == '103' and d['verified_backup']['verified_at'] > '2020'"
rm j/backups
run 0 status --json
json "$out" "d['backup'] is None and d['verified_backup'] is None"
run 0 backup verify b --at 100 --trial trial
out_has "b is proven: restored up to commit 100"
out_has "the journal knows of it"
run 0 backup b
run 0 status
out_has "s ago, up to commit 103, in $work/b"
out_has "Proven"
run 0 verify
! grep -q "is no part of the journal" "$out" || fail "the note of backups is a stranger"
# Of a copy that went on the journal is not told, and without a journal that is said.
cp -a j copy
run 0 -j copy record <<<'{"portfolio_equity":"7"}'
run 0 -j copy backup of_copy
run 0 backup verify of_copy --trial trial
out_has "the journal is not told: it cannot be written to, or the backup is not of its commits"
run 0 -j copy backup verify of_copy --trial trial
out_has "the journal knows of it"
(unset TESSER_JOURNAL_CONFIG; cd trial && run 0 backup verify ../of_copy --trial . && out_has "no journal was told: with -j JOURNAL")
# The original's directory is not for a copy that went on; one that is as it was copied adds nothing of its own.
cp -a b shared
run 22 -j copy backup shared
err_has "shared is the backup of the journal of which $work/copy is a copy, unless that was moved"
err_has "say so with --moved"
cp -a j snapshot
run 0 -j snapshot backup shared
run 0 backup shared
# Where somebody said it takes the place, the original is told, and what happened.
run 0 -j copy backup shared --moved
run 0 -j copy backup shared
run 22 backup shared --moved
run 22 backup shared
err_has "up to commit 103 they are the same, and after it a copy with the same id was backed up there"
err_has "tesser-journal restore COPY --into NEW"
rm -r copy snapshot of_copy shared
mkdir trial/tesser-journal-trial-0123abcd # of one that was killed
run 0 backup verify b --trial trial
rmdir trial || fail "the trial is still there"
run 0 backup list b --json
json "$out" "[p['verified_at'] is not None for p in d['points']] == [False, True, True]"
run 13 backup verify b --at 101
err_has "has no point at commit 101"
run 26 backup verify j
cp -r b damaged
printf X | dd of=damaged/log/0000000002.log bs=1 seek=9000 conv=notrunc status=none
run 19 backup verify damaged
err_has "damaged/log/0000000002.log is damaged"
[ -z "$(ls -d "${TMPDIR:-/var/tmp}"/tesser-journal-trial-* 2>/dev/null)" ] || fail "a trial was left"

# Beside a writer that stays.
mkfifo pipe
"$TESSER_JOURNAL" record <pipe >/dev/null &
exec 7>pipe
saves 103 110 3000 >&7
for _ in $(seq 100); do
    run 0 backup b --json
    python3 -c 'import json, sys; sys.exit(json.load(open(sys.argv[1]))["sequence"] != 110)' "$out" && break
    sleep 0.05
done
json "$out" "d['sequence'] == '110'"
exec 7>&-
wait

# Again and again, until it is stopped.
"$TESSER_JOURNAL" backup b --follow --every 50ms --json >followed &
follower=$!
for i in 111 112 113; do
    saves "$((i - 1))" "$i" 3000 | run 0 record
    for _ in $(seq 100); do
        grep -q "\"sequence\":$i," followed && break
        sleep 0.05
    done
    grep -q "\"sequence\":$i," followed || fail "commit $i is not backed up: $(cat followed)"
done
kill "$follower"
wait "$follower" || true
run 0 backup list b --json
json "$out" "d['points'][-1]['sequence'] == '113' and len(d['points']) < 7"
run 0 restore b --into from-follow
out_has "up to commit 113"

# The follower whose directory becomes another one ends, and writes nothing to what is there then: an empty directory, as
# where a disk was mounted, a backup of earlier, and with the rights to it a disk.
follow_until_gone() { # follow_until_gone PREPARE EXCHANGE, in a shell of its own
    set -euo pipefail
    local before code=0
    eval "$1"
    rm -f followed # which tells of another
    "$TESSER_JOURNAL" backup mnt --follow --every 20ms >followed 2>told &
    follower=$!
    trap 'kill $follower 2>/dev/null || true' EXIT
    until grep -qs "as of commit 113" followed; do kill -0 "$follower"; sleep 0.01; done
    eval "$2"
    before=$(find mnt | sort)
    wait "$follower" || code=$?
    [ "$code" -eq 18 ]
    grep -q "mnt does not hold any more what was backed up there up to commit 113: its disk was unmounted" told
    [ "$(find mnt | sort)" = "$before" ]
}
export -f follow_until_gone
run 0 backup list b
cp -a b earlier
rm "$(ls earlier/points/*.point | tail -1)"
bash -c 'follow_until_gone : "mv mnt kept && mkdir mnt"' || fail "the follower went on: $(cat told)"
run 0 backup verify kept
rmdir mnt
bash -c 'follow_until_gone "mv kept mnt" "mv mnt kept && mv earlier mnt"' || fail "the follower went on: $(cat told)"
rm -r mnt kept
mkdir mnt
if unshare --mount true 2>/dev/null; then
    unshare --mount bash -c 'follow_until_gone "mount -t tmpfs none mnt" "umount mnt"' || fail "the follower went on: $(cat told)"
    [ -z "$(ls mnt)" ] || fail "beneath the disk something was written"
else
    echo "Skipped: unmounting a disk, for which root is needed"
fi

# The follower of a journal that another one took the place of ends: it would back nothing up any more.
cp -a j another
rm followed
"$TESSER_JOURNAL" backup followed-by-name --follow --every 20ms >followed 2>told &
follower=$!
until grep -qs "as of commit 113" followed; do
    kill -0 "$follower" || fail "the follower ended: $(cat told)"
    sleep 0.05
done
mv j away
mv another j
code=0
wait "$follower" || code=$?
[ "$code" -eq 23 ] || fail "the follower ended with $code: $(cat told)"
grep -q "data.mdb was removed or replaced while it was open" told || fail "it says: $(cat told)"
mv j another
mv away j

# The directory may be named from inside.
(cd b && run 0 -j ../j backup . && run 0 -j ../j backup ../b/. && cd log && run 26 -j ../../j backup . && err_has "is inside the backup")

# Compressed, and back.
cp -r b packed
run 0 backup packed --compress
out_has ", compressed to"
[ -z "$(find packed/log -name '*.log')" ] || fail "a segment is not compressed"
for file in packed/log/*.zst; do
    zstd -q -d -c "$file" | cmp - "b/log/$(basename "${file%.zst}")" || fail "$file is another segment"
done
run 0 backup verify packed --json
json "$out" "d['sequence'] == '113'"
run 0 backup list packed --json
json "$out" "d['points'][-1]['sequence'] == '113' and d['oldest_sequence'] == '0'"
run 0 restore packed --into unpacked --at 50
out_has "up to commit 50"
printf X | dd of=packed/log/0000000001.log.zst bs=1 seek=4500 conv=notrunc status=none
run 19 backup verify packed
err_has "packed/log/0000000001.log.zst is damaged"

# A directory that is renamed is the same journal; one that was moved to another disk is not until that is said.
run 0 --journal old init
run 0 --journal old record <<<'{"portfolio_equity":"1"}'
run 0 --journal old backup moving
mv old renamed
run 0 --journal renamed record <<<'{"portfolio_equity":"2"}'
run 0 --journal renamed backup moving
cp -a renamed moved && rm -r renamed
run 0 --journal moved backup moving
run 0 --journal moved record <<<'{"portfolio_equity":"3"}'
run 22 --journal moved backup moving
run 0 --journal moved backup moving --moved
run 0 --journal moved backup moving

run 0 --journal other init
run 22 --journal other backup b
err_has "is a backup of the journal with id"
run 26 backup j/backup
err_has "is inside the journal"
: >file
run 26 backup file
err_has "$work/file is no directory, and one is needed there"
for command in init status "state show" record check "verify --deep" "repair --into new" "backup other"; do
    run 26 --journal b $command </dev/null
    err_has "$work/b is a backup and no journal: \`tesser-journal restore $work/b --into NEW\` makes one of it"
done
run 26 import b --into new
err_has "is a backup and no journal"
[ ! -e b/writer.lock ] && [ ! -e new ] || fail "something was left behind"
run 26 restore b --into b/one/restored
err_has "is inside the backup"
mkdir full
: >full/photo.jpg
run 14 backup full
err_has '"photo.jpg", which is no part of a backup'
run 13 backup list nothing
run 26 backup list full
run 13 --journal nothing backup c
[ ! -e c ] || fail "a backup of nothing"
run 2 backup b --rate fast
run 2 backup b --every 1s
run 2 backup b --follow --every often
run 2 backup

# A pipe in the place of a file is not waited for.
run 0 -j piped init
run 0 -j piped backup of-piped
rm piped/backups of-piped/points/*.point
mkfifo piped/backups of-piped/points/00000000000000000000.point
run 0 -j piped status
out_has "none is known"
run 19 backup list of-piped
err_has "of-piped/points/00000000000000000000.point is not a regular file"
run 19 restore of-piped --into from-piped
run 19 -j piped backup of-piped
rm piped/lock.mdb && mkfifo piped/lock.mdb
run 6 -j piped doctor
out_has "piped/lock.mdb is not a regular file"
