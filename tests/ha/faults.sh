#!/usr/bin/env bash
# SPDX-License-Identifier: MIT OR Apache-2.0
# What may happen to three machines with Patroni while a writer commits: after each, everything that was
# acknowledged is there, and the writer has gone on within ttl + 10 s.
# Usage: faults.sh BUILD-DIRECTORY [ROUND...], by default all: switchover primary machine frozen etcd quorum link
#        partition asynchronous
set -euo pipefail
source "$(dirname "$0")/cluster.sh"
cluster_enter "$@"
build=$(cd "$1" && pwd)
shift
rounds=${*:-switchover primary machine frozen etcd quorum link partition asynchronous}
writer=$build/tests/ha_writer
config=$project/contrib/ha/tesser.toml
passed=0

# ---- the writer ----------------------------------------------------------------------------------

acknowledged() { cat "$cluster/$round.notes" 2>/dev/null | wc -l; }

has_acknowledged() { [ "$(acknowledged)" -ge "$1" ] || writer_ended; }

writer_ended() { ! kill -0 "$writer_pid" 2>/dev/null; }

start_writer() { # in a journal of the round's own
    TESSER_JOURNAL_NAME=$round "$writer" write "$config" "$cluster/$round.notes" 2>"$cluster/$round.said" &
    writer_pid=$!
    wait_until 20 "the first commits" has_acknowledged 200
}

commits_again() {
    wait_until $((ttl + 30)) "a commit after the fault" has_acknowledged $(($(acknowledged) + 200))
}

stop_writer() {
    kill -TERM "$writer_pid" 2>/dev/null || true
    writer_code=0
    wait "$writer_pid" || writer_code=$?
    sed 's/^/        /' "$cluster/$round.said"
}

compare() { # JOURNAL: sets acknowledged=, newest=, lost=, twice= and silence_ms=
    compared=0
    TESSER_JOURNAL_NAME=$1 "$writer" check "$config" "$cluster/$1.notes" >"$cluster/compared" || compared=$?
    . "$cluster/compared"
}

# Who looks on may have met a standby that is still behind the primary: what it lacks comes, and what is
# lost does not.
compare_until() { # JOURNAL TEST: until the test holds, or for 30 s
    local last=$((SECONDS + 30))
    compare "$1"
    until "$2" || [ $SECONDS -ge $last ]; do
        sleep 1
        compare "$1"
    done
}

nothing_is_lost() { [ $compared = 0 ]; }

lost_is_as_named() { [ "$range" = "$((newest_acknowledged - lost + 1)) $newest_acknowledged" ]; }

# A machine that is frozen answers nobody, so only the others are asked.
another_leads() {
    local node
    for node in ${nodes/$first/}; do
        [[ $(ask_patroni "$node" /primary) != "HTTP/1.0 200"* ]] || return 0
    done
    return 1
}

another_takes_over() {
    wait_until $((ttl + 20)) "another primary" another_leads
    echo "        another machine is primary after $((SECONDS - fault_at)) s"
    commits_again
}

must_be_whole() { # WHAT
    stop_writer
    [ $writer_code = 0 ] || die "$round: the writer ended with $writer_code"
    compare_until "$round" nothing_is_lost
    say "$1: $acknowledged acknowledged, $lost lost, nothing for $((silence_ms / 1000)).$((silence_ms % 1000 / 100)) s"
    [ $compared = 0 ] || die "$round: $lost acknowledged commits are lost, $twice are there twice"
    # A time is told everywhere, and judged where nothing else runs.
    [ -n "${CI:-}" ] || [ "$silence_ms" -le $(((ttl + 10) * 1000)) ] || die "$round: it went on too late"
    passed=$((passed + 1))
}

become_whole() { wait_until 120 "$round: all three machines again" is_whole; }

# ---- the rounds ----------------------------------------------------------------------------------

round_switchover() {
    local candidate
    candidate=$(sync_standby)
    tell_patroni POST "$first" /switchover "{\"leader\": \"pg$first\", \"candidate\": \"pg$candidate\"}"
    commits_again
    must_be_whole "switchover asked for"
}

round_primary() {
    kill_primary "$first"
    commits_again
    must_be_whole "primary killed"
}

round_machine() {
    lose_machine "$first"
    another_takes_over
    must_be_whole "machine lost"
    start_node "$first"
}

round_frozen() {
    freeze "$first"
    another_takes_over
    local second
    second=$(leader)
    sleep $((40 - (SECONDS - fault_at) > 0 ? 40 - (SECONDS - fault_at) : 0))
    thaw "$first"
    become_whole
    commits_again
    [ "$(leader)" = "$second" ] || die "the thawed machine has taken the lead back"
    must_be_whole "machine frozen for 40 s, and thawed"
}

round_etcd() {
    kill_etcd "$first"
    sleep $((ttl + 5))
    commits_again
    must_be_whole "etcd member of the primary lost"
    start_etcd "$first"
}

round_quorum() { # etcd answers nobody, and the primary asks the others whether it may go on
    for node in $nodes; do
        kill_etcd "$node"
    done
    sleep $((ttl + 5))
    commits_again
    must_be_whole "all of etcd lost"
    for node in $nodes; do
        start_etcd "$node"
    done
}

round_link() { # the standby that has every commit is out of reach
    local other
    other=$(sync_standby)
    cut_link "$first" "$other"
    sleep $((ttl + 5))
    commits_again
    mend_link "$first" "$other"
    become_whole
    commits_again
    must_be_whole "network cut between primary and synchronous standby, and mended"
}

round_partition() { # the writer still reaches the old primary
    local others=${nodes/$first/} other
    for other in $others; do
        cut_link "$first" "$other"
    done
    another_takes_over
    for other in $others; do
        mend_link "$first" "$other"
    done
    become_whole
    commits_again
    must_be_whole "primary cut off from both others but not from the writer, and mended"
}

# Nothing holds what is lost here: the writer must say what it is, and the comparison must see it.
round_asynchronous() {
    local other range newest_acknowledged
    for other in ${nodes/$first/}; do
        cut_link "$first" "$other"
    done
    wait_until 10 "commits without a standby" has_acknowledged $(($(acknowledged) + 500))
    lose_machine "$first"
    wait_until $((ttl + 30)) "the end of the writer" writer_ended
    stop_writer
    newest_acknowledged=$(tail -n 1 "$cluster/$round.notes" | cut -d' ' -f2)
    range=$(sed -n 's/.*has lost acknowledged commits of .*, \([0-9]*\) to \([0-9]*\):.*/\1 \2/p' "$cluster/$round.said")
    compare_until "$round" lost_is_as_named
    say "asynchronous, standbys behind: $acknowledged acknowledged, $lost lost, the writer names ${range/ / to }"
    [ $writer_code = 3 ] || die "the writer ended with $writer_code"
    [ $compared = 1 ] && [ "$lost" -gt 0 ] || die "nothing was lost: the standbys were not behind"
    lost_is_as_named || die "lost are $((newest_acknowledged - lost + 1)) to $newest_acknowledged"
    passed=$((passed + 1))
}

asynchronous_now() { [ -z "$(sync_standby)" ] && [ -z "$(sql postgres -At -c 'show synchronous_standby_names')" ]; }

run_round() {
    round=$1
    if [ "$round" = asynchronous ]; then
        sed 's/"replicated"/"sync"/' "$config" >"$cluster/asynchronous.toml"
        config=$cluster/asynchronous.toml
        tell_patroni PATCH "$(leader)" /config '{"synchronous_mode": false}'
        wait_until 30 "asynchronous replication" asynchronous_now
    fi
    first=$(leader)
    start_writer
    fault_at=$SECONDS
    "round_$round"
    [ "$round" = asynchronous ] || become_whole
}

cluster_start "$build"
say "three machines: PostgreSQL 15, Patroni $patroni_version, etcd; synchronous_mode_strict, ttl $ttl"
for round in $rounds; do
    [ "$(type -t "round_$round")" = function ] || die "there is no round $round"
    run_round "$round"
done
for round in $rounds; do # what came later has lost nothing of it either
    [ "$round" != asynchronous ] || continue
    compare_until "$round" nothing_is_lost
    [ $compared = 0 ] || die "$round: $lost acknowledged commits were lost later"
done
echo "$passed passed, 0 failed in $SECONDS.0s"
