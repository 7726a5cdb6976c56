# SPDX-License-Identifier: MIT OR Apache-2.0
# A journal out of a backup, and out of a log whose data.mdb is gone; to a commit, to a time.
source "$(dirname "$0")/lib.sh"

run 0 --journal j init
for i in 1 2 3; do
    run 0 --journal j record <<<'{"portfolio_equity":"'$i'"}'
done
run 0 --journal j backup b
run 0 restore b --into r
out_has "restored $work/b to $work/r: up to commit 3"
out_has "the same as when it was backed up"
run 0 --journal j state export --output before.json
run 0 --journal r state export --output after.json
same_json before.json after.json
run 0 --journal r status --json
cp "$out" r.json
run 0 --journal j status --json
[ "$(python3 -c 'import json, sys; print(len({json.load(open(f))["journal_id"] for f in sys.argv[1:]}))' r.json "$out")" = 2 ] ||
    fail "the restored journal has the old id"
run 0 --journal r record <<<'{"portfolio_equity":"4"}'

run 0 restore b --into r2 --at 2 --json
json "$out" "d['sequence'] == '2' and d['newest_sequence'] == '3' and d['commit'] == '3' and d['from_backup']"
json "$out" "not d['proven'] and not d['cut_short'] and d['counters'] == []"
time=$(python3 -c 'import json, sys; print(json.load(open(sys.argv[1]))["time"])' "$out")
run 0 --journal r2 state export
json "$out" "d['portfolio_equity'] == '2'"
run 0 restore b --into r3 --at "$time" --dry-run
out_has "would restore $work/b to $work/r3: up to commit 2, $time of 3"
[ ! -e r3 ] || fail "a dry run wrote"

rm j/data.mdb
run 0 restore j --into r3 --json
json "$out" "d['sequence'] == '3' and not d['from_backup'] and d['source'] == '$work/j'"

before=$(ls)
run 14 restore b --into r
err_has "is there already and not empty"
run 13 restore b --into r4 --at 9
err_has "commit 9 is not in $work/b, whose newest is 3"
run 13 restore b --into r4 --at 2001-01-01T00:00:00Z
err_has "2001-01-01T00:00:00Z is before the first commit of $work/b"
[ ! -e r4 ] || fail "an empty journal was made"
run 13 restore nothing --into r4
run 2 restore b
err_has "Give --into JOURNAL"
run 2 restore b --into r4 --at yesterday
run 2 restore b --into r4 --skip-counters 0
printf X | dd of=b/log/0000000001.part bs=1 seek=4200 conv=notrunc status=none
run 19 restore b --into r4
err_has "commit 1 of the backup is damaged"
[ "$(ls)" = "$before" ] || fail "something was left: $(ls)"

# Of a restore that was killed the next one into the same place leaves nothing; what is another's stays.
run 0 --journal k init
run 0 --journal k record <<<'{"portfolio_equity":"1"}'
mkdir -p left.restoring-0123abcd/log left.restoring-0123abcd/history left.restoring-mine
touch left.restoring-0123abcd/data.mdb left.restoring-0123abcd/log/0000000001.log left.restoring-mine/x
run 0 restore k --into left
[ ! -e left.restoring-0123abcd ] || fail "what was left is still there"
[ -e left.restoring-mine/x ] || fail "a directory of something else is gone"
mkdir busy.restoring-0123abcd
exec 8<busy.restoring-0123abcd
flock 8
run 0 restore k --into busy
[ -d busy.restoring-0123abcd ] || fail "what another process builds is gone"
exec 8<&-
mkfifo pipe
run 14 restore k --into pipe
err_has "pipe is there already and no directory"
run 25 restore k --into /proc/self/journal
err_has "is on a file system (procfs) that cannot hold a journal"

# A point that was not copied along, or of a backup that was not finished: what it was for is told, and can be had.
run 0 --journal p init
for i in 1 2; do
    run 0 --journal p record <<<'{"portfolio_equity":"'$i'"}'
    run 0 --journal p backup pb
done
rm pb/points/*2.point
run 0 restore pb --into pr
out_has "up to commit 1, "
out_has "the backup holds commits up to 2 and no point for them"
out_has "\`tesser-journal restore $work/pb --into NEW --at 2\`"
run 0 restore pb --into pr2 --at 2
! grep -q "no point" "$out" || fail "what was asked for is advised"
run 0 --journal pr2 state export
json "$out" "d['portfolio_equity'] == '2'"
